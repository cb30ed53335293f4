"""Reports as rows: one of them, its marks in the transaction of an incident."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from tocsin import alarms
from tocsin.errors import UsageError
from tocsin.incidents.paging import end_pages_in
from tocsin.store.database import Transaction
from tocsin.store.need_to_know import must_be_theirs
from tocsin.store.tables import report


@dataclass(frozen=True, slots=True)
class Report:
    """One report; `reported_by` is None where it came without a name."""

    id: str
    kind: str
    what: str
    system: str | None
    noticed_at: datetime | None
    reported_by: str | None
    reported_at: datetime
    state: str
    incident: str | None
    settled_by: str | None
    settled_at: datetime | None
    reason: str | None


def settle_in(tx: Transaction, identity: str, incident_id: str) -> None:
    """Mark a report as the beginning of an incident, in the transaction that declares it."""
    waits = (report.c.id == identity) & (report.c.state == "waiting")
    changed = tx.execute(
        update(report)
        .where(waits)
        .values(state="incident", incident=incident_id, settled_by=tx.actor.person, settled_at=tx.now)
    )
    if not changed.rowcount:
        raise UsageError(f"{identity} was looked at already. Nothing was changed.")
    end_alarms_in(tx, identity)
    tx.record("report.accepted", f"report:{identity}", {"incident": incident_id})


def end_alarms_in(tx: Transaction, identity: str) -> None:
    """End what rings for a report that was looked at."""
    end_pages_in(tx, identity)
    for row in alarms.standing(tx.connection):
        if row.subject == f"report:{identity}":
            alarms.end(tx, [row.id], say_so=False)


def report_in(connection: Connection, identity: str) -> Report:
    """Return one report. Raises UsageError where there is none, Refused where its incident is not theirs."""
    row = connection.execute(select(report).where(report.c.id == identity)).first()
    if row is None:
        raise UsageError(f"There is no report {identity}. `tocsin report list` shows them.")
    must_be_theirs(connection, row.incident)
    return report_row(row)


def report_row(row: Row[Any]) -> Report:
    """Return a report from its row."""
    return Report(**{name: getattr(row, name) for name in Report.__slots__})
