"""Where programs of ours report a suspicion: one small web server on loopback, beside Prefect's.

    POST /report/REPORTER      a signed message; 201 with the incident it opened, 200 with the one it belongs to

Nobody beyond this machine can reach it; what is to be reached from elsewhere goes through the firm's own reverse
proxy, which brings TLS. A body is read no further than it may be long, few are read at once, and whoever sends too
many is turned away before anything of theirs is looked at. Nothing it answers says more than the sender knows.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tocsin.errors import OperationFailed, Refused, TocsinError, UsageError
from tocsin.incidents.outside import DOOR, MOST_BYTES, HourIsFull, report_from_outside
from tocsin.model.workspace import Workspace
from tocsin.serve.environment import LOOPBACK
from tocsin.wiring import open_context

MOST_A_MINUTE = 120
MOST_AT_ONCE = 8
_BODY_SECONDS = 10
_START_SECONDS = 20
_STOP_SECONDS = 10
_MINUTE = 60.0
_TELLS_WHY: dict[type[TocsinError], int] = {Refused: 401, UsageError: 400, HourIsFull: 429}

_log = logging.getLogger(__name__)


@dataclass
class Gate:
    """Lets so many through in a minute, whoever they are; `now` is a clock that never goes back."""

    most: int = MOST_A_MINUTE
    now: Callable[[], float] = time.monotonic
    _seen: list[float] = field(default_factory=list)

    def opens(self) -> bool:
        """Tell whether one more may pass, and count it if so."""
        now = self.now()
        self._seen = [moment for moment in self._seen if now - moment < _MINUTE]
        if len(self._seen) >= self.most:
            return False
        self._seen.append(now)
        return True


def door(workspace: Workspace, gate: Gate | None = None) -> Starlette:
    """Return the web application. Each report opens the workspace's store for itself and closes it again."""
    gate = gate or Gate()
    one_at_a_time = threading.Lock()  # two copies of one message at once must not open two incidents

    def carry_out(reporter: str, headers: dict[str, str], body: bytes) -> Response:
        with one_at_a_time, open_context(workspace.root, door=DOOR) as ctx:
            found = report_from_outside(ctx, reporter, headers, body)
        return JSONResponse({"incident": found.incident, "new": found.is_new}, 201 if found.is_new else 200)

    async def report(request: Request) -> Response:
        if not gate.opens():
            return _refusal(429, "Too many messages within a minute. Send it later.")
        try:
            body = await asyncio.wait_for(_body(request), _BODY_SECONDS)
        except TimeoutError:
            return _refusal(408, "The message did not come in time.")
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return _refusal(413, f"The message has more than {MOST_BYTES} bytes.")
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            return await run_in_threadpool(carry_out, request.path_params["reporter"], headers, body)
        except TocsinError as fault:
            return _answer_to(fault)

    return Starlette(routes=[Route("/report/{reporter}", report, methods=["POST"])])


async def _body(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is too long; what is announced as too long is not read at all."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MOST_BYTES:
        return None
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return body


def _answer_to(fault: TocsinError) -> Response:
    for kind, status in _TELLS_WHY.items():
        if isinstance(fault, kind):
            return _refusal(status, str(fault))
    # Where the store lies, and why it is not there, is for our own people alone.
    _log.error("A report was not kept: %s", fault)
    return _refusal(503, "It could not be kept just now. Send it again, and tell the people who run Tocsin.")


def _refusal(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status)


@contextmanager
def listening(workspace: Workspace, port: int) -> Iterator[str | None]:
    """Listen while the block lasts, in a thread of its own, and yield the address.

    Yields None where the workspace has no reporters: then nothing listens. Raises OperationFailed when the port is
    somebody else's.
    """
    if not workspace.reporters:
        yield None
        return
    config = uvicorn.Config(
        door(workspace),
        host=LOOPBACK,
        port=port,
        log_level="critical",
        access_log=False,
        lifespan="off",
        server_header=False,
        limit_concurrency=MOST_AT_ONCE,
        timeout_keep_alive=5,
        h11_max_incomplete_event_size=MOST_BYTES,
    )
    server = uvicorn.Server(config)
    try:
        socket = config.bind_socket()
    except SystemExit:
        raise OperationFailed(
            f"Port {port} for reports is somebody else's. Give another with --reports-port. Nothing is served."
        ) from None
    # In a thread that is not the main one, uvicorn leaves the process's signals alone.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    try:
        _wait_until_well(server, thread)
        yield f"http://{LOOPBACK}:{socket.getsockname()[1]}/report/"
    finally:
        server.should_exit = True
        thread.join(_STOP_SECONDS)
        socket.close()


def _wait_until_well(server: uvicorn.Server, thread: threading.Thread) -> None:
    until = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise OperationFailed("The door for reports did not open. Nothing is served; start it again.")
        time.sleep(0.02)
