"""Who is told of what is due: once, not at night, not twice a day, and nothing is lost to a machine that was off."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from practice_ground import live_through, practising
from simulators.chance import CrashAt, PowerCut
from simulators.house import House
from tocsin import alarms
from tocsin.practices import (
    State,
    go_practice_round,
    practice_named,
    remind,
    skip,
    standing,
    state_at,
)


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[House]:
    house = practising(tmp_path)
    yield house
    house.close()


def test_nobody_is_told_twice_a_day_nor_out_of_hours_through_a_winter_and_a_clock_change(firm: House) -> None:
    go_practice_round(firm.ctx)
    heard = live_through(firm, datetime(2027, 4, 6, tzinfo=UTC), timedelta(hours=7))
    assert max(Counter(heard).values()) == 1
    days = {date.fromisoformat(day).weekday() for _, day in heard}
    assert not days & {5, 6}
    told = [entry for entry in firm.journal_kinds() if entry == "practice.told"]
    assert len(told) == len(heard)
    # 31 December is a Thursday: told on the day; after that the digest of each Monday says it again.
    mine = [day for person, day in heard if person == "maya"]
    assert "2026-12-31" in mine
    assert [day for day in mine if "2027-02-15" <= day < "2027-03-20"] == [
        "2027-02-15",
        "2027-02-22",
        "2027-03-01",
        "2027-03-08",
        "2027-03-15",
    ]


def test_the_deputy_hears_of_it_once_its_grace_is_over(firm: House) -> None:
    go_practice_round(firm.ctx)
    firm.clock.set(datetime(2027, 1, 12, 10, tzinfo=UTC))
    first = {one.person: one.text for one in remind(firm.ctx)}
    assert "access-review" in first["maya"]
    assert "access-review" not in first.get("tom", "")
    firm.clock.set(datetime(2027, 1, 15, 10, tzinfo=UTC))
    then = {one.person: one.text for one in remind(firm.ctx)}
    assert "access-review: OVERDUE, it was due 15 days ago" in then["tom"]


def test_a_month_of_downtime_loses_nothing_and_rings_once(firm: House) -> None:
    go_practice_round(firm.ctx)
    firm.clock.set(datetime(2027, 2, 3, 10, tzinfo=UTC))
    told = remind(firm.ctx)
    assert [one.person for one in told if one.person == "maya"] == ["maya"]
    text = next(one.text for one in told if one.person == "maya")
    assert text.count("access-review") == 1
    assert text.count("software-updates") == 1
    assert remind(firm.ctx) == ()


def test_a_message_names_no_client_and_goes_to_one_person(firm: House) -> None:
    go_practice_round(firm.ctx)
    firm.clock.set(datetime(2027, 1, 12, 10, tzinfo=UTC))
    go_practice_round(firm.ctx)
    sent = alarms.deliver(firm.ctx)
    assert sent
    assert all(len(one.people) == 1 for one in sent)
    assert {message["Subject"] for message in firm.postbox.sent} == {"[Tocsin] Good practice this week"}
    for client in firm.workspace.clients.values():
        assert not any(client.name in one.text or client.id in one.text for one in sent)


def test_a_message_that_went_out_stands_no_more(firm: House) -> None:
    go_practice_round(firm.ctx)
    firm.clock.set(datetime(2027, 1, 12, 10, tzinfo=UTC))
    go_practice_round(firm.ctx)
    alarms.deliver(firm.ctx)
    go_practice_round(firm.ctx)
    with firm.store.read() as connection:
        assert not alarms.standing(connection, ["practice.reminder", "practice.digest"])
    assert alarms.deliver(firm.ctx) == ()


def test_a_crash_before_the_commit_tells_nobody_and_the_next_bell_tells_once(firm: House) -> None:
    go_practice_round(firm.ctx)
    firm.clock.set(datetime(2027, 1, 12, 10, tzinfo=UTC))
    with firm.store.read() as connection:
        before = len(alarms.standing(connection))
    firm.store._crash = CrashAt("store.before_commit")
    with pytest.raises(PowerCut):
        remind(firm.ctx)
    firm.store._crash = CrashAt()
    first, second = remind(firm.ctx), remind(firm.ctx)
    assert first
    assert second == ()
    with firm.store.read() as connection:
        assert len(alarms.standing(connection)) == before + len(first)


def test_what_is_skipped_comes_again_and_counts_as_not_done(firm: House) -> None:
    go_practice_round(firm.ctx)
    firm.clock.set(datetime(2027, 1, 4, 10, tzinfo=UTC))
    review = practice_named(firm.workspace, "access-review")
    skip(firm.ctx, review, [""], by="maya", reason="The office moves this month.")
    now = firm.clock.now()
    with firm.store.read() as connection:
        found = next(one for one in standing(connection, firm.workspace, now) if one.practice.name == review.name)
        assert (found.state, found.due_on, found.never_done) == (State.SETTLED, date(2027, 6, 30), True)
        assert state_at(connection, firm.workspace, review.name, now) == "never"
    assert "practice.skipped" in firm.journal_kinds()


def test_it_is_quiet_where_no_practice_is_kept(house: House) -> None:
    assert go_practice_round(house.ctx).sentences == ()
    assert house.journal_kinds() == []
