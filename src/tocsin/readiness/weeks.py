"""Readiness week by week: one row of counts a week, for the firm and for each client. Kept by the round."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, insert, select

from tocsin.actions import today
from tocsin.context import Context
from tocsin.readiness.looking import readiness
from tocsin.store.tables import readiness_week

MOST_WEEKS = 53


@dataclass(frozen=True, slots=True)
class Week:
    """The counts of one week, by the words of the lines."""

    monday: date
    counts: Mapping[str, int]

    @property
    def lines(self) -> int:
        """How many lines there were."""
        return sum(self.counts.values())


def keep_week_if_due(ctx: Context) -> date | None:
    """Keep this week's counts, once; return its Monday if they were kept now. Weeks slept through stay empty."""
    day = today(ctx.workspace, ctx.clock.now())
    monday = day - timedelta(days=day.weekday())
    with ctx.store.read() as connection:
        if _is_kept(connection, monday):
            return None
    found = {"": readiness(ctx)} | {client: readiness(ctx, client=client) for client in ctx.workspace.clients}
    with ctx.store.write(ctx.actor) as tx:
        if _is_kept(tx.connection, monday):
            return None
        for client, seen in found.items():
            row = {"monday": monday.isoformat(), "client": client, "counts": seen.counts(), "kept_at": tx.now}
            tx.execute(insert(readiness_week).values(**row))
        tx.record("readiness.kept", "readiness", {"monday": monday.isoformat(), "counts": {**found[""].counts()}})
    return monday


def weeks(connection: Connection, client: str = "") -> tuple[Week, ...]:
    """Return the last year's weeks, the oldest first."""
    query = select(readiness_week).where(readiness_week.c.client == client)
    rows = connection.execute(query.order_by(readiness_week.c.monday.desc()).limit(MOST_WEEKS)).all()
    return tuple(Week(date.fromisoformat(row.monday), row.counts) for row in reversed(rows))


def _is_kept(connection: Connection, monday: date) -> bool:
    query = select(readiness_week.c.client).where(readiness_week.c.monday == monday.isoformat()).limit(1)
    return connection.execute(query).first() is not None
