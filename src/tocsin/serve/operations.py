"""What every flow does: open the workspace, carry out one operation as a task, tell a person, end in a state."""

import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from prefect import State, runtime
from prefect.artifacts import create_link_artifact, create_markdown_artifact
from prefect.exceptions import FailedRun
from prefect.states import Completed, Failed

from tocsin.context import Context
from tocsin.errors import Temporary, TocsinError
from tocsin.serve.tasks import BUSY, in_task
from tocsin.serve.telling import Told, told_of_failure
from tocsin.wiring import open_context

T = TypeVar("T")

# A locked repository or an unreachable server is tried again this long after; then the watch tells of it.
RETRY_SECONDS = (60.0, 300.0, 1800.0)

_log = logging.getLogger(__name__)


class _WithoutExpectedFailures(logging.Filter):
    """Leaves out the traceback that Prefect logs for a flow which ended in a failed state on purpose."""

    def filter(self, record: logging.LogRecord) -> bool:
        # The sentence was logged just before, with the state.
        return not (record.exc_info and isinstance(record.exc_info[1], FailedRun))


logging.getLogger("prefect.flow_runs").addFilter(_WithoutExpectedFailures())


def carry_out(
    title: str, workspace: str, act: Callable[[Context], T], tell: Callable[[T], Told], *, is_one_task: bool = True
) -> "State[Any]":
    """Carry out one operation as the task `title`, leave an artifact, and return the flow's final state.

    A TocsinError becomes a failed state with its sentence; after a Temporary one the task is tried again. What
    makes tasks of its own parts (`step_tasks`) is `is_one_task=False`, and rung again before long anyway.
    """
    try:
        with open_context(Path(workspace), door="prefect") as ctx:
            began = ctx.clock.monotonic()
            if is_one_task:
                outcome = in_task(title, lambda: _kept(act, ctx), lambda found: _shown(found, tell), RETRY_SECONDS)
            else:
                outcome = _kept(act, ctx)
            seconds = ctx.clock.monotonic() - began
    except TocsinError as error:
        return _end(title, told_of_failure(title, error), 0.0)
    told = told_of_failure(title, outcome) if isinstance(outcome, TocsinError) else tell(outcome)
    return _end(title, told, seconds)


def _kept(act: Callable[[Context], T], ctx: Context) -> T | TocsinError:
    # Raised through Prefect, it would be logged with a traceback that tells a person nothing.
    try:
        return act(ctx)
    except TocsinError as error:
        return error


def _shown(outcome: T | TocsinError, tell: Callable[[T], Told]) -> "State[Any]":
    if isinstance(outcome, Temporary):
        return Failed(name=BUSY, message=str(outcome))
    if isinstance(outcome, TocsinError):
        return Failed(message=str(outcome))
    return state_of(tell(outcome))


def state_of(told: Told) -> "State[Any]":
    """Return the state in which Prefect shows what was told."""
    if not told.is_well:
        return Failed(message=told.sentence)
    return Completed(name="Skipped" if told.is_skipped else "Completed", message=told.sentence)


def _end(title: str, told: Told, seconds: float) -> "State[Any]":
    try:
        create_markdown_artifact(told.markdown(seconds), key=artifact_key(title), description=told.sentence)
        if told.report:
            create_link_artifact(
                told.report.as_uri(),
                link_text=str(told.report),
                key=artifact_key(f"{title} report"),
                description="Open it on the machine that made it.",
            )
    except Exception:  # noqa: BLE001 - whatever Prefect has, the operation is done and recorded
        # The picture is a copy; the journal has the truth.
        _log.warning("Prefect did not take the artifact of %s.", title, exc_info=True)
    return state_of(told)


def artifact_key(title: str) -> str:
    """Return the key of an operation's artifacts: lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def run_name() -> str:
    """Name a flow run by what it is about and when it was meant to be: `files 2026-11-20 02:30 UTC`."""
    parameters: dict[str, Any] = runtime.flow_run.parameters or {}
    about: Sequence[str] = [
        str(parameters[key]) for key in ("plan", "drill", "repository", "run") if key in parameters
    ]
    moment = runtime.flow_run.scheduled_start_time
    return " ".join([*(about or [str(runtime.flow_run.flow_name)]), f"{moment:%Y-%m-%d %H:%M} UTC"])
