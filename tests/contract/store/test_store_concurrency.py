"""Several real processes on one store, and processes that die in the middle."""

import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select

from simulators.stores import MAYA, Backend, write_some
from tocsin.store import journal as reading
from tocsin.store.keys import trusted_keys
from tocsin.store.tables import journal
from tocsin.store.verification import JournalVerdict, verify

WRITERS, EACH = 4, 12


def appender(backend: Backend, name: str, count: int = EACH, **environment: str) -> subprocess.Popen[str]:
    tests = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-m", "simulators.appender", backend.url, backend.state, name, str(count)],
        env={**os.environ, "PYTHONPATH": str(tests), **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> int:
    _, said = process.communicate(timeout=120)
    if said:
        print(said)  # noqa: T201 - pytest shows it when the test fails
    return process.returncode


def verdict(backend: Backend) -> JournalVerdict:
    store = backend.open()
    try:
        with store.read() as connection:
            return verify(reading.lines(connection), reading.heads(connection), trusted_keys(store.keys_folder))
    finally:
        store.close()


def test_writers_of_a_store_that_is_not_there_yet_all_make_it_together_and_no_entry_is_lost(
    blank: Backend,
) -> None:
    writers = [appender(blank, f"writer{number}") for number in range(WRITERS)]
    assert [ended(writer) for writer in writers] == [0] * WRITERS

    judged = verdict(blank)
    assert judged.ok, judged.problems
    assert judged.chain
    assert judged.entries == 1 + WRITERS * EACH * 2
    assert judged.signed_up_to == judged.entries
    opened = blank.open()
    with opened.read() as connection:
        rows = connection.execute(select(journal.c.actor, journal.c.kind, journal.c.payload)).all()
    opened.close()
    assert Counter(row.actor for row in rows if row.kind == "test.appended") == {
        f"writer{number}": EACH for number in range(WRITERS)
    }
    assert [row.kind for row in rows].count("journal.opened") == 1


def test_two_entries_of_one_transaction_stand_side_by_side_whoever_else_writes(backend: Backend) -> None:
    writers = [appender(backend, f"writer{number}", 8) for number in range(3)]
    assert [ended(writer) for writer in writers] == [0, 0, 0]

    opened = backend.open()
    with opened.read() as connection:
        rows = connection.execute(select(journal).order_by(journal.c.seq)).all()[1:]
    opened.close()
    for first, second in zip(rows[::2], rows[1::2], strict=True):
        assert (first.kind, second.kind) == ("test.appended", "test.appended.again")
        assert (first.actor, first.payload.partition(',"private"')[0]) == (second.actor, second.payload[:-1])


@pytest.mark.parametrize(
    ("where", "written"),
    [("store.before_commit", 0), ("store.after_commit", 2)],
)
def test_a_process_killed_at_its_commit_leaves_all_of_its_transaction_or_nothing(
    backend: Backend, where: str, written: int
) -> None:
    opened = backend.open()
    write_some(opened)
    opened.sign_head()
    opened.close()

    assert ended(appender(backend, "killed", TOCSIN_CRASH_AT=where)) == -signal.SIGKILL

    judged = verdict(backend)
    assert judged.ok, judged.problems
    assert judged.entries == 7 + written
    assert ended(appender(backend, "next", 1)) == 0
    assert verdict(backend).entries == judged.entries + 2


def test_a_process_killed_while_it_makes_the_store_leaves_nothing_in_the_way(blank: Backend) -> None:
    for delay in (0.15, 0.3, 0.45, 0.6):
        early = appender(blank, "early", 1000)
        with suppress(subprocess.TimeoutExpired):
            early.wait(delay)
        early.kill()
        ended(early)

    assert ended(appender(blank, "later", 1)) == 0
    judged = verdict(blank)
    assert judged.ok, judged.problems
    assert judged.entries >= 3


def test_what_one_writer_has_not_committed_no_reader_sees(backend: Backend) -> None:
    ours, theirs = backend.open(), backend.open()
    write_some(ours, 1)
    with ours.write(MAYA) as tx:
        tx.record("test.appended", "writer:ours", {})
        with theirs.read() as connection:
            assert reading.count(connection) == 2
    with theirs.read() as connection:
        assert reading.count(connection) == 3
    ours.close()
    theirs.close()


def test_a_view_stays_the_same_while_others_write(backend: Backend) -> None:
    ours, theirs = backend.open(), backend.open()
    write_some(ours, 1)
    with theirs.read() as connection:
        assert reading.count(connection) == 2
        write_some(ours, 2)
        assert reading.count(connection) == 2
    ours.close()
    theirs.close()
