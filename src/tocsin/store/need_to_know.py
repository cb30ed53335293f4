"""Need-to-know incidents: whoever is not in the circle sees that the incident exists, and nothing else of it.

A store that is opened for somebody (`Store.read_by`) puts their name on every connection, and every query that
shows something asks here. Machinery (the rounds, the schedules) reads as nobody in particular and sees all, for
clocks must run and alarms ring; whatever it then shows to a person goes through that person's own store.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from tocsin.errors import Refused
from tocsin.store.tables import evidence_item, incident, incident_circle, notice, report, run

READER = "tocsin_reader"
"""The execution option of a connection that names who reads."""
HIDDEN = "need-to-know"
"""What is shown in place of everything that is not theirs to know."""


def hidden_incidents(connection: Connection) -> frozenset[str]:
    """Return the incidents of which this connection's reader may know only that they exist."""
    reader = connection.get_execution_options().get(READER)
    if reader is None:
        return frozenset()
    mine = select(incident_circle.c.incident).where(incident_circle.c.person == reader)
    query = select(incident.c.id).where(incident.c.need_to_know_at.is_not(None), incident.c.id.not_in(mine))
    return frozenset(connection.execute(query).scalars())


def must_be_theirs(connection: Connection, incident_id: str | None) -> None:
    """Raise Refused when this connection's reader is not in the incident's circle."""
    if incident_id is not None and incident_id in hidden_incidents(connection):
        raise Refused(
            f"{incident_id} is need-to-know: it exists and is being dealt with, and only its own people see more. "
            "If you know something about it, tell them with `tocsin report`. Nothing was changed."
        )


def hidden_subjects(connection: Connection) -> frozenset[str]:
    """Return the journal's subjects that belong to hidden incidents: they themselves, runs, notices, evidence."""
    hidden = hidden_incidents(connection)
    if not hidden:
        return frozenset()
    runs = connection.execute(select(run.c.id).where(run.c.incident.in_(hidden))).scalars()
    notices = connection.execute(select(notice.c.id).where(notice.c.incident.in_(hidden))).scalars()
    reports = connection.execute(select(report.c.id).where(report.c.incident.in_(hidden))).scalars()
    items = connection.execute(select(evidence_item.c.id).where(evidence_item.c.incident.in_(hidden))).scalars()
    return frozenset(
        [
            *_subjects("incident", hidden),
            *_subjects("run", runs),
            *_subjects("notice", notices),
            *_subjects("evidence", items),
            *_subjects("report", reports),
        ]
    )


def circle_of(connection: Connection, incident_id: str) -> tuple[str, ...] | None:
    """Return the people of a need-to-know incident in the order they joined; None where everybody may see it."""
    since = connection.execute(select(incident.c.need_to_know_at).where(incident.c.id == incident_id)).scalar()
    if since is None:
        return None
    query = select(incident_circle.c.person).where(incident_circle.c.incident == incident_id)
    return tuple(
        connection.execute(query.order_by(incident_circle.c.added_at, incident_circle.c.person)).scalars()
    )


def _subjects(kind: str, ids: Iterable[str]) -> list[str]:
    return [f"{kind}:{each}" for each in ids]
