"""What a person reads in the place of a foreign step: what was to be done, by whom, to what, in which words."""

from collections.abc import Mapping

from tocsin.cacao.agents import Agents, said_by
from tocsin.cacao.findings import quoted, seen
from tocsin.cacao.variables import Variables
from tocsin.cacao.vocabulary import IF, WHILE
from tocsin.model.document import Data

_LONGEST = 4000
_MOST = 20


def task_text(step: Mapping[str, Data], agents: Agents, variables: Variables) -> str:
    """Return an action as a task; its commands stand in it as text and do nothing."""
    parts = [_about(step)]
    listed = step.get("commands")
    commands = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if not commands:
        parts.append("The file says nothing of how: write here what is to be done.")
    if agents.mapped_to(step.get("agent")) is None or not agents.is_person(step.get("agent")):
        parts.append(f"Meant for: {agents.described(step.get('agent'))}." if "agent" in step else "")
    named = step.get("targets")
    if isinstance(named, list) and named:
        parts.append(f"On: {'; '.join(agents.described(one) for one in named[:_MOST])}.")
    for command in commands[:_MOST]:
        kind = quoted(str(command.get("type", "of no type")))
        said = _cut(said_by(command))
        description = command.get("description")
        about = f" ({quoted(description)})" if isinstance(description, str) else ""
        parts.append(
            f"{said}{about}"
            if kind == "manual"
            else f"Command ({kind}), not carried out by Tocsin{about}:\n  {said}"
        )
    if len(commands) > _MOST:
        parts.append(f"{len(commands) - _MOST} further commands stand in the file.")
    return variables.filled(_joined(parts), step)


def called_text(step: Mapping[str, Data], variables: Variables) -> str:
    """Return the call of a playbook that is not known here, as a task."""
    parts = [
        _about(step),
        f"Carry out the playbook {quoted(str(step.get('playbook_id', '(not named)')))}: it is not known here.",
    ]
    return variables.filled(_joined(parts), step)


def condition_text(step: Mapping[str, Data], kind: str, variables: Variables) -> str:
    """Return the question a person answers where the file has a condition."""
    if kind in (IF, WHILE):
        condition = step.get("condition")
        said = _cut(seen(condition)) if isinstance(condition, str) else "(the file does not say what)"
        asked = f"Is it so? {said}"
        if kind == WHILE:
            asked += "\nAs long as it is so, the steps of this loop are repeated by hand. Answer once it is clear."
    else:
        value = step.get("switch")
        asked = f"Which is it? {_cut(seen(value)) if isinstance(value, str) else '(the file does not say what)'}"
    return variables.filled(_joined([_about(step), asked]), step)


def _about(step: Mapping[str, Data]) -> str:
    description = step.get("description")
    return _cut(seen(description).strip()) if isinstance(description, str) else ""


def _joined(parts: list[str]) -> str:
    return "\n".join(part for part in parts if part) or "(nothing is said of it)"


def _cut(text: str) -> str:
    return (
        text
        if len(text) <= _LONGEST
        else f"{text[:_LONGEST]}… (cut; the whole stands in the file it was imported from)"
    )
