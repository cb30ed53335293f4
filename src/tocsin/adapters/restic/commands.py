"""restic's commands as `ports.Restic` asks for them: one process each, never a hidden second one.

Each call costs 0.7 s at least (key derivation and locking), so the only command that calls restic twice is
`tag`, which must list again because a refused tag exits 0.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from tocsin.adapters.restic import parse
from tocsin.adapters.restic.access import environment_for, lock_flags, masked
from tocsin.adapters.restic.binary import version_of
from tocsin.adapters.restic.calling import FAILED, INCOMPLETE, OK, Act, Calls
from tocsin.adapters.restic.dumping import Commissioned
from tocsin.adapters.restic.faults import circumstance, fault
from tocsin.adapters.restic.flags import backup_flags, omission_flags
from tocsin.adapters.restic.pairing import COPIED, KEY_SAVED, as_file, with_source
from tocsin.adapters.restic.refusing import (
    SNAPSHOT_ID,
    failed,
    refuse_unusable_sources,
    refuse_unusable_target,
    snapshot_id_of,
    whole,
)
from tocsin.adapters.restic.streaming import Flow
from tocsin.errors import Temporary
from tocsin.ports import (
    NO_OMISSIONS,
    BackupSummary,
    CheckSummary,
    DumpCommand,
    DumpFault,
    DumpSummary,
    Key,
    Lock,
    Omissions,
    OnDamaged,
    OnProgress,
    Progress,
    RepositoryAccess,
    RestoreSummary,
    Snapshot,
)


class ResticBinary(Calls):
    """`ports.Restic` on a real binary. Safe to share between threads: it keeps nothing between calls."""

    def version(self) -> str:
        """Return the binary's version, asked once per file. Raises ConfigurationError when missing or too old."""
        return version_of(self.binary)

    def init(self, repository: RepositoryAccess, *, like: RepositoryAccess | None = None) -> str:
        """Create the repository and return its id; an existing one is an OperationFailed and stays as it is.

        With `like`, it cuts files where that one does, so that a copy from it shares what both hold.
        """
        alike = ["--copy-chunker-params"] if like else []
        opened = with_source(repository, like, self._environ) if like else repository
        said = self._say(opened, Act("creation", ["init", *alike], self.limits.call, accept=(OK, FAILED)))
        if said.ended.code != OK:
            if re.search(r"already (exists|initialized)", said.complaints.everything):
                raise failed(repository, "it exists already; nothing was changed")
            raise self._fault(repository, "creation", said, self.limits.call)
        return str(self._last(repository, "creation", said, "initialized").get("id", ""))

    def backup(  # noqa: PLR0913 - all of them restic's own, and by name
        self,
        repository: RepositoryAccess,
        paths: Sequence[Path],
        *,
        tags: Sequence[str] = (),
        host: str | None = None,
        excludes: Sequence[str] = (),
        omissions: Omissions = NO_OMISSIONS,
        on_progress: OnProgress | None = None,
    ) -> BackupSummary:
        """Take one snapshot of `paths`. An unreadable source is `incomplete`, not an error.

        A source that is missing, or a symbolic link, raises OperationFailed before restic is called: restic
        exits 0 when one of two sources is missing, and stores of a link nothing but the link.
        """
        refuse_unusable_sources(repository, paths)
        arguments: list[str | Path] = [*backup_flags(repository, tags, host), *omission_flags(omissions)]
        arguments += [*(f"--exclude={pattern}" for pattern in excludes), "--", *paths]
        act = Act("backup", arguments, self.limits.work, (OK, INCOMPLETE), on_progress)
        said = self._say(repository, act)
        message = self._last(repository, "backup", said, "summary")
        incomplete = said.ended.code == INCOMPLETE
        summary = parse.backup_summary(message, said.complaints, incomplete=incomplete)
        if on_progress:
            on_progress(_finished(summary.total_files, summary.total_bytes))
        return summary

    def backup_dump(
        self,
        repository: RepositoryAccess,
        dump: DumpCommand,
        *,
        tags: Sequence[str] = (),
        host: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> DumpSummary:
        """Stream one dump into a snapshot of its own. A dump with a fault leaves no snapshot and is no error.

        restic runs our tee, and the tee the program; when the tee finds a fault it fails, and so restic does.
        """
        work = Commissioned(dump, self._environ)
        arguments: list[str | Path] = [*backup_flags(repository, tags, host), f"--stdin-filename={dump.file_path}"]
        arguments += ["--stdin-from-command", "--", *work.argv]
        # Before 0.19 restic waits for ever for a dump that nobody reads any more (restic#5683).
        act = Act(
            "backup", arguments, self.limits.work, (OK, FAILED), on_progress, work.environment, may_hang=True
        )
        try:
            said = self._say(repository, act)
        finally:
            result = work.result()
        if isinstance(result, DumpFault) and said.ended.code != OK:
            return DumpSummary(fault=result)
        if said.ended.code != OK:
            raise self._fault(repository, "backup", said, act.limit)
        if not isinstance(result, tuple):
            raise failed(repository, "a dump was saved, but what went into it is not known; look at it by hand")
        message = self._last(repository, "backup", said, "summary")
        summary = parse.backup_summary(message, said.complaints, incomplete=False)
        return DumpSummary(summary, *result)

    def stop(self) -> None:
        """Ask every call under way, in whatever thread, to stop; each then raises Interrupted."""
        self._halt.set()

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
        arguments = ["snapshots", "--no-lock", *([f"--tag={','.join(map(whole, tags))}"] if tags else [])]
        said = self._say(repository, Act("listing of snapshots", arguments, self.limits.call))
        for snapshot_id, why in said.complaints.ignored.items():
            if on_damaged is None:
                raise failed(repository, f"snapshot {snapshot_id} is damaged and cannot be read: {why}")
            on_damaged(snapshot_id, masked(repository, why))
        try:
            found = [parse.snapshot_of(entry) for entry in said.output.array or ()]
        except ValueError as error:
            raise failed(repository, f"restic listed {error}; is this a restic we know?") from error
        if said.output.array is None:
            raise failed(repository, "restic listed no snapshots and did not say that there are none")
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
        refuse_unusable_target(target)
        arguments: list[str | Path] = ["restore", "--no-cache", *lock_flags(repository), f"--target={target}"]
        arguments += [*(f"--include={pattern}" for pattern in include), "--", snapshot_id_of(snapshot_id)]
        act = Act("restore", arguments, self.limits.work, (OK, FAILED), on_progress, is_throttled=False)
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

    def stream(self, repository: RepositoryAccess, snapshot_id: str, into: Callable[[IO[bytes]], None]) -> None:
        """Hand a whole snapshot to `into` as a tar stream, read from the repository itself and no cache.

        Names in it are the original paths without their first slash. Raises OperationFailed naming the damaged
        object when the stream broke off, and what `into` raises.
        """
        arguments = ["dump", "--no-cache", *lock_flags(repository), "--archive=tar", "--"]
        arguments += [snapshot_id_of(snapshot_id), "/"]
        environment = environment_for(repository, self.cache_dir, self._environ, progress_per_second=0)
        limits = self.limits
        flow = Flow([str(self.binary), *arguments], environment, limits.work, limits.grace)
        try:
            ended = flow.run(into)
        except OSError as error:
            version_of(self.binary)  # says what is wrong with it
            raise Temporary(f"repository {repository.name}: restic cannot be started: {error.strerror}") from error
        if ended.stopped or ended.code != OK:
            raise fault(repository, "reading of the snapshot", ended, flow.complaints, limits.work)

    def check(
        self, repository: RepositoryAccess, *, read_data: bool = False, part: tuple[int, int] | None = None
    ) -> CheckSummary:
        """Check the repository; with `read_data`, read every pack; with `part` (n, t), the n-th of t parts.

        Without either a flipped bit in a pack stays unseen. restic uses a temporary cache of its own here.
        Raises OperationFailed naming the damaged object when the repository cannot even be opened.
        """
        reading = ["--read-data"] if read_data else [f"--read-data-subset={part[0]}/{part[1]}"] if part else []
        arguments = ["check", *lock_flags(repository), *reading]
        act = Act("check", arguments, self.limits.work, accept=(OK, FAILED))
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
        wanted = {whole(tag) for tag in add}
        arguments = ["tag", *(f"--add={tag}" for tag in add), "--", snapshot_id_of(snapshot_id)]
        said = self._say(repository, Act("tagging", arguments, self.limits.call))
        new_id = str(said.output.last.get("changed", {}).get("new_snapshot_id", ""))
        there = {found.id: found for found in self.snapshots(repository, on_damaged=lambda *_: None)}
        if new_id in there and wanted <= set(there[new_id].tags):
            return new_id
        old = next((found for found in there.values() if found.id.startswith(snapshot_id)), None)
        if old is None:
            raise failed(repository, f"there is no snapshot {snapshot_id} to tag")
        if wanted <= set(old.tags):
            return old.id
        why = next(iter(said.complaints.text), "restic gave no reason")
        raise failed(
            repository, f"snapshot {snapshot_id} was not tagged; the repository allows no change. ({why})"
        )

    def forget(self, repository: RepositoryAccess, snapshot_ids: Sequence[str]) -> None:
        """Ask for exactly these snapshots to be removed. List again: a refused removal exits 0."""
        if not snapshot_ids:
            return
        arguments = ["forget", "--", *map(snapshot_id_of, snapshot_ids)]
        self._say(repository, Act("forgetting", arguments, self.limits.work, accept=(OK, INCOMPLETE)))

    def prune(self, repository: RepositoryAccess) -> None:
        """Remove the data that no snapshot needs any more."""
        self._say(repository, Act("pruning", ["prune"], self.limits.work))

    def shrink(self, repository: RepositoryAccess, snapshot_id: str, *, without: str) -> None:
        """Put a snapshot without the files matching `without` in this one's place. List again: see `forget`."""
        arguments = ["rewrite", "--forget", f"--exclude={without}", "--", snapshot_id_of(snapshot_id)]
        self._say(repository, Act("rewriting", arguments, self.limits.work))

    def copy(
        self,
        source: RepositoryAccess,
        repository: RepositoryAccess,
        snapshot_ids: Sequence[str],
        *,
        on_progress: OnProgress | None = None,
    ) -> None:
        """Copy snapshots from `source`. List again: an id that is not there exits 0. One copied before is left.

        Progress counts snapshots: restic prints plain text here.
        """
        if not snapshot_ids:
            return
        done = 0

        def count(line: str) -> None:
            nonlocal done
            if on_progress and COPIED.match(line):
                done += 1
                on_progress(Progress(done / len(snapshot_ids), done, len(snapshot_ids), 0, 0))

        arguments = ["copy", "--", *map(snapshot_id_of, snapshot_ids)]
        both = with_source(repository, source, self._environ)
        self._say(both, Act("copying", arguments, self.limits.work, on_text=count))

    def chunker(self, repository: RepositoryAccess) -> str:
        """Return the parameter by which files are cut: copies between repositories with the same one are small."""
        said = self._say(
            repository, Act("reading of its settings", ["cat", "config", "--no-lock"], self.limits.call)
        )
        return parse.chunker_of("\n".join(said.output.text))

    def keys(self, repository: RepositoryAccess) -> tuple[Key, ...]:
        """Return the keys that open it, the oldest first; the one in use is marked."""
        said = self._say(repository, Act("listing of keys", ["key", "list", "--no-lock"], self.limits.call))
        found = [parse.key_of(entry) for entry in said.output.array or ()]
        return tuple(sorted(found, key=lambda key: (key.created, key.id)))

    def add_key(self, repository: RepositoryAccess, password: str) -> str:
        """Add a key that `password` opens and return its id. The password is on no disk and in no argv."""
        with as_file(password) as path:
            act = Act("adding of a key", ["key", "add", f"--new-password-file={path}"], self.limits.call)
            said = self._say(repository, act)
        for line in said.output.text:
            if found := KEY_SAVED.search(line):
                return found["id"]
        raise failed(repository, "restic did not say which key it added; look with 'tocsin backup key list'")

    def remove_key(self, repository: RepositoryAccess, key_id: str) -> None:
        """Remove a key; restic itself refuses the one it was opened with. List again."""
        act = Act("removing of a key", ["key", "remove", snapshot_id_of(key_id)], self.limits.call)
        self._say(repository, act)

    def locks(self, repository: RepositoryAccess) -> tuple[Lock, ...]:
        """Return the locks that stand, without taking one; one call for the list and one for each lock."""
        said = self._say(repository, Act("listing of locks", ["list", "locks", "--no-lock"], self.limits.call))
        found = [line.strip() for line in said.output.text if SNAPSHOT_ID.fullmatch(line.strip())]
        return tuple(lock for one in found if (lock := self._lock(repository, one)) is not None)

    def _lock(self, repository: RepositoryAccess, lock_id: str) -> Lock | None:
        """Return one lock; None when it has gone meanwhile."""
        act = Act("reading of a lock", ["cat", "lock", lock_id, "--no-lock"], self.limits.call, (OK, FAILED))
        said = self._say(repository, act)
        return parse.lock_of(lock_id, "\n".join(said.output.text)) if said.ended.code == OK else None

    def unlock(self, repository: RepositoryAccess) -> None:
        """Remove the locks of processes that are gone; restic leaves one whose process may be alive."""
        self._say(repository, Act("unlocking", ["unlock"], self.limits.call))


def _finished(files: int, total_bytes: int) -> Progress:
    """Return the progress of a finished call; a short one prints none of its own."""
    return Progress(1.0, files, files, total_bytes, total_bytes)
