"""Deliveries: one row for each way out of one version of a notice, read back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from tocsin.context import Context
from tocsin.errors import UsageError
from tocsin.notices.register import Notice, notice_of
from tocsin.store.operations import is_alive
from tocsin.store.tables import delivery
from tocsin.store.tables import operation as operations

FILE, MAIL = "file", "mail"
_SENDING = select(operations.c.subject, operations.c.process).where(
    operations.c.kind == "notice.send", operations.c.state == "started"
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One way out of one version: the files, or one mail address."""

    id: str
    notice: str
    version: int
    sha256: str
    channel: str
    address: str
    message_id: str
    state: str
    intended_at: datetime
    tried_at: datetime | None
    finished_at: datetime | None
    detail: str | None


def deliveries(ctx: Context, identity: str) -> tuple[Delivery, ...]:
    """Return the deliveries of a notice's current version: the files first, then by address."""
    with ctx.store.read() as connection:
        return rows_of(connection, notice_of(ctx, identity))


def unknown_deliveries(ctx: Context) -> tuple[Delivery, ...]:
    """Return every delivery that waits for a person to say whether it happened, one cut off just now included."""
    with ctx.store.read() as connection:
        rows = connection.execute(select(delivery).where(delivery.c.state.in_(("unknown", "trying")))).all()
        running = {row.subject for row in connection.execute(_SENDING) if is_alive(row.process)}
    found = (Delivery(**row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's public name for it
    return tuple(row for row in found if row.state == "unknown" or f"notice:{row.notice}" not in running)


def delivery_of(ctx: Context, identity: str) -> Delivery:
    """Return one delivery by its id or the unambiguous beginning of it. Raises UsageError when there is none."""
    query = select(delivery).where(delivery.c.id.startswith(identity, autoescape=True)).limit(2)
    with ctx.store.read() as connection:
        rows = connection.execute(query).all()
    if len(rows) != 1 or not identity:
        raise UsageError(f"There is no single delivery {identity}. `tocsin notice show ID` lists them.")
    return Delivery(**rows[0]._mapping)  # noqa: SLF001


def rows_of(connection: Connection, current: Notice, *, state: str | None = None) -> tuple[Delivery, ...]:
    """Return the deliveries of a notice's current version, the files first, then by address."""
    query = (
        select(delivery)
        .where(delivery.c.notice == current.id, delivery.c.version == current.version)
        .order_by(delivery.c.channel, delivery.c.address)
    )
    if state is not None:
        query = query.where(delivery.c.state == state)
    return tuple(Delivery(**row._mapping) for row in connection.execute(query))  # noqa: SLF001
