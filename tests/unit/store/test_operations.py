"""Started, then finished; and what becomes of those that never finish."""

import os
import subprocess
import sys

import pytest
from sqlalchemy import select, update

from simulators.stores import MAYA
from tocsin.errors import Temporary
from tocsin.store import journal as reading
from tocsin.store.database import Store
from tocsin.store.operations import begin, finish, give_up, is_alive, sweep, this_process
from tocsin.store.tables import operation as operations


def kinds(store: Store) -> list[str]:
    with store.read() as connection:
        return [told.entry.kind for told in reading.entries(connection, after=1)]


def states(store: Store) -> list[tuple[str, str | None]]:
    with store.read() as connection:
        rows = connection.execute(select(operations).order_by(operations.c.started_at, operations.c.id))
        return sorted((row.state, row.verdict) for row in rows)


def set_row(store: Store, **values: str) -> None:
    with store.write(MAYA) as tx:
        tx.execute(update(operations).where(operations.c.state == "started").values(values))


def process_that_is_gone() -> str:
    program = "from tocsin.store.operations import this_process; print(this_process())"
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_an_operation_is_journalled_when_it_starts_and_when_it_ends(small: Store) -> None:
    operation = begin(small, MAYA, "backup", "plan:files", {"repository": "offsite"})
    assert states(small) == [("started", None)]
    with small.write(MAYA) as tx:
        finish(tx, operation, "ok", {"files": 12})
    assert states(small) == [("finished", "ok")]
    with small.read() as connection:
        started, finished = reading.entries(connection, subject="plan:files")
    assert (started.entry.kind, started.payload) == (
        "backup.started",
        {"operation": operation.id, "repository": "offsite"},
    )
    assert (finished.entry.kind, finished.payload) == (
        "backup.finished",
        {"operation": operation.id, "verdict": "ok", "files": 12},
    )


def test_what_was_done_and_its_finish_are_written_together_or_not_at_all(small: Store) -> None:
    operation = begin(small, MAYA, "backup", "plan:files")

    def cut_short() -> None:
        with small.write(MAYA) as tx:
            finish(tx, operation, "ok")
            raise KeyError

    with pytest.raises(KeyError):
        cut_short()
    assert states(small) == [("started", None)]
    assert kinds(small) == ["backup.started"]


def test_the_same_thing_does_not_run_twice_at_once_and_nothing_is_journalled_of_the_second(small: Store) -> None:
    begin(small, MAYA, "backup", "plan:files")
    with pytest.raises(
        Temporary, match=r"backup of files is running already, since 2026-11-20 17:40 UTC by maya on"
    ):
        begin(small, MAYA, "backup", "plan:files")
    assert kinds(small) == ["backup.started"]


def test_other_things_run_beside_it(small: Store) -> None:
    for kind, subject in (("backup", "plan:files"), ("backup", "plan:mail"), ("drill", "plan:files")):
        begin(small, MAYA, kind, subject)
    assert len(states(small)) == 3


def test_it_may_run_again_once_it_has_finished(small: Store) -> None:
    for _ in range(2):
        operation = begin(small, MAYA, "backup", "plan:files")
        with small.write(MAYA) as tx:
            finish(tx, operation, "ok")
    assert states(small) == [("finished", "ok")] * 2


def test_a_dead_process_leaves_an_unknown_outcome_that_is_said_once(small: Store) -> None:
    first = begin(small, MAYA, "backup", "plan:files")
    set_row(small, process=process_that_is_gone())
    assert sweep(small, MAYA) == (first,)
    assert sweep(small, MAYA) == ()
    assert states(small) == [("unknown", None)]
    assert kinds(small) == ["backup.started", "backup.unknown"]


def test_beginning_again_sweeps_what_a_dead_process_left(small: Store) -> None:
    begin(small, MAYA, "backup", "plan:files")
    set_row(small, process=process_that_is_gone())
    begin(small, MAYA, "backup", "plan:files")
    assert states(small) == [("started", None), ("unknown", None)]
    assert kinds(small) == ["backup.started", "backup.unknown", "backup.started"]


def test_sweeping_can_be_kept_to_one_thing(small: Store) -> None:
    begin(small, MAYA, "backup", "plan:files")
    begin(small, MAYA, "backup", "plan:mail")
    set_row(small, process=process_that_is_gone())
    assert [swept.subject for swept in sweep(small, MAYA, kind="backup", subject="plan:mail")] == ["plan:mail"]


def test_a_later_process_with_the_same_pid_is_not_taken_for_it(small: Store) -> None:
    pid, started, boot = this_process().split(":")
    assert is_alive(f"{pid}:{started}:{boot}")
    assert not is_alive(f"{pid}:{int(started) - 1}:{boot}")
    assert not is_alive(f"{pid}:{started}:00000000")
    assert not is_alive("4194999:1:" + boot)
    assert not is_alive("nonsense")
    assert int(pid) == os.getpid()


def test_an_operation_of_another_host_is_left_alone_until_a_person_gives_it_up(small: Store) -> None:
    theirs = begin(small, MAYA, "backup", "plan:files")
    set_row(small, host="other.example", process="1:1:00000000")
    assert sweep(small, MAYA) == ()
    with pytest.raises(
        Temporary, match=r"by maya on other.example; nothing was started.*run Tocsin on other.example"
    ):
        begin(small, MAYA, "backup", "plan:files")

    assert give_up(small, MAYA, theirs.id)
    assert not give_up(small, MAYA, theirs.id)
    begin(small, MAYA, "backup", "plan:files")
    assert kinds(small) == ["backup.started", "backup.unknown", "backup.started"]


def test_one_that_was_given_up_may_still_tell_how_it_ended(small: Store) -> None:
    operation = begin(small, MAYA, "backup", "plan:files")
    give_up(small, MAYA, operation.id)
    with small.write(MAYA) as tx:
        finish(tx, operation, "ok")
    assert states(small) == [("finished", "ok")]
    assert kinds(small) == ["backup.started", "backup.unknown", "backup.finished"]


def test_finishing_twice_is_refused(small: Store) -> None:
    operation = begin(small, MAYA, "backup", "plan:files")
    for outcome in ("ok", "failed"):
        if outcome == "ok":
            with small.write(MAYA) as tx:
                finish(tx, operation, outcome)
        else:
            with pytest.raises(ValueError, match="finished already"), small.write(MAYA) as tx:
                finish(tx, operation, outcome)
    assert states(small) == [("finished", "ok")]
