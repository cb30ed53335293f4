"""Which steps may run now, which wait for what: a pure picture of playbook, ledger, values and time.

- A step is ready once every step it needs is done or skipped; a failed one blocks, unless it says
  `on_failure: continue`, or its `on_failure` steps are over.
- An `if` over live things (incident, facts, duties) that is not true waits and is looked at again at every
  change; an `if` over step outputs is final and skips.
- A step with `for_each` has one row for itself and one for each item; it is done when all its items are.
- A timer is a time in a row; what has none that lies ahead is ready.
- An undoing has a row of its own; of several, the one whose step was done last goes first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from tocsin.model.document import Data
from tocsin.runbook.expressions import Expression, ExpressionError, Layered, compile_expression
from tocsin.runbook.language import OnFailure, Playbook, State, Step

LIVE_ROOTS = frozenset({"incident", "facts", "duties"})
# What a waiting row asks for when it waits for no person.
FOR_TIME = "wait"
FOR_RUN = "playbook"
_OVER = ("done", "skipped")
_EPOCH = datetime.min.replace(tzinfo=UTC)


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
    retries: int = 0
    not_before: datetime | None = None
    waiting_since: datetime | None = None
    handed_over_at: datetime | None = None
    parameters: dict[str, Data] | None = None
    contained_at: datetime | None = None
    contained_seq: int | None = None
    expires_at: datetime | None = None
    released_at: datetime | None = None
    undoes: str | None = None
    kept: dict[str, Data] | None = None

    @property
    def is_contained(self) -> bool:
        """Whether what the step did is still in force."""
        return self.contained_at is not None and self.released_at is None

    @property
    def kind_asked(self) -> str:
        """What sort of thing a waiting row waits for: `ask`, `approve`, `wait`…"""
        return str((self.asked or {}).get("kind", ""))


class Outlook(StrEnum):
    """What becomes of a row now."""

    READY = "ready"
    SKIP = "skip"
    EXPAND = "expand"
    EXPIRED = "expired"
    NEEDS = "needs"
    FACTS = "facts"
    TIME = "time"
    RUN = "run"
    PERSON = "person"
    RUNNING = "running"
    CONTAINED = "contained"
    OVER = "over"


_SETTLED = {"running": Outlook.RUNNING, "unknown": Outlook.PERSON}


@dataclass(frozen=True, slots=True)
class Look:
    """The outlook of one row, and why: the steps it needs, the condition that is not true yet, the time."""

    row: Row
    outlook: Outlook
    why: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of the row by itself."""
        return self.outlook is Outlook.OVER or (
            self.outlook is Outlook.EXPAND and self.row.state in ("done", "failed")
        )


def look(
    playbook: Playbook, rows: Sequence[Row], values: Mapping[str, object], now: datetime = _EPOCH
) -> tuple[Look, ...]:
    """Judge every row, in the order the file offers them."""
    standing = Standing(playbook, rows, values, now)
    return tuple(standing.look(key) for key in standing.in_order(standing.rows))


class Standing:
    """A run as it stands, kept in memory while one worker goes through it: `put` takes in what it wrote."""

    def __init__(
        self, playbook: Playbook, rows: Iterable[Row], values: Mapping[str, object], now: datetime
    ) -> None:
        self.playbook = playbook
        self.now = now
        self.rows: dict[str, Row] = {}
        self._of_step: dict[str, dict[str, None]] = {}
        self._undoing: dict[str, None] = {}
        self._dependents: dict[str, list[str]] = {}
        for step in playbook.by_id.values():
            for need in (*step.needs, *filter(None, [playbook.handled.get(step.id)])):
                self._dependents.setdefault(need, []).append(step.id)
        for row in rows:
            self.put(row)
        self.values: Mapping[str, object] = Layered({"steps": _Outputs(self), "item": None}, values)

    def put(self, row: Row) -> None:
        """Take in a row as it stands now."""
        self.rows[row.key] = row
        if row.undoes is None:
            self._of_step.setdefault(row.step, {})[row.key] = None
        else:
            self._undoing[row.key] = None

    def in_order(self, keys: Iterable[str]) -> list[str]:
        """Return these keys in the order the file offers them."""
        return sorted(dict.fromkeys(keys), key=lambda key: (self.rows[key].position, key))

    def rows_of(self, step_id: str) -> list[Row]:
        """Return a step's own row and those of its items."""
        return [self.rows[key] for key in self._of_step.get(step_id, ())]

    def items_of(self, step_id: str) -> list[Row]:
        """Return the rows of a step's items."""
        return [row for row in self.rows_of(step_id) if row.is_item]

    def moved_by(self, key: str) -> Iterator[str]:
        """Yield the keys whose outlook may be another one once this row has changed."""
        row = self.rows[key]
        yield from self._undoing
        if row.is_item:
            yield row.step
        steps = [*self._dependents.get(row.step, ())]
        if parent := self.playbook.handled.get(row.step):
            steps += [*self._dependents.get(parent, ()), parent]
        if self.playbook.by_id[row.step].for_each is not None and not row.is_item:
            steps.append(row.step)
        for step_id in steps:
            yield from self._of_step.get(step_id, ())

    def look(self, key: str) -> Look:
        """Judge one row."""
        row = self.rows[key]
        step = self.playbook.by_id[row.step]
        if row.state in _OVER:
            return self._look_at_finished(row, step)
        if row.state == "failed":
            if not step.goes_on or row.undoes:
                return Look(row, Outlook.PERSON, row.error or "it failed")
            return Look(row, Outlook.OVER if step.for_each is None or row.is_item else Outlook.EXPAND)
        if row.state == "waiting":
            other = {FOR_TIME: Outlook.TIME, FOR_RUN: Outlook.RUN}.get(row.kind_asked, Outlook.PERSON)
            return Look(row, other, "" if other is Outlook.PERSON else str((row.asked or {}).get("question", "")))
        if row.state != "pending":
            return Look(row, _SETTLED[row.state])
        return self._look_at_undoing(row) if row.undoes else self._look_at_pending(row, step)

    def _look_at_finished(self, row: Row, step: Step) -> Look:
        if row.is_contained and row.expires_at is not None:
            undoing = self.rows.get(undo_key(row.key))
            if undoing is None or undoing.state in _OVER:
                expired = self.now >= row.expires_at
                return Look(row, Outlook.EXPIRED if expired else Outlook.CONTAINED, moment(row.expires_at))
        # A finished `for_each` is looked at again: an item that appears later gets its row.
        again = step.for_each is not None and not row.is_item and not row.undoes and row.state == "done"
        return Look(row, Outlook.EXPAND if again else Outlook.OVER)

    def _look_at_pending(self, row: Row, step: Step) -> Look:
        if (parent := self.playbook.handled.get(step.id)) and (failing := self.rows[parent]).state != "failed":
            if failing.state in _OVER:
                return Look(row, Outlook.SKIP, f"{parent} did not fail")
            return Look(row, Outlook.NEEDS, f"{parent}, should it fail")
        if missing := [need for need in step.needs if not self._is_met(need)]:
            return Look(row, Outlook.NEEDS, ", ".join(missing))
        if step.if_ is not None and (row.is_item or not _is_about_item(step)):
            condition = compile_expression(step.if_)
            if not condition.is_true(Layered({"item": row.item}, self.values)):
                if is_live(condition):
                    return Look(row, Outlook.FACTS, condition.text)
                return Look(row, Outlook.SKIP, f"{condition.text} is not so")
        if row.not_before is not None and self.now < row.not_before:
            return Look(row, Outlook.TIME, moment(row.not_before))
        return Look(row, Outlook.READY if row.is_item or step.for_each is None else Outlook.EXPAND)

    def _look_at_undoing(self, row: Row) -> Look:
        mine = self.rows[str(row.undoes)]
        later = [
            other.key
            for other in map(self.rows.__getitem__, self._undoing)
            if other.state not in _OVER
            and other.kind_asked != EXPIRED
            and (self.rows[str(other.undoes)].contained_seq or 0) > (mine.contained_seq or 0)
        ]
        if later:
            return Look(row, Outlook.NEEDS, ", ".join(later))
        if row.not_before is not None and self.now < row.not_before:
            return Look(row, Outlook.TIME, moment(row.not_before))
        return Look(row, Outlook.READY)

    def _is_met(self, step_id: str) -> bool:
        row, step = self.rows[step_id], self.playbook.by_id[step_id]
        if row.state != "failed":
            return row.state in _OVER
        return step.on_failure is OnFailure.CONTINUE or (step.goes_on and self.is_handled(step))

    def is_handled(self, step: Step) -> bool:
        """Tell whether the steps of its `on_failure` are over."""
        return bool(step.handlers) and all(self._is_met(handler.id) for handler in step.handlers)


# The kind of question asked when a containment's time is over.
EXPIRED = "expired"


class _Outputs(Mapping[str, object]):
    """What expressions read as `steps`: state and output by id, dashes read as underscores too."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        ids = standing.playbook.by_id
        self._ids = {**{name.replace("-", "_"): name for name in ids}, **{name: name for name in ids}}

    def __getitem__(self, name: str) -> object:
        step_id = self._ids[name]
        row = self._standing.rows[step_id]
        items = [item.output or {} for item in self._standing.items_of(step_id)]
        return {"state": row.state, "output": row.output or {}, "items": items}

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


def items_of(step: Step, values: Mapping[str, object]) -> list[Data]:
    """Return the list a `for_each` goes over now. Raises ExpressionError when it is none."""
    found = compile_expression(unwrapped(step.for_each or "")).value(values)
    if not isinstance(found, list):
        raise ExpressionError(f"{step.for_each!r} of step {step.id!r} is not a list.")
    return found


def is_live(condition: Expression) -> bool:
    """Tell whether a condition reads things that change while the run goes on."""
    return any(path[0] in LIVE_ROOTS for path in condition.references)


def unwrapped(text: str) -> str:
    """Return the expression inside `${{ }}`, or the text itself."""
    return text.strip().removeprefix("${{").removesuffix("}}").strip()


def item_key(step_id: str, item: Data) -> str:
    """Return the ledger key of one item's row: `tell-clients[harbour]`."""
    return f"{step_id}[{item}]"[:120]


def undo_key(key: str) -> str:
    """Return the ledger key of the row that undoes another: `isolate.undo`. No step's id holds a dot."""
    return f"{key}.undo"


def item_row(group: Row, item: Data) -> Row:
    """Return a fresh row for one item of a step."""
    fresh = replace(group, key=item_key(group.step, item), item=item, is_item=True, state="pending", output=None)
    return replace(fresh, error=None, asked=None, attempt=0)


def moment(at: datetime) -> str:
    """Return a time as a person reads it."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _is_about_item(step: Step) -> bool:
    return step.for_each is not None and any(
        path[0] == "item" for path in compile_expression(step.if_ or "true").references
    )
