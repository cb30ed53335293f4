"""The rota: weeks, weekdays, hours, and the two nights on which the clocks change."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tocsin.model.rota import Turn, shift_at

LONDON = "Europe/London"


def turn(**more: object) -> Turn:
    return Turn.model_validate({"role": "commander", "people": ["maya"], **more})


def who(turns: list[Turn], moment: str, role: str = "commander") -> str | None:
    found = shift_at(turns, role, LONDON, datetime.fromisoformat(moment).astimezone(UTC))
    return found.person if found else None


def test_people_take_turns_by_the_week_that_begins_on_monday() -> None:
    weekly = [turn(people=["maya", "tom"], first_week="2026-01-05")]
    assert who(weekly, "2026-01-05T00:00+00:00") == "maya"
    assert who(weekly, "2026-01-11T23:59+00:00") == "maya"
    assert who(weekly, "2026-01-12T00:00+00:00") == "tom"
    assert who(weekly, "2025-12-29T12:00+00:00") == "tom"


def test_a_night_belongs_to_the_evening_it_begins_on() -> None:
    nights = [turn(days=["fri"], starts="18:00", ends="08:00")]
    assert who(nights, "2026-11-20T17:59+00:00") is None
    assert who(nights, "2026-11-20T18:00+00:00") == "maya"
    assert who(nights, "2026-11-21T07:59+00:00") == "maya"
    assert who(nights, "2026-11-21T08:00+00:00") is None


def test_the_sunday_night_of_a_week_is_still_its_person_s_on_monday_morning() -> None:
    nights = [turn(people=["maya", "tom"], first_week="2026-01-05", starts="18:00", ends="08:00")]
    assert who(nights, "2026-01-12T07:00+00:00") == "maya"
    assert who(nights, "2026-01-12T18:00+00:00") == "tom"


def test_the_first_line_that_covers_the_moment_counts() -> None:
    turns = [turn(people=["tom"], days=["sat", "sun"]), turn(people=["maya"])]
    assert who(turns, "2026-11-21T12:00+00:00") == "tom"
    assert who(turns, "2026-11-23T12:00+00:00") == "maya"
    assert who(turns, "2026-11-23T12:00+00:00", role="dpo") is None


def test_in_summer_the_hours_are_those_of_the_wall_clock() -> None:
    nights = [turn(starts="18:00", ends="08:00")]
    assert who(nights, "2026-07-01T16:59+00:00") is None
    assert who(nights, "2026-07-01T17:00+00:00") == "maya"


def test_a_handover_in_the_repeated_hour_happens_once() -> None:
    # 25 October 2026: 01:30 comes twice in London, at 00:30 and at 01:30 UTC. The first counts.
    turns = [
        turn(people=["maya"], starts="20:00", ends="01:30"),
        turn(people=["tom"], starts="01:30", ends="20:00"),
    ]
    assert who(turns, "2026-10-25T00:29+00:00") == "maya"
    for after in ("2026-10-25T00:30+00:00", "2026-10-25T01:15+00:00", "2026-10-25T01:45+00:00"):
        assert who(turns, after) == "tom"


def test_a_handover_in_the_skipped_hour_leaves_nobody_out() -> None:
    # 29 March 2026: there is no 01:30 in London.
    turns = [
        turn(people=["maya"], starts="20:00", ends="01:30"),
        turn(people=["tom"], starts="01:30", ends="20:00"),
    ]
    for minute in range(0, 180, 5):
        moment = datetime(2026, 3, 29, tzinfo=UTC) + timedelta(minutes=minute)
        found = shift_at(turns, "commander", LONDON, moment)
        assert found is not None
        assert found.person == ("maya" if moment < datetime(2026, 3, 29, 1, 30, tzinfo=UTC) else "tom")


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)), st.integers(0, 23))  # noqa: DTZ001 - bounds of an aware strategy
def test_day_and_night_together_always_cover_the_moment_just_once(moment: datetime, hour: int) -> None:
    at = f"{hour:02}:00"
    other = f"{(hour + 11) % 24:02}:00"
    turns = [turn(people=["maya"], starts=at, ends=other), turn(people=["tom"], starts=other, ends=at)]
    found = [shift_at([one], "commander", LONDON, moment) for one in turns]
    assert sum(one is not None for one in found) == 1
    shift = next(one for one in found if one)
    assert shift.ends_at is not None
    assert shift.starts_at <= moment < shift.ends_at


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"people": ["maya", "tom"]}, "say with first_week"),
        ({"first_week": "2026-01-06"}, "is not a Monday"),
        ({"starts": "25:00"}, "not a time of day"),
        ({"people": []}, "at least 1 item"),
    ],
)
def test_it_refuses_a_line_that_could_not_be_read_at_night(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        turn(**wrong)
