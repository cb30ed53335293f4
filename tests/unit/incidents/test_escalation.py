"""The ladder of a deadline's alarms, as properties."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tocsin.incidents.escalation import FIRST_TOLD, LADDER, REPEAT, DueAlarm, Rung, due_alarm
from tocsin.law.clocks import deadline

AWARE = datetime(2026, 10, 23, 15, 30, tzinfo=UTC)
CLOCK = deadline(AWARE, 72)
MINUTES = st.lists(st.integers(0, 5000), max_size=60).map(sorted)


def at(share):
    return next(milestone.at for milestone in CLOCK.milestones if milestone.share == share)


def rung_over(minutes, *, acknowledge=()):
    """Look at each of these minutes, raise what is due, and acknowledge at some."""
    rung, raised = [], []
    for minute in minutes:
        now = AWARE + timedelta(minutes=minute)
        if minute in acknowledge:
            rung = [Rung(each.share, each.turn, each.raised_at, acknowledged=True) for each in rung]
        if wanted := due_alarm(CLOCK, rung, now):
            raised.append((now, wanted))
            rung.append(Rung(wanted.share, wanted.turn, now))
    return raised


def test_each_milestone_rings_first_where_it_belongs():
    assert due_alarm(CLOCK, (), at(50) - timedelta(seconds=1)) is None
    for share, level in {50: "role", 75: "deputy", 90: "everyone", 100: "everyone"}.items():
        assert due_alarm(CLOCK, (), at(share)) == DueAlarm(share, 0, level)


def test_silence_climbs_from_the_role_to_the_deputy_to_everyone():
    raised = rung_over(range(36 * 60, 40 * 60, 60))
    assert [wanted.level for _, wanted in raised] == ["role", "deputy", "everyone", "everyone"]


@given(MINUTES)
def test_looking_twice_at_one_moment_raises_once(minutes):
    assert rung_over(minutes) == rung_over(sorted([*minutes, *minutes]))


@given(MINUTES)
def test_nothing_rings_before_its_milestone_or_sooner_than_an_hour_after_the_last(minutes):
    raised = rung_over(minutes)
    for now, wanted in raised:
        assert now >= at(wanted.share)
    for (before, first), (after, second) in pairwise(raised):
        assert first.share != second.share or after - before >= REPEAT


@given(MINUTES)
def test_the_ladder_is_never_climbed_down_within_a_milestone(minutes):
    raised = [wanted for _, wanted in rung_over(minutes)]
    for first, second in pairwise(raised):
        assert second.share >= first.share
        if second.share == first.share:
            assert LADDER.index(second.level) >= LADDER.index(first.level)


@given(st.sampled_from(sorted(FIRST_TOLD)), MINUTES)
def test_an_acknowledgement_stops_the_repeats_of_its_milestone_and_no_more(share, minutes):
    start = round((at(share) - AWARE) / timedelta(minutes=1))
    later = [start + 1 + minute for minute in minutes]
    raised = [wanted.share for _, wanted in rung_over([start, *later], acknowledge=later[:1])]
    assert raised.count(share) == 1
    passed = {
        point.share
        for minute in later
        for point in CLOCK.milestones
        if point.at <= AWARE + timedelta(minutes=minute)
    }
    assert max(passed, default=share) in raised


def test_what_passed_unseen_is_told_as_one():
    assert due_alarm(CLOCK, (), at(100) + timedelta(hours=5)) == DueAlarm(100, 0, FIRST_TOLD[100])
