"""Backups by the clock: due, paused, or claimed by another door. Prefect rings; what stands here decides."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from tocsin.backups.copying import copies_of, plan_copies
from tocsin.backups.plans import find_plan
from tocsin.backups.running import BackupOutcome, attempt_backup, copy_behind
from tocsin.backups.together import slot
from tocsin.context import Context
from tocsin.errors import Interrupted, Temporary, UsageError
from tocsin.model.workspace import BackupPlan
from tocsin.ports import OnProgress
from tocsin.store.schedules import claim_due, give_back
from tocsin.store.tables import pause as pauses

WHAT = "backups"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A scheduled backup that was not run, and why."""

    plan: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Scheduled backups are held: by whom, since when, why."""

    id: str
    reason: str
    placed_by: str
    placed_at: datetime


def backup_if_due(
    ctx: Context, plan_id: str, now: datetime, *, on_progress: OnProgress | None = None
) -> Skipped | BackupOutcome:
    """Back up a plan if its schedule fell due since it was last acted on; many missed times are one.

    Waits its turn where as many scheduled backups run as the workspace allows at once.

    Raises what `run_backup` raises. After a Temporary error or an interruption the claim is given back, so
    that the next ring of the bell tries again rather than waiting a day.
    """
    plan = find_plan(ctx, plan_id)
    with ctx.store.read() as connection:
        held = paused(connection)
    if held:
        return Skipped(
            plan.id, f"Scheduled backups are paused since {held.placed_at:%Y-%m-%d %H:%M} UTC: {held.reason}"
        )
    name = f"backup:{plan.id}"
    due = claim_due(ctx.store, ctx.actor, name, plan.schedule, plan.zone, now)
    if due is None:
        return _catch_up(ctx, plan, on_progress) or Skipped(plan.id, "Not due: its last due time was acted on.")
    try:
        with slot(ctx):
            outcome = _saved(attempt_backup(ctx, plan.id, on_progress=on_progress))
    except BaseException as ended:
        # A signal, Prefect's included, is no `Exception`: what it cut short is due as before.
        if isinstance(ended, (Temporary, Interrupted)) or not isinstance(ended, Exception):
            give_back(ctx.store, ctx.actor, name, due)
        raise
    # The snapshot is saved: only the copying is tried again, at the next ring.
    return _copied(outcome)


def _catch_up(ctx: Context, plan: BackupPlan, on_progress: OnProgress | None) -> BackupOutcome | None:
    """Copy what an earlier run could not; None when nothing waits for that."""
    if not copies_of(ctx.workspace, plan) or not any(waiting for _, _, waiting in plan_copies(ctx, plan.id)):
        return None
    with slot(ctx):
        return _copied(copy_behind(ctx, plan.id, on_progress=on_progress))


def _saved(outcome: BackupOutcome) -> BackupOutcome:
    if outcome.errors:
        raise outcome.errors[0][1]
    return outcome


def _copied(outcome: BackupOutcome) -> BackupOutcome:
    if outcome.uncopied:
        raise outcome.uncopied[0][1]
    return outcome


def paused(connection: Connection) -> Pause | None:
    """Return the pause that holds all scheduled backups, or None."""
    query = select(pauses).where(pauses.c.what == WHAT, pauses.c.lifted_at.is_(None)).order_by(pauses.c.placed_at)
    row = connection.execute(query).mappings().first()
    return None if row is None else Pause(row["id"], row["reason"], row["placed_by"], row["placed_at"])


def pause_backups(ctx: Context, reason: str) -> Pause:
    """Hold all scheduled backups until `resume_backups`; where they are held already, return that pause."""
    with ctx.store.write(ctx.actor) as tx:
        if standing := paused(tx.connection):
            return standing
        placed = Pause(ctx.store.new_id(), reason, ctx.actor.person, tx.now)
        tx.execute(
            insert(pauses).values(
                id=placed.id, what=WHAT, reason=reason, placed_by=placed.placed_by, placed_at=placed.placed_at
            )
        )
        tx.record("backups.paused", WHAT, {"pause": placed.id}, private={"reason": reason})
    ctx.store.sign_head(ctx.actor)
    return placed


def resume_backups(ctx: Context, reason: str) -> Pause:
    """Let scheduled backups run again, and return the pause that stood. Raises UsageError when none did."""
    with ctx.store.write(ctx.actor) as tx:
        standing = paused(tx.connection)
        if standing is None:
            raise UsageError("Scheduled backups are not paused; nothing was changed.")
        tx.execute(
            update(pauses)
            .where(pauses.c.what == WHAT, pauses.c.lifted_at.is_(None))
            .values(lifted_by=ctx.actor.person, lifted_at=tx.now)
        )
        tx.record("backups.resumed", WHAT, {"pause": standing.id}, private={"reason": reason})
    ctx.store.sign_head(ctx.actor)
    return standing
