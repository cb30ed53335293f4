"""Schedules where the clocks change, against what a person would say."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.model.schedule import latest_due, next_due

LONDON = "Europe/London"
SPRING = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 01:00 GMT becomes 02:00 BST
AUTUMN = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)  # 02:00 BST becomes 01:00 GMT


def due_between(cron, zone, start, end):
    found = []
    moment = start
    while (moment := next_due(cron, zone, moment)) and moment <= end:
        found.append(moment)
    return found


def test_a_daily_schedule_follows_the_wall_clock():
    winter = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
    summer = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)
    assert latest_due("30 2 * * *", LONDON, winter) == datetime(2026, 1, 15, 2, 30, tzinfo=UTC)
    assert latest_due("30 2 * * *", LONDON, summer) == datetime(2026, 7, 15, 1, 30, tzinfo=UTC)
    assert next_due("30 2 * * *", LONDON, summer) == datetime(2026, 7, 16, 1, 30, tzinfo=UTC)


def test_the_moment_itself_is_due_and_the_instant_before_is_not():
    due = datetime(2026, 1, 15, 2, 30, tzinfo=UTC)
    assert latest_due("30 2 * * *", LONDON, due) == due
    assert latest_due("30 2 * * *", LONDON, due - timedelta(microseconds=1)) == due - timedelta(days=1)
    assert next_due("30 2 * * *", LONDON, due) == due + timedelta(days=1)
    assert next_due("30 2 * * *", LONDON, due - timedelta(microseconds=1)) == due


def test_a_run_in_the_skipped_hour_happens_once_when_the_hour_is_over():
    around = due_between("30 1 * * *", LONDON, SPRING - timedelta(days=1), SPRING + timedelta(days=1))
    assert around == [
        datetime(2026, 3, 28, 1, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        datetime(2026, 3, 30, 0, 30, tzinfo=UTC),
    ]


def test_a_run_in_the_repeated_hour_happens_once():
    around = due_between("30 1 * * *", LONDON, AUTUMN - timedelta(hours=12), AUTUMN + timedelta(hours=30))
    assert around == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 26, 1, 30, tzinfo=UTC)]


def test_in_the_repeated_hour_the_last_due_moment_does_not_go_back():
    before = latest_due("30 1 * * *", LONDON, AUTUMN - timedelta(minutes=20))  # 01:40 BST
    after = latest_due("30 1 * * *", LONDON, AUTUMN + timedelta(minutes=10))  # 01:10 GMT
    assert before == after == AUTUMN - timedelta(minutes=30)


@pytest.mark.parametrize("change", [SPRING, AUTUMN])
def test_an_hourly_schedule_in_utc_loses_and_repeats_nothing(change):
    around = due_between("0 * * * *", "UTC", change - timedelta(hours=6), change + timedelta(hours=6))
    assert len(around) == 12
    assert {later - earlier for earlier, later in pairwise(around)} == {timedelta(hours=1)}


def test_a_naive_time_is_refused():
    naive = datetime(2026, 1, 15, 12, 0)  # noqa: DTZ001 - the very thing that is refused
    for ask in (latest_due, next_due):
        with pytest.raises(ValueError, match="without a zone"):
            ask("30 2 * * *", LONDON, naive)


@given(
    cron=st.sampled_from(
        ["30 1 * * *", "0 1 * * *", "15 2 * * 1", "*/20 * * * *", "0 */2 * * *", "59 0 1 * *", "5 1,2 * * *"]
    ),
    zone=st.sampled_from([LONDON, "UTC", "America/New_York", "Australia/Lord_Howe"]),
    minutes=st.integers(-3000, 3000),
    change=st.sampled_from([SPRING, AUTUMN, datetime(2026, 11, 1, 6, 0, tzinfo=UTC)]),
)
def test_nothing_is_due_between_the_last_moment_and_the_next(cron, zone, minutes, change):
    now = change + timedelta(minutes=minutes)
    last, following = latest_due(cron, zone, now), next_due(cron, zone, now)
    assert last is not None
    assert following is not None
    assert last <= now < following
    assert next_due(cron, zone, last) == following
    assert latest_due(cron, zone, following - timedelta(seconds=1)) == last
