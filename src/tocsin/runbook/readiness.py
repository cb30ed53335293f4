"""Which steps may run now, which wait for what: a pure function of the playbook, its ledger and the values.

- A step is ready once every step it needs is done or skipped; a failed one blocks, unless it says
  `on_failure: continue`.
- An `if` over live things (incident, facts, duties) that is not true waits and is looked at again at every
  change; an `if` over step outputs is final and skips.
- A step with `for_each` has one row for itself and one for each item; it is done when all its items are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tocsin.model.document import Data
from tocsin.runbook.expressions import Expression, ExpressionError, compile_expression
from tocsin.runbook.language import OnFailure, Playbook, State, Step

LIVE_ROOTS = frozenset({"incident", "facts", "duties"})


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the ledger, as far as readiness needs it."""

    key: str
    step: str
    position: int
    state: State
    item: Data = None
    is_item: bool = False
    attempt: int = 0
    claimed_by: str | None = None
    asked: dict[str, Data] | None = None
    output: dict[str, Data] | None = None
    error: str | None = None


class Outlook(StrEnum):
    """What becomes of a row now."""

    READY = "ready"
    SKIP = "skip"
    EXPAND = "expand"
    NEEDS = "needs"
    FACTS = "facts"
    PERSON = "person"
    RUNNING = "running"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Look:
    """The outlook of one row, and why: the steps it needs, or the condition that is not true yet."""

    row: Row
    outlook: Outlook
    why: str = ""


def look(playbook: Playbook, rows: Sequence[Row], values: Mapping[str, object]) -> tuple[Look, ...]:
    """Judge every row, in the order the file offers them."""
    standing = {row.key: row for row in rows}
    steps = {step.id: step for step in playbook.steps}
    seen = {**values, "steps": outputs(rows)}
    return tuple(
        _look_at(row, steps[row.step], steps, standing, seen) for row in sorted(rows, key=lambda row: row.position)
    )


def _look_at(
    row: Row, step: Step, steps: Mapping[str, Step], standing: Mapping[str, Row], values: Mapping[str, object]
) -> Look:
    settled = {"running": Outlook.RUNNING, "waiting": Outlook.PERSON, "unknown": Outlook.PERSON}
    if row.state in ("done", "skipped") or (row.state == "failed" and step.on_failure is OnFailure.CONTINUE):
        # A finished `for_each` is looked at again: an item that appears later gets its row.
        again = step.for_each is not None and not row.is_item and row.state == "done"
        return Look(row, Outlook.EXPAND if again else Outlook.OVER)
    if row.state == "failed":
        return Look(row, Outlook.PERSON, row.error or "it failed")
    if row.state != "pending":
        return Look(row, settled[row.state])
    if missing := [need for need in step.needs if not _is_met(standing[need], steps[need])]:
        return Look(row, Outlook.NEEDS, ", ".join(missing))
    if step.if_ is not None and (row.is_item or not _is_about_item(step)):
        condition = compile_expression(step.if_)
        if not condition.is_true({**values, "item": row.item}):
            return Look(row, Outlook.FACTS if is_live(condition) else Outlook.SKIP, condition.text)
    return Look(row, Outlook.READY if row.is_item or step.for_each is None else Outlook.EXPAND)


def items_of(step: Step, values: Mapping[str, object]) -> list[Data]:
    """Return the list a `for_each` goes over now. Raises ExpressionError when it is none."""
    found = compile_expression(unwrapped(step.for_each or "")).value(values)
    if not isinstance(found, list):
        raise ExpressionError(f"{step.for_each!r} of step {step.id!r} is not a list.")
    return found


def outputs(rows: Sequence[Row]) -> dict[str, object]:
    """Return what expressions read as `steps`: state and output by id, dashes read as underscores too."""
    told: dict[str, object] = {}
    for row in rows:
        if not row.is_item:
            items = [other.output or {} for other in rows if other.is_item and other.step == row.step]
            told[row.step] = {"state": row.state, "output": row.output or {}, "items": items}
    return {**told, **{name.replace("-", "_"): value for name, value in told.items()}}


def is_live(condition: Expression) -> bool:
    """Tell whether a condition reads things that change while the run goes on."""
    return any(path[0] in LIVE_ROOTS for path in condition.references)


def unwrapped(text: str) -> str:
    """Return the expression inside `${{ }}`, or the text itself."""
    return text.strip().removeprefix("${{").removesuffix("}}").strip()


def item_key(step_id: str, item: Data) -> str:
    """Return the ledger key of one item's row: `tell-clients[harbour]`."""
    return f"{step_id}[{item}]"[:128]


def item_row(group: Row, item: Data) -> Row:
    """Return a fresh row for one item of a step."""
    return replace(group, key=item_key(group.step, item), item=item, is_item=True, state="pending", output=None)


def _is_met(row: Row, step: Step) -> bool:
    return row.state in ("done", "skipped") or (row.state == "failed" and step.on_failure is OnFailure.CONTINUE)


def _is_about_item(step: Step) -> bool:
    return step.for_each is not None and any(
        path[0] == "item" for path in compile_expression(step.if_ or "true").references
    )
