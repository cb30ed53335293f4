"""Run a program to its end: its own process group, a wall clock, bounded output without secrets.

The child's environment holds nothing of ours but what every program needs, and what the step gave it.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

from tocsin.errors import Interrupted, UsageError
from tocsin.ports import Command, Said

MOST_BYTES = 32 * 1024
GRACE_SECONDS = 3.0
_CHUNK = 1 << 16
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSH_AUTH_SOCK", "SSH_CONNECTION",
         "XDG_RUNTIME_DIR")  # fmt: skip
_MASK = "•••"


class SystemShell:
    """`ports.Shell`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {name: environ[name] for name in _KEPT if name in environ}

    def run(self, command: Command) -> Said:
        """Run it to its end; when its time is up, end its whole process group."""
        program = command.argv[0]
        try:
            process = subprocess.Popen(
                command.argv,
                cwd=command.folder,
                env={**self._environ, **command.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError as missing:
            gone = command.folder is not None and not command.folder.is_dir()
            what = f"no folder {command.folder}" if gone else f"no program {program!r} on this machine"
            raise UsageError(f"There is {what}; nothing was run.") from missing
        except OSError as refused:
            raise UsageError(f"{program} cannot be run: {refused.strerror}. Nothing was done.") from refused
        tails = [_Tail(pipe, command.hide) for pipe in (process.stdout, process.stderr) if pipe]
        try:
            in_time = self._wait(process, command)
        except KeyboardInterrupt:
            raise Interrupted(f"{program} was stopped with us.") from None
        finally:
            _end_group(process)
        out, err = (tail.text() for tail in tails)
        is_cut = any(tail.is_cut for tail in tails)
        return Said(process.returncode if in_time else None, out, err, is_cut)

    def _wait(self, process: subprocess.Popen[bytes], command: Command) -> bool:
        if process.stdin:
            with suppress(BrokenPipeError):
                process.stdin.write(command.stdin.encode())
                process.stdin.close()
        try:
            process.wait(command.timeout.total_seconds())
        except subprocess.TimeoutExpired:
            return False
        return True


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Leave no process of the group behind: ask first, then kill."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Tail:
    """Reads a pipe to its end in a thread of its own and keeps the last of it."""

    def __init__(self, pipe: IO[bytes], hide: tuple[str, ...]) -> None:
        self.is_cut = False
        self._hide = sorted((text.encode() for text in hide if text), key=len, reverse=True)
        # As much more as the longest secret has, so that one cut in two falls away before it is shown.
        self._most = MOST_BYTES + max(map(len, self._hide), default=0)
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe, suppress(ValueError, OSError):
            while chunk := os.read(pipe.fileno(), _CHUNK):
                self._kept += chunk
                if len(self._kept) > self._most:
                    self.is_cut = True
                    del self._kept[: -self._most]

    def text(self) -> str:
        """Return it without the secrets; waits a moment for what is still on its way."""
        self._thread.join(1.0)
        kept = bytes(self._kept)
        if self.is_cut:
            kept = kept[len(kept) - MOST_BYTES :] if not self._hide else _masked(kept, self._hide)[-MOST_BYTES:]
        return _masked(kept, self._hide).decode("utf-8", "replace")


def _masked(text: bytes, hide: list[bytes]) -> bytes:
    for secret in hide:
        text = text.replace(secret, _MASK.encode())
    return text
