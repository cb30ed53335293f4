"""The SMTP server as a process of its own, so that it can be killed: each mail it takes is written down first.

python -m simulators.smtp_process PORT FILE      a line for each mail in FILE: reader, Message-ID, SHA-256
"""

import hashlib
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

from simulators.smtp import running


def serve(port: int, file: Path) -> None:
    with running(port=port) as server, file.open("a") as written:

        class _Written(list):
            def append(self, mail) -> None:
                identity = message_from_bytes(mail.content)["Message-ID"]
                digest = hashlib.sha256(mail.content).hexdigest()
                written.write(f"{mail.recipients[0]} {identity} {digest}\n")
                written.flush()

        server.received = _Written()
        while True:
            time.sleep(60)


@contextmanager
def a_mail_server(port: int, file: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """Run it until the end of the block; whoever gets it may kill it."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators.smtp_process", str(port), str(file)], env=environment
    )
    try:
        _wait_for(port, process)
        yield process
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "the mail server ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the mail server did not come up")


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]))
