"""When a practice is due: dates that do not drift, whatever was done late, and whoever was asleep."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.model.practice import Rhythm, parse_hours, parse_rhythm
from tocsin.practices.due import State, due_day, first_due

MONTHLY, WEEKLY = parse_rhythm("1 month"), parse_rhythm("2 weeks")
GRACE = timedelta(days=7)


@pytest.mark.parametrize(
    ("text", "rhythm", "said"),
    [
        ("1 month", Rhythm(months=1), "every month"),
        ("1 quarter", Rhythm(months=3), "every 3 months"),
        ("12 months", Rhythm(months=12), "every year"),
        ("2 weeks", Rhythm(days=14), "every 14 days"),
    ],
)
def test_a_rhythm_is_written_as_people_say_it(text: str, rhythm: Rhythm, said: str) -> None:
    assert parse_rhythm(text) == rhythm
    assert rhythm.each == said
    assert parse_rhythm(str(rhythm)) == rhythm


@pytest.mark.parametrize("text", ["monthly", "0 months", "1 fortnight", "", 3, None])
def test_it_refuses_what_is_no_rhythm(text: object) -> None:
    with pytest.raises(ValueError, match="is not a rhythm"):
        parse_rhythm(text)


@pytest.mark.parametrize("text", ["9-17", "24:00-05:00", "09:60-10:00", "09:00-09:00", 9])
def test_it_refuses_what_are_no_hours(text: object) -> None:
    with pytest.raises(ValueError, match="hours"):
        parse_hours(text)


def test_the_last_day_of_a_month_stays_the_last_where_months_are_shorter() -> None:
    days = [MONTHLY.after(date(2027, 1, 31), times) for times in range(4)]
    assert days == [date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30)]


def test_what_is_done_late_settles_all_that_has_passed_and_moves_nothing() -> None:
    first = date(2027, 1, 31)
    late = due_day(first, MONTHLY, None, GRACE, date(2027, 4, 5))
    assert (late.due_on, late.state, late.missed, late.settles) == (first, State.OVERDUE, 3, date(2027, 3, 31))
    after = due_day(first, MONTHLY, late.settles, GRACE, date(2027, 4, 5))
    assert (after.due_on, after.state) == (date(2027, 4, 30), State.SETTLED)


def test_a_grace_is_kept_to_the_day() -> None:
    first = date(2027, 1, 10)
    states = [due_day(first, MONTHLY, None, GRACE, first + timedelta(days=days)).state for days in (-1, 0, 7, 8)]
    assert states == [State.SETTLED, State.DUE, State.DUE, State.OVERDUE]


@settings(deadline=None, max_examples=60)
@given(
    rhythm=st.one_of(st.builds(Rhythm, days=st.integers(1, 90)), st.builds(Rhythm, months=st.integers(1, 24))),
    first=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    pauses=st.lists(st.integers(0, 400), max_size=8),
)
def test_doing_it_at_once_always_settles_it_and_every_day_stays_on_the_calendar(
    rhythm: Rhythm, first: date, pauses: list[int]
) -> None:
    today, settled = first, None
    calendar = {rhythm.after(first, times) for times in range(3400)}
    for pause in pauses:
        today += timedelta(days=pause)
        waits = due_day(first, rhythm, settled, GRACE, today)
        assert waits.due_on in calendar
        assert waits.settles in calendar
        assert settled is None or waits.due_on > settled
        settled = waits.settles
        assert due_day(first, rhythm, settled, GRACE, today).state is State.SETTLED


def test_a_calendar_written_down_long_ago_begins_when_it_is_first_kept() -> None:
    yearly = parse_rhythm("1 year")
    assert first_due(yearly, date(2026, 11, 20), date(2020, 3, 1)) == date(2027, 3, 1)
    assert first_due(yearly, date(2026, 11, 20), None) == date(2026, 12, 20)


def test_who_joins_later_is_asked_within_a_month() -> None:
    yearly = parse_rhythm("1 year")
    assert first_due(yearly, date(2027, 5, 1), date(2027, 3, 1), is_new=True) == date(2027, 5, 31)
