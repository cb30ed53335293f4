"""Duties, decisions, alarms and the register on a real PostgreSQL, and two people at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from simulators.house import House
from simulators.postgres import postgres, postgres_url  # noqa: F401 - fixtures
from tocsin.errors import Refused, UsageError
from tocsin.incidents import Declaration, acknowledge, confirm, declare, raise_due_alarms, standing_alarms
from tocsin.incidents.register import register
from tocsin.situation import agree, decide, decisions_of, duties_of, state_fact
from tocsin.situation.discharging import Discharge, discharge

pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("postgres")]
INC = "INC-2026-001"


@pytest.fixture
def grand_house(tmp_path: Path, postgres_url: str) -> Iterator[House]:  # noqa: F811
    house = House(tmp_path, store_url=postgres_url)
    declare(house.ctx, Declaration("Locked files", ("file-share",), cause="ransomware"))
    confirm(house.ctx, INC, house.clock.now(), "The note names us")
    yield house
    house.close()


def test_the_law_of_an_incident_from_fact_to_register(grand_house: House) -> None:
    house = grand_house
    decide(house.acting("priya"), INC, "people", "no", "Nothing left the house")
    agree(house.acting("tom"), INC, "people")
    state_fact(house.ctx, INC, "exfiltration", "confirmed", evidence="2 GB at 17:30")
    house.clock.advance(timedelta(hours=25))
    assert {one.channel for one in raise_due_alarms(house.ctx)} == {"mail"}
    assert raise_due_alarms(house.ctx) == ()
    assert acknowledge(house.ctx, INC) == 2
    said = Discharge(how="Called", late_reasons="Nobody was there", first_report=True)
    assert discharge(house.ctx, INC, "harbour-dental", said).is_late(None) is False
    with house.store.read() as connection:
        assert {each.key: each.state for each in duties_of(connection, INC)}[
            "controllers-harbour-dental"
        ] == "told"
        assert [alarm.acknowledged_by for alarm in standing_alarms(connection, INC)] == ["maya"] * 2
    (entry,) = register(house.ctx, client="harbour-dental")
    assert (entry.people, entry.duties[0].late) == (1480, True)


def test_two_seconds_at_once_agree_once(grand_house: House) -> None:
    house = grand_house
    decide(house.acting("priya"), INC, "people", "no", "Nothing left the house")

    def second(person: str) -> bool:
        try:
            return agree(house.acting(person), INC, "people").stands
        except (Refused, UsageError):
            return False

    with ThreadPoolExecutor(4) as doors:
        agreed = list(doors.map(second, ("maya", "tom", "maya", "tom")))
    assert agreed.count(True) == 1
    with house.store.read() as connection:
        assert [each.stands for each in decisions_of(connection, INC)] == [True]


def test_two_watches_at_once_raise_each_alarm_once(grand_house: House) -> None:
    house = grand_house
    house.clock.advance(timedelta(hours=25))
    with ThreadPoolExecutor(4) as doors:
        list(doors.map(lambda _: raise_due_alarms(house.ctx), range(4)))
    with house.store.read() as connection:
        assert len(standing_alarms(connection, INC)) == 2
    assert house.journal_kinds().count("alarm.raised") == 2
