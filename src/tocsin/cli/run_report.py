"""How a run is told: what was done, what waits for whom, and the command that answers it."""

import textwrap

from tocsin.model.document import Data
from tocsin.model.roles import who_may
from tocsin.model.workspace import Workspace
from tocsin.runbook.engine import Progressed
from tocsin.runbook.readiness import Look, Outlook

_MARKS = {"done": "done", "skipped": "skipped", "failed": "FAILED", "unknown": "UNKNOWN", "running": "running"}
_WIDTH = 100


def run_as_json(found: Progressed) -> dict[str, object]:
    """Return a run as plain data: its steps with state, what is asked, output and error."""
    return {
        "run": found.run.id,
        "playbook": found.run.playbook,
        "title": found.run.title,
        "mode": found.run.mode.value,
        "incident": found.run.incident,
        "state": found.state,
        "acted": list(found.acted),
        "steps": [
            {
                "step": seen.row.key,
                "title": found.playbook.step(seen.row.step).heading,
                "uses": found.playbook.step(seen.row.step).uses,
                "state": seen.row.state,
                "outlook": seen.outlook.value,
                "waits_for": seen.why or None,
                "asked": seen.row.asked,
                "output": seen.row.output,
                "error": seen.row.error,
            }
            for seen in found.looks
        ],
    }


def run_as_text(found: Progressed, workspace: Workspace) -> str:
    """Return a run for a person: the steps in order, then everything that waits for somebody."""
    simulated = " (SIMULATION: nothing outside was touched)" if found.run.mode.value == "simulate" else ""
    lines = [f"{found.run.id}  {found.run.title}  [{found.state}]{simulated}", ""]
    width = max((len(seen.row.key) for seen in found.looks), default=0)
    lines += [
        f"  {_state(seen):<8} {seen.row.key:<{width}}  {_remark(found, seen)}".rstrip() for seen in found.looks
    ]
    if waiting := [_waiting(found, seen, workspace) for seen in found.waiting]:
        lines += ["", "Waiting for a person:", *waiting]
    elif found.state == "open":
        lines += ["", "Nothing waits for a person. `tocsin run advance` looks again."]
    return "\n".join(lines)


def _state(seen: Look) -> str:
    if seen.row.state in _MARKS:
        return _MARKS[seen.row.state]
    return {Outlook.PERSON: "WAITS", Outlook.NEEDS: "later", Outlook.FACTS: "if"}.get(seen.outlook, seen.row.state)


def _remark(found: Progressed, seen: Look) -> str:
    heading = found.playbook.step(seen.row.step).heading
    if found.run.mode.value == "simulate" and seen.row.output:
        return str(seen.row.output.get("simulated", heading))
    if seen.row.state in ("failed", "skipped", "unknown") and seen.row.error:
        return f"{heading}: {seen.row.error}"
    if seen.outlook is Outlook.NEEDS:
        return f"{heading} (after {seen.why})"
    if seen.outlook is Outlook.FACTS:
        return f"{heading} (when {seen.why})"
    if seen.row.state == "pending" and seen.row.error:
        return f"{heading} (to be tried again: {seen.row.error})"
    return heading


def _waiting(found: Progressed, seen: Look, workspace: Workspace) -> str:
    step, asked = found.playbook.step(seen.row.step), seen.row.asked or {}
    whom = f" for {who_may(workspace, step.assign)}" if step.assign and asked.get("kind") != "approve" else ""
    if asked.get("who"):
        whom = f" for {asked['who']}"
    lines = [f"* {step.heading}{whom}"]
    lines += _wrapped(asked.get("question") or seen.row.error or "")
    if text := asked.get("text"):
        lines += [f"    | {line}" for line in str(text).splitlines()]
    lines += [f"    $ {command}" for command in commands_for(found.run.id, seen)]
    return "\n".join(lines)


def commands_for(run_id: str, seen: Look) -> tuple[str, ...]:
    """Return the commands that answer what a step waits for."""
    asked, key = seen.row.asked or {}, seen.row.key
    if seen.row.state == "failed":
        return (f"tocsin run retry {run_id} {key}", f"tocsin run skip {run_id} {key} --reason TEXT")
    match asked.get("kind"):
        case "approve":
            return (f"tocsin run approve {run_id} {key} --hash {str(asked.get('sha256', ''))[:12]}",)
        case "unknown":
            return (f"tocsin run resolve {run_id} {key} --happened | --did-not-happen",)
        case "notice":
            return ()  # its question names the command
        case _:
            return (f"tocsin run answer {run_id} {key} {_answers(asked.get('choices'))}",)


def _answers(choices: Data) -> str:
    return "|".join(str(choice) for choice in choices) if isinstance(choices, list) and choices else "ANSWER"


def _wrapped(text: Data) -> list[str]:
    return [
        line
        for paragraph in str(text).splitlines()
        for line in textwrap.wrap(paragraph, _WIDTH, initial_indent="    ", subsequent_indent="    ")
    ]
