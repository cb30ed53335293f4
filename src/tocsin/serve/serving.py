"""`tocsin serve`: the server, the schedules and a way to stop them, told as it happens:

1. Prefect's server is started, and this process is set to speak to it.
2. Every backup plan, drill and the watch are registered with their schedules.
3. What an earlier life left in Prefect's records is put right: runs it thinks are running are over, runs that
   were missed are dropped.
4. What is due by our own store is rung for, once, however much was missed; so is the watch.
5. Runs come and go until a signal comes or the server dies. Then the flows are told and waited for, and the
   server is stopped.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tocsin.context import Context
from tocsin.errors import OperationFailed
from tocsin.model.workspace import Workspace
from tocsin.serve.deployments import Bell, bells, deployment
from tocsin.serve.environment import login_file
from tocsin.serve.flows import OwnFlow, own_flows
from tocsin.serve.server import LOG, Server, embedded_server
from tocsin.store.schedules import is_due
from tocsin.wiring import open_context

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

POLL_SECONDS = 5
STOP_SECONDS = 60
LOOK_SECONDS = 2
PRIVATE = 0o077
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Served:
    """What is being served, for the person who started it."""

    url: str
    has_ui: bool
    login_file: Path
    bells: tuple[Bell, ...]
    warnings: tuple[str, ...]
    reports_url: str | None = None


@dataclass(frozen=True, slots=True)
class Doors:
    """Where to serve on this machine: Prefect's port, the port for reports (0: any), and whether with pages."""

    port: int = 4200
    reports_port: int = 4210
    ui: bool = True


def serve(workspace: Workspace, doors: Doors, *, on_ready: Callable[[Served], None]) -> None:
    """Serve the workspace's schedules until SIGINT, SIGTERM or SIGHUP. Being stopped so is a good end.

    Where the workspace has reporters, their reports are listened for too.

    Raises:
        Temporary: this workspace is served already.
        OperationFailed: the server could not start, or died.
    """
    from tocsin.serve.listening import listening  # noqa: PLC0415 - a web server, which no flow's process needs

    os.umask(PRIVATE)
    with suppress(KeyboardInterrupt), _signals_interrupt():  # noqa: SIM117 - the outer pair ends last
        with (
            listening(workspace, doors.reports_port) as reports_url,
            embedded_server(workspace, port=doors.port, ui=doors.ui, log_level="INFO") as server,
        ):
            found = tuple(own_flows(workspace))
            rung = bells(workspace, tuple(one for one in found if isinstance(one, OwnFlow)))
            warnings = tuple(one for one in found if isinstance(one, str))
            shown = Served(server.url, doors.ui, login_file(workspace), rung, warnings, reports_url)
            with open_context(workspace.root, door="prefect") as ctx:
                due = _due(ctx, rung)
            log = workspace.state_folder / "prefect" / LOG
            asyncio.run(_serve(log, server, rung, due, partial(on_ready, shown)))


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Let every signal that means "stop" do what Ctrl-C does, until the loop takes them over."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _due(ctx: Context, rung: Sequence[Bell]) -> list[Bell]:
    """Return the bells to ring at once: those whose moment was missed, and the watch."""
    now = ctx.clock.now()
    return [
        bell
        for bell in rung
        if bell.every or (bell.cron and is_due(ctx.store, bell.schedule, bell.cron, bell.zone, now))
    ]


async def _serve(
    log: Path, server: Server, rung: Sequence[Bell], due: Sequence[Bell], on_ready: Callable[[], None]
) -> None:
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - its settings must stand first
    from prefect.runner import Runner  # noqa: PLC0415

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked(_signal: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)

    # Prefect would put its own handler over ours, which ends the process in the middle of the loop.
    class OurRunner(Runner):
        def handle_sigterm(self, signum: int, frame: FrameType | None) -> None:
            asked(signum, frame)

    for number in _SIGNALS:
        signal.signal(number, asked)
    # Prefect's pause at shutdown would throw away what it has planned; what was missed is dropped at the start.
    runner = OurRunner(
        name="tocsin", query_seconds=POLL_SECONDS, limit=len(rung) + 2, pause_on_shutdown=False, webserver=False
    )
    known = {await runner.aadd_deployment(deployment(bell)): bell for bell in rung}
    async with get_client() as client:
        await _put_right(client, list(known))
        for identity, bell in known.items():
            if bell in due:
                await client.create_flow_run_from_deployment(identity, name=f"{bell.name}, at the start")
    running = asyncio.create_task(runner.start(webserver=False))
    on_ready()
    await _until_over(running, stop, server)
    await _stop(runner, running)
    if server.ended():
        raise OperationFailed(
            f"Prefect's server has ended by itself; nothing is served any more. What it wrote is in {log}. "
            "Start 'tocsin serve' again."
        )
    if not stop.is_set() and running.done() and (fault := running.exception()) is not None:
        raise OperationFailed(f"Prefect stopped serving ({fault}). Start 'tocsin serve' again.") from fault


async def _put_right(client: "PrefectClient", deployments: list[UUID]) -> None:
    """End what no process works on any more, and drop what was missed: nothing of ours runs while we start."""
    from prefect.client.schemas.filters import (  # noqa: PLC0415
        DeploymentFilter,
        DeploymentFilterId,
        FlowRunFilter,
        FlowRunFilterExpectedStartTime,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import State, StateType  # noqa: PLC0415
    from prefect.states import Cancelled, Crashed  # noqa: PLC0415
    from prefect.types._datetime import now  # noqa: PLC0415

    def in_state(*types: StateType) -> FlowRunFilterState:
        return FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types)))

    ours = DeploymentFilter(id=DeploymentFilterId(any_=deployments))
    left = in_state(StateType.RUNNING, StateType.PENDING, StateType.CANCELLING)
    missed = FlowRunFilter(
        state=in_state(StateType.SCHEDULED), expected_start_time=FlowRunFilterExpectedStartTime(before_=now("UTC"))
    )
    crashed: State[None] = Crashed(
        message="Tocsin was stopped while this ran. The journal says what became of it."
    )
    dropped: State[None] = Cancelled(
        message="Missed while nothing was served. What is due was rung for when serving began."
    )
    for wanted, state in ((FlowRunFilter(state=left), crashed), (missed, dropped)):
        while found := await client.read_flow_runs(flow_run_filter=wanted, deployment_filter=ours, limit=_PAGE):
            for one in found:
                await client.set_flow_run_state(one.id, state, force=True)


async def _until_over(running: "asyncio.Task[Any]", stop: asyncio.Event, server: Server) -> None:
    asked = asyncio.create_task(stop.wait())
    while not (asked.done() or running.done() or server.ended()):
        await asyncio.wait({asked, running}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()


async def _stop(runner: Any, running: "asyncio.Task[Any]") -> None:  # noqa: ANN401 - Prefect's runner, imported late
    """Tell every flow to stop, wait for it, and let the runner end."""
    # All at once: Prefect by itself tells one after the other, and restic may take half a minute to end well.
    with suppress(Exception):
        under_way = runner._process_manager.flow_run_ids()  # noqa: SLF001 - there is no other way to them
        cancelling = (runner._cancel_run(one, "Tocsin stops serving.") for one in under_way)  # noqa: SLF001
        await asyncio.wait_for(asyncio.gather(*cancelling, return_exceptions=True), STOP_SECONDS)
    with suppress(Exception):
        await asyncio.wait_for(runner.astop(), STOP_SECONDS)
    done, _ = await asyncio.wait({running}, timeout=STOP_SECONDS)
    if not done:
        running.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await running
