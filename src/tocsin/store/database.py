"""The store: one SQL database, read freely, written only in transactions that may journal.

SQLite (WAL, full fsync, foreign keys) by default, PostgreSQL by URL. A writer takes the write lock at once
(`BEGIN IMMEDIATE`; an advisory lock on PostgreSQL), so that the journal's chain cannot fork.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Executable

from tocsin.ports import Actor, Clock, CrashPoints, Randomness

JsonValue = str | int | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the journal."""

    seq: int
    at: datetime
    actor: str
    door: str
    subject: str
    kind: str
    payload: str
    previous: str
    hash: str


class Store:
    """The database, with the tools that writing to it needs."""

    def __init__(self, engine: Engine, clock: Clock, randomness: Randomness, crash: CrashPoints) -> None:
        self.engine = engine
        self._clock = clock
        self._randomness = randomness
        self._crash = crash

    def new_id(self) -> str:
        """Return a new identity: 32 hexadecimal digits, unguessable."""
        return self._randomness.token(16).hex()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a consistent view. Raises Temporary when the database is out of reach."""
        raise NotImplementedError

    @contextmanager
    def write(self, actor: Actor) -> Iterator["Transaction"]:
        """Open the one write transaction: committed at the end, rolled back whole on any error."""
        raise NotImplementedError


class Transaction:
    """One write transaction, with the journal at hand."""

    def __init__(self, connection: Connection, actor: Actor, now: datetime) -> None:
        self.connection = connection
        self.actor = actor
        self.now = now

    def execute(self, statement: Executable) -> CursorResult[Any]:
        """Run one statement in this transaction."""
        return self.connection.execute(statement)  # type: ignore[return-value]

    def record(
        self, kind: str, subject: str, payload: Mapping[str, JsonValue], private: Mapping[str, str] | None = None
    ) -> Entry:
        """Append one journal entry.

        `payload` holds ids, codes, counts and hashes; no floats. Names and free text go into `private`,
        which the payload binds by a salted digest.
        """
        raise NotImplementedError
