"""The items of evidence and their custody, read from their rows. One whose collection broke off is `unknown`."""

import socket
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from tocsin.context import Context
from tocsin.errors import UsageError
from tocsin.store.need_to_know import hidden_incidents, must_be_theirs
from tocsin.store.operations import is_alive
from tocsin.store.tables import custody, evidence_item, operation

KEPT, COLLECTING, FAILED, UNKNOWN = "kept", "collecting", "failed", "unknown"


@dataclass(frozen=True, slots=True)
class Item:
    """One item. `sha256` is that of its bytes; of a folder, that of its manifest, which binds every file in it.

    `state` is `collecting`, `kept`, `failed`, or `unknown`: its collection broke off, and nobody knows what of it
    was kept. `changed` names files that changed while they were taken.
    """

    id: str
    incident: str | None
    step: str | None
    kind: str
    source: str
    host: str
    method: tuple[str, ...]
    title: str | None
    collector: str
    collected_at: datetime
    finished_at: datetime | None
    state: str
    problem: str | None
    sha256: str | None
    bytes: int | None
    files: int | None
    repository: str
    snapshot: str | None
    stored_path: str | None
    manifest_path: str | None
    changed: tuple[str, ...]

    @property
    def is_kept(self) -> bool:
        """Whether it is in the repository."""
        return self.state == KEPT


@dataclass(frozen=True, slots=True)
class CustodyAct:
    """One line of the chain: `taken`, `moved`, `opened`, `handed_to`, `returned`; `other`: whom, or where."""

    seq: int
    act: str
    at: datetime
    by: str
    other: str | None
    note: str | None


def items(ctx: Context, *, incident: str | None = None) -> tuple[Item, ...]:
    """Return the items of one incident, or all that are the reader's to know, oldest first."""
    query = _ITEMS.order_by(evidence_item.c.collected_at, evidence_item.c.id)
    if incident is not None:
        query = query.where(evidence_item.c.incident == incident)
    with ctx.store.read() as connection:
        if incident is not None:
            must_be_theirs(connection, incident)
        hidden = hidden_incidents(connection)
        return tuple(_item(row) for row in connection.execute(query) if row.incident not in hidden)


def item_of(connection: Connection, identity: str) -> Item:
    """Return one item. Raises UsageError where there is none, Refused where it is not theirs to know."""
    row = connection.execute(_ITEMS.where(evidence_item.c.id == identity)).first()
    if row is None:
        raise UsageError(f"There is no evidence {identity}. `tocsin evidence list` shows what there is.")
    must_be_theirs(connection, row.incident)
    return _item(row)


def custody_of(connection: Connection, identity: str) -> tuple[CustodyAct, ...]:
    """Return an item's chain of custody, oldest first."""
    query = select(custody).where(custody.c.item == identity).order_by(custody.c.seq)
    return tuple(
        CustodyAct(**{name: getattr(row, name) for name in CustodyAct.__slots__})
        for row in connection.execute(query)
    )


_ITEMS = select(
    evidence_item,
    operation.c.state.label("operation_state"),
    operation.c.host.label("operation_host"),
    operation.c.process.label("operation_process"),
).join_from(evidence_item, operation, operation.c.id == evidence_item.c.operation, isouter=True)


def _item(row: Row[Any]) -> Item:
    values = {name: getattr(row, name) for name in Item.__slots__}
    values["method"] = tuple(row.method)
    values["changed"] = tuple(row.changed or ())
    if row.state == COLLECTING and not _still_runs(row):
        values["state"] = UNKNOWN
    return Item(**values)


def _still_runs(row: Row[Any]) -> bool:
    if row.operation_state != "started":
        return False
    return bool(row.operation_host != socket.gethostname() or is_alive(row.operation_process))
