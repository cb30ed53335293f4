"""Collect evidence: each source becomes an item, a snapshot of its own in the evidence repository, with a hold.

1. The journal says what is about to be taken, by whom, and how.
2. Files of this machine are hashed, saved and looked at again; a single file that changed meanwhile is streamed
   instead. What a program says, and files of another machine (as a tar over ssh), are streamed straight into the
   repository and hashed on the way: nothing is laid down in between.
3. The item's hash, its hold and the first line of its chain of custody are written with the end, or not at all.

What broke off in between is `unknown`, and is said to be that.
"""

import os
import shlex
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select, update

from tocsin.context import Context
from tocsin.durable import private_folder
from tocsin.errors import Interrupted, OperationFailed, TocsinError, UsageError
from tocsin.evidence.custody import must_be_ours, write_act
from tocsin.evidence.items import COLLECTING, FAILED, KEPT, Item, item_of
from tocsin.machines import Machine, must_be_known, ssh_words
from tocsin.manifest import Source, SourceFault, examine_source, read_manifest, recheck, take_manifest
from tocsin.ports import DumpCommand, DumpSummary, RepositoryAccess
from tocsin.repositories import repository_access
from tocsin.store.need_to_know import must_be_theirs
from tocsin.store.operations import Operation, begin, finish
from tocsin.store.tables import evidence_item, hold, incident

KIND = "evidence"
TAG = "tocsin-evidence"
LONGEST = timedelta(hours=6)
# A file that grows while tar reads it is kept as far as it was read; only what cannot be read at all is a fault.
_TAR = 'tar "$@"; code=$?; test "$code" -le 1'
_FAULTS = {
    SourceFault.MISSING: "there is no such file or folder",
    SourceFault.LINK: "it is a symbolic link: name what it leads to",
    SourceFault.UNREADABLE: "it cannot be read by this user",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be taken: `paths`, or what a program says (`argv`); on another machine where one is named."""

    incident: str | None = None
    paths: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()
    machine: Machine | None = None
    title: str = ""
    step: str | None = None
    limit: timedelta = LONGEST


@dataclass(frozen=True, slots=True)
class _Taken:
    sha256: str
    bytes: int
    files: int
    snapshot: str
    stored_path: str
    method: tuple[str, ...]
    manifest_path: str | None = None
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Begun:
    item: str
    source: str
    kind: str
    host: str
    method: tuple[str, ...]
    operation: Operation
    access: RepositoryAccess


def collect(ctx: Context, wanted: Wanted) -> tuple[Item, ...]:
    """Take everything that is wanted, each as an item; the ones that worked stay, the first fault is raised.

    What the same step took already is not taken twice. Raises UsageError where nothing could ever be taken (no
    evidence repository, an unknown incident), OperationFailed and Temporary as the repository says.
    """
    must_be_ours(ctx)
    repository = _repository(ctx)
    access = repository_access(ctx, repository)
    _check(ctx, wanted)
    sources = (shlex.join(wanted.argv),) if wanted.argv else tuple(dict.fromkeys(wanted.paths))
    found: list[Item] = []
    faults: list[TocsinError] = []
    for source in sources:
        if (earlier := _taken_before(ctx, wanted, source)) is not None:
            found.append(earlier)
            continue
        try:
            found.append(_collect_one(ctx, wanted, source, access))
        except Interrupted:
            raise
        except TocsinError as fault:
            faults.append(fault)
    if faults:
        raise faults[0]
    return tuple(found)


def _collect_one(ctx: Context, wanted: Wanted, source: str, access: RepositoryAccess) -> Item:
    begun = _begin(ctx, wanted, source, access)
    ctx.crash.reach("evidence:before-restic")
    try:
        taken = _take(ctx, wanted, begun)
    except TocsinError as fault:
        _fail(ctx, begun, fault)
        raise
    ctx.crash.reach("evidence:after-restic")
    with ctx.store.write(ctx.actor) as tx:
        tx.execute(
            update(evidence_item)
            .where(evidence_item.c.id == begun.item)
            .values(
                state=KEPT,
                finished_at=tx.now,
                sha256=taken.sha256,
                bytes=taken.bytes,
                files=taken.files,
                snapshot=taken.snapshot,
                stored_path=taken.stored_path,
                manifest_path=taken.manifest_path,
                changed=list(taken.changed),
                method=list(taken.method),
            )
        )
        tx.execute(
            insert(hold).values(
                id=tx.new_id(),
                snapshot=taken.snapshot,
                repository=access.name,
                incident=wanted.incident,
                reason=f"evidence {begun.item}",
                placed_by=ctx.actor.person,
                placed_at=tx.now,
            )
        )
        write_act(tx, begun.item, "taken", other=f"{begun.source} on {begun.host}", note=wanted.title)
        told: dict[str, Any] = {"sha256": taken.sha256, "snapshot": taken.snapshot, "bytes": taken.bytes}
        finish(tx, begun.operation, "ok", {**told, "repository": access.name, "changed": len(taken.changed)})
        kept = item_of(tx.connection, begun.item)
    ctx.store.sign_head(ctx.actor)
    return kept


def _begin(ctx: Context, wanted: Wanted, source: str, access: RepositoryAccess) -> _Begun:
    way = wanted.machine.way if wanted.machine else None
    host = way.host if way else socket.gethostname()
    kind = "command" if wanted.argv else "archive" if way else "folder" if _local(ctx, source).is_dir() else "file"
    method = _words(ctx, wanted, source) if kind in ("command", "archive") else ("restic", "backup", source)
    with ctx.store.read() as connection:
        counted = select(func.count()).select_from(evidence_item)
        year = ctx.clock.now().year
        number = connection.execute(counted.where(evidence_item.c.id.startswith(f"EV-{year}-"))).scalar_one()
    # Two doors at once may have counted the same: the operation's own key lets one of them in.
    identity = f"EV-{year}-{number + 1:03}"
    told: dict[str, Any] = {"incident": wanted.incident, "kind": kind, "repository": access.name}
    operation = begin(ctx.store, ctx.actor, KIND, f"evidence:{identity}", told)
    with ctx.store.write(ctx.actor) as tx:
        tx.execute(
            insert(evidence_item).values(
                id=identity,
                incident=wanted.incident,
                step=wanted.step,
                operation=operation.id,
                kind=kind,
                source=source,
                host=host,
                method=list(method),
                title=wanted.title or None,
                collector=ctx.actor.person,
                collected_at=tx.now,
                state=COLLECTING,
                repository=access.name,
            )
        )
        payload = {"operation": operation.id, "kind": kind}
        tx.record("evidence.wanted", f"evidence:{identity}", payload, {"source": source, "host": host})
    return _Begun(identity, source, kind, host, method, operation, access)


def _take(ctx: Context, wanted: Wanted, begun: _Begun) -> _Taken:
    tags = [TAG, f"evidence:{begun.item}", *([f"incident:{wanted.incident}"] if wanted.incident else [])]
    if begun.kind in ("command", "archive"):
        return _streamed(ctx, begun, begun.method, tags, wanted.limit)
    path = _local(ctx, begun.source)
    taken = _from_here(ctx, begun, path, tags)
    if taken.changed and begun.kind == "file":
        # A log that is written to: what goes past the tee is what is kept, to the byte.
        return _streamed(ctx, begun, ("cat", "--", str(path)), tags, wanted.limit)
    return taken


def _from_here(ctx: Context, begun: _Begun, path: Path, tags: Sequence[str]) -> _Taken:
    folder = private_folder(ctx.workspace.state_folder / "evidence") / begun.item
    manifest = take_manifest(folder, [Source((path,))])
    if manifest.unread:
        raise OperationFailed(
            f"{len(manifest.unread)} of {begun.source} could not be read, {manifest.unread[0]} first. Nothing "
            "of it was kept: run it as a user who may read it, or name what may be read."
        )
    summary = ctx.restic.backup(begun.access, manifest.paths, tags=tags, excludes=manifest.excludes)
    if summary.incomplete or summary.snapshot_id is None:
        raise OperationFailed(f"Not all of {begun.source} was saved: {'; '.join(summary.unreadable[:3])}.")
    changed = recheck(manifest)
    sha256 = manifest.sha256
    if begun.kind == "file":
        sha256 = read_manifest(manifest.folder).digests[os.fsencode(path)]
    shutil.rmtree(manifest.folder, ignore_errors=True)  # it lies in the snapshot now
    return _Taken(
        sha256=sha256,
        bytes=manifest.total_bytes,
        files=manifest.files,
        snapshot=summary.snapshot_id,
        stored_path=str(path),
        method=begun.method,
        manifest_path=str(manifest.folder),
        changed=changed,
    )


def _streamed(ctx: Context, begun: _Begun, argv: tuple[str, ...], tags: Sequence[str], limit: timedelta) -> _Taken:
    scratch = private_folder(ctx.workspace.state_folder / "evidence")
    name = f"{begun.item}.{'tar' if begun.kind == 'archive' else 'txt' if begun.kind == 'command' else 'bin'}"
    work = DumpCommand(file_path=name, scratch=scratch, argv=argv, timeout=limit, folder=ctx.workspace.root)
    said: DumpSummary = ctx.restic.backup_dump(begun.access, work, tags=tags)
    if said.fault is not None or said.backup is None or said.backup.snapshot_id is None:
        why = said.fault.said if said.fault else "the repository kept nothing"
        raise OperationFailed(f"{begun.source} on {begun.host} could not be taken: {why or _why(said)}")
    return _Taken(said.sha256, said.bytes, 1, said.backup.snapshot_id, f"/{name}", argv)


def _why(said: DumpSummary) -> str:
    return f"it was {said.fault.code}." if said.fault else "it said nothing."


def _words(ctx: Context, wanted: Wanted, source: str) -> tuple[str, ...]:
    """Return the words that are run: the program, or tar for another machine's path; through ssh where needed."""
    argv = wanted.argv or (
        "sh",
        "-c",
        _TAR,
        "tar",
        "-cf",
        "-",
        "--numeric-owner",
        "-C",
        "/",
        f"./{source.lstrip('/')}",
    )
    machine = wanted.machine
    if machine is None or machine.way is None:
        return argv
    way = machine.way
    known_hosts = ctx.workspace.resolve(way.known_hosts)
    must_be_known(known_hosts, way.host)
    with_rights = ("sudo", "-n", "--", *argv) if way.sudo else argv
    return ssh_words(way, with_rights, known_hosts, ctx.workspace.root)


def _fail(ctx: Context, begun: _Begun, fault: TocsinError) -> None:
    with ctx.store.write(ctx.actor) as tx:
        this = evidence_item.c.id == begun.item
        tx.execute(update(evidence_item).where(this).values(state=FAILED, problem=str(fault), finished_at=tx.now))
        finish(tx, begun.operation, "failed")
    ctx.store.sign_head(ctx.actor)


def _repository(ctx: Context) -> str:
    if ctx.workspace.evidence is None:
        raise UsageError(
            "Nobody has said where evidence is kept, so nothing was taken. Add `evidence: {repository: ID}` to "
            "tocsin.yaml: best a repository of its own that nobody can delete from."
        )
    return ctx.workspace.evidence.repository


def _check(ctx: Context, wanted: Wanted) -> None:
    if bool(wanted.paths) == bool(wanted.argv):
        raise UsageError("Say what to take: paths, or a program whose words follow. Nothing was taken.")
    if wanted.incident is not None:
        with ctx.store.read() as connection:
            must_be_theirs(connection, wanted.incident)
            known = connection.execute(select(incident.c.id).where(incident.c.id == wanted.incident)).first()
        if known is None:
            raise UsageError(f"There is no incident {wanted.incident}. `tocsin incident list` shows them.")
    remote = wanted.machine is not None and wanted.machine.way is not None
    for path in wanted.paths if not remote else ():
        fault = examine_source(_local(ctx, path))
        if fault in _FAULTS:
            raise UsageError(f"{path} cannot be taken: {_FAULTS[fault]}. Nothing was taken.")
    for path in wanted.paths if remote else ():
        if not path.startswith("/"):
            raise UsageError(f"{path!r} on another machine must be whole, from its root. Nothing was taken.")


def _local(ctx: Context, source: str) -> Path:
    return ctx.workspace.resolve(source)


def _taken_before(ctx: Context, wanted: Wanted, source: str) -> Item | None:
    if wanted.step is None:
        return None
    query = select(evidence_item.c.id).where(
        evidence_item.c.step == wanted.step, evidence_item.c.source == source, evidence_item.c.state == KEPT
    )
    with ctx.store.read() as connection:
        identity = connection.execute(query).scalar()
        return item_of(connection, identity) if identity else None
