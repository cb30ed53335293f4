"""When a drill raises its own alarm, and when it keeps quiet."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from simulators.house import House
from tocsin import alarms
from tocsin.drills.alarming import FAILED, NEVER_RUN, OVERDUE, owed, watch_drills
from tocsin.drills.history import PastDrill
from tocsin.model.drill import Drill
from tocsin.store.operations import begin, finish
from tocsin.store.tables import snapshot

NOW = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)
DAY = timedelta(days=1)
DRILL = Drill(drill="files", title="Bring the files back", backup_plan="file-share")  # due on 1 October, 09:00


def past(days, verdict):
    return PastDrill("0" * 32, NOW - days * DAY, NOW - days * DAY, verdict, "local", None, None, None, None)


def kind(*history, good_since=NOW - 300 * DAY, now=NOW):
    found = owed(DRILL, history, good_since, now)
    return found.kind if found else None


def test_a_drill_proved_since_it_was_due_is_owed_nothing():
    assert kind(past(1, "passed")) is None


def test_one_not_proved_since_it_was_due_is_overdue():
    assert kind(past(80, "passed")) == OVERDUE


def test_one_that_could_not_run_stays_overdue():
    assert kind(past(1, "could-not-run"), past(80, "passed")) == OVERDUE


def test_one_that_never_came_to_its_end_was_never_run():
    assert kind() == NEVER_RUN
    assert kind(past(1, "could-not-run"), past(2, "unknown")) == NEVER_RUN


def test_before_the_first_backup_and_on_its_first_day_nothing_is_owed():
    assert kind(good_since=None) is None
    assert kind(good_since=NOW - timedelta(hours=23)) is None


def test_a_failed_one_is_told_whether_due_or_not():
    assert kind(past(1, "failed"), past(2, "passed")) == FAILED


def test_one_that_runs_now_is_not_told():
    assert kind(past(0, None)) is None


def test_a_due_drill_has_a_day_before_anybody_is_woken():
    due = datetime(2026, 10, 1, 8, tzinfo=UTC)  # 09:00 in London
    assert kind(past(80, "passed"), now=due + timedelta(hours=23)) is None
    assert kind(past(80, "passed"), now=due + timedelta(hours=25)) == OVERDUE


@pytest.fixture
def house(tmp_path):
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills" / "files.yaml").write_text(
        "drill: files\ntitle: Bring the files back\nbackup_plan: file-share\nowner: tom\n"
    )
    house = House(tmp_path)
    yield house
    house.close()


def drilled(house, verdict):
    operation = begin(house.store, house.ctx.actor, "drill", "drill:files")
    with house.store.write(house.ctx.actor) as tx:
        finish(tx, operation, verdict, {"repository": "local"})


def standing(house):
    with house.store.read() as connection:
        return [row.kind for row in alarms.standing(connection)]


def test_the_watch_raises_it_once_and_clears_it_when_the_drill_has_passed(house):
    good_snapshot(house)
    house.clock.advance(2 * DAY)
    assert [one.kind for one in watch_drills(house.ctx)] == [NEVER_RUN]
    assert [one.kind for one in watch_drills(house.ctx)] == [NEVER_RUN]
    assert standing(house) == [NEVER_RUN]
    drilled(house, "failed")
    watch_drills(house.ctx)
    assert standing(house) == [FAILED]
    drilled(house, "passed")
    assert watch_drills(house.ctx) == ()
    assert standing(house) == []


def good_snapshot(house):
    backup = begin(house.store, house.ctx.actor, "backup", "plan:file-share")
    with house.store.write(house.ctx.actor) as tx:
        row = {"id": "a" * 64, "repository": "local", "backup_plan": "file-share", "tree": "", "time": tx.now}
        row |= {"verdict": "ok", "files": 1, "bytes": 1, "added_bytes": 1, "paths": [], "operation": backup.id}
        tx.execute(insert(snapshot).values(row))
        finish(tx, backup, "ok")
