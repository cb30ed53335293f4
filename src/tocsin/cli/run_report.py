"""How a run is told: what was done, what waits for whom, and the command that answers it."""

import textwrap

from tocsin.model.document import Data
from tocsin.model.roles import who_may
from tocsin.model.workspace import Workspace
from tocsin.runbook.engine import Progressed
from tocsin.runbook.readiness import Look, Outlook

_MARKS = {"done": "done", "skipped": "skipped", "failed": "FAILED", "unknown": "UNKNOWN", "running": "running"}
_LATER = {Outlook.TIME: "waits", Outlook.RUN: "waits", Outlook.CONTAINED: "in force"}
_REMARKS = {
    Outlook.NEEDS: " (after {why})",
    Outlook.FACTS: " (when {why})",
    Outlook.TIME: " ({why})",
    Outlook.RUN: " ({why})",
    Outlook.CONTAINED: " (until {why}; then its owner is asked)",
}
_MODES = {
    "simulate": " (SIMULATION: nothing outside was touched)",
    "exercise": " (EXERCISE: nothing outside was touched)",
    "drill": " (DRILL: restored into isolation only)",
}
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
        "next_moment": found.next_moment.isoformat() if found.next_moment else None,
        "steps": [
            {
                "step": seen.row.key,
                "title": found.playbook.step(seen.row.step).heading,
                "uses": found.playbook.step(seen.row.step).uses,
                "state": seen.row.state,
                "undoes": seen.row.undoes,
                "in_force": seen.row.is_contained,
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
    simulated = _MODES.get(found.run.mode.value, "")
    lines = [f"{found.run.id}  {found.run.title}  [{found.state}]{simulated}", ""]
    width = max((len(seen.row.key) for seen in found.looks), default=0)
    lines += [
        f"  {_state(seen):<8} {seen.row.key:<{width}}  {_remark(found, seen)}".rstrip() for seen in found.looks
    ]
    if waiting := [_waiting(found, seen, workspace) for seen in found.waiting]:
        lines += ["", "Waiting for a person:", *waiting]
    elif found.state == "open":
        lines += ["", "Nothing waits for a person. `tocsin run advance` looks again."]
    if found.state == "open" and (moment := found.next_moment):
        lines += ["", f"Its next timer is at {moment:%Y-%m-%d %H:%M:%S} UTC; the watch looks then."]
    return "\n".join(lines)


def _state(seen: Look) -> str:
    if seen.row.state in _MARKS and seen.outlook is not Outlook.CONTAINED:
        return _MARKS[seen.row.state]
    return {Outlook.PERSON: "WAITS", Outlook.NEEDS: "later", Outlook.FACTS: "if", **_LATER}.get(
        seen.outlook, seen.row.state
    )


def _remark(found: Progressed, seen: Look) -> str:
    heading = _heading(found, seen)
    if seen.row.output and (said := seen.row.output.get("simulated")):
        return str(said)
    if seen.row.state in ("failed", "skipped", "unknown") and seen.row.error:
        return f"{heading}: {seen.row.error}"
    if seen.outlook is Outlook.TIME and seen.row.state == "pending":
        return f"{heading} (again at {seen.why}: {seen.row.error or 'waits'})"
    if seen.row.state == "pending" and seen.row.error and seen.outlook is not Outlook.NEEDS:
        return f"{heading} (to be tried again: {seen.row.error})"
    return f"{heading}{_REMARKS.get(seen.outlook, '').format(why=seen.why)}"


def _heading(found: Progressed, seen: Look) -> str:
    heading = found.playbook.step(seen.row.step).heading
    return f"Undo: {heading}" if seen.row.undoes else heading


def _waiting(found: Progressed, seen: Look, workspace: Workspace) -> str:
    step, asked = found.playbook.step(seen.row.step), seen.row.asked or {}
    heading = _heading(found, seen)
    whom = f" for {who_may(workspace, step.assign)}" if step.assign and asked.get("kind") != "approve" else ""
    if asked.get("who"):
        whom = f" for {asked['who']}"
    lines = [f"* {heading}{whom}"]
    lines += _wrapped(asked.get("question") or seen.row.error or "")
    if text := asked.get("text"):
        lines += [f"    | {line}" for line in str(text).splitlines()]
    lines += [f"    $ {command}" for command in commands_for(found.run.id, seen)]
    return "\n".join(lines)


def commands_for(run_id: str, seen: Look) -> tuple[str, ...]:
    """Return the commands that answer what a step waits for."""
    asked, key = seen.row.asked or {}, seen.row.key
    if seen.row.state == "failed" and seen.row.undoes:
        keep = f"tocsin run keep {run_id} {seen.row.undoes} --reason TEXT"
        return (f"tocsin run retry {run_id} {key}", keep)
    if seen.row.state == "failed":
        return (f"tocsin run retry {run_id} {key}", f"tocsin run skip {run_id} {key} --reason TEXT")
    match asked.get("kind"):
        case "approve":
            return (f"tocsin run approve {run_id} {key} --hash {str(asked.get('sha256', ''))[:12]}",)
        case "unknown":
            return (f"tocsin run resolve {run_id} {key} --happened | --did-not-happen",)
        case "without_evidence":
            return (f"tocsin run answer {run_id} {key} go-on --reason TEXT",)
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
