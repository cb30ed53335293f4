"""Reading the journal: for people, for verification, for export.

Reading trusts nothing: `lines` hands over what stands in the tables, and `verification` judges it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, Select, String, delete, func, select, type_coerce

from tocsin.errors import OperationFailed, UsageError
from tocsin.store.chain import Entry, JsonValue, Line
from tocsin.store.database import Transaction
from tocsin.store.heads import Head
from tocsin.store.need_to_know import hidden_subjects
from tocsin.store.tables import journal, journal_head, journal_private

# As they stand: a column that somebody edited into nonsense must still be readable as nonsense.
_RAW = [type_coerce(column, String) if column.name != "seq" else column for column in journal.c]

Private = Mapping[str, tuple[str, str]]
"""An entry's private texts by name: salt (hexadecimal) and text."""


@dataclass(frozen=True, slots=True)
class Told:
    """One entry as it is shown to a person: its payload read, and those of its private texts that still stand."""

    entry: Entry
    payload: Mapping[str, JsonValue]
    private: Mapping[str, str]


def entries(
    connection: Connection,
    *,
    subject: str | None = None,
    kind: str | None = None,
    after: int = 0,
    last: int | None = None,
) -> tuple[Told, ...]:
    """Return entries, oldest first: of one subject, of one kind, after a sequence, the `last` so many.

    `kind` may end in a dot (`backup.`) to mean all kinds of that family. What belongs to a need-to-know incident
    is left out for whoever is not in its circle. Raises OperationFailed for an entry altered into nonsense.
    """
    query = select(*_RAW).where(journal.c.seq > after)
    if hidden := hidden_subjects(connection):
        query = query.where(journal.c.subject.not_in(hidden))
    if subject is not None:
        query = query.where(journal.c.subject == subject)
    if kind is not None:
        query = query.where(
            journal.c.kind.startswith(kind, autoescape=True) if kind.endswith(".") else journal.c.kind == kind
        )
    newest_first = query.order_by(journal.c.seq.desc())
    rows = connection.execute(newest_first if last is None else newest_first.limit(last)).all()
    found = [Line._make(row) for row in reversed(rows)]
    texts = _texts_of(connection, found)
    return tuple(_told(line, texts.get(line.seq, {})) for line in found)


def lines(connection: Connection) -> Iterator[tuple[Line, Private]]:
    """Return every entry in order with its private texts, streamed, as they stand in the tables."""
    bound = groupby(
        _streamed(connection, select(journal_private).order_by(journal_private.c.seq)), key=lambda row: row[0]
    )
    texts = next(bound, None)
    for row in _streamed(connection, select(*_RAW).order_by(journal.c.seq)):
        while texts is not None and texts[0] < row[0]:
            texts = next(bound, None)
        private: Private = {}
        if texts is not None and texts[0] == row[0]:
            private = {text.name: (text.salt, text.text) for text in texts[1]}
        yield Line._make(row), private


def heads(connection: Connection) -> tuple[Head, ...]:
    """Return every signed head that is kept in the store."""
    raw = select(
        journal_head.c.chain,
        journal_head.c.seq,
        journal_head.c.hash,
        type_coerce(journal_head.c.at, String).label("at"),
        journal_head.c.key,
        journal_head.c.signature,
    ).order_by(journal_head.c.seq)
    return tuple(Head(*row) for row in connection.execute(raw))


def chain_of(connection: Connection) -> str | None:
    """Return the chain's identity from its first entry; None where there is none to be read."""
    first = connection.execute(select(journal.c.payload).where(journal.c.seq == 1)).scalar()
    try:
        opening = json.loads(first or "null")
    except ValueError:
        return None
    chain = opening.get("chain") if isinstance(opening, dict) else None
    return chain if isinstance(chain, str) else None


def count(connection: Connection) -> int:
    """Return how many entries there are."""
    return connection.execute(select(func.count()).select_from(journal)).scalar_one()


def erase_private(tx: Transaction, seq: int, reason: str) -> Entry:
    """Erase the private texts of one entry and journal that; the chain stays whole.

    `reason` is a code such as `retention` or `request`. Raises UsageError when there is nothing to erase.
    """
    gone = tx.execute(
        delete(journal_private).where(journal_private.c.seq == seq).returning(journal_private.c.name)
    )
    names = sorted(gone.scalars())
    if not names:
        raise UsageError(f"Entry {seq} of the journal has no private text. Nothing was erased.")
    return tx.record("journal.erased", "journal", {"entry": seq, "names": list(names), "reason": reason})


def _told(line: Line, private: Mapping[str, str]) -> Told:
    try:
        entry = Entry(**{**line._asdict(), "at": datetime.fromisoformat(line.at)})
        return Told(entry, json.loads(line.payload), private)
    except (TypeError, ValueError) as fault:
        raise OperationFailed(
            f"Entry {line.seq} of the journal cannot be read: it was altered. "
            "`tocsin journal verify` says what else was."
        ) from fault


def _texts_of(connection: Connection, found: list[Line]) -> dict[int, dict[str, str]]:
    if not found:
        return {}
    query = select(journal_private).where(journal_private.c.seq.between(found[0].seq, found[-1].seq))
    texts: dict[int, dict[str, str]] = {}
    for row in connection.execute(query):
        texts.setdefault(row.seq, {})[row.name] = row.text
    return texts


def _streamed(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    return iter(connection.execute(query, execution_options={"yield_per": 2000}))
