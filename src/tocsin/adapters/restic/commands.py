"""restic's commands as `ports.Restic` asks for them: one process each, never a hidden second one.

Each call costs 0.7 s at least (key derivation and locking), so the only command that calls restic twice is
`tag`, which must list again because a refused tag exits 0.
"""

import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tocsin.adapters.restic import parse
from tocsin.adapters.restic.access import environment_for, lock_flags, masked, shown, wrong
from tocsin.adapters.restic.binary import version_of
from tocsin.adapters.restic.faults import circumstance, fault, no_use_waiting
from tocsin.adapters.restic.process import Child, Ended
from tocsin.errors import OperationFailed, Temporary, TocsinError, UsageError
from tocsin.ports import (
    BackupSummary,
    CheckSummary,
    Lock,
    OnDamaged,
    OnProgress,
    Progress,
    RepositoryAccess,
    RestoreSummary,
    Snapshot,
)

OK, FAILED, INCOMPLETE = 0, 1, 3
_SNAPSHOT_ID = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, in wall-clock time.

    `work` bounds backup, restore and check, `call` the quick ones. `reach` bounds how long restic may retry to
    open a repository before its server counts as out of reach: left alone it retries in silence for minutes.
    `grace` lies between asking restic to stop and killing it.
    """

    work: timedelta = timedelta(hours=24)
    call: timedelta = timedelta(minutes=3)
    reach: timedelta = timedelta(seconds=30)
    grace: timedelta = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class _Act:
    """What is to be done: its name for the person, restic's arguments, how long, and what hears of progress."""

    doing: str
    arguments: Sequence[str | Path]
    limit: timedelta
    accept: tuple[int, ...] = (OK,)
    on_progress: OnProgress | None = None


@dataclass
class _Said:
    """What one restic call said and how it ended."""

    output: parse.Output = field(default_factory=parse.Output)
    complaints: parse.Complaints = field(default_factory=parse.Complaints)
    ended: Ended = field(default_factory=lambda: Ended(code=FAILED))


class ResticBinary:
    """`ports.Restic` on a real binary. Safe to share between threads: it keeps nothing between calls."""

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

    def version(self) -> str:
        """Return the binary's version, asked once per file. Raises ConfigurationError when missing or too old."""
        return version_of(self.binary)

    def init(self, repository: RepositoryAccess) -> str:
        """Create the repository and return its id; an existing one is an OperationFailed and stays as it is."""
        said = self._say(repository, _Act("creation", ["init"], self.limits.call, accept=(OK, FAILED)))
        if said.ended.code != OK:
            if re.search(r"already (exists|initialized)", said.complaints.everything):
                raise _failed(repository, "it exists already; nothing was changed")
            raise self._fault(repository, "creation", said, self.limits.call)
        return str(self._last(repository, "creation", said, "initialized").get("id", ""))

    def backup(
        self,
        repository: RepositoryAccess,
        paths: Sequence[Path],
        *,
        tags: Sequence[str] = (),
        host: str | None = None,
        excludes: Sequence[str] = (),
        on_progress: OnProgress | None = None,
    ) -> BackupSummary:
        """Take one snapshot of `paths`. An unreadable source is `incomplete`, not an error.

        A source that is missing, or a symbolic link, raises OperationFailed before restic is called: restic
        exits 0 when one of two sources is missing, and stores of a link nothing but the link.
        """
        _refuse_unusable_sources(repository, paths)
        arguments: list[str | Path] = ["backup", *(f"--tag={_whole(tag)}" for tag in tags)]
        arguments += [f"--host={host}"] if host else []
        arguments += [*(f"--exclude={pattern}" for pattern in excludes), "--", *paths]
        act = _Act("backup", arguments, self.limits.work, (OK, INCOMPLETE), on_progress)
        said = self._say(repository, act)
        message = self._last(repository, "backup", said, "summary")
        incomplete = said.ended.code == INCOMPLETE
        summary = parse.backup_summary(message, said.complaints, incomplete=incomplete)
        if on_progress:
            on_progress(_finished(summary.total_files, summary.total_bytes))
        return summary

    def snapshots(
        self,
        repository: RepositoryAccess,
        *,
        tags: Sequence[str] = (),
        on_damaged: OnDamaged | None = None,
    ) -> tuple[Snapshot, ...]:
        """Return the snapshots carrying all of `tags`, oldest first.

        restic leaves one it cannot read out of the list and exits 0. It goes to `on_damaged`; without that,
        OperationFailed.
        """
        arguments = ["snapshots", "--no-lock", *([f"--tag={','.join(map(_whole, tags))}"] if tags else [])]
        said = self._say(repository, _Act("listing of snapshots", arguments, self.limits.call))
        for snapshot_id, why in said.complaints.ignored.items():
            if on_damaged is None:
                raise _failed(repository, f"snapshot {snapshot_id} is damaged and cannot be read: {why}")
            on_damaged(snapshot_id, masked(repository, why))
        try:
            found = [parse.snapshot_of(entry) for entry in said.output.array or ()]
        except ValueError as error:
            raise _failed(repository, f"restic listed {error}; is this a restic we know?") from error
        if said.output.array is None:
            raise _failed(repository, "restic listed no snapshots and did not say that there are none")
        return tuple(sorted(found, key=lambda snapshot: (snapshot.time, snapshot.id)))

    def restore(
        self,
        repository: RepositoryAccess,
        snapshot_id: str,
        target: Path,
        *,
        include: Sequence[str] = (),
        on_progress: OnProgress | None = None,
    ) -> RestoreSummary:
        """Restore into the empty folder `target`, reading the repository itself and no cache.

        What could not be restored stands in the summary's `errors`, and the rest has been restored.

        Raises:
            OperationFailed: nothing could be tried (a damaged index, snapshot, key or config is named), or the
                target cannot take more, which says nothing about the repository.
        """
        _refuse_unusable_target(target)
        arguments: list[str | Path] = ["restore", "--no-cache", *lock_flags(repository), f"--target={target}"]
        arguments += [*(f"--include={pattern}" for pattern in include), "--", _snapshot_id(snapshot_id)]
        act = _Act("restore", arguments, self.limits.work, (OK, FAILED), on_progress)
        said = self._say(repository, act)
        if said.ended.code != OK and not said.complaints.items:
            raise self._fault(repository, "restore", said, act.limit)
        if other := circumstance(repository, "restore", said.complaints, target):
            raise other
        ok = said.ended.code == OK
        message = self._last(repository, "restore", said, "summary") if ok else said.output.last.get("summary", {})
        summary = parse.restore_summary(message, said.complaints, ok=ok)
        if on_progress and summary.ok:
            on_progress(_finished(summary.total_files, summary.bytes_restored))
        return summary

    def check(
        self, repository: RepositoryAccess, *, read_data: bool = False, part: tuple[int, int] | None = None
    ) -> CheckSummary:
        """Check the repository; with `read_data`, read every pack; with `part` (n, t), the n-th of t parts.

        Without either a flipped bit in a pack stays unseen. restic uses a temporary cache of its own here.
        Raises OperationFailed naming the damaged object when the repository cannot even be opened.
        """
        reading = ["--read-data"] if read_data else [f"--read-data-subset={part[0]}/{part[1]}"] if part else []
        arguments = ["check", *lock_flags(repository), *reading]
        act = _Act("check", arguments, self.limits.work, accept=(OK, FAILED))
        said = self._say(repository, act)
        message = said.output.last.get("summary", {})
        if said.ended.code != OK and not message:
            said.complaints.read_text_as_findings()
        if said.ended.code != OK and not said.complaints.findings:
            raise self._fault(repository, "check", said, act.limit)
        if other := circumstance(repository, "check", said.complaints):
            raise other
        return parse.check_summary(message, said.complaints, ok=said.ended.code == OK)

    def tag(self, repository: RepositoryAccess, snapshot_id: str, *, add: Sequence[str]) -> str:
        """Add tags and return the snapshot's new id, found by listing again: a refused one exits 0.

        A snapshot that has the tags already keeps its id.
        """
        wanted = {_whole(tag) for tag in add}
        arguments = ["tag", *(f"--add={tag}" for tag in add), "--", _snapshot_id(snapshot_id)]
        said = self._say(repository, _Act("tagging", arguments, self.limits.call))
        new_id = str(said.output.last.get("changed", {}).get("new_snapshot_id", ""))
        there = {found.id: found for found in self.snapshots(repository, on_damaged=lambda *_: None)}
        if new_id in there and wanted <= set(there[new_id].tags):
            return new_id
        old = next((found for found in there.values() if found.id.startswith(snapshot_id)), None)
        if old is None:
            raise _failed(repository, f"there is no snapshot {snapshot_id} to tag")
        if wanted <= set(old.tags):
            return old.id
        why = next(iter(said.complaints.text), "restic gave no reason")
        raise _failed(
            repository, f"snapshot {snapshot_id} was not tagged; the repository allows no change. ({why})"
        )

    def forget(self, repository: RepositoryAccess, snapshot_ids: Sequence[str]) -> None:
        """Ask for exactly these snapshots to be removed. List again: a refused removal exits 0."""
        if not snapshot_ids:
            return
        arguments = ["forget", "--", *map(_snapshot_id, snapshot_ids)]
        self._say(repository, _Act("forgetting", arguments, self.limits.work, accept=(OK, INCOMPLETE)))

    def prune(self, repository: RepositoryAccess) -> None:
        """Remove the data that no snapshot needs any more."""
        self._say(repository, _Act("pruning", ["prune"], self.limits.work))

    def shrink(self, repository: RepositoryAccess, snapshot_id: str, *, without: str) -> None:
        """Put a snapshot without the files matching `without` in this one's place. List again: see `forget`."""
        arguments = ["rewrite", "--forget", f"--exclude={without}", "--", _snapshot_id(snapshot_id)]
        self._say(repository, _Act("rewriting", arguments, self.limits.work))

    def locks(self, repository: RepositoryAccess) -> tuple[Lock, ...]:
        """Return the locks that stand, without taking one; one call for the list and one for each lock."""
        said = self._say(repository, _Act("listing of locks", ["list", "locks", "--no-lock"], self.limits.call))
        found = [line.strip() for line in said.output.text if _SNAPSHOT_ID.fullmatch(line.strip())]
        return tuple(lock for one in found if (lock := self._lock(repository, one)) is not None)

    def _lock(self, repository: RepositoryAccess, lock_id: str) -> Lock | None:
        """Return one lock; None when it has gone meanwhile."""
        act = _Act("reading of a lock", ["cat", "lock", lock_id, "--no-lock"], self.limits.call, (OK, FAILED))
        said = self._say(repository, act)
        return parse.lock_of(lock_id, "\n".join(said.output.text)) if said.ended.code == OK else None

    def unlock(self, repository: RepositoryAccess) -> None:
        """Remove the locks of processes that are gone; restic leaves one whose process may be alive."""
        self._say(repository, _Act("unlocking", ["unlock"], self.limits.call))

    def _say(self, repository: RepositoryAccess, act: _Act) -> _Said:
        """Run restic once and return what it said; raise when it was stopped or its exit code is not accepted."""
        said = _Said()
        began = time.monotonic()
        answered = False

        def on_stdout(line: str) -> None:
            nonlocal answered
            message = said.output.take(line)
            answered = True
            if message and act.on_progress and (progress := parse.progress_of(message)):
                act.on_progress(progress)

        def out_of_reach() -> bool:
            if answered or not said.complaints.retries:
                return False
            waited = time.monotonic() - began
            return waited > self.limits.reach.total_seconds() or no_use_waiting(said.complaints.retry_reason)

        environment = environment_for(
            repository, self.cache_dir, self._environ, progress_per_second=self._progress_per_second
        )
        if not os.access(self.binary, os.X_OK):
            version_of(self.binary)  # says what is wrong with it
        child = Child(
            argv=[str(self.binary), "--json", *map(str, act.arguments)],
            environment=environment,
            limit=act.limit,
            grace=self.limits.grace,
            give_up=out_of_reach,
        )
        try:
            said.ended = child.run(on_stdout, said.complaints.take)
        except OSError as error:
            raise Temporary(f"repository {repository.name}: restic cannot be started: {error.strerror}") from error
        if said.ended.stopped or said.ended.code not in act.accept:
            raise self._fault(repository, act.doing, said, act.limit)
        return said

    def _fault(self, repository: RepositoryAccess, doing: str, said: _Said, limit: timedelta) -> TocsinError:
        return fault(repository, doing, said.ended, said.complaints, limit)

    def _last(self, repository: RepositoryAccess, doing: str, said: _Said, kind: str) -> parse.Message:
        """Return the closing message a good call prints; its absence is a failure, whatever the exit code."""
        if kind not in said.output.last:
            raise _failed(repository, f"restic ended the {doing} without saying what it did; look at it by hand")
        return said.output.last[kind]


def _failed(repository: RepositoryAccess, sentence: str) -> OperationFailed:
    return OperationFailed(masked(repository, f"repository {repository.name}: {sentence}"))


def _finished(files: int, total_bytes: int) -> Progress:
    """Return the progress of a finished call; a short one prints none of its own."""
    return Progress(1.0, files, files, total_bytes, total_bytes)


def _refuse_unusable_sources(repository: RepositoryAccess, paths: Iterable[Path]) -> None:
    paths = tuple(paths)
    if not paths:
        raise wrong(repository, "a backup needs at least one source")
    if links := [shown(path) for path in paths if path.is_symlink()]:
        raise _failed(
            repository,
            f"nothing was backed up: {', '.join(links)} is a symbolic link, and the backup would hold the link "
            "alone; name the folder it points to",
        )
    if missing := [shown(path) for path in paths if not path.exists()]:
        raise _failed(repository, f"nothing was backed up: missing {', '.join(missing)}")


def _refuse_unusable_target(target: Path) -> None:
    """Refuse a target with anything in it: restic would keep what it finds, and a check would take it for ours."""
    if not target.is_dir():
        raise OperationFailed(f"nothing was restored: {shown(target)} is no folder; make it first")
    if next(target.iterdir(), None) is not None:
        raise OperationFailed(f"nothing was restored: {shown(target)} is not empty; give an empty folder")


def _whole(tag: str) -> str:
    if not tag or "," in tag:
        raise UsageError(f"{tag!r} cannot be a snapshot's tag: restic takes a comma for the start of another tag")
    return tag


def _snapshot_id(text: str) -> str:
    """Refuse `latest` too: a snapshot dated into the future would win it."""
    if not _SNAPSHOT_ID.fullmatch(text):
        raise UsageError(f"{text!r} is no snapshot id: that is 8 to 64 of the characters 0-9 and a-f")
    return text
