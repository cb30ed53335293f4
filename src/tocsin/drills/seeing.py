"""Do what a drill does and write down what is seen; nothing is judged here.

1. Which snapshot: the newest good one our ledger has, in the repository that was drilled longest ago.
2. Open the repository and list it; hash its key, index and snapshot files where they can be read.
3. `restic check --read-data`: every pack is read from the repository itself.
4. Restore into scratch, without a cache, and compare every file with the manifest. The time this takes is the
   RTO; the snapshot's age when the drill began is the RPO.
5. Remove the scratch copy, and make sure.

Errors end here. What says something about the backup becomes a finding, what says nothing becomes an obstacle.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select

from tocsin.context import Context
from tocsin.drills.verdict import Code, Finding, Obstacle, Seen, Targets
from tocsin.errors import ConfigurationError, Interrupted, OperationFailed, Temporary, TocsinError
from tocsin.model.drill import Drill
from tocsin.ports import CheckSummary, OnProgress, RepositoryAccess
from tocsin.recovery import (
    DamagedObject,
    LedgerSnapshot,
    Listing,
    NoRoom,
    OnStage,
    Reach,
    Restored,
    SnapshotGone,
    agrees_with_journal,
    choose_snapshot,
    damaged_objects,
    list_snapshots,
    locate,
    reach,
    restore_and_verify,
    scratch,
)
from tocsin.repositories import repository_access
from tocsin.store.tables import snapshot as snapshots


@dataclass
class Notebook:
    """What a drill has seen so far. The one mutable thing, so that whatever ends the drill, nothing is lost."""

    targets: Targets
    repository: str
    began: datetime
    restic_version: str = ""
    snapshot: LedgerSnapshot | None = None
    tree: str | None = None
    broken: list[Finding] = field(default_factory=list)
    damaged: tuple[DamagedObject, ...] = ()
    check: CheckSummary | None = None
    check_took: timedelta | None = None
    restored: Restored | None = None
    scratch_removed: bool | None = None
    obstacle: Obstacle | None = None
    raised: BaseException | None = None  # to be raised again once everything is journalled

    def seen(self) -> Seen:
        """Return everything seen, for the judge."""
        restored = self.restored
        return Seen(
            targets=self.targets,
            broken=tuple(self.broken),
            damaged=self.damaged,
            check=self.check,
            restore=restored.summary if restored else None,
            comparison=restored.comparison if restored else None,
            manifest_problem=restored.manifest_problem if restored else None,
            rpo=self.began - self.snapshot.time if self.snapshot else None,
            rto=restored.fetch + restored.verify if restored else None,
            obstacle=self.obstacle,
        )


class _EndedEarly(Exception):  # noqa: N818 - no error: the drill has seen enough
    """Nothing further can be seen; the notebook says why."""


def look(
    ctx: Context, drill: Drill, notebook: Notebook, on_stage: OnStage, on_progress: OnProgress | None
) -> None:
    """Carry the drill out and fill the notebook. Raises nothing that a drill should expect."""
    try:
        with _obstacles(notebook):
            notebook.restic_version = ctx.restic.version()
            access = repository_access(ctx, notebook.repository)
            _choose(ctx, drill, notebook)
            on_stage("Opening the repository")
            listing = _open(ctx, access, notebook)
            on_stage("Reading every pack of the repository")
            _check(ctx, access, notebook)
            on_stage("Restoring into scratch")
            _restore(ctx, listing, notebook, on_progress)
    except _EndedEarly:
        return


@contextmanager
def _obstacles(notebook: Notebook) -> Iterator[None]:
    """Note what kept us from seeing more. Such errors prove nothing about the backup."""
    try:
        yield
    except KeyboardInterrupt:
        notebook.raised = Interrupted("Stopped by Ctrl-C. Nothing that was restored is left behind.")
        notebook.obstacle = Obstacle(str(notebook.raised), Interrupted.exit_code)
    except Interrupted as stopped:
        notebook.raised = stopped
        notebook.obstacle = Obstacle(str(stopped), stopped.exit_code)
    except TocsinError as fault:
        notebook.obstacle = Obstacle(str(fault), fault.exit_code)
    except _EndedEarly:
        raise
    except Exception as fault:  # noqa: BLE001 - raised again by `run_drill`, after the journal knows
        notebook.raised = fault
        notebook.obstacle = Obstacle(f"Tocsin itself is at fault ({type(fault).__name__}).", 1)


def _choose(ctx: Context, drill: Drill, notebook: Notebook) -> None:
    with ctx.store.read() as connection:
        try:
            snapshot = choose_snapshot(connection, drill.backup_plan, repository=notebook.repository)
        except OperationFailed as none:
            notebook.broken.append(Finding(Code.NO_SNAPSHOT, str(none)))
            raise _EndedEarly from none
        if not agrees_with_journal(connection, snapshot):
            sentence = (
                f"Our ledger's row of snapshot {snapshot.short_id} does not agree with the journal: one of them "
                "was altered. Run 'tocsin journal verify'."
            )
            notebook.broken.append(Finding(Code.LEDGER_ALTERED, sentence, f"snapshot {snapshot.id}"))
    notebook.snapshot = snapshot


def _open(ctx: Context, access: RepositoryAccess, notebook: Notebook) -> Listing:
    """Open the repository and find the snapshot in it; note what is damaged or not as our ledger has it."""
    found = reach(access.location)
    if found is Reach.OUT_OF_REACH:
        raise Temporary(
            f"The repository {access.name} is out of reach: there is nothing at {access.location}. Is its disk "
            "plugged in and mounted? Nothing was proved; run the drill again when it is back."
        )
    notebook.damaged = damaged_objects(access.location)
    if found is Reach.GONE:
        notebook.damaged += (DamagedObject("config", "gone, while other parts of the repository are there"),)
    try:
        listing = list_snapshots(ctx, access)
    except (OperationFailed, ConfigurationError) as fault:
        notebook.broken.append(Finding(Code.WILL_NOT_OPEN, str(fault), access.name))
        raise _EndedEarly from fault
    _compare_with_ledger(ctx, listing, notebook)
    return listing


def _compare_with_ledger(ctx: Context, listing: Listing, notebook: Notebook) -> None:
    """Note snapshots that are gone or foreign. Only the loss of the one we restore fails the drill."""
    query = select(snapshots.c.id).where(
        snapshots.c.repository == notebook.repository, snapshots.c.gone_at.is_(None)
    )
    with ctx.store.read() as connection:
        ledger = frozenset(connection.execute(query).scalars())
    there = {known for found in listing.snapshots for known in (found.id, found.original)}
    gone = [snapshot_id for snapshot_id in sorted(ledger) if snapshot_id not in there]
    if others := [each for each in gone if notebook.snapshot is None or each != notebook.snapshot.id]:
        sentence = f"{len(others)} other snapshots that our ledger has are no longer in the repository."
        notebook.broken.append(Finding(Code.OTHERS_GONE, sentence, f"snapshot {others[-1]}", fails=False))
    for found in listing.foreign(ledger, notebook.began):
        sentence = (
            f"Snapshot {found.id[:8]} of {found.time:%Y-%m-%d %H:%M} UTC from {found.hostname} is not in our "
            "ledger: nobody here took it."
        )
        notebook.broken.append(Finding(Code.FOREIGN_SNAPSHOT, sentence, f"snapshot {found.id}", fails=False))


def _check(ctx: Context, access: RepositoryAccess, notebook: Notebook) -> None:
    began = ctx.clock.monotonic()
    try:
        try:
            notebook.check = ctx.restic.check(access, read_data=True)
        except Temporary:
            # A run that was killed leaves its lock; this removes only those whose process is gone.
            ctx.restic.unlock(access)
            notebook.check = ctx.restic.check(access, read_data=True)
    except OperationFailed as fault:
        notebook.broken.append(Finding(Code.WILL_NOT_OPEN, str(fault), access.name))
    notebook.check_took = timedelta(seconds=ctx.clock.monotonic() - began)


def _restore(ctx: Context, listing: Listing, notebook: Notebook, on_progress: OnProgress | None) -> None:
    snapshot = notebook.snapshot
    if snapshot is None:
        raise _EndedEarly
    try:
        notebook.tree = locate(listing, snapshot).tree
    except SnapshotGone as gone:
        notebook.broken.append(Finding(Code.SNAPSHOT_GONE, str(gone), f"snapshot {snapshot.id}"))
        raise _EndedEarly from gone
    area = None
    try:
        with scratch(ctx, f"drill-{snapshot.backup_plan}", needed_bytes=snapshot.bytes) as area:
            ctx.crash.reach("drill:scratch")
            notebook.restored = restore_and_verify(ctx, snapshot, listing, area, on_progress=on_progress)
            ctx.crash.reach("drill:restored")
    except NoRoom:
        raise
    except OperationFailed as fault:
        # With every pack sound, a restore that could not be tried says something about this machine only.
        if notebook.check is None or not notebook.check.ok:
            notebook.broken.append(Finding(Code.RESTORE_FAILED, str(fault)))
            raise _EndedEarly from fault
        raise
    finally:
        if area is not None:
            notebook.scratch_removed = not area.exists()
