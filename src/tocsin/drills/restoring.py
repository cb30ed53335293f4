"""Bring the chosen snapshot to where it can be looked at: a stream, or a scratch area with servers in it.

1. As a stream, where the drill asks for no more than that every byte can be read.
2. Else restore into scratch, without a cache, and compare every file with the manifest. Where the manifest itself
   came back damaged, our own copy of it serves, if it is the one the ledger knows.
3. Load each dump and ask it; ask the application.
4. Remove the scratch copy, and make sure.
"""

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tocsin.backups.plans import manifest_folder
from tocsin.context import Context
from tocsin.drills.asking import ask_application
from tocsin.drills.choosing import dump_beside
from tocsin.drills.dumps import digest_of, dump_in, judge_dump, restore_dump
from tocsin.drills.history import PastDrill
from tocsin.drills.loading import BroughtDump, loaded_databases
from tocsin.drills.notebook import EndedEarly, Notebook
from tocsin.drills.seen import Code, Finding
from tocsin.drills.streaming import Streamed, compare_stream, hashing
from tocsin.errors import OperationFailed
from tocsin.manifest import METADATA_NAME, TEXT_NAME, Manifest, read_manifest, verify_restored
from tocsin.manifest.reading import parse_manifest
from tocsin.model.drill import DatabaseCheck, Drill
from tocsin.model.ladder import Rung
from tocsin.ports import OnProgress
from tocsin.recovery import (
    LedgerSnapshot,
    Listing,
    NoRoom,
    OnStage,
    Restored,
    SnapshotGone,
    locate,
    restore_and_verify,
    scratch,
)
from tocsin.recovery.isolation import isolation
from tocsin.recovery.restoring import bound_manifest

# A loaded database takes about this many times the room of its dump.
_ROOM_OF_A_DUMP = 4


def stream(ctx: Context, listing: Listing, notebook: Notebook) -> None:
    """Read the snapshot as a stream and compare every file; nothing is laid on a disk."""
    snapshot = _located(listing, notebook)
    streamed = Streamed()
    began = ctx.clock.monotonic()
    try:
        ctx.restic.stream(listing.access, locate(listing, snapshot).id, hashing(streamed, snapshot))
    except OperationFailed as fault:
        notebook.broken.append(Finding(Code.RESTORE_FAILED, str(fault)))
        raise EndedEarly from fault
    if snapshot.dump:
        notebook.streamed = judge_dump(snapshot, next(iter(streamed.digests.values()), None))
        return
    manifest, notebook.stream_problem = _manifest_of(ctx, snapshot, streamed)
    if manifest:
        notebook.streamed = compare_stream(manifest, streamed, frozenset(snapshot.changed))
    notebook.stream_took = timedelta(seconds=ctx.clock.monotonic() - began)


@dataclass(frozen=True, slots=True)
class Hearing:
    """Who hears how far it is, and what the earlier runs said."""

    on_stage: OnStage
    on_progress: OnProgress | None
    history: tuple[PastDrill, ...] = ()


def restore(ctx: Context, drill: Drill, listing: Listing, notebook: Notebook, hearing: Hearing) -> None:
    """Restore into scratch, compare, load, ask, remove."""
    snapshot = _located(listing, notebook)
    notebook.part = drill.paths
    area = None
    try:
        with scratch(ctx, f"drill-{snapshot.backup_plan}", needed_bytes=_room(ctx, drill, snapshot)) as area:
            ctx.crash.reach("drill:scratch")
            target = area / "restored"
            target.mkdir(mode=0o700)
            include = [ctx.workspace.resolve(path) for path in drill.paths]
            notebook.restored = _brought(ctx, snapshot, listing, target, include, hearing)
            if drill.newest_file:
                notebook.newest_record = _newest_file(ctx, snapshot, target)
            ctx.crash.reach("drill:restored")
            if notebook.damaged_by_us == MUST_FAIL:
                _spoil(ctx, snapshot, target, include, notebook)
            else:
                _bring_to_life(ctx, drill, listing, target, notebook, hearing)
    except NoRoom:
        raise
    except OperationFailed as fault:
        # With every pack sound, a restore that could not be tried says something about this machine only.
        if notebook.check is None or not notebook.check.ok:
            notebook.broken.append(Finding(Code.RESTORE_FAILED, str(fault)))
            raise EndedEarly from fault
        raise
    finally:
        if area is not None:
            notebook.scratch_removed = not area.exists()


def _brought(
    ctx: Context,
    snapshot: LedgerSnapshot,
    listing: Listing,
    target: Path,
    include: list[Path],
    hearing: Hearing,
) -> Restored:
    if snapshot.dump:
        return restore_dump(ctx, snapshot, listing, target, hearing.on_progress)
    came = restore_and_verify(ctx, snapshot, listing, target, include=include, on_progress=hearing.on_progress)
    return with_our_manifest(ctx, came, target, include)


# Handed in as `damaged_by_us`: the restored copy is to be damaged before it is judged.
MUST_FAIL = ("to be damaged",)


def _located(listing: Listing, notebook: Notebook) -> LedgerSnapshot:
    snapshot = notebook.snapshot
    if snapshot is None:
        raise EndedEarly
    try:
        notebook.tree = locate(listing, snapshot).tree
    except SnapshotGone as gone:
        notebook.broken.append(Finding(Code.SNAPSHOT_GONE, str(gone), f"snapshot {snapshot.id}"))
        raise EndedEarly from gone
    return snapshot


def _bring_to_life(
    ctx: Context, drill: Drill, listing: Listing, target: Path, notebook: Notebook, hearing: Hearing
) -> None:
    """Load the dumps and ask the application, as far as the drill goes."""
    wanted, area = drill.integrity.height, target.parent
    if not (drill.databases or drill.checks) or wanted < Rung.L4.height:
        return
    notebook.isolation = isolation().in_words
    before = next((past.values for past in hearing.history if past.verdict == "passed"), {})
    if drill.databases:
        hearing.on_stage("Loading the databases")
    dumps = [_dump_for(ctx, check, listing, target, notebook) for check in drill.databases]
    with loaded_databases(ctx, tuple(zip(drill.databases, dumps, strict=True)), area, before) as databases:
        notebook.databases = databases
        newest = [database.newest for database in databases if database.newest]
        if newest:
            # Each database has records of its own: the one that stands still is the one to hear of.
            notebook.newest_record = min(newest)
        ctx.crash.reach("drill:loaded")
        if drill.checks and wanted >= Rung.L5.height:
            hearing.on_stage("Asking the application")
            notebook.checks = ask_application(ctx, drill.checks, target, area, databases)


def _dump_for(
    ctx: Context, check: DatabaseCheck, listing: Listing, target: Path, notebook: Notebook
) -> BroughtDump:
    """Return a database's dump: among the restored files, or restored from the snapshot it is of its own."""
    snapshot = notebook.snapshot
    plan = ctx.workspace.backup_plans[snapshot.backup_plan] if snapshot else None
    if snapshot is None or plan is None or check.dump not in {dump.name for dump in plan.dumps}:
        return BroughtDump(target / ctx.workspace.resolve(check.dump).relative_to("/"))
    if snapshot.dump == check.dump:
        return BroughtDump(dump_in(target, snapshot))
    try:
        with ctx.store.read() as connection:
            own = dump_beside(connection, snapshot, check.dump)
        folder = target.parent / f"dump-{check.dump}"
        folder.mkdir(mode=0o700)
        came = restore_dump(ctx, own, listing, folder)
    except OperationFailed as none:
        return BroughtDump(None, problem=str(none))
    if came.ok:
        return BroughtDump(dump_in(folder, own), came.fetch, came.verify)
    return BroughtDump(None, came.fetch, came.verify, _not_as_made(check.dump, came))


def _not_as_made(dump: str, came: Restored) -> str:
    if came.manifest_problem:
        return came.manifest_problem
    lost = came.comparison is not None and came.comparison.missing
    return f"The dump {dump} {'did not come back' if lost else 'came back with other content than was backed up'}."


def with_our_manifest(ctx: Context, came: Restored, target: Path, include: list[Path]) -> Restored:
    """Compare with our own copy of the manifest where the one that came back vouches for nothing."""
    if came.comparison is not None:
        return came
    ours = own_manifest(ctx, came.snapshot)
    if ours is None:
        return came
    began = ctx.clock.monotonic()
    compared = verify_restored(ours, target, only=include, changed_during_backup=came.snapshot.changed)
    took = timedelta(seconds=ctx.clock.monotonic() - began)
    return replace(
        came, comparison=compared, manifest_problem=_served(came.manifest_problem), verify=took + came.verify
    )


def own_manifest(ctx: Context, snapshot: LedgerSnapshot) -> Manifest | None:
    """Return the manifest that we kept ourselves, if it is the one the ledger knows of this snapshot."""
    if not snapshot.manifest_sha256:
        return None
    try:
        return read_manifest(manifest_folder(ctx, snapshot.backup_plan), sha256=snapshot.manifest_sha256)
    except OperationFailed:
        return None


def _served(problem: str | None) -> str | None:
    return f"{problem} Every file was compared with our own copy of it instead." if problem else None


def _manifest_of(ctx: Context, snapshot: LedgerSnapshot, streamed: Streamed) -> tuple[Manifest | None, str | None]:
    """Return the manifest to compare a stream with, and what is wrong with the one that came along."""
    if not snapshot.manifest_sha256 or not snapshot.manifest_folder:
        return None, "The snapshot was taken without a manifest, so nothing can be compared."
    text, metadata = (streamed.manifest.get(name, b"") for name in (TEXT_NAME, METADATA_NAME))
    try:
        manifest = parse_manifest(snapshot.manifest_folder, text, metadata)
        problem = (
            None if manifest.sha256 == snapshot.manifest_sha256 else "It is not the one recorded at the backup."
        )
    except OperationFailed as fault:
        manifest, problem = None, str(fault)
    if manifest is not None and problem is None:
        return manifest, None
    ours = own_manifest(ctx, snapshot)
    told = f"The manifest in the snapshot vouches for nothing. {problem}"
    return (ours, _served(told)) if ours else (None, told)


def _room(ctx: Context, drill: Drill, snapshot: LedgerSnapshot) -> int:
    """Return how many bytes the restored copy and its servers need; all of it where nobody can tell."""
    if not drill.paths and not drill.databases:
        return snapshot.bytes
    ours = own_manifest(ctx, snapshot)
    if ours is None:
        return snapshot.bytes
    sizes = {entry.path: entry.size for entry in ours.entries}
    resolve = ctx.workspace.resolve
    parts = [bytes(resolve(path)) for path in drill.paths]
    here = sum(size for path, size in sizes.items() if not parts or _is_below(path, parts))
    return here + _ROOM_OF_A_DUMP * sum(sizes.get(bytes(resolve(each.dump)), 0) for each in drill.databases)


def _is_below(path: bytes, folders: list[bytes]) -> bool:
    return any(path == folder or path.startswith(folder + b"/") for folder in folders)


def _newest_file(ctx: Context, snapshot: LedgerSnapshot, target: Path) -> datetime | None:
    """Return when the newest file among what was backed up was changed."""
    manifest = bound_manifest(snapshot, target)[0] or own_manifest(ctx, snapshot)
    times = [entry.mtime_ns for entry in manifest.entries if entry.kind == "file"] if manifest else []
    return datetime.fromtimestamp(max(times) / 1e9, UTC) if times else None


def _spoil(ctx: Context, snapshot: LedgerSnapshot, target: Path, include: list[Path], notebook: Notebook) -> None:
    """Damage the restored copy: turn one bit of one file, take another away. Then compare again."""
    restored = notebook.restored
    if restored is not None and snapshot.dump and (dump := dump_in(target, snapshot)).is_file():
        flip_a_bit(dump)
        notebook.damaged_by_us = (snapshot.paths[0],)
        notebook.restored = replace(restored, comparison=judge_dump(snapshot, digest_of(dump)))
        return
    manifest = bound_manifest(snapshot, target)[0] or own_manifest(ctx, snapshot)
    if restored is None or manifest is None:
        notebook.damaged_by_us = ()
        return
    files = [each for each in manifest.entries if each.kind == "file" and each.size and _is_in(target, each.path)]
    if not files:
        raise OperationFailed("There is no file with anything in it to damage, so nothing can be shown.")
    flipped, removed = target / _relative(files[0].path), target / _relative(files[-1].path)
    flip_a_bit(flipped)
    if removed != flipped:
        removed.unlink()
    paths = dict.fromkeys((files[0].path, files[-1].path))
    notebook.damaged_by_us = tuple(path.decode("utf-8", "backslashreplace") for path in paths)
    compared = verify_restored(manifest, target, only=include, changed_during_backup=snapshot.changed)
    notebook.restored = replace(restored, comparison=compared)


def flip_a_bit(path: Path) -> None:
    """Turn one bit in the middle of a file, and leave its times as they were."""
    before = path.stat()
    path.chmod(before.st_mode | 0o200)
    with path.open("r+b") as file:
        file.seek(before.st_size // 2)
        byte = file.read(1)
        file.seek(before.st_size // 2)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _relative(path: bytes) -> str:
    return os.fsdecode(path).lstrip("/")


def _is_in(target: Path, path: bytes) -> bool:
    return (target / _relative(path)).is_file()
