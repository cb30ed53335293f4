"""Between a dump and restic: starts the real program, hashes and counts what it writes, and judges it.

restic runs this file as its `--stdin-from-command`, with Python's isolated mode and nothing but the standard
library, so that it starts in a few milliseconds. It exits with 1 unless the dump was good, and restic then leaves
no snapshot. What it found is in the report, which is on the disk before restic hears of a good end.

    {"sha256": …, "bytes": …}      or      {"fault": "empty", "said": …, "bytes": …}

The work comes as JSON in the environment, which nobody else on the machine can read; the program is given just
the environment named there, so that no password of the repository ever reaches it.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import IO, Any

WORK = "TOCSIN_DUMP"
FAILED = 1
CHUNK_BYTES = 1 << 20
SAID_BYTES = 4000
SQLITE_WAIT_SECONDS = 60.0


class RefusedError(Exception):
    """The dump is none: a fault's code and what there is to say about it."""

    def __init__(self, code: str, said: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.said = said


class Tee:
    """Passes a dump on to restic, counting."""

    def __init__(self, work: dict[str, Any]) -> None:
        self.work = work
        self.bytes = 0
        self.digest = hashlib.sha256()
        self._ending = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Do the work and return the exit code."""
        timer = threading.Timer(self.work["timeout"], self._time_is_up)
        timer.daemon = True
        timer.start()
        try:
            self._copy_sqlite() if self.work["sqlite"] else self._run_program()
            self._judge_size()
            self.end({"sha256": self.digest.hexdigest(), "bytes": self.bytes})
        except RefusedError as refused:
            self.end({"fault": refused.code, "said": refused.said, "bytes": self.bytes})
        except BrokenPipeError:
            return FAILED  # restic has gone, and has said why
        return 0

    def end(self, report: dict[str, object]) -> None:
        """Put the report on the disk, once; a bad one ends the process, whatever its threads do."""
        self._ending.acquire()
        place = Path(self.work["report"])
        beside = place.with_name(f"{place.name}.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(report, file)
            file.flush()
            os.fsync(descriptor)
        beside.replace(place)
        if "fault" in report:
            if self._child is not None:
                self._child.kill()
            os._exit(FAILED)

    def _time_is_up(self) -> None:
        self.end({"fault": "timeout", "said": "", "bytes": self.bytes})

    def _run_program(self) -> None:
        program, *rest = self.work["argv"]
        environment = self.work["environment"]
        places = environment.get("PATH")
        path = shutil.which(program, path=places) or shutil.which(self.work["instead"], path=places)
        if path is None:
            raise RefusedError("missing", program)
        # Should we be killed with -9, the kernel ends the program too.
        setpriv = shutil.which("setpriv")
        guard = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
        try:
            child = subprocess.Popen(
                [*guard, path, *rest],
                env=environment,
                cwd=self.work["folder"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as fault:
            raise RefusedError("missing", f"{program}: {fault.strerror}") from fault
        self._child = child
        said = Tail(child.stderr, self.work["hide"])
        if child.stdout is None:
            raise RefusedError("failed")
        with child.stdout as pipe:
            self._pass_on(pipe.fileno())
        code = child.wait()
        if code:
            ended = f"It ended with exit code {code}." if code > 0 else f"It was killed by signal {-code}."
            raise RefusedError("failed", f"{ended} {said.text()}".strip())

    def _copy_sqlite(self) -> None:
        """Copy the database in one read transaction, then pass on the copy, which has no name any more.

        One step, not page by page: a copy in steps begins again each time another process writes. The pages stay
        where they are, unlike with VACUUM INTO, so that restic finds most of them in the last snapshot.
        """
        source = Path(self.work["sqlite"])
        copy = Path(f"{self.work['report']}.sqlite")
        if not source.is_file():
            raise RefusedError("missing", str(source))
        if not source.stat().st_size:
            raise RefusedError("empty")
        address = f"file:{urllib.parse.quote(str(source))}?mode=ro"
        try:
            with (
                closing(sqlite3.connect(address, uri=True, timeout=SQLITE_WAIT_SECONDS)) as live,
                closing(sqlite3.connect(copy)) as scratch,
            ):
                live.execute("SELECT count(*) FROM sqlite_master").fetchone()
                scratch.execute("PRAGMA synchronous = OFF")
                live.backup(scratch)
            descriptor = os.open(copy, os.O_RDONLY)
        except (sqlite3.Error, OSError) as fault:
            raise RefusedError("failed", str(fault)) from fault
        finally:
            for left in copy.parent.glob(f"{copy.name}*"):
                left.unlink()
        self._pass_on(descriptor)

    def _pass_on(self, descriptor: int) -> None:
        """Read to the end; the first bytes are looked at before restic is given any."""
        starts = [bytes.fromhex(text) for text in self.work["starts_with"]]
        longest = max(map(len, starts), default=0)
        held = b""
        while chunk := os.read(descriptor, CHUNK_BYTES):
            if longest:
                held += chunk
                if len(held) < longest:
                    continue
                if not held.startswith(tuple(starts)):
                    raise RefusedError("strange")
                chunk, held, longest = held, b"", 0
            self._write(chunk)
        if held:
            raise RefusedError("strange")

    def _write(self, chunk: bytes) -> None:
        self.digest.update(chunk)
        self.bytes += len(chunk)
        view = memoryview(chunk)
        while view:
            view = view[os.write(1, view) :]

    def _judge_size(self) -> None:
        if not self.bytes:
            raise RefusedError("empty")
        if self.bytes < self.work["smallest_bytes"]:
            raise RefusedError("small")


class Tail:
    """Reads what a program says to its end, in a thread of its own, and keeps the last of it."""

    def __init__(self, pipe: IO[bytes] | None, hide: list[str]) -> None:
        self._hide = sorted((text.encode() for text in hide if text), key=len, reverse=True)
        self._kept = b""
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe: IO[bytes] | None) -> None:
        most = SAID_BYTES + max(map(len, self._hide), default=0)
        while pipe is not None and (chunk := os.read(pipe.fileno(), CHUNK_BYTES)):
            self._kept = (self._kept + chunk)[-most:]

    def text(self) -> str:
        """Return it without the secrets."""
        self._thread.join(1.0)
        said = self._kept
        for secret in self._hide:
            said = said.replace(secret, b"***")
        return said[-SAID_BYTES:].decode("utf-8", "replace").strip()


def main(make: Callable[[dict[str, Any]], Tee] = Tee) -> int:
    """Take the work out of the environment and do it."""
    return make(json.loads(os.environ.pop(WORK))).run()


if __name__ == "__main__":
    sys.exit(main())
