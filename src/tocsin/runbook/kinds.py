"""What a step kind is, and the one dictionary of them.

A kind is a class with a few members, each written down here. A kind never waits in memory: it returns
`Done`, or `Waits` with what a person must be shown, and is looked at again when something has changed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from tocsin.context import Context
from tocsin.model.document import Data
from tocsin.runbook.language import Mode, Step
from tocsin.store.database import Transaction


class Parameters(BaseModel):
    """Base of every kind's `with`: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Done:
    """The step is done; `output` is what later steps may read."""

    output: dict[str, Data] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waits:
    """The step waits for a person. `asked` is what they are shown; it is kept with the step.

    One that waits for a time says so in `until`, and is looked at again then.
    """

    asked: dict[str, Data]
    until: datetime | None = None


def _never(_expression: str) -> bool:
    return False


def _nowhere(_kept: dict[str, Data]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step stands while it runs: which run, which row of its ledger, for which incident.

    `since` is when it began to wait; `holds` tells whether an expression is true now. `keep` writes down, durably,
    how things were before the step changes them; `kept` is what an earlier attempt wrote, or the undone step.
    """

    run: str
    key: str
    step: Step
    incident: str | None
    item: Data = None
    mode: Mode = Mode.LIVE
    since: datetime | None = None
    holds: Callable[[str], bool] = field(default=_never, compare=False, repr=False)
    kept: dict[str, Data] | None = None
    keep: Callable[[dict[str, Data]], None] = field(default=_nowhere, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The name by which what this step makes is known: one step, one thing made."""
        return f"{self.run}:{self.key}"


class StepKind(Protocol):
    """One kind of step."""

    # The word after `uses:`.
    name: ClassVar[str]
    # What `with:` may hold.
    parameters: ClassVar[type[Parameters]]
    # May it simply be run again when nobody knows whether it happened?
    idempotent: ClassVar[bool]
    # Could it destroy evidence? Then an evidence step must come before it.
    destructive: ClassVar[bool]

    def run(self, ctx: Context, place: Place, parameters: Any) -> Done | Waits:  # noqa: ANN401 - each kind's own model
        """Do it. Raises the errors of `tocsin.errors`."""

    def simulate(self, parameters: Any) -> str:  # noqa: ANN401
        """Say what it would do, touching nothing; also what an approver is shown."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said, with the reason or evidence they gave, and what they had been shown."""

    value: Data
    reason: str | None = None
    asked: dict[str, Data] | None = None


@runtime_checkable
class AskingKind(StepKind, Protocol):
    """A kind that a person answers with `tocsin run answer`."""

    def accept(
        self,
        ctx: Context,
        tx: Transaction,
        place: Place,
        parameters: Any,  # noqa: ANN401
        answer: Answer,
    ) -> Done | Waits:
        """Take an answer in the transaction that settles the step; it may have to wait for a second person.

        Raises UsageError when it cannot be an answer.
        """


@runtime_checkable
class WatchingKind(StepKind, Protocol):
    """A kind that waits for something that happens elsewhere: a notice's approval, say."""

    def has_settled(self, ctx: Context, place: Place, asked: dict[str, Data]) -> bool:
        """Tell, cheaply, whether what it waits for has happened."""


@runtime_checkable
class UndoableKind(StepKind, Protocol):
    """A kind whose effect can be taken back. Until then it counts as contained."""

    def undo(self, ctx: Context, place: Place, parameters: Any, output: dict[str, Data]) -> Done | Waits:  # noqa: ANN401
        """Take back what `run` did with these parameters and that output. Raises the errors of `tocsin.errors`."""

    def simulate_undo(self, parameters: Any) -> str:  # noqa: ANN401
        """Say what undoing would do."""


def keeps_time(kind: StepKind) -> bool:
    """Tell whether a kind ends by itself when the step's `timeout` has passed while it works."""
    return bool(getattr(kind, "keeps_time", False))


def waits(kind: StepKind) -> bool:
    """Tell whether a kind may wait: for a person, a time or another run. A `timeout` ends the wait."""
    return isinstance(kind, AskingKind | WatchingKind)


def conditions_of(kind: StepKind) -> tuple[str, ...]:
    """Return the parameters that hold an expression to be looked at again and again, without `${{ }}`."""
    found: tuple[str, ...] = getattr(kind, "conditions", ())
    return found


def really_runs(kind: StepKind, mode: Mode, *, in_a_room: bool = False) -> bool:
    """Tell whether a kind does its work in this mode, or only says what it would do.

    `is_inside`: it touches nothing but the ledger. `is_isolated`: it works in scratch and harms nothing, so that a
    drill does it for real. `is_on_paper`: it writes texts, which an exercise does in a room of its own, where
    nothing can be sent.
    """
    if mode is Mode.LIVE or getattr(kind, "is_inside", False):
        return True
    if mode is Mode.EXERCISE:
        return isinstance(kind, AskingKind) or (in_a_room and bool(getattr(kind, "is_on_paper", False)))
    return mode is Mode.DRILL and (isinstance(kind, AskingKind) or bool(getattr(kind, "is_isolated", False)))
