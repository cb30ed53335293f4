"""Somebody who owns the database drops the triggers and rewrites the journal: verification says where and what."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text

from simulators.chance import SimulatedRandomness
from simulators.stores import MAYA, Backend, write_some
from tocsin.store import journal as reading
from tocsin.store.chain import Line, content_hash
from tocsin.store.database import Store
from tocsin.store.engine import writing
from tocsin.store.heads import Head, read_head_file
from tocsin.store.keys import JournalKey, trusted_keys
from tocsin.store.tables import journal
from tocsin.store.verification import JournalVerdict, verify


@pytest.fixture
def written(store: Store) -> Store:
    """Seven entries, signed at the last."""
    write_some(store)
    store.sign_head()
    return store


@contextmanager
def without_triggers(store: Store) -> Iterator[Connection]:
    sqlite = store.engine.dialect.name == "sqlite"
    if sqlite:
        with closing(store.engine.raw_connection()) as raw:
            raw.cursor().execute("PRAGMA foreign_keys = OFF")  # as it is in the sqlite3 shell
    with writing(store.engine) as connection:
        if sqlite:
            triggers = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars()
            for name in triggers.all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield connection


def tamper(store: Store, *statements: str) -> None:
    with without_triggers(store) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def judge(store: Store, *known: Head) -> JournalVerdict:
    with store.read() as connection:
        heads = dict.fromkeys((*reading.heads(connection), *known))
        return verify(reading.lines(connection), heads, trusted_keys(store.keys_folder))


def told(verdict: JournalVerdict) -> list[tuple[int | None, str]]:
    return [(problem.seq, problem.what) for problem in verdict.problems]


def rewrite_from(store: Store, seq: int, **values: str) -> None:
    """Change one entry and recompute every hash from there on, as somebody who knows the format would."""
    with without_triggers(store) as connection:
        rows = connection.execute(select(*reading._RAW).order_by(journal.c.seq)).all()
        previous = rows[seq - 2].hash
        for row in rows[seq - 1 :]:
            line = Line._make(row)._replace(previous=previous, **(values if row.seq == seq else {}))
            line = line._replace(hash=content_hash(line))
            changed = {name: value for name, value in line._asdict().items() if name not in ("seq", "at")}
            connection.execute(journal.update().where(journal.c.seq == row.seq).values(changed))
            previous = line.hash


def test_an_untouched_journal_is_whole_and_signed_to_its_end(written: Store) -> None:
    verdict = judge(written)
    assert verdict.ok
    assert (verdict.entries, verdict.signed_up_to, verdict.erased) == (7, 7, ())


@pytest.mark.parametrize(
    "edit",
    [
        """payload = '{"files":0,"ok":true}'""",
        "payload = 'nonsense'",
        """payload = '{"files":1.5}'""",
        "actor = 'sam'",
        "door = 'slack'",
        "subject = 'plan:other'",
        "kind = 'backup.failed'",
        "at = '2026-11-20T17:41:00.000000Z'",
        "at = 'yesterday'",
    ],
)
def test_an_edited_entry_is_named(written: Store, edit: str) -> None:
    tamper(written, f"UPDATE journal SET {edit} WHERE seq = 3")  # noqa: S608 - words of this test
    verdict = judge(written)
    assert not verdict.ok
    ((seq, what),) = told(verdict)
    assert seq == 3
    assert "altered" in what


def test_an_edited_hash_shows_at_the_entry_and_at_the_next(written: Store) -> None:
    tamper(written, "UPDATE journal SET hash = 'another' WHERE seq = 3")
    assert [seq for seq, _ in told(judge(written))] == [3, 4]


def test_a_deleted_entry_leaves_a_gap(written: Store) -> None:
    tamper(written, "DELETE FROM journal WHERE seq IN (3, 4)", "DELETE FROM journal_private")
    assert (5, "entries 3 to 4 are missing before it") in told(judge(written))


def test_a_deleted_entry_whose_gap_was_closed_still_shows(written: Store) -> None:
    tamper(
        written,
        "DELETE FROM journal WHERE seq = 3",
        "UPDATE journal SET seq = 3 WHERE seq = 4",
        "UPDATE journal SET seq = 4 WHERE seq = 5",
        "UPDATE journal SET seq = 5 WHERE seq = 6",
        "UPDATE journal SET seq = 6 WHERE seq = 7",
    )
    verdict = judge(written)
    assert (3, "is entry 4, moved here") in told(verdict)
    assert any("follow entry 2" in what for seq, what in told(verdict) if seq == 3)


def test_entries_that_changed_places_are_named_with_their_true_place(written: Store) -> None:
    tamper(
        written,
        "UPDATE journal SET seq = 99 WHERE seq = 5",
        "UPDATE journal SET seq = 5 WHERE seq = 6",
        "UPDATE journal SET seq = 6 WHERE seq = 99",
    )
    found = told(judge(written))
    assert (5, "is entry 6, moved here") in found
    assert (6, "is entry 5, moved here") in found


def test_an_inserted_entry_is_named(written: Store) -> None:
    tamper(
        written,
        "UPDATE journal SET seq = 8 WHERE seq = 7",
        "INSERT INTO journal SELECT 7, at, actor, door, subject, kind, payload, previous, 'f'"
        " FROM journal WHERE seq = 6",
    )
    assert {seq for seq, _ in told(judge(written))} == {7, 8}


def test_an_end_that_was_cut_off_shows_against_the_heads_in_the_store(written: Store) -> None:
    tamper(written, "DELETE FROM journal WHERE seq > 5")
    ((seq, what),) = told(judge(written))
    assert (seq, what) == (7, "was signed, but the journal ends at 5: its end was cut off")


def test_an_end_that_was_cut_off_with_its_heads_shows_against_a_head_kept_outside(written: Store) -> None:
    kept = read_head_file(written.head_file)
    tamper(written, "DELETE FROM journal_head", "DELETE FROM journal WHERE seq > 5")
    assert judge(written).ok
    ((seq, what),) = told(judge(written, kept))
    assert (seq, what) == (7, "was signed, but the journal ends at 5: its end was cut off")


def test_an_emptied_journal_shows_against_a_head_kept_outside(written: Store) -> None:
    kept = read_head_file(written.head_file)
    tamper(written, "DELETE FROM journal_private", "DELETE FROM journal_head", "DELETE FROM journal")
    ((seq, what),) = told(judge(written, kept))
    assert (seq, what) == (7, "was signed, but the journal ends at 0: its end was cut off")


def test_a_history_rewritten_with_all_its_hashes_shows_against_the_signed_head(written: Store) -> None:
    rewrite_from(written, 3, payload='{"files":0,"ok":true}')
    ((seq, what),) = told(judge(written))
    assert seq == 7
    assert "is not the entry that was signed" in what


def test_a_rewritten_history_signed_anew_shows_by_its_key(written: Store, tmp_path: Path) -> None:
    rewrite_from(written, 3, payload='{"files":0,"ok":true}')
    forger = JournalKey(tmp_path / "forger", SimulatedRandomness(99))
    kept = read_head_file(written.head_file)
    with written.read() as connection:
        last = connection.execute(select(journal.c.hash).where(journal.c.seq == 7)).scalar_one()
    forged = Head(kept.chain, 7, last, kept.at, forger.public().name, b"")
    signature = forger.sign(forged.signed_bytes())
    tamper(written, "DELETE FROM journal_head")
    ((seq, what),) = told(judge(written, Head(kept.chain, 7, last, kept.at, forged.key, signature)))
    assert seq == 7
    assert f"signed with another key, {forged.key[:16]}" in what


def test_a_head_that_claims_our_key_without_having_it_is_false(written: Store) -> None:
    tamper(written, "UPDATE journal_head SET at = '2026-11-20T23:00:00.000000Z'")
    ((seq, what),) = told(judge(written))
    assert (seq, what) == (7, "the signature of its head is false: the head or its signature was altered")


def test_heads_of_another_journal_prove_nothing_here(written: Store) -> None:
    tamper(written, "UPDATE journal_head SET chain = 'another'")
    assert "false" in told(judge(written))[0][1]
    rewrite_from(written, 2, kind="test.other")
    kept = read_head_file(written.head_file)
    forged = Head("0" * 32, 7, kept.hash, kept.at, kept.key, b"")
    other = Head("0" * 32, 7, kept.hash, kept.at, kept.key, written._key.sign(forged.signed_bytes()))
    tamper(written, "DELETE FROM journal_head")
    ((_, what),) = told(judge(written, other))
    assert "of another journal" in what


def test_many_heads_of_an_unknown_key_are_one_problem(written: Store, tmp_path: Path) -> None:
    for _ in range(3):
        write_some(written, 1)
        written.sign_head()
    with written.read() as connection:
        verdict = verify(reading.lines(connection), reading.heads(connection), ())
    ((seq, what),) = told(verdict)
    assert seq == 7
    assert what.endswith("trusted: none (and 3 more heads like it, to entry 10)")
    assert verdict.signed_up_to is None


def test_an_altered_private_text_is_named(written: Store) -> None:
    tamper(written, "UPDATE journal_private SET text = 'Somebody else said so'")
    assert told(judge(written)) == [(4, "its private text 'reason' was altered")]


def test_a_private_text_given_to_an_entry_later_is_named(written: Store) -> None:
    tamper(
        written, "INSERT INTO journal_private (seq, name, salt, text) VALUES (5, 'alibi', '00', 'I was at home')"
    )
    assert told(judge(written)) == [(5, "has a private text 'alibi' that was added later")]


def test_an_erased_private_text_is_told_of_and_is_no_fault(written: Store) -> None:
    with written.write(MAYA) as tx:
        reading.erase_private(tx, 4, "request")
    verdict = judge(written)
    assert verdict.ok
    ((erased),) = verdict.erased
    assert (erased.seq, erased.names, erased.told_by) == (4, ("reason",), 8)


def test_a_private_text_that_vanished_untold_is_told_of_as_such(written: Store) -> None:
    tamper(written, "DELETE FROM journal_private")
    verdict = judge(written)
    assert verdict.ok
    assert [(erased.seq, erased.told_by) for erased in verdict.erased] == [(4, None)]


def test_a_journal_that_is_broken_everywhere_is_judged_in_bounds(written: Store) -> None:
    write_some(written, 150)
    tamper(written, "UPDATE journal SET actor = 'sam'")
    verdict = judge(written)
    assert (len(verdict.problems), verdict.more_problems) == (100, 57)


def test_a_broken_journal_still_takes_entries_and_heads(written: Store, backend: Backend) -> None:
    tamper(written, "UPDATE journal SET payload = 'nonsense' WHERE seq = 1")
    write_some(written, 1)
    assert written.sign_head() is not None
