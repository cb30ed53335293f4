"""Begin a run: pin the text of its playbook, and of those it may call, and write its ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select

from tocsin.errors import UsageError, did_you_mean
from tocsin.model.document import Data
from tocsin.model.workspace import Workspace
from tocsin.runbook.language import Input, InputType, Mode, Playbook, text_sha256
from tocsin.runbook.ledger import Run, open_run
from tocsin.runbook.readiness import Row
from tocsin.store.database import Transaction
from tocsin.store.tables import run as runs


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked playbook with its inputs, ready to be started inside a transaction.

    `parts` holds the text of every playbook it may call, by name.
    """

    playbook: Playbook
    text: str
    inputs: dict[str, Data]
    mode: Mode = Mode.LIVE
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parent:
    """The row of a run that called this one."""

    run: str
    step: str


def start_in(
    tx: Transaction, prepared: Prepared, *, incident: str | None = None, parent: Parent | None = None
) -> Run:
    """Pin a playbook's text and write its ledger, in the caller's transaction."""
    number = 1 + (tx.execute(select(func.count()).select_from(runs)).scalar() or 0)
    new = Run(
        id=f"{'EXERCISE-' if prepared.mode is Mode.EXERCISE else ''}RUN-{number:04}",
        playbook=prepared.playbook.playbook,
        title=prepared.playbook.title,
        text=prepared.text,
        sha256=text_sha256(prepared.text),
        mode=prepared.mode,
        incident=incident,
        inputs=prepared.inputs,
        state="open",
        started_by=tx.actor.person,
        started_at=tx.now,
        parts=prepared.parts,
        parent_run=parent.run if parent else None,
        parent_step=parent.step if parent else None,
    )
    steps = enumerate(prepared.playbook.by_id)
    open_run(tx, new, [Row(step_id, step_id, position, "pending") for position, step_id in steps])
    return new


def check_inputs(workspace: Workspace, playbook: Playbook, given: Mapping[str, Data]) -> dict[str, Data]:
    """Return a playbook's inputs, complete. Raises UsageError for a missing, unknown or ill-typed one."""
    for name in given:
        if name not in playbook.inputs:
            raise UsageError(
                f"Playbook {playbook.playbook!r} has no input {name!r}.{did_you_mean(name, playbook.inputs)}"
            )
    taken: dict[str, Data] = {}
    for name, wanted in playbook.inputs.items():
        value = given.get(name, wanted.default)
        if value is None and wanted.required:
            raise UsageError(f"Playbook {playbook.playbook!r} needs the input {name!r} ({wanted.type.value}).")
        if value is not None:
            _check_input(workspace, name, wanted, value)
        taken[name] = value
    return taken


def _check_input(workspace: Workspace, name: str, wanted: Input, value: Data) -> None:
    if wanted.type is InputType.SYSTEM and value not in workspace.systems:
        raise UsageError(
            f"There is no system {value!r} in the workspace.{did_you_mean(str(value), workspace.systems)}"
        )
    if fault := wrong_input(wanted.type, value):
        raise UsageError(f"The input {name!r} {fault}.")


def wrong_input(wanted: InputType, value: Data) -> str | None:
    """Say what keeps a value from being an input of this type, or None."""
    if wanted is InputType.NUMBER and (not isinstance(value, int) or isinstance(value, bool)):
        return f"must be a whole number, not {value!r}"
    if wanted is InputType.YES_NO and value not in ("yes", "no", True, False):
        return f"must be yes or no, not {value!r}"
    if wanted in (InputType.TEXT, InputType.SYSTEM) and not isinstance(value, str):
        return f"must be text, not {value!r}"
    return None
