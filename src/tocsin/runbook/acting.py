"""Let a step kind do its work, and turn whatever comes of it into an outcome."""

from collections.abc import Callable, Mapping
from datetime import datetime

from pydantic import ValidationError

from tocsin.context import Context
from tocsin.errors import Interrupted, OutcomeUnknown, Temporary, TocsinError
from tocsin.model.document import Data
from tocsin.runbook.kinds import Done, Place, StepKind, UndoableKind, Waits, really_runs
from tocsin.runbook.language import Mode, Step
from tocsin.runbook.ledger import Outcome
from tocsin.runbook.modes import confined
from tocsin.runbook.readiness import Row


def act(ctx: Context, kind: StepKind, place: Place, parameters: Mapping[str, Data], row: Row) -> Outcome:
    """Run the kind, or say what it would do where the mode does not let it."""
    if not really_runs(kind, place.mode, in_a_room=bool(ctx.workspace.exercise)):
        return Outcome("done", output={"simulated": simulated(kind, parameters)})
    tools = confined(ctx, place.mode)
    outcome = _outcome(
        lambda: kind.run(tools, place, kind.parameters.model_validate(parameters)),
        kind,
        place.step,
        row,
        ctx.clock.now(),
    )
    if outcome.state == "done" and place.mode is Mode.LIVE and isinstance(kind, UndoableKind):
        expires = ctx.clock.now() + place.step.expires if place.step.expires else None
        return Outcome("done", output=outcome.output, contains=True, expires_at=expires)
    return outcome


def undo(ctx: Context, kind: UndoableKind, place: Place, done: Row, row: Row) -> Outcome:
    """Take back what the row `done` did; `row` is the undoing's own."""
    parameters = kind.parameters.model_validate(done.parameters or {})
    return _outcome(
        lambda: kind.undo(ctx, place, parameters, done.output or {}), kind, place.step, row, ctx.clock.now()
    )


def simulated(kind: StepKind, parameters: Mapping[str, Data]) -> str:
    """Say what a step would do."""
    try:
        return kind.simulate(kind.parameters.model_validate(parameters))
    except ValidationError:
        return f"{kind.name} (with values that are known only when it really runs)"


def did_it_happen(step: Step, row: Row) -> dict[str, Data]:
    """Return the question about a step whose worker was stopped while it ran."""
    what = f"the undoing of {step.heading}" if row.undoes else step.heading
    return {
        "kind": "unknown",
        "question": f"Did it happen? {what}: Tocsin was stopped while it ran and cannot know. "
        "Look, then say yes or no.",
    }


def _outcome(doing: Callable[[], Done | Waits], kind: StepKind, step: Step, row: Row, now: datetime) -> Outcome:
    try:
        result = doing()
    except ValidationError as error:
        return Outcome("failed", error=_first_fault(error))
    except Temporary as busy:
        return _busy(kind, step, row, str(busy), now)
    except OutcomeUnknown as unknown:
        return Outcome("unknown", error=str(unknown), asked=did_it_happen(step, row))
    except Interrupted:
        raise
    except TocsinError as error:
        return Outcome("failed", error=str(error))
    except Exception as fault:  # noqa: BLE001 - one faulty step must not stop the others on the worst night
        return Outcome(
            "failed", error=f"Tocsin itself is at fault in this step ({type(fault).__name__}: {fault})."
        )
    if isinstance(result, Waits):
        return Outcome("waiting", asked=result.asked, not_before=result.until)
    return Outcome("done", output=result.output)


def _busy(kind: StepKind, step: Step, row: Row, error: str, now: datetime) -> Outcome:
    """Put an idempotent step back in the queue, for the time its `retry` names; any other asks a person."""
    if not kind.idempotent:
        return Outcome("failed", error=error)
    if step.retry is None:
        return Outcome("pending", error=error)
    if row.retries >= step.retry.times:
        return Outcome("failed", error=f"{error} It was tried {row.retries + 1} times.")
    return Outcome("pending", error=error, not_before=now + step.retry.every, retries=row.retries + 1)


def _first_fault(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"with: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}."
