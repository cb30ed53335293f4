"""One wake-up of one run: its tools, the run as it stands, and what was already tried in it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tocsin.context import Context
from tocsin.model.document import Data
from tocsin.runbook.expressions import ExpressionError, Layered, compile_expression, fill
from tocsin.runbook.kinds import Place, StepKind, really_runs
from tocsin.runbook.language import Mode, Playbook, Step
from tocsin.runbook.ledger import Outcome, Run, load_row, load_rows, settle
from tocsin.runbook.readiness import LIVE_ROOTS, Row, Standing
from tocsin.runbook.registry import KINDS
from tocsin.situation import situation_of

Around = Callable[[Place, StepKind, Callable[[], Outcome]], Outcome]


class LiveValues(Mapping[str, object]):
    """What expressions may read of the incident and the inputs; an incident is read once it is asked for."""

    def __init__(self, ctx: Context, run: Run) -> None:
        self._ctx = ctx
        self._run = run

    def __getitem__(self, name: str) -> object:
        if name == "inputs":
            return self._run.inputs
        if name not in LIVE_ROOTS or self._run.incident is None:
            raise KeyError(name)
        return self._situation[name]

    def __iter__(self) -> Iterator[str]:
        yield "inputs"
        if self._run.incident is not None:
            yield from sorted(LIVE_ROOTS)

    def __len__(self) -> int:
        return len(list(iter(self)))

    @cached_property
    def _situation(self) -> Mapping[str, object]:
        with self._ctx.store.read() as connection:
            return situation_of(connection, self._ctx.workspace, str(self._run.incident)).values()


@dataclass
class Wake:
    """The tools of one wake-up, and the run as this worker knows it."""

    ctx: Context
    run: Run
    playbook: Playbook
    worker: str
    around: Around
    acted: list[str] = field(default_factory=list)
    tried: set[str] = field(default_factory=set)
    standing: Standing = field(init=False)

    def __post_init__(self) -> None:
        self.read()

    def read(self) -> None:
        """Read the ledger anew."""
        with self.ctx.store.read() as connection:
            rows = load_rows(connection, self.run.id)
        self.standing = Standing(self.playbook, rows, LiveValues(self.ctx, self.run), self.ctx.clock.now())

    def place(self, row: Row, step: Step) -> Place:
        """Say where a step stands."""

        def holds(expression: str) -> bool:
            return compile_expression(expression).is_true(self.values(row))

        return Place(
            self.run.id,
            row.key,
            step,
            self.run.incident,
            row.item,
            self.run.mode,
            row.waiting_since,
            holds,
            kept=self.standing.rows[row.undoes].kept if row.undoes else row.kept,
        )

    def values(self, row: Row) -> Mapping[str, object]:
        """Return what the expressions of one row read, as it is now and not as it was when the round began."""
        now: dict[str, object] = {"item": row.item, "steps": self.standing.values["steps"]}
        return Layered(now, LiveValues(self.ctx, self.run))

    def parameters(self, row: Row, step: Step) -> dict[str, Data]:
        """Return a step's `with`, worked out. Raises ExpressionError when something is not known."""
        try:
            filled: dict[str, Data] = fill(step.with_, self.values(row))
        except ExpressionError:
            if not really_runs(KINDS[step.uses], self.run.mode, in_a_room=bool(self.ctx.workspace.exercise)):
                return dict(step.with_)
            raise
        return filled

    def settle(self, row: Row, outcome: Outcome) -> bool:
        """Write an outcome that nobody claimed, if the row still stands as it was seen."""
        with self.ctx.store.write(self.ctx.actor) as tx:
            now = load_row(tx.connection, self.run.id, row.key)
            if (now.state, now.attempt) != (row.state, row.attempt):
                return False
            settled = settle(tx, self.run.id, row.key, outcome)
        if settled is not None:
            self.standing.put(settled)
        return settled is not None

    @property
    def asks_people(self) -> bool:
        """Whether approvals are asked for in this mode."""
        return self.run.mode in (Mode.LIVE, Mode.EXERCISE)
