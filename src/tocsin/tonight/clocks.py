"""Open incidents and the clocks that run in them.

The regulator's clock is the legal one: 72 hours from the moment somebody was reasonably certain (UK GDPR Art
33(1)). Until somebody says so, a shadow clock runs from the first alert: the day awareness is fixed later, it may
turn out to have been then. A client's clock runs for the hours its contract gives, for each client whose data
the inventory places on a system that was hit. A clock stops when that notice is sent, recorded as sent, or a
named person decided that it is not owed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, select

from tocsin.law.clocks import deadline
from tocsin.model.workspace import Workspace
from tocsin.store.need_to_know import hidden_incidents
from tocsin.store.tables import decision, duty, incident, incident_system, notice

REGULATOR_HOURS = 72


@dataclass(frozen=True, slots=True)
class Countdown:
    """One clock. `who` is `regulator` or a client's id; `left` is negative once it is overdue."""

    who: str
    name: str
    hours: int
    due: datetime
    left: timedelta
    legal: bool
    settled: str | None = None

    @property
    def overdue(self) -> bool:
        """Whether it ran out with nothing sent or decided; a shadow clock that ran out counts too."""
        return self.settled is None and self.left < timedelta(0)


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """One incident that is not closed; `clocks` has the regulator's first, then the clients', soonest first."""

    id: str
    title: str
    state: str
    cause: str | None
    systems: tuple[str, ...]
    first_alert_at: datetime
    aware_at: datetime | None
    clocks: tuple[Countdown, ...]


def open_incidents(connection: Connection, workspace: Workspace, now: datetime) -> tuple[OpenIncident, ...]:
    """Return the incidents that are not closed, the one whose time runs out first at the top."""
    rows = connection.execute(select(incident).where(incident.c.closed_at.is_(None), incident.c.state != "closed"))
    hidden = hidden_incidents(connection)
    found = [_open(connection, workspace, row, now) for row in rows.all() if row.id not in hidden]
    return tuple(sorted(found, key=lambda one: min(_urgency(clock) for clock in one.clocks)))


def hidden_open_incidents(connection: Connection) -> tuple[str, ...]:
    """Return the open incidents of which this reader may know only that they exist."""
    hidden = hidden_incidents(connection)
    query = select(incident.c.id).where(incident.c.closed_at.is_(None), incident.c.id.in_(hidden))
    return tuple(connection.execute(query.order_by(incident.c.id)).scalars()) if hidden else ()


def _urgency(clock: Countdown) -> tuple[bool, timedelta]:
    return (clock.settled is not None, clock.left)


def _open(
    connection: Connection, workspace: Workspace, row: Row[tuple[object, ...]], now: datetime
) -> OpenIncident:
    systems = tuple(
        connection.execute(
            select(incident_system.c.system)
            .where(incident_system.c.incident == row.id)
            .order_by(incident_system.c.added_at, incident_system.c.system)
        ).scalars()
    )
    settled = _settled(connection, row.id)
    clients = [
        (client.id, client.name, client.notice_hours, settled.get(("controllers", client.id)))
        for client in workspace.clients_of(workspace.datasets_on(systems))
        if client.notice_hours
    ]
    decided = settled.get(("controllers", ""))
    start, legal = row.aware_at or row.first_alert_at, row.aware_at is not None
    regulator = _countdown(
        ("regulator", "regulator", REGULATOR_HOURS, settled.get(("regulator", ""))), start, now, legal=legal
    )
    theirs = [
        _countdown((who, name, hours, done or decided), start, now, legal=legal)
        for who, name, hours, done in clients
    ]
    return OpenIncident(
        id=row.id,
        title=row.title,
        state=row.state,
        cause=row.cause,
        systems=systems,
        first_alert_at=row.first_alert_at,
        aware_at=row.aware_at,
        clocks=(regulator, *sorted(theirs, key=_urgency)),
    )


def _countdown(
    owed: tuple[str, str, int, str | None], start: datetime, now: datetime, *, legal: bool
) -> Countdown:
    who, name, hours, settled = owed
    due = deadline(start, hours).due
    return Countdown(who, name, hours, due, due - now, legal, settled)


def _settled(connection: Connection, incident_id: str) -> dict[tuple[str, str], str]:
    """Return what stops a clock: by duty and client ('' where the duty is meant as a whole)."""
    sent = connection.execute(
        select(notice.c.duty, notice.c.addressee, notice.c.state).where(
            notice.c.incident == incident_id, notice.c.state.in_(("sent", "recorded"))
        )
    )
    settled = {(row.duty, row.addressee if row.duty == "controllers" else ""): "told" for row in sent}
    decided = connection.execute(
        select(decision.c.duty, decision.c.decided)
        .where(decision.c.incident == incident_id, decision.c.withdrawn_at.is_(None))
        .where(decision.c.second_asked_at.is_(None) | decision.c.second_at.is_not(None))
        .order_by(decision.c.decided_at)
    )
    # The newest decision on a duty is the one that stands.
    for toward, answer in {row.duty: row.decided for row in decided}.items():
        if answer == "no":
            settled.setdefault((toward, ""), "decided: not owed")
    return settled | _by_duty(connection, incident_id)


def _by_duty(connection: Connection, incident_id: str) -> dict[tuple[str, str], str]:
    """Return what the duties say: told (by hand too), decided against, or no longer owed."""
    rows = connection.execute(
        select(duty.c.toward, duty.c.controller, duty.c.state, duty.c.told_at)
        .where(duty.c.incident == incident_id)
        .where((duty.c.key == "regulator") | (duty.c.toward == "controllers"))
        .where(duty.c.told_at.is_not(None) | duty.c.state.in_(("declined", "lapsed")))
    )
    words = {"declined": "decided: not owed", "lapsed": "not owed"}
    return {
        (row.toward, row.controller if row.toward == "controllers" else ""): (
            "told" if row.told_at else words[row.state]
        )
        for row in rows
    }
