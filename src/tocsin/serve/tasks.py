"""One piece of our work as one task in Prefect's picture, carried out once whatever becomes of Prefect.

Prefect is never asked what came of it. The result is held here: should its server die in the middle, the work
done still counts as done, and nothing is done twice. A task that Prefect cannot even start is done plainly.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from prefect import State, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun
from prefect.states import Completed, Failed
from prefect.tasks import Task

from tocsin.runbook.engine import Around
from tocsin.runbook.kinds import Place, StepKind
from tocsin.runbook.ledger import Outcome

T = TypeVar("T")

# Between tries of a step that is safe to run again, while the run's other steps wait.
STEP_RETRY_SECONDS = (2.0, 10.0)
# The name of the state in which trying again may help. Prefect's type for it is FAILED.
BUSY = "Busy"

_log = logging.getLogger(__name__)


def in_task(name: str, act: Callable[[], T], show: Callable[[T], "State[Any]"], delays: Sequence[float] = ()) -> T:
    """Carry out `act` as a task called `name`, shown in the state that `show` makes of its result.

    A result shown as BUSY is tried again after each of `delays` (seconds); the last one counts. Nothing is
    cached or persisted. Raises what `act` raises.
    """
    once = _Once(act, show)
    shown: Task[[], State[Any]] = task(
        name=name,
        task_run_name=name.replace("{", "(").replace("}", ")"),
        retries=len(delays),
        retry_delay_seconds=list(delays) or None,
        retry_condition_fn=_is_busy,
        cache_policy=NO_CACHE,
        persist_result=False,
    )(once.carry_out)
    try:
        shown(return_state=True)
    except Exception:
        if not once.has_begun:
            _log.warning("Prefect could not show %s; it is done without.", name)
            return act()
        if not once.ended:
            raise
        _log.warning("Prefect lost sight of %s; what came of it is recorded.", name)
    return once.result()


class _Once(Generic[T]):
    """Remembers what became of the work, whatever Prefect makes of it."""

    def __init__(self, act: Callable[[], T], show: Callable[[T], "State[Any]"]) -> None:
        self.has_begun = False
        self.ended: list[T] = []
        self._fault: Exception | None = None
        self._act = act
        self._show = show

    def carry_out(self) -> "State[Any]":
        self.has_begun = True
        self.ended.clear()
        try:
            result = self._act()
        except Exception as fault:
            self._fault = fault
            raise
        self.ended.append(result)
        return self._show(result)

    def result(self) -> T:
        if self.ended:
            return self.ended[-1]
        raise self._fault or RuntimeError("the task ended before its work began")


def _is_busy(_task: "Task[..., Any]", _run: TaskRun, state: "State[Any]") -> bool:
    return state.name == BUSY


def step_tasks() -> Around:
    """Return the engine's `around` that shows each step as a task of its own, named as its row is.

    Only idempotent kinds are tried again, and only when they failed in a temporary way.
    """

    def around(place: Place, kind: StepKind, act: Callable[[], Outcome]) -> Outcome:
        delays = STEP_RETRY_SECONDS if kind.idempotent else ()
        return in_task(place.key, act, _step_state, delays)

    return around


def _step_state(outcome: Outcome) -> "State[Any]":
    said = outcome.error or ""
    if outcome.state == "pending" and outcome.not_before is not None:
        # The ledger says when it is tried again; Prefect must not try on its own besides.
        return Completed(name="Later", message=f"{said} Tried again from {outcome.not_before:%H:%M} UTC.".strip())
    if outcome.state == "pending":
        return Failed(name=BUSY, message=said)
    if outcome.state == "failed":
        return Failed(message=said)
    if outcome.state == "unknown":
        return Failed(name="Unknown", message=f"{said} A person must look whether it happened.".strip())
    if outcome.state == "waiting":
        asked = outcome.asked or {}
        return Completed(name="Waiting", message=str(asked.get("question", "Waits for a person.")))
    return Completed(name="Done" if outcome.state == "done" else outcome.state.title(), message=said or None)
