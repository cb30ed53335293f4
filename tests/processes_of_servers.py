"""restic's own REST server as a child process, plain or append-only."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tocsin.adapters.restic.binary import find_restic


def rest_server() -> str | None:
    """The server beside our restic, or the machine's own; Debian names it after restic."""
    beside = find_restic(os.environ).parent
    for name in ("rest-server", "restic-rest-server"):
        if found := shutil.which(name, path=f"{beside}:{os.environ['PATH']}"):
            return found
    return None


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[int]:
    """Serve the repositories below `folder` on a free port, and yield it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [rest_server(), "--path", folder, "--listen", f"127.0.0.1:{port}", *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + 10
            while time.monotonic() < until:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield port
        finally:
            server.terminate()
