"""Declaring an incident: what is refused, what is known at once, what starts."""

from datetime import timedelta

import pytest

from simulators.chance import PowerCut
from simulators.house import House
from tocsin.errors import Refused, UsageError
from tocsin.incidents import Declaration, all_incidents, clocks_of, confirm, declare, left
from tocsin.runbook import decisions
from tocsin.runbook.engine import advance, stand
from tocsin.runbook.ledger import load_runs
from tocsin.situation import OURSELVES, situation_of, state_fact

SAID = Declaration("Files renamed to .locked", ("file-share",), cause="ransomware")


def situation(house: House, incident: str = "INC-2026-001"):
    with house.store.read() as connection:
        return situation_of(connection, house.workspace, incident)


def test_it_opens_the_incident_and_its_playbook_in_one_go(house: House) -> None:
    declared = declare(house.ctx, SAID)
    assert (declared.incident, declared.run.playbook, declared.run.incident) == (
        "INC-2026-001",
        "ransomware",
        "INC-2026-001",
    )
    assert house.journal_kinds()[:2] == ["journal.opened", "incident.declared"]


@pytest.mark.parametrize("where", ["store.before_commit", "incident:declared"])
def test_a_power_cut_leaves_a_whole_incident_or_none(house: House, where: str) -> None:
    house.crash._name, house.crash._left = where, 1
    with pytest.raises(PowerCut):
        declare(house.ctx, SAID)
    with house.store.read() as connection:
        assert len(load_runs(connection)) == len(all_incidents(house.ctx))


def test_it_knows_whose_data_was_there(house: House) -> None:
    declare(house.ctx, SAID)
    found = situation(house)
    assert [client.id for client in found.radius.clients] == ["harbour-dental", "northgate-homes"]
    assert set(found.assessments) == {OURSELVES, "harbour-dental", "northgate-homes"}
    assert found.facts("harbour-dental")["data"] == ["name", "contact", "health"]
    assert found.facts("harbour-dental")["clients"] == ["harbour-dental"]
    assert "data" not in found.facts()


def test_every_client_is_to_be_told_whatever_the_risk(house: House) -> None:
    declare(house.ctx, SAID)
    found = situation(house)
    for client in ("harbour-dental", "northgate-homes"):
        assert found.assessments[client].duty("controllers").required == "yes"
        assert found.assessments[client].duty("regulator").required == "no"
    assert found.assessments[OURSELVES].duty("controllers").required == "no"
    assert found.required("controllers") == "yes"


def test_a_system_with_nothing_of_a_client_asks_no_client_to_be_told(house: House) -> None:
    declare(house.ctx, Declaration("Odd logins", ("crm",), cause="other"))
    assert situation(house).required("controllers") == "no"
    assert load_run_names(house) == ["generic"]


def load_run_names(house: House) -> list[str]:
    with house.store.read() as connection:
        return [run.playbook for run in load_runs(connection)]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            Declaration("x", ("file-shair",)),
            "There is no system 'file-shair' in the workspace. Did you mean 'file-share'?",
        ),
        (Declaration("x", ()), "Say which system was hit"),
        (
            Declaration("x", ("crm",), cause="ransomwear"),
            "There is no cause 'ransomwear'. Did you mean 'ransomware'?",
        ),
        (
            Declaration("x", ("crm",), playbook="ransom"),
            "There is no playbook 'ransom'. Did you mean 'ransomware'?",
        ),
    ],
)
def test_unknown_words_are_refused_and_nothing_is_kept(house: House, said: Declaration, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        declare(house.ctx, said)
    assert str(refused.value).startswith(sentence)
    assert house.journal_kinds() == []


def test_the_legal_clock_runs_from_awareness_and_a_shadow_from_the_first_alert(house: House) -> None:
    alert = house.clock.now() - timedelta(hours=3)
    declare(house.ctx, Declaration("x", ("file-share",), cause="ransomware", first_alert_at=alert))
    shadow = clocks_of(situation(house))
    assert [(clock.to, clock.due - alert, clock.legal) for clock in shadow] == [
        ("harbour-dental", timedelta(hours=24), False),
        ("northgate-homes", timedelta(hours=48), False),
        ("ico", timedelta(hours=72), False),
    ]
    confirm(house.ctx, "INC-2026-001", house.clock.now(), "Ransom note names us")
    legal = clocks_of(situation(house))
    assert [(clock.due - house.clock.now(), clock.legal) for clock in legal][2] == (timedelta(hours=72), True)


def test_the_moment_of_awareness_moves_only_with_a_reason_and_never_into_the_future(house: House) -> None:
    declare(house.ctx, SAID)
    confirm(house.ctx, "INC-2026-001", house.clock.now(), "")
    with pytest.raises(UsageError, match="needs a reason"):
        confirm(house.ctx, "INC-2026-001", house.clock.now(), "")
    with pytest.raises(UsageError, match="in the future"):
        confirm(house.ctx, "INC-2026-001", house.clock.now() + timedelta(minutes=1), "really")


def test_facts_are_versions_and_a_later_one_supersedes(house: House) -> None:
    declare(house.ctx, SAID)
    state_fact(house.ctx, "INC-2026-001", "exfiltration", "ruled_out", evidence="Firewall quiet")
    house.clock.advance(timedelta(hours=2))
    state_fact(house.acting("tom"), "INC-2026-001", "exfiltration", "confirmed", evidence="2 GB at 17:30")
    found = situation(house)
    assert found.facts()["exfiltration"] == "confirmed"
    said = [(version.value, version.stated_by) for version in found.versions if version.path == "exfiltration"]
    assert said == [("ruled_out", "maya"), ("confirmed", "tom")]


def test_a_misspelt_fact_is_refused_with_the_nearest(house: House) -> None:
    declare(house.ctx, SAID)
    before = house.journal_kinds()
    with pytest.raises(UsageError, match="Did you mean 'exfiltration'"):
        state_fact(house.ctx, "INC-2026-001", "exfiltratoin", "confirmed")
    assert house.journal_kinds() == before


def test_a_question_whose_fact_is_known_is_not_asked(house: House) -> None:
    declared = declare(house.ctx, SAID)
    state_fact(house.ctx, declared.incident, "exfiltration", "confirmed")
    advance(house.ctx, declared.run.id)
    rows = {seen.row.key: seen.row for seen in stand(house.ctx, declared.run.id).looks}
    assert (rows["ask-exfiltration"].state, rows["ask-logs"].state) == ("done", "waiting")


def test_below_the_proposal_needs_a_reason_and_a_second_person(house: House) -> None:
    declared = declare(house.ctx, SAID)
    run = declared.run.id
    for path, value in {
        "kinds": ["availability", "confidentiality"], "exfiltration": "confirmed", "logs": "complete",
        "protection.state": "none", "backup.state": "intact", "service_impact": "major", "recipient.type": "attacker",
    }.items():  # fmt: skip
        state_fact(house.ctx, declared.incident, path, value)
    advance(house.ctx, run)
    with pytest.raises(UsageError, match="needs a written reason"):
        decisions.answer(house.acting("priya"), run, "decide-regulator", "no")
    decisions.answer(house.acting("priya"), run, "decide-regulator", "no", reason="Counsel advises so")
    advance(house.ctx, run)
    waits = next(seen.row for seen in stand(house.ctx, run).looks if seen.row.key == "decide-regulator")
    assert waits.state == "waiting"
    assert "a second person (maya or tom)" in str(waits.asked["question"])
    with pytest.raises(Refused, match="cannot be the second person too"):
        decisions.answer(house.acting("priya"), run, "decide-regulator", "no")
    decisions.answer(house.acting("maya"), run, "decide-regulator", "no")
    advance(house.ctx, run)
    rows = {seen.row.key: seen.row.state for seen in stand(house.ctx, run).looks}
    assert (rows["draft-ico"], rows["draft-clients[harbour-dental]"]) == ("skipped", "done")


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (timedelta(hours=31, minutes=20), "31 h 20 min left"),
        (-timedelta(minutes=5), "OVERDUE by 5 min"),
        (timedelta(0), "OVERDUE by 0 min"),
    ],
)
def test_what_is_left_is_said_in_hours_and_minutes(rest: timedelta, said: str) -> None:
    assert left(rest) == said
