"""The database itself refuses to rewrite the journal, whoever asks."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from simulators.stores import Backend, write_some
from tocsin.store.database import Store
from tocsin.store.engine import writing

COPY = "INSERT INTO journal SELECT 9, at, actor, door, subject, kind, payload, previous, 'x' FROM journal WHERE seq = 3"
BACK = "INSERT INTO journal SELECT 8, at, actor, door, subject, kind, payload, previous, 'x' FROM journal WHERE seq = 3"

REFUSED = {
    "an edited payload": "UPDATE journal SET payload = '{}' WHERE seq = 3",
    "an edited actor": "UPDATE journal SET actor = 'sam' WHERE seq = 3",
    "a moved entry": "UPDATE journal SET seq = 99 WHERE seq = 3",
    "a deleted entry": "DELETE FROM journal WHERE seq = 3",
    "a cut-off end": "DELETE FROM journal WHERE seq = 7",
    "an emptied journal": "DELETE FROM journal",
    "an entry that leaves a gap": COPY,
    "an entry that follows another": BACK,
    "an edited head": "UPDATE journal_head SET hash = 'x'",
    "a deleted head": "DELETE FROM journal_head",
    "a head of nothing": "INSERT INTO journal_head SELECT 6, key, chain, hash, at, signature FROM journal_head",
    "an edited private text": "UPDATE journal_private SET text = 'nobody said so'",
}
REFUSED_BY_SQLITE = {
    "an entry put over another": "INSERT OR REPLACE INTO journal SELECT * FROM journal WHERE seq = 3",
    "a head put over another": "INSERT OR REPLACE INTO journal_head SELECT * FROM journal_head",
    "a private text put over another": "INSERT OR REPLACE INTO journal_private SELECT * FROM journal_private",
}
REFUSED_BY_POSTGRES = {
    "a truncated journal": "TRUNCATE journal CASCADE",
    "truncated heads": "TRUNCATE journal_head",
    "truncated private texts": "TRUNCATE journal_private",
}


def try_to(store: Store, statement: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"), writing(store.engine) as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED.keys())
def test_it_refuses(store: Store, statement: str) -> None:
    write_some(store)
    store.sign_head()
    try_to(store, statement)


def test_it_refuses_the_ways_round_that_its_own_database_offers(store: Store, backend: Backend) -> None:
    write_some(store)
    store.sign_head()
    for statement in (REFUSED_BY_SQLITE if backend.is_sqlite else REFUSED_BY_POSTGRES).values():
        try_to(store, statement)


def test_a_private_text_may_be_erased(store: Store) -> None:
    write_some(store)
    with writing(store.engine) as connection:
        assert connection.execute(text("DELETE FROM journal_private")).rowcount == 1


def test_a_reader_cannot_write(store: Store) -> None:
    write_some(store)
    with pytest.raises(Exception, match=r"read-?only"), store.read() as connection:
        connection.execute(text("INSERT INTO pause VALUES ('a', 'backups', 'because', 'maya', 'now', NULL, NULL)"))
