"""Machine checks as they are kept: what was looked at when, and what was found."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from tocsin.practices.updates import MachineUpdates, Update, kept_machine
from tocsin.store.tables import practice_check


@dataclass(frozen=True, slots=True)
class Check:
    """One look at the machines."""

    id: str
    at: datetime
    verdict: Update
    machines: tuple[MachineUpdates, ...]


def last_check(connection: Connection, practice: str) -> Check | None:
    """Return the newest look at the machines, or None."""
    query = select(practice_check).where(practice_check.c.practice == practice)
    row = connection.execute(query.order_by(practice_check.c.at.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    machines = tuple(kept_machine(kept) for kept in row.result)
    return Check(row.id, row.at, Update(row.verdict), machines)
