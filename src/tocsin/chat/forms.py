"""The modals: what each asks, and how its answers are read. Pure.

A form carries in `private_metadata` what it was opened for: a name of ours and the hash of what it shows. It is
looked up anew when the form comes back, and decided by what stands then.
"""

import json
from collections.abc import Iterable, Mapping, Sequence

from tocsin.chat.blocks import VIEW_BLOCKS, choice, divider, entry, exact, filled, form, paragraph, radio, small
from tocsin.errors import UsageError
from tocsin.model.vocabulary import Cause
from tocsin.model.workspace import Workspace
from tocsin.ports import Block

DECLARE, REPORT, DRILL, PAGE, ROLE = "declare", "report", "drill", "page", "role"
DECIDE, CONFIRM, ANSWER = "decide", "confirm", "answer"
APPROVE, REJECT = "approve", "reject"
VIEW_BYTES = 200_000
"""Slack takes 250 kB."""
REASON = 1000
NO_CAUSE = "-"
UNKNOWN = "unknown"
_PRIVATE = 3000


def declare_form(workspace: Workspace, title: str = "") -> Block:
    """Ask what is needed to declare an incident, and no more."""
    causes = [(NO_CAUSE, "Not sure yet"), *((cause.value, cause.value.replace("_", " ")) for cause in Cause)]
    return form(
        "Declare an incident",
        [
            paragraph("Better once too often: an incident can be closed as no breach. Its clocks start now."),
            filled(entry("title", "What happened, in a few words", limit=200), title),
            _systems(workspace, "Which systems were hit", several=True, optional=False),
            choice("cause", "What it looks like", causes, optional=True),
        ],
        sends="Declare",
        callback=DECLARE,
    )


def report_form(workspace: Workspace) -> Block:
    """Ask what somebody noticed; who it was is not kept."""
    return form(
        "Report a suspicion",
        [
            paragraph(
                "Nobody is blamed for a report. We keep what you write and not who wrote it: no name, no account. "
                "Slack itself may keep that this form was used."
            ),
            entry("what", "What did you notice?", many_lines=True),
            radio(
                "kind",
                "What is it",
                [("suspicion", "Something may be wrong"), ("near_miss", "It nearly went wrong")],
            ),
            _systems(workspace, "Where, if you know", several=False, optional=True),
        ],
        sends="Report",
        callback=REPORT,
    )


def drill_form(workspace: Workspace) -> Block:
    """Ask which drill to run."""
    drills = [(drill.id, drill.title or drill.id) for drill in workspace.drills.values()]
    if not drills:
        raise UsageError("The workspace has no drills. Add one to drills/.")
    return form(
        "Run a drill",
        [
            paragraph("It restores for real, into isolation, and judges what came back. It may take a while."),
            choice("drill", "Which one", drills),
        ],
        sends="Run it",
        callback=DRILL,
    )


def page_form(workspace: Workspace, incidents: Sequence[str], roles: Iterable[str]) -> Block:
    """Ask whom to page, and about what."""
    if not incidents:
        raise UsageError("No incident is open to page anybody about. Declare one: /tocsin declare.")
    people = [("-", "Whoever has the role"), *((person.id, person.name) for person in workspace.people.values())]
    return form(
        "Page somebody",
        [
            choice("incident", "About", [(incident, incident) for incident in incidents]),
            choice("role", "In which role", [(str(role), str(role)) for role in roles]),
            choice("person", "Whom", people, optional=True),
        ],
        sends="Page",
        callback=PAGE,
    )


def role_form(incident: str, roles: Iterable[str]) -> Block:
    """Ask which role to take over."""
    return form(
        "Take a role",
        [
            paragraph(f"You take the role in {incident} over from whoever has it now."),
            radio("role", "Which one", [(str(role), str(role)) for role in roles]),
            entry("note", "A note for the others", optional=True, limit=REASON),
        ],
        sends="Take it",
        callback=ROLE,
        private=packed({"incident": incident}),
    )


def decide_form(name: str, title: str, text: str, sha256: str, remarks: Sequence[str] = ()) -> Block:
    """Show the exact text and its hash, and ask for a decision. Raises UsageError for one too long."""
    blocks = [
        paragraph(title),
        small(f"SHA-256 of exactly this text: {sha256}"),
        *(paragraph(remark) for remark in remarks),
        divider(),
        *exact(text),
        divider(),
        radio("decision", "Your decision", [(APPROVE, "Approve exactly this text"), (REJECT, "Reject it")]),
        entry("reason", "Why (needed to reject it)", many_lines=True, optional=True, limit=REASON),
    ]
    if len(blocks) > VIEW_BLOCKS or len(json.dumps(blocks).encode()) > VIEW_BYTES:
        raise UsageError("This text is too long for Slack to show whole. Read and decide it on the command line.")
    return form(
        "Read and decide", blocks, sends="Go on", callback=DECIDE, private=packed({"item": name, "sha": sha256})
    )


def confirm_form(kept: Mapping[str, str], title: str) -> Block:
    """Ask once more."""
    word = "Approve" if kept["decision"] == APPROVE else "Reject"
    why = [paragraph(f"Your reason: {kept['reason']}")] if kept.get("reason") else []
    return form(
        f"{word}: are you sure?",
        [
            paragraph(f"{word.upper()}: {title}"),
            *why,
            small(f"Exactly the text with the SHA-256 {kept['sha']}. If it has changed, nothing is decided."),
        ],
        sends=f"Yes, {word.lower()}",
        callback=CONFIRM,
        private=packed(kept),
    )


def answer_form(name: str, question: str, sha256: str, choices: Sequence[str], *, several: bool) -> Block:
    """Ask what a step asks. The choices travel as their place in the list, so that any wording fits."""
    options = [(str(number), word.replace("_", " ")) for number, word in enumerate(choices)]
    asked = (
        choice("answer", "Answer", options, several=several)
        if options
        else entry("answer", "Answer", hint="`unknown` is a good answer; it never means no.")
    )
    return form(
        "Answer",
        [
            paragraph(question),
            asked,
            entry("reason", "On what evidence, or why", many_lines=True, optional=True, limit=REASON),
        ],
        sends="Answer",
        callback=ANSWER,
        private=packed({"item": name, "sha": sha256}),
    )


def _systems(workspace: Workspace, label: str, *, several: bool, optional: bool) -> Block:
    systems = [(system.id, f"{system.title} ({system.id})") for system in workspace.systems.values()]
    if not systems or len(systems) > 100:  # noqa: PLR2004 - as many as a menu has
        return entry("system", f"{label} (ids, with commas between)", optional=optional)
    return choice("system", label, systems, several=several, optional=optional)


def packed(kept: Mapping[str, str]) -> str:
    """Return what a form carries. Raises UsageError where it is more than a form can."""
    text = json.dumps(dict(kept), ensure_ascii=False, separators=(",", ":"))
    if len(text) > _PRIVATE:
        raise UsageError("That is too long for Slack to carry. Write less, or use the command line.")
    return text


def unpacked(view: Mapping[str, object]) -> dict[str, str]:
    """Return what a form carried; nothing that is not a text."""
    try:
        found = json.loads(str(view.get("private_metadata") or "{}"))
    except ValueError:
        return {}
    return (
        {str(name): value for name, value in found.items() if isinstance(value, str)}
        if isinstance(found, dict)
        else {}
    )


def answers(view: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """Return what was filled in, by the field's name; a field left empty is not there."""
    state = view.get("state")
    values = state.get("values") if isinstance(state, dict) else None
    found = {}
    for fields in values.values() if isinstance(values, dict) else ():
        for name, field in fields.items() if isinstance(fields, dict) else ():
            if isinstance(field, dict) and (said := _said(field)):
                found[str(name)] = said
    return found


def _said(field: Mapping[str, object]) -> tuple[str, ...]:
    if isinstance(chosen := field.get("selected_options"), list):
        return tuple(str(each.get("value")) for each in chosen if isinstance(each, dict))
    if isinstance(chosen := field.get("selected_option"), dict):
        return (str(chosen.get("value")),)
    written = str(field.get("value") or "").strip()
    return (written,) if written else ()
