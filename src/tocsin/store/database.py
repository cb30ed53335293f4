"""The store: one SQL database, read freely, written only in transactions that may journal.

SQLite (WAL, full fsync, foreign keys) by default, PostgreSQL by URL. A writer takes the write lock at once
(`BEGIN IMMEDIATE`; an advisory lock on PostgreSQL), so that the journal's chain cannot fork.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, CursorResult, Engine, Executable, insert, select

from tocsin.durable import private_folder, write_durably
from tocsin.ports import Actor, Clock, CrashPoints, Randomness
from tocsin.store.chain import (
    FIRST_PREVIOUS,
    FORMAT,
    Entry,
    JsonValue,
    Line,
    canonical,
    content_hash,
    private_digest,
)
from tocsin.store.columns import fitting, instant_text, storable
from tocsin.store.engine import make_engine, reading, writing
from tocsin.store.faults import explained
from tocsin.store.heads import Head
from tocsin.store.keys import JournalKey, PublicKey
from tocsin.store.need_to_know import READER
from tocsin.store.schema import bring_up_to_date
from tocsin.store.sealing import seal
from tocsin.store.tables import journal, journal_private

__all__ = ["Entry", "JsonValue", "Store", "Transaction", "open_store"]

# Built once: building a statement costs as much as running it.
_LAST_ENTRY = select(journal.c.seq, journal.c.hash).order_by(journal.c.seq.desc()).limit(1)
_APPEND = insert(journal)
_BIND_TEXT = insert(journal_private)


def open_store(url: str, state_folder: Path, clock: Clock, randomness: Randomness, crash: CrashPoints) -> "Store":
    """Open the store at `url`, made or migrated where needed; `state_folder` keeps the journal's key and head.

    Raises:
        UsageError: the URL, or what is there, is not a store of this Tocsin.
        Temporary: it is busy or out of reach.
        OperationFailed: the disk is full, read-only or damaged.
    """
    private_folder(state_folder)
    engine = make_engine(url)
    try:
        with explained(engine.url):
            bring_up_to_date(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, clock, randomness, crash, state_folder)


class Store:
    """The database, with the tools that writing to it needs."""

    def __init__(
        self, engine: Engine, clock: Clock, randomness: Randomness, crash: CrashPoints, state_folder: Path
    ) -> None:
        self.engine = engine
        self.keys_folder = state_folder / "keys"
        self.head_file = state_folder / "heads" / "head.json"
        self._clock = clock
        self._randomness = randomness
        self._crash = crash
        self._key = JournalKey(self.keys_folder, randomness)
        self._thread = threading.local()
        self._reader: str | None = None

    def read_by(self, person: str) -> Self:
        """Return this store as one person may see it: need-to-know incidents of others show only that they exist.

        The schedules and rounds (`service:…`) see everything, for clocks must run and alarms ring.
        """
        theirs = copy(self)
        theirs._reader = _reader(person)  # noqa: SLF001 - a copy of ourselves
        return theirs

    def new_id(self) -> str:
        """Return a new identity: 32 hexadecimal digits, unguessable."""
        return self._randomness.token(16).hex()

    def now(self) -> datetime:
        """Return the present, by the clock this store writes with."""
        return self._clock.now()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a consistent view. Raises Temporary when the database is out of reach."""
        with explained(self.engine.url), reading(self.engine) as connection:
            connection.execution_options(**{READER: self._reader})
            yield connection

    @contextmanager
    def write(self, actor: Actor) -> Iterator["Transaction"]:
        """Open the one write transaction: committed at the end, rolled back whole on any error."""
        with self._alone(), explained(self.engine.url), writing(self.engine) as connection:
            connection.execution_options(**{READER: _reader(actor.person)})
            yield Transaction(connection, actor, self._clock.now(), self._randomness, self._key)
            self._crash.reach("store.before_commit")
        self._crash.reach("store.after_commit")

    def sign_head(self, actor: Actor | None = None) -> Head | None:
        """Sign the journal's last entry, keep the head in the store and in `heads/head.json`, and return it.

        Called at the end of each operation; doors post the returned head's `document()` outside. None while the
        journal is empty. Signing twice at the same entry returns the first head. `actor` tells who made a new key
        known, which is journalled.
        """
        with self.write(actor or Actor("tocsin", "store")) as tx:
            head = seal(tx, self._key)
            if head is not None:
                # Within the write lock, so that an older head never lands on a newer one.
                private_folder(self.head_file.parent)
                write_durably(self.head_file, head.document())
        return head

    def sign(self, data: bytes, actor: Actor) -> bytes:
        """Sign a document that leaves the house with the journal's key, and return the 64 bytes of the signature.

        What is signed must not look like a journal's head, lest its signature be taken for one.
        """
        with self.write(actor):  # so that two processes never make two keys
            return self._key.sign(data)

    def public_key(self, actor: Actor) -> PublicKey:
        """Return the key that `sign` and `sign_head` sign with."""
        with self.write(actor):
            return self._key.public()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # A second write transaction inside the first would wait for itself: say so at once.
        if getattr(self._thread, "writes", False):
            raise RuntimeError("a write transaction is open in this thread already; use its `tx`")
        self._thread.writes = True
        try:
            yield
        finally:
            self._thread.writes = False

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()


def _reader(person: str) -> str | None:
    return None if person.startswith("service:") else person


class Transaction:
    """One write transaction, with the journal at hand."""

    def __init__(
        self, connection: Connection, actor: Actor, now: datetime, randomness: Randomness, key: JournalKey
    ) -> None:
        self.connection = connection
        self.actor = actor
        self.now = now
        self._randomness = randomness
        self._key = key
        self._last: tuple[int, str] | None = None

    def new_id(self) -> str:
        """Return a new identity: 32 hexadecimal digits, unguessable."""
        return self._randomness.token(16).hex()

    def execute(self, statement: Executable) -> CursorResult[Any]:
        """Run one statement in this transaction."""
        return self.connection.execute(statement)

    def record(
        self, kind: str, subject: str, payload: Mapping[str, JsonValue], private: Mapping[str, str] | None = None
    ) -> Entry:
        """Append one journal entry.

        `payload` holds ids, codes, counts and hashes; no floats. Names and free text go into `private`,
        which the payload binds by a salted digest, as `{"private": {name: digest}}`. The first entry of a journal
        is preceded by `journal.opened`, which gives the chain its identity.

        Raises ValueError for what a journal cannot hold: that is our mistake, not the person's.
        """
        last = self.last_entry()
        if last is None:
            self._append("journal.opened", "journal", self._opening())
        if "private" in payload:
            raise ValueError("`private` is the journal's own key: hand private texts over as `private=`")
        salted = {
            name: (self._randomness.token(16).hex(), storable(text)) for name, text in (private or {}).items()
        }
        digests: dict[str, JsonValue] = {name: private_digest(*bound) for name, bound in salted.items()}
        entry = self._append(kind, subject, {**payload, "private": digests} if digests else payload)
        for name, (salt, text) in salted.items():
            row = {"seq": entry.seq, "name": name, "salt": salt, "text": text}
            self.connection.execute(_BIND_TEXT, row)
        return entry

    def sign(self) -> Head | None:
        """Sign the entry that is the last one now, so that nothing of anybody else's comes between.

        `Store.sign_head` afterwards lays the newest head outside.
        """
        return seal(self, self._key)

    def last_entry(self) -> tuple[int, str] | None:
        """Return the sequence and hash of the last entry, None while there is none."""
        if self._last is None and (row := self.execute(_LAST_ENTRY).one_or_none()):
            self._last = (row.seq, row.hash)
        return self._last

    def _opening(self) -> dict[str, JsonValue]:
        return {"chain": self._randomness.token(16).hex(), "format": FORMAT, "key": self._key.public().name}

    def _append(self, kind: str, subject: str, payload: Mapping[str, JsonValue]) -> Entry:
        seq, previous = self._last or (0, FIRST_PREVIOUS)
        line = Line(
            seq=seq + 1,
            at=instant_text(self.now),
            actor=fitting(self.actor.person, journal.c.actor),
            door=fitting(self.actor.door, journal.c.door),
            subject=fitting(subject, journal.c.subject),
            kind=fitting(kind, journal.c.kind),
            payload=canonical(payload),
            previous=previous,
            hash="",
        )
        row = {**line._asdict(), "at": self.now, "hash": content_hash(line)}
        self.connection.execute(_APPEND, row)
        entry = Entry(**row)
        self._last = (entry.seq, entry.hash)
        return entry
