"""Thin out and prune a repository: one job at a time, and nothing removed on anybody's word but our own.

    forget_snapshots(ctx, "local")      ledger and repository must agree first; ids, never a policy, go to restic;
                                        then the repository is read again, for a refused removal exits 0
    prune_repository(ctx, "local")      only where no retention is stopped by an alarm

Scheduled, with checks, by `maintain_if_due`.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from tocsin.backups.checking import Checked, check_repository
from tocsin.backups.due import paused
from tocsin.backups.ledger import LedgerEntry, held_snapshots, ledger
from tocsin.backups.proving import is_proof_due, prove_if_due
from tocsin.backups.retaining import Thinning, thin_out
from tocsin.backups.suspecting import retention_mark
from tocsin.backups.upkeep import known_repository, maintenance_job, past_stale_locks
from tocsin.backups.watching import compare_repository
from tocsin.context import Context
from tocsin.errors import Refused, Temporary, TocsinError
from tocsin.ports import Snapshot
from tocsin.repositories import repository_access
from tocsin.store.schedules import claim_due, give_back
from tocsin.store.tables import pause as pauses
from tocsin.store.tables import snapshot as snapshots

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What forgetting did in one repository. `refused` were asked for and are still there."""

    repository: str
    thinned: dict[str, Thinning]
    removed: tuple[LedgerEntry, ...] = ()
    refused: tuple[LedgerEntry, ...] = ()
    stopped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Maintained:
    """What came of one scheduled act. One put off was given back: it is due again at the next ring."""

    repository: str
    sentence: str
    is_well: bool = True
    is_put_off: bool = False


def forget_snapshots(ctx: Context, repository: str, *, dry_run: bool = False) -> Forgotten:
    """Remove what the plans' retention no longer asks for, and see that it is gone.

    Raises Refused when the repository and our ledger disagree: nothing is removed from a repository that
    somebody else has had their hands in.
    """
    known_repository(ctx, repository)
    thinned, stopped = _thinned(ctx, repository)
    going = [entry for one in thinned.values() for entry in one.removed]
    if dry_run or not going:
        return Forgotten(repository, thinned, stopped=stopped)
    with maintenance_job(ctx, repository, "forget") as job:
        access = repository_access(ctx, repository, for_maintenance=True)
        listing = _believed(ctx, repository)
        ids = {identity: found.id for found in listing for identity in (found.id, found.identity)}
        past_stale_locks(ctx, job, access, lambda: ctx.restic.forget(access, [ids[entry.id] for entry in going]))
        left = {found.identity for found in ctx.restic.snapshots(access)}
        removed = tuple(entry for entry in going if entry.id not in left)
        refused = tuple(entry for entry in going if entry.id in left)
        with ctx.store.write(ctx.actor) as tx:
            for entry in removed:
                tx.execute(
                    update(snapshots)
                    .where(snapshots.c.id == entry.id, snapshots.c.repository == repository)
                    .values(gone_at=tx.now)
                )
        job.tell("incomplete" if refused else "ok", removed=[one.id for one in removed], refused=len(refused))
    return Forgotten(repository, thinned, removed, refused, stopped)


def prune_repository(ctx: Context, repository: str) -> None:
    """Remove the data that no snapshot needs. Raises Refused while an alarm stops any plan's retention here."""
    known_repository(ctx, repository)
    with ctx.store.read() as connection:
        if stopped := _stopped(ctx, connection, repository):
            raise Refused(
                f"{repository} is not pruned: {', '.join(stopped)} raised a plausibility alarm that nobody has "
                "explained. See 'tocsin backup list', then 'tocsin backup explain'."
            )
    with maintenance_job(ctx, repository, "prune") as job:
        access = repository_access(ctx, repository, for_maintenance=True)
        _believed(ctx, repository)
        past_stale_locks(ctx, job, access, lambda: ctx.restic.prune(access))


def maintain_if_due(ctx: Context, repository: str, now: datetime) -> tuple[Maintained, ...]:
    """Do whatever of check, forget, prune and the append-only proof fell due; return what came of each.

    What is busy or out of reach is due again at the next ring; what was refused or failed is said, not raised.
    """
    known = known_repository(ctx, repository)
    own = known.maintenance
    if own is not None and own.host not in {None, socket.gethostname()}:
        own = None
    if own is None and not is_proof_due(ctx, known, now):
        return ()
    with ctx.store.read() as connection:
        if held := paused(connection):
            return (Maintained(repository, f"{repository}: nothing done, backups are paused: {held.reason}"),)
    acts: dict[str, Callable[[], Maintained]] = {
        "check": lambda: _told_check(check_repository(ctx, repository)),
        "forget": lambda: _told_forget(forget_snapshots(ctx, repository)),
        "prune": lambda: _told_prune(ctx, repository),
    }
    told = []
    schedules = own.schedules.items() if own else ()
    zone = own.timezone if own else ""
    for act, cron in schedules:
        if due := claim_due(ctx.store, ctx.actor, f"{act}:{repository}", cron, zone, now):
            told.append(_claimed(ctx, repository, _Claim(f"{act}:{repository}", due), acts[act]))
    return (*told, *prove_now(ctx, repository, now))


def prove_now(ctx: Context, repository: str, now: datetime) -> tuple[Maintained, ...]:
    """Try what a repository lets through, if that is due and backups are not paused: each machine for itself."""
    with ctx.store.read() as connection:
        if paused(connection):
            return ()
    try:
        said = prove_if_due(ctx, known_repository(ctx, repository), now)
    except Temporary as busy:
        return (Maintained(repository, f"the proof of {repository} is put off: {busy}", False, is_put_off=True),)
    except TocsinError as fault:
        return (Maintained(repository, f"the proof of {repository} was not done: {fault}", is_well=False),)
    return () if said is None else (Maintained(repository, said, is_well="NOT" not in said),)


@dataclass(frozen=True, slots=True)
class _Claim:
    name: str
    due: datetime


def _claimed(ctx: Context, repository: str, claim: _Claim, do: Callable[[], Maintained]) -> Maintained:
    try:
        return do()
    except Temporary as busy:
        give_back(ctx.store, ctx.actor, claim.name, claim.due)
        return Maintained(repository, f"{claim.name} is put off: {busy}", is_well=False, is_put_off=True)
    except TocsinError as fault:
        return Maintained(repository, f"{claim.name} was not done: {fault}", is_well=False)
    except BaseException:
        # A signal, Prefect's included, is no `Exception`: what it cut short is due as before.
        give_back(ctx.store, ctx.actor, claim.name, claim.due)
        raise


def _told_check(checked: Checked) -> Maintained:
    depth = f"structure and part {checked.part} of {checked.parts} of the data" if checked.part else "structure"
    if checked.ok:
        return Maintained(checked.repository, f"{checked.repository}: sound, {depth} read.")
    said = f"{checked.repository}: DAMAGED, {depth} read: {'; '.join(checked.errors[:3])}"
    return Maintained(checked.repository, said, is_well=False)


def _told_forget(done: Forgotten) -> Maintained:
    refused = f", {len(done.refused)} refused by the repository" if done.refused else ""
    said = f"{done.repository}: {len(done.removed)} snapshots forgotten{refused}."
    return Maintained(done.repository, said, is_well=not done.refused)


def _told_prune(ctx: Context, repository: str) -> Maintained:
    prune_repository(ctx, repository)
    return Maintained(repository, f"{repository}: pruned.")


def _thinned(ctx: Context, repository: str) -> tuple[dict[str, Thinning], tuple[str, ...]]:
    """Return what each plan's retention lets go here, and the plans an alarm has stopped."""
    thinned: dict[str, Thinning] = {}
    with ctx.store.read() as connection:
        held = held_snapshots(connection)
        stopped = _stopped(ctx, connection, repository)
        for plan in ctx.workspace.backup_plans.values():
            if plan.retention is None or repository not in plan.repositories or plan.id in stopped:
                continue
            mine = [one for one in ledger(connection, plan.id) if one.repository == repository and not one.gone_at]
            thinned[plan.id] = thin_out(mine, plan.retention, held=held, timezone=plan.zone)
    return thinned, stopped


def _stopped(ctx: Context, connection: Connection, repository: str) -> tuple[str, ...]:
    standing = set(connection.execute(select(pauses.c.what).where(pauses.c.lifted_at.is_(None))).scalars())
    return tuple(
        plan.id
        for plan in ctx.workspace.backup_plans.values()
        if repository in plan.repositories and retention_mark(plan.id) in standing
    )


def _believed(ctx: Context, repository: str) -> tuple[Snapshot, ...]:
    """Return what the repository holds, once it agrees with the ledger. Raises Refused when it does not."""
    seen, wrong = compare_repository(ctx, repository)
    if seen.fault is not None:
        raise seen.fault
    if wrong:
        said = " ".join(alarm.text for alarm in wrong[:_NAMED])
        more = f" And {len(wrong) - _NAMED} more." if len(wrong) > _NAMED else ""
        raise Refused(
            f"Nothing was removed from {repository}, because it is not what our ledger says it is. {said}{more} "
            "Find out who did that; 'tocsin watch' shows all of it."
        )
    return seen.snapshots
