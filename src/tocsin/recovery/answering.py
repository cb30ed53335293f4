"""Start a restored application apart from everything and ask it for a page, from within its own network.

It has no network but its own loopback, so that neither it nor what it would ring at is reached by mistake; the
question is asked in there too.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from tocsin.errors import OperationFailed, Temporary
from tocsin.ports import HttpAnswer
from tocsin.recovery.isolation import Cell, end, isolation, only_child

_BETWEEN = 0.1
_ONE_ASK = 10
_MOST_BYTES = 64 * 1024
# Redirects are not followed: an application that sends us elsewhere has said so, which is its answer.
_ASK = f"""
import http.client, json, sys
from urllib.parse import urlsplit
url = urlsplit(sys.argv[1])
kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
connection = kind(url.hostname, url.port, timeout={_ONE_ASK})
try:
    connection.request("GET", (url.path or "/") + ("?" + url.query if url.query else ""))
    answer = connection.getresponse()
    body = answer.read({_MOST_BYTES} + 1)
except (OSError, http.client.HTTPException) as fault:
    print(json.dumps({{"away": str(fault)}}))
else:
    print(json.dumps({{"status": answer.status, "body": body.decode("utf-8", "replace")}}))
"""


def answers(
    cell: Cell,
    start: Sequence[str],
    url: str,
    *,
    timeout: timedelta = timedelta(seconds=60),
    environment: Mapping[str, str] | None = None,
) -> HttpAnswer:
    """Start the application `start` in a cell, ask it for `url` until it answers, and end it.

    `url` is of the loopback in there, such as `http://127.0.0.1:8080/health`.

    Raises:
        Temporary: it runs, and did not answer within `timeout`.
        OperationFailed: it ended by itself before it answered; its last words are in the sentence.
    """
    until = time.monotonic() + timeout.total_seconds()
    with tempfile.TemporaryFile() as log:
        process = cell.start(start, environment=environment, stdout=log, stderr=log)
        try:
            while True:
                found = _asked(process, url)
                if "status" in found:
                    body = str(found["body"])
                    return HttpAnswer(int(str(found["status"])), body[:_MOST_BYTES], len(body) > _MOST_BYTES)
                if process.poll() is not None:
                    raise OperationFailed(
                        f"{Path(start[0]).name} ended by itself (exit code {process.returncode}) and never "
                        f"answered. It said last: {_last(log.fileno())}"
                    )
                if time.monotonic() > until:
                    raise Temporary(
                        f"{Path(start[0]).name} runs and had not answered at {url} after "
                        f"{timeout.total_seconds():.0f} s ({found.get('away', 'no answer')})."
                    )
                time.sleep(_BETWEEN)
        finally:
            end(process)


def _asked(process: subprocess.Popen[bytes], url: str) -> dict[str, object]:
    inside = only_child(process)
    enter: list[str] = []
    if isolation().network_off:
        if inside == process.pid and process.poll() is None:
            return {"away": "it is being started"}
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        enter = ["nsenter", "-t", str(inside), *user, "--net", "--"]
    said = subprocess.run(
        [*enter, sys.executable, "-I", "-c", _ASK, url],
        capture_output=True,
        check=False,
        timeout=_ONE_ASK * 3,
    )
    try:
        found = json.loads(said.stdout)
    except ValueError:
        return {"away": said.stderr.decode("utf-8", "replace").strip()[-200:]}
    return found if isinstance(found, dict) else {}


def _last(log: int) -> str:
    size = os.fstat(log).st_size
    lines = os.pread(log, 4096, max(0, size - 4096)).decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else "nothing."
