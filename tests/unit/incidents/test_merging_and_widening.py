"""One incident over several systems, two that become one, and a playbook that joins while others run."""

from datetime import timedelta

import pytest

from simulators.chance import CrashAt, PowerCut
from simulators.house import House
from tocsin.errors import Refused, UsageError
from tocsin.incidents import (
    Closing,
    Declaration,
    add_playbook,
    add_systems,
    all_incidents,
    choose_playbook,
    close,
    confirm,
    declare,
    merge,
    page,
    pages_of,
)
from tocsin.incidents.register import register
from tocsin.incidents.trends import trends
from tocsin.runbook.engine import advance
from tocsin.runbook.ledger import load_rows, load_runs
from tocsin.situation import duties_of, situation_of, state_fact
from tocsin.situation.discharging import Discharge, discharge
from tocsin.situation.facts import fact_versions

FIRST, SECOND = "INC-2026-001", "INC-2026-002"
EACH = """\
playbook: each
title: Each client
steps:
  - {id: stay, uses: human.task, with: {text: Stay}, assign: dpo}
  - id: call
    uses: human.task
    for_each: "${{ incident.affected_clients }}"
    with: {text: "Call ${{ item }}"}
    assign: dpo
"""


def seen(house: House, incident: str = FIRST):
    with house.store.read() as connection:
        return situation_of(connection, house.workspace, incident)


def duties(house: House, incident: str) -> dict[str, str]:
    with house.store.read() as connection:
        return {each.key: each.state for each in duties_of(connection, incident)}


def test_a_further_system_brings_its_clients_facts_duties_and_rows(house: House) -> None:
    (house.folder / "playbooks/each.yaml").write_text(EACH)
    run = declare(house.ctx, Declaration("Odd", ("crm",), "other", playbook="each")).run
    advance(house.ctx, run.id)
    assert [client.id for client in seen(house).radius.clients] == []
    assert add_systems(house.ctx, FIRST, ("file-share", "crm"), "The same login") == ("file-share",)
    advance(house.ctx, run.id)
    with house.store.read() as connection:
        rows = {row.key: row.state for row in load_rows(connection, run.id)}
    assert (rows["call[harbour-dental]"], rows["call[northgate-homes]"]) == ("waiting", "waiting")
    assert "controllers-harbour-dental" in duties(house, FIRST)
    assert seen(house).facts("harbour-dental")["people"]["count"] == 1480
    # Our own data is on both now: what the inventory said before is said anew.
    assert seen(house).facts("ourselves")["people"]["count"] == 314
    assert add_systems(house.ctx, FIRST, ("crm",), "again") == ()


def test_what_a_person_counted_is_not_overwritten_by_the_inventory(house: House) -> None:
    declare(house.ctx, Declaration("Odd", ("crm",), "other"))
    state_fact(house.ctx, FIRST, "people.count", 7, controller="ourselves", evidence="counted")
    add_systems(house.ctx, FIRST, ("file-share",), "The same login")
    assert seen(house).facts("ourselves")["people"]["count"] == 7


@pytest.mark.parametrize(
    ("systems", "reason", "said"), [(("filez",), "r", "no system 'filez'"), (("crm",), " ", "Say how you know")]
)
def test_widening_refuses_what_it_cannot_know(house: House, systems, reason, said) -> None:
    declare(house.ctx, Declaration("Odd", ("file-share",), "other"))
    with pytest.raises(UsageError, match=said):
        add_systems(house.ctx, FIRST, systems, reason)


@pytest.fixture
def two(house: House) -> House:
    declare(house.ctx, Declaration("Odd logins", ("crm",), "other"))
    house.clock.advance(timedelta(hours=2))
    declare(house.ctx, Declaration("Files locked", ("file-share",), "ransomware"))
    return house


def test_merged_the_second_has_everything_and_the_earliest_moments(two: House) -> None:
    alert = seen(two, FIRST).first_alert_at
    aware = two.clock.now()
    confirm(two.ctx, FIRST, aware, "The log shows it")
    state_fact(two.ctx, FIRST, "exfiltration", "possible", evidence="2 GB left")
    two.clock.advance(timedelta(hours=1))
    confirm(two.ctx, SECOND, two.clock.now(), "The note")
    done = merge(two.ctx, FIRST, SECOND, "The same password")
    assert (done.systems, done.facts, done.moved["runs"]) == (("crm",), 1, 1)
    found = seen(two, SECOND)
    assert (found.first_alert_at, found.aware_at, found.aware_reason) == (alert, aware, "The log shows it")
    assert {system.id for system in found.radius.systems} == {"crm", "file-share"}
    assert found.facts()["exfiltration"] == "possible"
    assert found.cause == "ransomware"
    with two.store.read() as connection:
        assert len(load_runs(connection, incident=SECOND)) == 2
        carried = [each for each in fact_versions(connection, SECOND) if "from INC-2026-001" in str(each.evidence)]
    assert [(each.path, each.stated_by) for each in carried] == [("exfiltration", "maya")]


def test_the_one_that_went_in_stays_readable_closed_and_untouched_by_further_words(two: House) -> None:
    merge(two.ctx, FIRST, SECOND, "The same password")
    listed = {each.id: each for each in all_incidents(two.ctx)}
    assert (listed[FIRST].state, listed[FIRST].merged_into) == ("closed", SECOND)
    assert seen(two, FIRST).title == "Odd logins"
    assert set(duties(two, FIRST).values()) <= {"lapsed", "declined", "discharged"}
    for act in (
        lambda: state_fact(two.ctx, FIRST, "exfiltration", "possible"),
        lambda: confirm(two.ctx, FIRST, two.clock.now(), "r"),
        lambda: add_systems(two.ctx, FIRST, ("file-share",), "r"),
        lambda: merge(two.ctx, FIRST, SECOND, "again"),
    ):
        with pytest.raises(UsageError, match=f"was merged into {SECOND}"):
            act()


def test_facts_that_are_older_than_those_of_the_second_do_not_overwrite_them(two: House) -> None:
    state_fact(two.ctx, FIRST, "exfiltration", "possible")
    two.clock.advance(timedelta(minutes=1))
    state_fact(two.ctx, SECOND, "exfiltration", "ruled_out")
    merge(two.ctx, FIRST, SECOND, "The same password")
    assert seen(two, SECOND).facts()["exfiltration"] == "ruled_out"
    assert seen(two, FIRST).facts()["exfiltration"] == "possible"


def test_who_was_told_by_hand_is_not_told_twice(two: House) -> None:
    add_systems(two.ctx, FIRST, ("file-share",), "r")
    discharge(
        two.acting("priya"),
        FIRST,
        "controllers-harbour-dental",
        Discharge(how="Telephoned Anneka", first_report=True),
    )
    merge(two.ctx, FIRST, SECOND, "The same password")
    assert duties(two, SECOND)["controllers-harbour-dental"] == "told"


def test_a_page_of_the_one_that_went_in_is_over(two: House) -> None:
    page(two.ctx, FIRST, "dpo")
    merge(two.ctx, FIRST, SECOND, "The same password")
    with two.store.read() as connection:
        assert not pages_of(connection, FIRST)[0].waits


def test_a_merged_one_is_in_the_register_as_that_and_counted_once(two: House) -> None:
    merge(two.ctx, FIRST, SECOND, "The same password")
    entries = register(two.ctx)
    assert [each.outcome for each in entries] == ["merged", "open"]
    assert [quarter.incidents for quarter in trends(entries, "Europe/London")] == [1]


def test_of_two_circles_both_see_the_one_that_stays(two: House) -> None:
    third = declare(two.ctx, Declaration("An insider", ("crm",), "insider", need_to_know=("tom",))).incident
    merge(two.ctx, third, FIRST, "It was him")
    titles = {each.id: each.title for each in all_incidents(two.acting("priya"))}
    assert (titles[third], titles[FIRST], titles[SECOND]) == ("", "", "Files locked")


def test_merging_needs_somebody_who_may_decide_a_reason_and_two_incidents(two: House) -> None:
    before = two.journal_kinds()
    with pytest.raises(Refused, match="may not merge"):
        merge(two.acting("sam"), FIRST, SECOND, "r")
    with pytest.raises(UsageError, match="Say why"):
        merge(two.ctx, FIRST, SECOND, "")
    with pytest.raises(UsageError, match="into itself"):
        merge(two.ctx, FIRST, FIRST, "r")
    with pytest.raises(UsageError, match="There is no incident"):
        merge(two.ctx, FIRST, "INC-2026-009", "r")
    assert two.journal_kinds() == before


def test_a_crash_before_the_end_of_a_merge_leaves_both_as_they_were(two: House) -> None:
    two.store._crash = CrashAt("store.before_commit")
    with pytest.raises(PowerCut):
        merge(two.ctx, FIRST, SECOND, "r")
    two.store._crash = two.crash
    assert {each.merged_into for each in all_incidents(two.ctx)} == {None}


def test_a_playbook_joins_an_open_incident_and_no_closed_one(two: House) -> None:
    added = add_playbook(two.ctx, FIRST, choose_playbook(two.ctx, None, "ransomware"))
    with two.store.read() as connection:
        assert added.id in [run.id for run in load_runs(connection, incident=FIRST)]
    merge(two.ctx, FIRST, SECOND, "r")
    with pytest.raises(UsageError, match="was merged into"):
        add_playbook(two.ctx, FIRST, choose_playbook(two.ctx, None, "ransomware"))


def test_closing_names_the_command_for_everything_in_the_way(two: House) -> None:
    with pytest.raises(Refused) as refused:
        close(two.ctx, SECOND, Closing())
    said = str(refused.value)
    for command in (
        f"tocsin incident confirm {SECOND} --at TIME",
        f"tocsin incident discharge {SECOND} regulator --how TEXT",
        "tocsin run end RUN-0002 --reason TEXT",
        f"tocsin incident close {SECOND} --effects TEXT --remedy TEXT",
    ):
        assert command in said
