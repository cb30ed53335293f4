"""How old the newest good snapshot of each backup plan is, from our own ledger: one query, no restic."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, func, select

from tocsin.backups.ledger import LedgerEntry, ledger_entry
from tocsin.model.workspace import Workspace
from tocsin.store.tables import snapshot as snapshots

# A snapshot dated in the future must not keep a plan fresh for years.
CLOCK_TOLERANCE = timedelta(minutes=5)
# Whole, not removed by us, and not doubted.
_GOOD = (
    snapshots.c.verdict == "ok",
    snapshots.c.gone_at.is_(None),
    snapshots.c.plausibility.is_distinct_from("flagged"),
)


class Freshness(StrEnum):
    """Whether a plan's newest good snapshot is younger than its RPO."""

    FRESH = "fresh"
    LATE = "late"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class PlanFreshness:
    """One plan: when it last had a good snapshot, how old that is, and what was promised."""

    plan: str
    last_ok: datetime | None
    age: timedelta | None
    rpo: timedelta
    state: Freshness


def freshness(connection: Connection, workspace: Workspace, now: datetime) -> tuple[PlanFreshness, ...]:
    """Return every plan of the workspace, in the file's order. Only good snapshots count."""
    newest = dict(
        connection.execute(
            select(snapshots.c.backup_plan, func.max(snapshots.c.time, type_=snapshots.c.time.type))
            .where(*_GOOD, snapshots.c.time <= now + CLOCK_TOLERANCE)
            .group_by(snapshots.c.backup_plan)
        ).all()
    )
    return tuple(
        judge_freshness(plan.id, newest.get(plan.id), plan.rpo, now) for plan in workspace.backup_plans.values()
    )


def judge_freshness(plan: str, last_ok: datetime | None, rpo: timedelta, now: datetime) -> PlanFreshness:
    """Judge one plan: late when more work would be lost now than its RPO allows."""
    if last_ok is None:
        return PlanFreshness(plan, None, None, rpo, Freshness.NEVER)
    age = max(now - last_ok, timedelta(0))
    return PlanFreshness(plan, last_ok, age, rpo, Freshness.FRESH if age <= rpo else Freshness.LATE)


def last_good_snapshot(connection: Connection, plan: str, not_after: datetime | None = None) -> LedgerEntry | None:
    """Return the newest good snapshot of a plan, taken at or before `not_after` if that is given."""
    query = select(snapshots).where(snapshots.c.backup_plan == plan, *_GOOD)
    if not_after is not None:
        query = query.where(snapshots.c.time <= not_after)
    row = connection.execute(query.order_by(snapshots.c.time.desc()).limit(1)).mappings().first()
    return None if row is None else ledger_entry(row)
