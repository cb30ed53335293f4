"""The clocks of an incident: 72 hours for the regulator, each client's contract hours, and their shadows.

The legal clock runs from awareness (UK GDPR Art 33(1)); until awareness is decided a shadow clock from the
first alert shows how late it could be judged.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from tocsin.context import Context
from tocsin.law.clocks import deadline
from tocsin.situation import Situation
from tocsin.store.need_to_know import HIDDEN, hidden_incidents
from tocsin.store.tables import incident

REGULATOR_HOURS = 72


@dataclass(frozen=True, slots=True)
class IncidentClock:
    """One deadline: to whom, in words, when, and whether it is the legal one or its shadow."""

    to: str
    words: str
    due: datetime
    legal: bool


def clocks_of(found: Situation) -> tuple[IncidentClock, ...]:
    """Return the clocks that run, the earliest first; a duty that is settled as not owed has none."""
    start, legal = (found.aware_at, True) if found.aware_at else (found.first_alert_at, False)
    clocks = [
        IncidentClock(
            client.id, f"{client.name} ({client.notice_hours} h)", deadline(start, client.notice_hours).due, legal
        )
        for client in found.radius.clients
        if client.notice_hours
    ]
    if found.required("regulator") != "no":
        clocks.append(IncidentClock("ico", "ICO (72 h)", deadline(start, REGULATOR_HOURS).due, legal))
    return tuple(sorted(clocks, key=lambda clock: clock.due))


def left(rest: timedelta) -> str:
    """Say how much is left, or how long overdue: `31 h 20 min left`."""
    hours, minutes = divmod(int(abs(rest).total_seconds()) // 60, 60)
    spoken = f"{hours} h {minutes} min" if hours else f"{minutes} min"
    return f"{spoken} left" if rest > timedelta(0) else f"OVERDUE by {spoken}"


@dataclass(frozen=True, slots=True)
class Listed:
    """One incident in a list. Of a need-to-know one that is not theirs, whoever lists sees the id alone."""

    id: str
    title: str = ""
    cause: str | None = None
    state: str = HIDDEN
    declared_at: datetime | None = None
    first_alert_at: datetime | None = None
    aware_at: datetime | None = None
    closed_at: datetime | None = None
    need_to_know_at: datetime | None = None
    merged_into: str | None = None


def all_incidents(ctx: Context) -> tuple[Listed, ...]:
    """Return every incident, newest first."""
    with ctx.store.read() as connection:
        hidden = hidden_incidents(connection)
        rows = connection.execute(select(incident).order_by(incident.c.declared_at.desc(), incident.c.id.desc()))
        return tuple(
            Listed(row.id)
            if row.id in hidden
            else Listed(**{name: getattr(row, name) for name in Listed.__slots__})
            for row in rows
        )
