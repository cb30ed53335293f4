"""A snapshot's content as a stream, read by us as it comes: nothing of it touches a disk."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import IO

from tocsin.adapters.restic.parse import Complaints
from tocsin.adapters.restic.process import Ended, Lines, Stopped, started

_CHUNK = 1 << 16
_DRAIN_SECONDS = 2.0


class Flow:
    """One restic whose output is data. Its complaints are sorted while the data flows."""

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], limit: timedelta, grace: timedelta
    ) -> None:
        self.complaints = Complaints()
        self._argv = argv
        self._environment = environment
        self._limit = limit
        self._grace = grace
        self._is_late = False

    def run(self, into: Callable[[IO[bytes]], None]) -> Ended:
        """Hand the stream to `into`, wait for the end, leave no process behind. Raises what `into` raises.

        When restic has failed, what `into` made of a stream cut short is not what went wrong: the ending counts.
        """
        with started(self._argv, self._environment) as process:
            listener = threading.Thread(target=self._listen, args=(process.stderr,), daemon=True)
            listener.start()
            watchdog = threading.Timer(self._limit.total_seconds(), self._late, (process,))
            watchdog.daemon = True
            watchdog.start()
            fault: Exception | None = None
            try:
                fault = self._handed_over(process, into)
                process.wait(self._grace.total_seconds())
            finally:
                watchdog.cancel()
                self._end(process)
                listener.join(_DRAIN_SECONDS)
        if fault is not None and process.returncode in {0, -signal.SIGTERM, 130}:
            raise fault
        return Ended(process.returncode, Stopped.LIMIT if self._is_late else None)

    def _handed_over(
        self, process: subprocess.Popen[bytes], into: Callable[[IO[bytes]], None]
    ) -> Exception | None:
        """Let `into` read the stream to its end; return what it raised, with restic asked to stop."""
        if process.stdout is None:
            return None
        try:
            into(process.stdout)
            while os.read(process.stdout.fileno(), _CHUNK):  # a reader may stop before the padding
                pass
        except Exception as wrong:  # noqa: BLE001 - raised by `run`, unless restic itself has failed
            with suppress(subprocess.TimeoutExpired):
                process.wait(_DRAIN_SECONDS)  # it may be ending by itself, and knows better why
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            return wrong
        return None

    def _late(self, process: subprocess.Popen[bytes]) -> None:
        self._is_late = True
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)

    def _listen(self, pipe: IO[bytes] | None) -> None:
        lines = Lines(self.complaints.take)
        with suppress(ValueError, OSError):
            while pipe is not None and lines.feed(os.read(pipe.fileno(), _CHUNK)):
                pass

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Ask restic to stop, so that it takes its lock away; then kill the whole group."""
        if process.poll() is None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(self._grace.total_seconds())
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
