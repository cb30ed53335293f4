"""Do what a drill does and write down what is seen; nothing is judged here.

1. Which copy: the repository that was drilled longest ago, and in it the snapshot that the drill chooses.
2. Open the repository and list it; hash its key, index and snapshot files where they can be read.
3. Read its packs from the repository itself: all of them (`restic check --read-data`), or the next part in turn.
4. Stream the snapshot, or restore it into scratch, load it and ask it (`restoring`). The time this takes is the
   RTO; the newest good snapshot's age when the drill began is the RPO.

Errors end here. What says something about the backup becomes a finding, what says nothing becomes an obstacle.
"""

from datetime import timedelta

from sqlalchemy import select

from tocsin.backups.checking import next_part
from tocsin.context import Context
from tocsin.drills.choosing import choose_for_drill
from tocsin.drills.notebook import EndedEarly, Notebook, obstacles
from tocsin.drills.rehearsing import rehearse_plan
from tocsin.drills.restoring import Hearing, restore, stream
from tocsin.drills.seen import Code, Finding
from tocsin.errors import ConfigurationError, OperationFailed, Temporary
from tocsin.model.drill import Drill
from tocsin.model.ladder import Rung
from tocsin.ports import CheckSummary, RepositoryAccess
from tocsin.recovery import (
    DamagedObject,
    Listing,
    Reach,
    agrees_with_journal,
    damaged_objects,
    list_snapshots,
    reach,
)
from tocsin.repositories import repository_access
from tocsin.store.tables import snapshot as snapshots

__all__ = ["Notebook", "look"]


def look(ctx: Context, drill: Drill, notebook: Notebook, hearing: Hearing) -> None:
    """Carry the drill out and fill the notebook. Raises nothing that a drill should expect."""
    try:
        with obstacles(notebook):
            notebook.restic_version = ctx.restic.version()
            access = repository_access(ctx, notebook.repository)
            _choose(ctx, drill, notebook)
            hearing.on_stage("Opening the repository")
            listing = _open(ctx, access, notebook)
            hearing.on_stage("Reading the repository's packs")
            _check(ctx, drill, access, notebook)
            if drill.integrity is Rung.L2:
                hearing.on_stage("Reading the snapshot as a stream")
                stream(ctx, listing, notebook)
            elif drill.integrity.height > Rung.L2.height:
                # A recovery plan restores and verifies by itself; what the drill adds needs a copy of its own.
                if drill.integrity is not Rung.L6 or drill.databases or drill.checks:
                    hearing.on_stage("Restoring into scratch")
                    restore(ctx, drill, listing, notebook, hearing)
                if drill.integrity is Rung.L6:
                    rehearse_plan(ctx, drill, notebook, hearing.on_stage)
    except EndedEarly:
        return


def _choose(ctx: Context, drill: Drill, notebook: Notebook) -> None:
    with ctx.store.read() as connection:
        try:
            chosen = choose_for_drill(ctx, connection, drill, notebook.repository)
        except OperationFailed as none:
            notebook.broken.append(Finding(Code.NO_SNAPSHOT, str(none)))
            raise EndedEarly from none
        snapshot = chosen.snapshot
        if not agrees_with_journal(connection, snapshot):
            sentence = (
                f"Our ledger's row of snapshot {snapshot.short_id} does not agree with the journal: one of them "
                "was altered. Run 'tocsin journal verify'."
            )
            notebook.broken.append(Finding(Code.LEDGER_ALTERED, sentence, f"snapshot {snapshot.id}"))
    notebook.snapshot, notebook.why_this, notebook.newest = snapshot, chosen.why, chosen.newest


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
        notebook.opened = False
        notebook.broken.append(Finding(Code.WILL_NOT_OPEN, str(fault), access.name))
        raise EndedEarly from fault
    notebook.opened = True
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


def _check(ctx: Context, drill: Drill, access: RepositoryAccess, notebook: Notebook) -> None:
    whole = drill.packs == "all"
    if not whole:
        notebook.check_part = next_part(ctx, ctx.workspace.repositories[notebook.repository])
    began = ctx.clock.monotonic()
    try:
        try:
            notebook.check = _read(ctx, access, None if whole else notebook.check_part)
        except Temporary:
            # A run that was killed leaves its lock; this removes only those whose process is gone.
            ctx.restic.unlock(access)
            notebook.check = _read(ctx, access, None if whole else notebook.check_part)
    except OperationFailed as fault:
        notebook.broken.append(Finding(Code.WILL_NOT_OPEN, str(fault), access.name))
    notebook.check_took = timedelta(seconds=ctx.clock.monotonic() - began)


def _read(ctx: Context, access: RepositoryAccess, part: tuple[int, int] | None) -> CheckSummary:
    return ctx.restic.check(access, part=part) if part else ctx.restic.check(access, read_data=True)
