"""Start Prefect's embedded server for one workspace, wait until it is well, and stop it.

One at a time per workspace: a lock file that dies with its holder says so. The server listens on loopback
only, and is not used before it has turned away a request without the login.
"""

import fcntl
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tocsin.durable import explained, private_folder
from tocsin.errors import OperationFailed, Temporary
from tocsin.model.workspace import Workspace
from tocsin.serve.environment import LOOPBACK, applied, environment, login, prefect_home, settings

START_SECONDS = 120
STOP_SECONDS = 15
LOG = "server.log"
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it is, its process, and whether that still lives."""

    port: int
    pid: int
    ended: Callable[[], bool]

    @property
    def url(self) -> str:
        """The address of its UI; the API is below it at `/api`."""
        return f"http://{LOOPBACK}:{self.port}"


@contextmanager
def embedded_server(
    workspace: Workspace, *, port: int = 0, ui: bool = False, log_level: str = "WARNING"
) -> Iterator[Server]:
    """Run Prefect's server while the block lasts, and set this process to speak to it.

    Port 0 takes any free one.

    Raises:
        Temporary: Prefect serves this workspace already.
        OperationFailed: the port is taken, or the server did not start.
    """
    home = prefect_home(workspace)
    with _only_one(home):
        chosen = _free_port(port)
        private_folder(home / "ui")
        wanted = settings(home, chosen, login(workspace), ui=ui, log_level=log_level)
        with _running(home, chosen, environment(wanted, os.environ)) as server, applied(wanted):
            try:
                yield server
            finally:
                _hand_over_the_rest()


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    path = home / "serving.lock"
    with explained(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            pid = os.read(handle, 20).decode() or "unknown"
            raise Temporary(
                f"This workspace is being served already, by process {pid} on this machine. Nothing was started. "
                "Stop that one first, or leave it at work."
            ) from held
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _free_port(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as taken:
            raise OperationFailed(
                f"Port {port} on {LOOPBACK} cannot be used ({taken.strerror}). Nothing was started. "
                "Choose another with --port, or stop the program that holds it."
            ) from taken
        return int(probe.getsockname()[1])


@contextmanager
def _running(home: Path, port: int, environ: dict[str, str]) -> Iterator[Server]:
    log = home / LOG
    with explained(log):
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "tocsin.serve.child", str(port)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environ,
            cwd=home,
            umask=0o077,
            # Ctrl-C in the terminal is for us; the server is stopped when the flows have ended.
            start_new_session=True,
        )
    finally:
        os.close(output)
    try:
        _wait_until_well(process, port, log)
        yield Server(port, process.pid, lambda: process.poll() is not None)
    finally:
        _stop(process)


def _wait_until_well(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while _status(port, "/api/health") != http.HTTPStatus.OK:
        if process.poll() is not None:
            raise OperationFailed(
                f"Prefect's server ended while it started. {_last_words(log)} Nothing is being served; all that "
                f"it wrote is in {log}."
            )
        if time.monotonic() > until:
            raise OperationFailed(
                f"Prefect's server was not ready after {START_SECONDS} seconds and was stopped. What it wrote is "
                f"in {log}. Try again when the machine is less busy."
            )
        time.sleep(0.1)
    if _status(port, "/api/admin/version") != _UNAUTHORIZED:
        raise OperationFailed("Prefect's API answered somebody without a login, so its server was stopped.")


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return f"It said: {lines[-1]}" if lines else "It said nothing."


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()


def _hand_over_the_rest() -> None:
    """Let what Prefect still holds reach its server: once that is gone, each event costs seconds at exit."""
    if "prefect.events.worker" in sys.modules:
        from prefect.events.worker import EventsWorker  # noqa: PLC0415 - only where it is loaded

        EventsWorker.drain_all(timeout=5)
    if "prefect.logging.handlers" in sys.modules:
        from prefect.logging.handlers import APILogHandler  # noqa: PLC0415

        APILogHandler().flush()
