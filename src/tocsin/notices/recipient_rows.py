"""The list of a letter's readers, read back: the list as a whole, its counts, and single readers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Row, func, select

from tocsin.notices.bulk import Recipient
from tocsin.store.tables import recipient, recipient_list

STATES: Final = ("intended", "trying", "sent", "failed", "unknown", "bounced", "held")
LEFT: Final = ("sent", "bounced")
"""States of a letter that has left the house."""
UNREACHED: Final = ("failed", "bounced", "held")
_SHORTEST: Final = 6


@dataclass(frozen=True, slots=True)
class RecipientList:
    """One notice's list. `sha256` is salted and bound to the approval; `salt` is None once it is forgotten."""

    notice: str
    state: str
    sha256: str
    salt: str | None
    by_mail: int
    on_paper: int
    held: int
    loaded_by: str
    loaded_at: datetime
    began_at: datetime | None
    tried_at: datetime | None
    ended_at: datetime | None
    forgotten_at: datetime | None
    root: str | None

    @property
    def in_words(self) -> str:
        """What an approver sees, and the approval is bound to."""
        held = f", {self.held:,} held back" if self.held else ""
        ways = f"{self.by_mail:,} by mail, {self.on_paper:,} on paper{held}"
        return f"a list of {self.by_mail + self.on_paper + self.held:,}: {ways}; SHA-256 {self.sha256}"


@dataclass(frozen=True, slots=True)
class Reader:
    """One row: a reader, how they are written to, and what has become of it. Names are empty once forgotten."""

    notice: str
    position: int
    key: str | None
    name: str
    email: str
    address: tuple[str, ...]
    way: str
    state: str
    sha256: str | None
    tries: int
    next_at: datetime | None
    tried_at: datetime | None
    finished_at: datetime | None
    code: str | None
    detail: str | None

    @property
    def recipient(self) -> Recipient:
        """What is put into the letter."""
        return Recipient(self.name, self.address)


def list_in(connection: Connection, identity: str) -> RecipientList | None:
    """Return the list of a notice, None when it has none."""
    row = connection.execute(select(recipient_list).where(recipient_list.c.notice == identity)).one_or_none()
    return RecipientList(**row._mapping) if row is not None else None  # noqa: SLF001 - SQLAlchemy's public name


def counts_in(connection: Connection, identity: str, *, way: str | None = None) -> Mapping[str, int]:
    """Return how many readers stand in each state; states that nobody is in are left out."""
    query = select(recipient.c.state, func.count()).where(recipient.c.notice == identity)
    if way is not None:
        query = query.where(recipient.c.way == way)
    return {row[0]: row[1] for row in connection.execute(query.group_by(recipient.c.state))}


def readers_in(
    connection: Connection,
    identity: str,
    *,
    states: tuple[str, ...] = (),
    way: str | None = None,
    after: int = 0,
    at_most: int | None = None,
) -> tuple[Reader, ...]:
    """Return readers in the order of the list: those in these states, going this way, after a position."""
    query = select(recipient).where(recipient.c.notice == identity, recipient.c.position > after)
    if states:
        query = query.where(recipient.c.state.in_(states))
    if way is not None:
        query = query.where(recipient.c.way == way)
    return tuple(reader_of(row) for row in connection.execute(query.order_by(recipient.c.position).limit(at_most)))


def reader_with(connection: Connection, key: str) -> Reader | None:
    """Return the one reader whose key begins so; None when there is none, or more than one."""
    if len(key) < _SHORTEST:
        return None
    query = select(recipient).where(recipient.c.key.startswith(key, autoescape=True)).limit(2)
    rows = connection.execute(query).all()
    return reader_of(rows[0]) if len(rows) == 1 else None


def reader_of(row: Row[tuple[object, ...]]) -> Reader:
    """Return a row of the table as a reader."""
    values = row._asdict()
    values.pop("batch")
    values["name"], values["email"] = values["name"] or "", values["email"] or ""
    values["address"] = tuple((values["address"] or "").splitlines())
    return Reader(**values)
