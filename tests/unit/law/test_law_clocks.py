from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import UsageError
from tocsin.law.authority import authority
from tocsin.law.clocks import deadline, parse_time, show_both

# Hypothesis takes its bounds without a zone and adds the zone itself.
ANY_TIME = st.datetimes(datetime(2018, 5, 25), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - see above


def test_it_counts_through_the_weekend_and_the_end_of_summer_time():
    clock = deadline(parse_time("2026-10-23T16:30+01:00"))
    assert clock.to_json() == {
        "aware": "2026-10-23T15:30:00Z",
        "due": "2026-10-26T15:30:00Z",
        "due_local": "2026-10-26T15:30:00+00:00",
        "milestones": [
            {"share": 50, "at": "2026-10-25T03:30:00Z"},
            {"share": 75, "at": "2026-10-25T21:30:00Z"},
            {"share": 90, "at": "2026-10-26T08:18:00Z"},
            {"share": 100, "at": "2026-10-26T15:30:00Z"},
        ],
    }


def test_it_counts_across_the_beginning_of_summer_time():
    clock = deadline(parse_time("2026-03-28T12:00Z"), 24)
    assert clock.to_json()["due_local"] == "2026-03-29T13:00:00+01:00"


@given(ANY_TIME, st.integers(1, 2000))
def test_a_clock_is_exactly_as_long_as_it_says(aware, hours):
    clock = deadline(aware, hours)
    assert clock.due - clock.aware == timedelta(hours=hours)
    assert [(point.at - aware) / (clock.due - aware) for point in clock.milestones] == [0.5, 0.75, 0.9, 1.0]


@given(ANY_TIME, st.integers(-14, 14))
def test_the_offset_a_time_is_written_with_does_not_matter(aware, offset):
    assert deadline(aware.astimezone(timezone(timedelta(hours=offset)))) == deadline(aware)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-10-23T16:30", "does not say its offset"),
        ("2026-10-23", "is not a time"),
        ("yesterday", "is not a time"),
        ("2026-10-23T16:30+01", "is not a time"),
        ("2026-02-30T10:00Z", "There is no such time"),
        ("2026-10-23T25:00Z", "There is no such time"),
        ("2026-10-23T10:00+99:00", "There is no such time"),
        ("٢٠٢٦-10-23T10:00Z", "is not a time"),
        ("", "is not a time"),
    ],
)
def test_it_refuses_a_time_it_would_have_to_guess_at(text, words):
    with pytest.raises(UsageError, match=words):
        parse_time(text)


@pytest.mark.parametrize(
    "text",
    ["2026-10-23T15:30:00Z", "2026-10-23T15:30z", "2026-10-23 16:30+01:00", "2026-10-23t16:30:00.000+0100"],
)
def test_it_takes_every_spelling_that_says_its_offset(text):
    assert parse_time(text) == datetime(2026, 10, 23, 15, 30, tzinfo=UTC)


def test_it_refuses_naive_times_and_impossible_hours():
    with pytest.raises(UsageError, match="does not say its offset"):
        deadline(datetime(2026, 1, 1))  # noqa: DTZ001 - the very fault
    for hours in (0, -1, 10**9):
        with pytest.raises(UsageError, match="cannot run for"):
            deadline(datetime(2026, 1, 1, tzinfo=UTC), hours)
    with pytest.raises(UsageError, match="too far away"):
        deadline(datetime(9999, 12, 31, tzinfo=UTC))


def test_people_see_local_time_and_utc():
    assert show_both(parse_time("2026-10-23T15:30Z")) == "Fri 23 Oct 2026 16:30 BST (15:30 UTC)"
    assert show_both(parse_time("2026-07-01T23:30Z")) == "Thu 02 Jul 2026 00:30 BST (Wed 01 Jul 23:30 UTC)"


def test_the_regulator_changed_its_name_on_30_september_2026():
    assert authority(date(2026, 9, 29)) == "Information Commissioner"
    assert authority(date(2026, 9, 30)) == "Information Commission"
    assert authority(datetime(2026, 11, 23, tzinfo=UTC)) == "Information Commission"
    with pytest.raises(UsageError, match="not recorded"):
        authority(date(2018, 5, 24))
