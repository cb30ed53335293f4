"""Our own extension of CACAO: the playbook as its author wrote it, beside what any tool can read.

Only what is seen counts: where a file was changed elsewhere, so that what is seen no longer agrees with what we
kept, the extension is passed over. And a step that acts outside is taken from a stranger's file only by a
person's word.
"""

from collections.abc import Iterator, Mapping
from uuid import UUID, uuid5

from pydantic import ValidationError

from tocsin.model.document import Data
from tocsin.runbook.language import Playbook, Step

# Ours, drawn once: every id of an export is derived from it, so that exporting twice gives the same ids.
NAMESPACE = UUID("5b0d6a52-3f0e-4c1b-9a43-7d2c8f1e6b90")
VERSION = "1.0.0"

HARMLESS = frozenset(
    {
        "human.ask",
        "human.decide",
        "human.task",
        "wait",
        "playbook",
        "notice.draft",
        "notice.send",
        "backup.hold",
        "backup.last_good_snapshot",
        "backup.last_clean_snapshot",
    }
)
"""Kinds that run no program, reach no machine and send nothing that nobody approved."""

SCHEMA = """\
On a playbook: `playbook` {playbook, title, description, for, roles, inputs}, as in a Tocsin playbook file without
its steps. On an action or playbook-action step: `step`, one step of that file {id, uses, title, why, with, needs,
if, for_each, approve, assign, deputy, retry, timeout, expires, on_failure, measure, without_evidence};
`position`, its place in the file, from 0; or `within`, the id of the step whose on_failure it belongs to. `uses`
names the step kind and `with` holds its parameters; `needs` are the steps that must be over; `if` and `for_each`
are CEL expressions; `approve` says whose approval it waits for; `assign` and `deputy` are roles; `expires` says
how long a containment stays in force; `without_evidence` says why a step that could destroy evidence has no
evidence step before it.
"""


_KEPT = ("id", "title", "why", "needs", "if", "for_each", "measure")


def identifier(kind: str, name: str) -> str:
    """Return the identifier of a thing of ours: the same name always gives the same one."""
    return f"{kind}--{uuid5(NAMESPACE, f'{kind}/{name}')}"


EXTENSION = identifier("extension-definition", "tocsin playbook")


def definition() -> dict[str, Data]:
    """Return the definition every export carries."""
    return {
        "type": "extension-definition",
        "name": "Tocsin playbook",
        "description": "What a playbook of Tocsin says beyond it: approvals, deputies, expiry, expressions.",
        "created_by": identifier("identity", "tocsin"),
        "schema": SCHEMA,
        "version": VERSION,
    }


def head_of(playbook: Playbook) -> dict[str, Data]:
    """Return a playbook without its steps, as plain data."""
    found: dict[str, Data] = playbook.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude={"steps"}
    )
    return found


def step_as_written(step: Step) -> dict[str, Data]:
    """Return a step as plain data."""
    found: dict[str, Data] = step.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return found


def has_extension(document: Mapping[str, Data]) -> bool:
    """Tell whether a document says that it came from Tocsin."""
    found = document.get("playbook_extensions")
    return isinstance(found, dict) and EXTENSION in found


def restored(document: Mapping[str, Data]) -> Playbook | None:
    """Return the playbook a document carries in our extension; None where it is damaged. Nothing is checked."""
    extensions, workflow = document.get("playbook_extensions"), document.get("workflow")
    ours = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
    head = ours.get("playbook") if isinstance(ours, dict) else None
    if not isinstance(head, dict) or not isinstance(workflow, dict):
        return None
    placed: list[tuple[int, Data]] = []
    for step in workflow.values():
        mine = _mine(step)
        position = mine.get("position")
        if isinstance(position, int) and not isinstance(position, bool):
            placed.append((position, mine.get("step")))
    placed.sort(key=lambda one: one[0])
    try:
        return Playbook.model_validate({**head, "steps": [step for _, step in placed]})
    except (ValidationError, RecursionError):
        return None


def inert(step: Step) -> dict[str, Data]:
    """Return a step as written, as a task for a person where it would act outside."""
    written = step_as_written(step)
    if step.handlers:
        written["on_failure"] = [inert(handler) for handler in step.handlers]
    if step.uses in HARMLESS:
        return written
    kept: dict[str, Data] = {key: written[key] for key in _KEPT if key in written}
    about = "; ".join(f"{key}: {value}" for key, value in step.with_.items())
    text = f"This was a step of the kind {step.uses} in the file it came from, and does nothing here. {about}"
    first = written.get("assign", "technical")
    second = written.get("deputy", "commander" if first != "commander" else "technical")
    kept |= {
        "uses": "human.task",
        "assign": first,
        "deputy": second,
        "with": {"text": text.replace("${{", "$ {{")},
    }
    if "on_failure" in written:
        kept["on_failure"] = written["on_failure"]
    return kept


def acting(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Yield the steps that act outside, those of an `on_failure` among them."""
    for step in steps:
        if step.uses not in HARMLESS:
            yield step
        yield from acting(step.handlers)


def _mine(step: Data) -> dict[str, Data]:
    extensions = step.get("step_extensions") if isinstance(step, dict) else None
    mine = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
    return mine if isinstance(mine, dict) else {}
