"""Deadline alarms on a real store: raised once, delivered by the first channel that works, cleared when told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from simulators.chance import PowerCut
from simulators.house import House, Unreachable
from tocsin.errors import Refused, UsageError
from tocsin.incidents import Declaration, acknowledge, confirm, declare, raise_due_alarms, standing_alarms
from tocsin.situation import decide
from tocsin.situation.discharging import Discharge, discharge

INC = "INC-2026-001"


@pytest.fixture
def breached(house: House) -> House:
    declare(house.ctx, Declaration("Files end in .locked", ("file-share",), cause="ransomware"))
    confirm(house.ctx, INC, house.clock.now(), "The note names us")
    return house


def standing(house):
    with house.store.read() as connection:
        return standing_alarms(connection, INC)


def test_nothing_rings_before_half_the_time_is_gone(breached):
    breached.clock.advance(timedelta(hours=11, minutes=59))
    assert raise_due_alarms(breached.ctx) == ()


def test_raising_again_at_once_does_nothing(breached):
    breached.clock.advance(timedelta(hours=12))
    assert [(one.duty, one.share) for one in raise_due_alarms(breached.ctx)] == [
        ("controllers-harbour-dental", 50)
    ]
    entries = len(breached.journal_kinds())
    assert raise_due_alarms(breached.ctx) == ()
    assert len(breached.journal_kinds()) == entries
    assert len(breached.postbox.sent) == 1


def test_without_mail_it_falls_quietly_to_a_file_of_the_outbox(breached):
    breached.clock.advance(timedelta(hours=12))
    ctx = replace(breached.ctx, mailer=Unreachable("the mail server"))
    assert [one.channel for one in raise_due_alarms(ctx)] == ["outbox"]
    (file,) = (breached.folder / "outbox" / "alarms").iterdir()
    text = file.read_text()
    assert text.startswith(
        "To: priya@larkfield.example\n\nINC-2026-001: 50 % of the time for a notice to a client"
    )
    assert "UTC" in text
    assert "GMT" in text
    assert "harbour" not in text.casefold()


def test_where_nothing_works_the_next_round_tries_again(breached):
    breached.clock.advance(timedelta(hours=12))
    (breached.folder / "outbox").write_text("a file is in the way")
    ctx = replace(breached.ctx, mailer=Unreachable("the mail server"))
    assert [one.channel for one in raise_due_alarms(ctx)] == [""]
    assert [one.channel for one in raise_due_alarms(breached.ctx)] == ["mail"]


@pytest.mark.parametrize("where", ["store.before_commit", "store.after_commit", "alarms:raised"])
def test_a_power_cut_loses_no_alarm(breached, where):
    breached.clock.advance(timedelta(hours=12))
    breached.crash._name, breached.crash._left = where, 2 if where.startswith("store") else 1
    with pytest.raises(PowerCut):
        raise_due_alarms(breached.ctx)
    raise_due_alarms(breached.ctx)
    assert len(standing(breached)) == 1
    assert breached.postbox.sent


def test_one_alarm_for_each_clock_stands_and_goes_when_it_was_told(breached):
    for _ in range(4):
        breached.clock.advance(timedelta(hours=6))
        raise_due_alarms(breached.ctx)
    assert len(standing(breached)) == 2
    said = Discharge(how="Called Anneka Voss", first_report=True, late_reasons="")
    discharge(breached.ctx, INC, "harbour-dental", said)
    raise_due_alarms(breached.ctx)
    assert [alarm.level for alarm in standing(breached)] == ["role"]


def test_a_moved_clock_rings_anew(breached):
    breached.clock.advance(timedelta(hours=12))
    raise_due_alarms(breached.ctx)
    confirm(breached.ctx, INC, breached.clock.now() - timedelta(hours=2), "The log says so")
    raise_due_alarms(breached.ctx)
    assert standing(breached) == ()


def test_somebody_of_ours_acknowledges_and_is_named(breached):
    with pytest.raises(UsageError, match="No alarm of INC-2026-001 waits"):
        acknowledge(breached.ctx, INC)
    breached.clock.advance(timedelta(hours=12))
    raise_due_alarms(breached.ctx)
    with pytest.raises(Refused, match="nobody in the workspace"):
        acknowledge(breached.acting("user:root"), INC)
    assert acknowledge(breached.acting("tom"), INC) == 1
    assert [alarm.acknowledged_by for alarm in standing(breached)] == ["tom"]
    breached.clock.advance(timedelta(hours=2))
    assert raise_due_alarms(breached.ctx) == ()


def test_a_decision_that_waits_for_its_second_person_stops_no_alarm(breached):
    decide(breached.acting("priya"), INC, "controllers-harbour-dental", "no", "They know already")
    breached.clock.advance(timedelta(hours=12))
    assert len(raise_due_alarms(breached.ctx)) == 1
