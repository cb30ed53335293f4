"""One call of restic: started, listened to, bounded in time, and its end judged by the words it left.

`commands` says what to call; nothing here knows what a command is for.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tocsin.adapters.restic import parse
from tocsin.adapters.restic.access import environment_for
from tocsin.adapters.restic.binary import version_of
from tocsin.adapters.restic.faults import fault, no_use_waiting
from tocsin.adapters.restic.flags import throttled
from tocsin.adapters.restic.process import Child, Ended
from tocsin.adapters.restic.refusing import failed
from tocsin.errors import Temporary, TocsinError
from tocsin.ports import OnProgress, RepositoryAccess

OK, FAILED, INCOMPLETE = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, in wall-clock time.

    `work` bounds backup, restore and check, `call` the quick ones. `reach` bounds how long restic may retry to
    open a repository before its server counts as out of reach: left alone it retries in silence for minutes.
    `give_up_after` bounds how long it may retry in vain once it was open; left alone it does for a quarter of an
    hour each time.
    `grace` lies between asking restic to stop and killing it.
    """

    work: timedelta = timedelta(hours=24)
    call: timedelta = timedelta(minutes=3)
    reach: timedelta = timedelta(seconds=30)
    give_up_after: timedelta = timedelta(minutes=5)
    grace: timedelta = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Act:
    """What is to be done: its name for the person, restic's arguments, how long, and what hears of progress."""

    doing: str
    arguments: Sequence[str | Path]
    limit: timedelta
    accept: tuple[int, ...] = (OK,)
    on_progress: OnProgress | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    may_hang: bool = False
    is_throttled: bool = True
    on_text: Callable[[str], None] | None = None


@dataclass
class Said:
    """What one restic call said and how it ended."""

    output: parse.Output = field(default_factory=parse.Output)
    complaints: parse.Complaints = field(default_factory=parse.Complaints)
    ended: Ended = field(default_factory=lambda: Ended(code=FAILED))


class _Reach:
    """Whether restic gets through to its repository: never at all, not any more, or well enough."""

    def __init__(self, act: Act, said: Said, *, to_open: timedelta, to_go_on: timedelta) -> None:
        self.answered = False
        self._act, self._complaints = act, said.complaints
        self._to_open, self._to_go_on = to_open.total_seconds(), to_go_on.total_seconds()
        self._began = time.monotonic()
        self._in_vain_since: float | None = None
        self._successes = 0

    def is_lost(self) -> bool:
        """Tell whether there is no use in waiting any longer; asked at every tick."""
        told = self._complaints
        if self._act.may_hang and told.unsaved:
            told.retry_reason = told.unsaved
            return True
        if not told.retries:
            return False
        if self.answered:
            return self._seconds_in_vain() > self._to_go_on
        return time.monotonic() - self._began > self._to_open or no_use_waiting(told.retry_reason)

    def _seconds_in_vain(self) -> float:
        if self._complaints.successes > self._successes:
            self._successes, self._in_vain_since = self._complaints.successes, None
            self._complaints.retries = 0
            return 0.0
        self._in_vain_since = self._in_vain_since or time.monotonic()
        return time.monotonic() - self._in_vain_since


class Calls:
    """A restic binary and how it is called. Keeps nothing between calls."""

    def __init__(
        self,
        binary: Path,
        *,
        cache_dir: Path,
        environ: Mapping[str, str],
        limits: Limits = Limits(),
        progress_per_second: float = 1,
    ) -> None:
        self.binary = binary
        self.cache_dir = cache_dir
        self.limits = limits
        self._environ = environ
        self._progress_per_second = progress_per_second
        self._halt = threading.Event()

    def _say(self, repository: RepositoryAccess, act: Act) -> Said:
        """Run restic once and return what it said; raise when it was stopped or its exit code is not accepted."""
        said = Said()
        patience = repository.throttle.give_up_after or self.limits.give_up_after
        reach = _Reach(act, said, to_open=self.limits.reach, to_go_on=patience)

        def on_stdout(line: str) -> None:
            message = said.output.take(line)
            reach.answered = True
            if message and act.on_progress and (progress := parse.progress_of(message)):
                act.on_progress(progress)
            if message is None and act.on_text:
                act.on_text(line)

        environment = environment_for(
            repository, self.cache_dir, self._environ, progress_per_second=self._progress_per_second
        )
        if not os.access(self.binary, os.X_OK):
            version_of(self.binary)  # says what is wrong with it
        prefix, flags = throttled(repository.throttle) if act.is_throttled else ([], [])
        child = Child(
            argv=[*prefix, str(self.binary), "--json", *flags, *map(str, act.arguments)],
            environment={**environment, **act.environment},
            limit=act.limit,
            grace=self.limits.grace,
            give_up=reach.is_lost,
            halt=self._halt.is_set,
        )
        try:
            said.ended = child.run(on_stdout, said.complaints.take)
        except OSError as error:
            raise Temporary(f"repository {repository.name}: restic cannot be started: {error.strerror}") from error
        if said.ended.stopped or said.ended.code not in act.accept:
            raise self._fault(repository, act.doing, said, act.limit)
        return said

    def _fault(self, repository: RepositoryAccess, doing: str, said: Said, limit: timedelta) -> TocsinError:
        return fault(repository, doing, said.ended, said.complaints, limit)

    def _last(self, repository: RepositoryAccess, doing: str, said: Said, kind: str) -> parse.Message:
        """Return the closing message a good call prints; its absence is a failure, whatever the exit code."""
        if kind not in said.output.last:
            raise failed(repository, f"restic ended the {doing} without saying what it did; look at it by hand")
        return said.output.last[kind]
