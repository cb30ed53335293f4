"""How old the newest good snapshot of each backup plan is, from our own ledger: one query, no restic.

A plan with dumps has several series of snapshots: its files, and each dump. It is as fresh as the oldest of them.
"""

from dataclasses import dataclass, replace
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
    """One plan: when it last had a good snapshot, how old that is, and what was promised.

    `series` is the one that decided, the oldest or a missing one: '' for the files, else a dump's name.
    """

    plan: str
    last_ok: datetime | None
    age: timedelta | None
    rpo: timedelta
    state: Freshness
    series: str = ""

    @property
    def named(self) -> str:
        """What is fresh or late, for people: the plan, or the one dump that lags behind."""
        return (
            f"the dump {self.series} of the backup plan {self.plan}"
            if self.series
            else f"the backup plan {self.plan}"
        )


def freshness(connection: Connection, workspace: Workspace, now: datetime) -> tuple[PlanFreshness, ...]:
    """Return every plan of the workspace, in the file's order. Only good snapshots count."""
    newest = {
        (row.backup_plan, row.dump): row.time
        for row in connection.execute(
            select(
                snapshots.c.backup_plan,
                snapshots.c.dump,
                func.max(snapshots.c.time, type_=snapshots.c.time.type).label("time"),
            )
            .where(*_GOOD, snapshots.c.time <= now + CLOCK_TOLERANCE)
            .group_by(snapshots.c.backup_plan, snapshots.c.dump)
        )
    }
    return tuple(
        _oldest(
            [
                replace(judge_freshness(plan.id, newest.get((plan.id, series)), plan.rpo, now), series=series)
                for series in plan.series
            ]
        )
        for plan in workspace.backup_plans.values()
    )


def newest_good(connection: Connection, now: datetime) -> dict[tuple[str, str], str]:
    """Return the id of the newest good snapshot of each plan's files ('') and dumps, by plan and series."""
    newest = (
        select(
            snapshots.c.backup_plan,
            snapshots.c.dump,
            func.max(snapshots.c.time, type_=snapshots.c.time.type).label("time"),
        )
        .where(*_GOOD, snapshots.c.time <= now + CLOCK_TOLERANCE)
        .group_by(snapshots.c.backup_plan, snapshots.c.dump)
        .subquery()
    )
    same = (
        (newest.c.backup_plan == snapshots.c.backup_plan)
        & (newest.c.dump == snapshots.c.dump)
        & (newest.c.time == snapshots.c.time)
    )
    query = select(snapshots.c.backup_plan, snapshots.c.dump, snapshots.c.id).join(newest, same).where(*_GOOD)
    return {(row.backup_plan, row.dump): row.id for row in connection.execute(query)}


def _oldest(found: list[PlanFreshness]) -> PlanFreshness:
    """Return the series that lags most; one that was never saved before all others."""
    return max(found, key=lambda one: timedelta.max if one.age is None else one.age)


def judge_freshness(plan: str, last_ok: datetime | None, rpo: timedelta, now: datetime) -> PlanFreshness:
    """Judge one plan: late when more work would be lost now than its RPO allows."""
    if last_ok is None:
        return PlanFreshness(plan, None, None, rpo, Freshness.NEVER)
    age = max(now - last_ok, timedelta(0))
    return PlanFreshness(plan, last_ok, age, rpo, Freshness.FRESH if age <= rpo else Freshness.LATE)


def last_good_snapshot(
    connection: Connection, plan: str, not_after: datetime | None = None, *, dump: str = ""
) -> LedgerEntry | None:
    """Return the newest good snapshot of a plan's files, or of one dump, taken at or before `not_after`."""
    query = select(snapshots).where(snapshots.c.backup_plan == plan, snapshots.c.dump == dump, *_GOOD)
    if not_after is not None:
        query = query.where(snapshots.c.time <= not_after)
    order = (snapshots.c.time.desc(), snapshots.c.copy_id.is_not(None))
    row = connection.execute(query.order_by(*order).limit(1)).mappings().first()
    return None if row is None else ledger_entry(row)
