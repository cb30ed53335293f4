"""One open incident's row, for whoever is about to change it."""

from typing import Any

from sqlalchemy import Row, select

from tocsin.errors import UsageError
from tocsin.store.database import Transaction
from tocsin.store.need_to_know import must_be_theirs
from tocsin.store.tables import incident


def known_row(tx: Transaction, incident_id: str) -> Row[Any]:
    """Return it, closed or not. Raises UsageError for none or a merged one, Refused where not theirs."""
    row = tx.execute(select(incident).where(incident.c.id == incident_id)).first()
    if row is None:
        raise UsageError(f"There is no incident {incident_id}. `tocsin incident list` shows them.")
    must_be_theirs(tx.connection, incident_id)
    if row.merged_into is not None:
        raise UsageError(f"{incident_id} was merged into {row.merged_into}: do it there. Nothing was changed.")
    return row


def open_row(tx: Transaction, incident_id: str) -> Row[Any]:
    """Return it. Raises UsageError where there is none, or it is closed or merged, Refused where not theirs."""
    row = known_row(tx, incident_id)
    if row.closed_at is not None:
        raise UsageError(f"{incident_id} is closed. A new fact that asks for more reopens it by itself.")
    return row
