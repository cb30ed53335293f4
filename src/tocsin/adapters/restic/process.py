"""Run one restic to its end: stream what it prints, pass signals on, stop it on time, leave nothing behind.

The child gets a session of its own, so a Ctrl-C in the terminal reaches us alone and we decide:

1. ask restic itself to stop (SIGTERM or the signal we got), so that it can remove its lock;
2. wait for the grace period;
3. SIGKILL the whole group, dump commands and password commands included.

That order is followed for a signal, for a limit and for any exception raised while waiting. Nothing here
knows what restic's words mean.
"""

import os
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import FrameType
from typing import IO

OnLine = Callable[[str], None]

# How often a quiet child is looked at; a signal interrupts the wait but does not shorten it.
TICK_SECONDS = 0.25
# A grandchild may hold the pipes open after restic has gone; what it says then is nobody's answer.
DRAIN_SECONDS = 1.0
CHUNK_BYTES = 1 << 16


class Stopped(StrEnum):
    """Why we ended a child that had not ended by itself."""

    SIGNAL = "signal"
    LIMIT = "limit"
    REACH = "reach"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: its exit code (negative: killed by that signal), and why we stopped it, if we did."""

    code: int
    stopped: Stopped | None = None
    signal_number: int = 0


@dataclass
class Child:
    """One restic to be run.

    Asked at each tick: `give_up` ends a child that cannot reach its server, `halt` one that somebody wants ended.
    """

    argv: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    limit: timedelta
    grace: timedelta
    give_up: Callable[[], bool] = field(default=lambda: False)
    halt: Callable[[], bool] = field(default=lambda: False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _stopped: Stopped | None = field(default=None, init=False)
    _signal: int = field(default=0, init=False)
    _deadline: float = field(default=0.0, init=False)

    def run(self, on_stdout: OnLine, on_stderr: OnLine) -> Ended:
        """Run to the end, handing over each line as it comes. Raises what the callbacks raise, and OSError."""
        with self._signals_passed_on():
            self._deadline = time.monotonic() + self.limit.total_seconds()
            with started(self.argv, self.environment) as process:
                self._process = process
                try:
                    if self._signal:  # it came before there was a child to pass it on to
                        self._ask(process, Stopped.SIGNAL, self._signal)
                    self._follow(process, on_stdout, on_stderr)
                except BaseException:
                    # Prefect and Ctrl-C in a thread end us with exceptions that are no `Exception`.
                    self._end(process)
                    raise
            return Ended(process.returncode, Stopped.SIGNAL if self._signal else self._stopped, self._signal)

    def _follow(self, process: subprocess.Popen[bytes], on_stdout: OnLine, on_stderr: OnLine) -> None:
        """Read both pipes line by line until the child is gone; stop it when its time is up."""
        gone_at = 0.0
        with selectors.DefaultSelector() as waiting:
            for pipe, on_line in ((process.stdout, on_stdout), (process.stderr, on_stderr)):
                register(waiting, pipe, on_line)
            while waiting.get_map():
                for key, _ in waiting.select(TICK_SECONDS):
                    if not key.data.feed(os.read(key.fd, CHUNK_BYTES)):
                        waiting.unregister(key.fileobj)
                if process.poll() is None:
                    if not self._in_time(process):
                        break
                elif time.monotonic() - (gone_at := gone_at or time.monotonic()) > DRAIN_SECONDS:
                    break
            for left in waiting.get_map().values():
                left.data.close()
        while process.poll() is None and self._in_time(process):  # its pipes are closed: it is about to end
            with suppress(subprocess.TimeoutExpired):
                process.wait(TICK_SECONDS)
        self._end(process)

    def _in_time(self, process: subprocess.Popen[bytes]) -> bool:
        """Ask a late child to stop; return False when its grace period is over too."""
        if self._stopped is None and self.halt():
            self._signal = signal.SIGTERM  # as if it had reached us: in this thread no signal does
            self._ask(process, Stopped.SIGNAL)
        if self._stopped is None and self.give_up():
            self._ask(process, Stopped.REACH)
        if time.monotonic() <= self._deadline:
            return True
        if self._stopped:
            return False
        self._ask(process, Stopped.LIMIT)
        return True

    def _ask(self, process: subprocess.Popen[bytes], why: Stopped, number: int = signal.SIGTERM) -> None:
        if self._stopped is None:  # asking twice, as people do with Ctrl-C, gives no longer grace
            self._stopped = why
            self._deadline = time.monotonic() + self.grace.total_seconds()
        # To restic alone: its ssh or rclone must live until the lock is removed.
        process.send_signal(number)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Leave no process behind: let what was asked to stop do so in its time, then kill the group."""
        if process.poll() is None:
            if self._stopped is None:
                self._ask(process, Stopped.LIMIT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, self._deadline - time.monotonic()))
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    @contextmanager
    def _signals_passed_on(self) -> Iterator[None]:
        """Pass SIGINT and SIGTERM on while inside; afterwards let the former handler have its say.

        Python allows handlers in the main thread only; elsewhere whoever owns the main thread stops us.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        formers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        ours = {number: former for number, former in formers.items() if former not in {signal.SIG_IGN, None}}
        for number in ours:
            signal.signal(number, self._pass_on)
        try:
            yield
        finally:
            for number, former in ours.items():
                signal.signal(number, former)
            theirs = ours.get(signal.Signals(self._signal)) if self._signal else None
            if callable(theirs) and theirs is not signal.default_int_handler:
                theirs(self._signal, None)  # Prefect's raises, and so learns that the run was cancelled

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        self._signal = self._signal or number
        if (process := self._process) is not None and process.returncode is None:
            self._ask(process, Stopped.SIGNAL, number)


@contextmanager
def started(argv: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start the child in its own session, dying with us where the system can do that; close its pipes after.

    When we are killed with -9, nobody reads the pipes, and Go ends a program that writes to a broken stdout
    or stderr at once: restic would leave its lock behind. So on Linux `setpriv` has the kernel send it SIGTERM
    the moment we die (`preexec_fn` could do the same, but is unsafe beside threads), and restic holds the
    reading ends as well, so that it lives through its own last words. Elsewhere it dies of the broken pipe
    within a second of progress, and its stale lock needs an `unlock`.
    """
    setpriv = shutil.which("setpriv")
    read_ends, write_ends = zip(os.pipe(), os.pipe(), strict=True)
    try:
        try:
            process = subprocess.Popen(
                [setpriv, "--pdeathsig", "TERM", "--", *argv] if setpriv else argv,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=write_ends[0],
                stderr=write_ends[1],
                pass_fds=read_ends if setpriv else (),
                start_new_session=True,
            )
        finally:
            for descriptor in write_ends:
                os.close(descriptor)
    except BaseException:
        for descriptor in read_ends:
            os.close(descriptor)
        raise
    process.stdout, process.stderr = (os.fdopen(descriptor, "rb", buffering=0) for descriptor in read_ends)
    with process:
        yield process


def register(waiting: selectors.BaseSelector, pipe: IO[bytes] | None, on_line: OnLine) -> None:
    """Have `waiting` watch a pipe, its lines going to `on_line`."""
    if pipe is not None:
        os.set_blocking(pipe.fileno(), False)
        waiting.register(pipe, selectors.EVENT_READ, Lines(on_line))


class Lines:
    """Cut a stream of chunks into lines. Bytes that are no UTF-8 (file names) become escapes."""

    def __init__(self, on_line: OnLine) -> None:
        self._on_line = on_line
        self._rest: list[bytes] = []

    def feed(self, chunk: bytes) -> bool:
        """Take a chunk; return False at the end of the stream, which an empty chunk means."""
        if not chunk:
            self.close()
            return False
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            self._rest.append(line)
            self._hand_over()
        self._rest.append(rest)
        return True

    def close(self) -> None:
        """Hand over what stands after the last newline."""
        self._hand_over()

    def _hand_over(self) -> None:
        line = b"".join(self._rest)
        self._rest.clear()
        if line:
            self._on_line(line.decode("utf-8", "backslashreplace"))
