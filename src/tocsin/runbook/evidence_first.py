"""A destructive step runs only when the evidence named before it is in, or a person says why it goes on without.

That an evidence step stands before it is checked when the file is read. Here it is looked at what became of that
step: it may have been skipped by its condition, or have failed and been passed over.
"""

from collections.abc import Iterable, Mapping

from tocsin.errors import UsageError
from tocsin.model.document import Data
from tocsin.runbook.kinds import StepKind
from tocsin.runbook.language import Playbook, Step
from tocsin.runbook.ledger import Outcome, Run, settle
from tocsin.runbook.readiness import Row
from tocsin.store.database import Transaction

ASKED = "without_evidence"
DECIDED = "goes_on_without_evidence"
GO_ON = "go-on"
SKIPPED_BY = "skipped_by"


def comes_before(playbook: Playbook, start: str) -> set[str]:
    """Return every step that comes before `start`, near or far; one whose failure it answers is among them."""
    found: set[str] = set()
    left = [start]
    while left:
        step_id = left.pop()
        before = [*playbook.by_id[step_id].needs, *filter(None, [playbook.handled.get(step_id)])]
        fresh = [need for need in before if need not in found and need in playbook.by_id]
        found.update(fresh)
        left += fresh
    return found


def takes_from_another(step: Step, evidence: Iterable[Step]) -> bool:
    """Tell whether every evidence step names a target, and each another one than the step's."""
    mine = target_of(step)
    theirs = [target_of(one) for one in evidence]
    return bool(mine and theirs) and all(one and not set(one.items()) & set(mine.items()) and set(one) == set(mine)
                                         for one in theirs)  # fmt: skip


def target_of(step: Step) -> dict[str, str]:
    """Return the machine or system that a step names, as written."""
    named = {key: step.with_.get(key) for key in ("system", "host")}
    return {key: value for key, value in named.items() if isinstance(value, str)}


def missing_evidence(
    kind: StepKind, step: Step, playbook: Playbook, rows: Mapping[str, Row], row: Row
) -> dict[str, Data] | None:
    """Return what a person is asked before a destructive step goes on, or None when it may."""
    if not kind.destructive or step.without_evidence or (row.asked or {}).get("kind") == DECIDED:
        return None
    before = [playbook.by_id[name] for name in comes_before(playbook, step.id)]
    taken = [rows[one.id] for one in before if one.uses.startswith("evidence.") and one.id in rows]
    lacking = sorted(one.key for one in taken if not _is_in(one))
    if not lacking:
        return None
    return {
        "kind": ASKED,
        "question": f"The evidence that comes first is not in: {', '.join(lacking)}. {step.heading} could destroy "
        "it. Take it by hand first, or go on without and say why.",
        "choices": [GO_ON],
    }


def answer_without_evidence(tx: Transaction, run: Run, row: Row, value: Data, reason: str | None) -> None:
    """Take a person's decision to go on without the evidence. Raises UsageError without a written reason."""
    if value != GO_ON:
        raise UsageError(f"Answer {GO_ON}, with a reason, or skip the step. Nothing was changed.")
    if not reason:
        raise UsageError(
            "Going on without the evidence needs a written reason (--reason TEXT). Nothing was changed."
        )
    settle(tx, run.id, row.key, Outcome("pending", asked={"kind": DECIDED}, fresh=True))
    tx.record("step.without_evidence", f"run:{run.id}", {"step": row.key}, {"reason": reason})


def _is_in(row: Row) -> bool:
    return row.state == "done" or (row.state == "skipped" and SKIPPED_BY in (row.output or {}))
