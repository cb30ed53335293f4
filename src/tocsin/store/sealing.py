"""Signing the journal's last entry, inside a write transaction."""

import json
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Row, exists, insert, select

from tocsin.store.columns import instant_text
from tocsin.store.heads import Head, signed_head
from tocsin.store.keys import JournalKey
from tocsin.store.tables import journal, journal_head

if TYPE_CHECKING:
    from tocsin.store.database import Transaction


def seal(tx: "Transaction", key: JournalKey) -> Head | None:
    """Sign the last entry and keep the head; None while the journal is empty.

    The first head of a key that did not open the journal (another host, a lost key) is preceded by an entry
    naming it.
    """
    last = tx.last_entry()
    if last is None:
        return None
    chain, opened_by = _opening(tx.connection)
    name = key.public().name
    if name != opened_by and not _has_signed(tx.connection, name):
        added = tx.record("journal.key_added", "journal", {"key": name})
        last = (added.seq, added.hash)
    seq, entry_hash = last
    if known := _head_at(tx.connection, seq, name):
        return Head(known.chain, seq, known.hash, instant_text(known.at), name, known.signature)
    head = signed_head(key, chain, seq, entry_hash, instant_text(tx.now))
    row = {"seq": seq, "key": name, "chain": head.chain, "hash": entry_hash, "at": tx.now}
    tx.execute(insert(journal_head).values(**row, signature=head.signature))
    return head


def _opening(connection: Connection) -> tuple[str, str]:
    first = connection.execute(select(journal.c.payload).where(journal.c.seq == 1)).scalar_one()
    try:
        opening = json.loads(first)
        return str(opening["chain"]), str(opening["key"])
    except (KeyError, TypeError, ValueError):
        # Somebody altered the first entry; verification will say so. Recording an incident must go on.
        oldest = select(journal_head.c.chain, journal_head.c.key).order_by(journal_head.c.seq).limit(1)
        known = connection.execute(oldest).one_or_none()
        return (known.chain, known.key) if known else ("", "")


def _has_signed(connection: Connection, name: str) -> bool:
    return bool(connection.execute(select(exists().where(journal_head.c.key == name))).scalar())


def _head_at(connection: Connection, seq: int, name: str) -> Row[tuple[str, ...]] | None:
    query = select(journal_head).where(journal_head.c.seq == seq, journal_head.c.key == name)
    return connection.execute(query).one_or_none()
