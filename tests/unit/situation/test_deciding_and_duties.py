"""Duties follow facts, decisions and notices; one rule decides, whichever door it comes through."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.chance import PowerCut
from simulators.house import FIRM, House
from simulators.time import FRIDAY_EVENING
from tocsin.errors import Refused, UsageError
from tocsin.incidents import Declaration, confirm, declare
from tocsin.runbook import decisions as steps
from tocsin.runbook.engine import advance, stand
from tocsin.runbook.ledger import load_runs
from tocsin.situation import agree, decide, deciders, decisions_of, duties_of, reconcile_duties, state_fact
from tocsin.situation.decisions import is_below
from tocsin.situation.discharging import Discharge, discharge
from tocsin.tonight.clocks import open_incidents

INC = "INC-2026-001"
KNOWN_FIRM = FIRM.replace(
    "  contact: {name: Priya",
    "  regulated_as: []\n  size: small\n"
    "  insurance: [{policy: CY-1, insurer: Meridian, notice_hours: 48}]\n  contact: {name: Priya",
)
BAD = {
    "kinds": ["availability", "confidentiality"],
    "exfiltration": "confirmed",
    "logs": "complete",
    "protection.state": "none",
    "backup.state": "intact",
    "service_impact": "major",
    "recipient.type": "attacker",
    "countries": ["GB"],
}

STATEMENTS = [
    ("exfiltration", "ruled_out"),
    ("exfiltration", "confirmed"),
    ("exfiltration", "unknown"),
    ("logs", "missing"),
    ("logs", "complete"),
    ("personal_data", "no"),
    ("personal_data", "yes"),
    ("kinds", ["availability"]),
    ("protection.state", "encrypted"),
    ("protection.key", "safe"),
    ("countries", ["GB", "IE"]),
]


@pytest.fixture
def firm(tmp_path):
    firm = House(tmp_path, firm=KNOWN_FIRM)
    declare(firm.ctx, Declaration("Files end in .locked", ("file-share",), cause="ransomware"))
    yield firm
    firm.close()


def duties(house):
    with house.store.read() as connection:
        return {duty.key: duty for duty in duties_of(connection, INC)}


def state_all(house, facts=BAD, controller=""):
    for path, value in facts.items():
        state_fact(house.ctx, INC, path, value, controller=controller)


def kinds_told(house, kind):
    return house.journal_kinds().count(kind)


def test_declaring_opens_every_duty_that_may_be_owed(firm):
    found = duties(firm)
    assert {"regulator", "people", "controllers-harbour-dental", "controllers-northgate-homes"} <= set(found)
    assert found["controllers-harbour-dental"].required == "yes"
    assert found["controllers-harbour-dental"].hours == 24
    assert found["regulator"].required == "unclear"
    assert found["insurer-meridian-policy-cy-1"].hours == 48
    assert found["report-fraud"].voluntary
    assert {each.state for each in found.values()} == {"owed"}


def test_reconciling_again_changes_nothing(firm):
    before = firm.journal_kinds()
    assert reconcile_duties(firm.ctx, INC) == ()
    assert firm.journal_kinds() == before


@pytest.mark.parametrize("where", ["store.before_commit", "fact:stated"])
def test_a_power_cut_leaves_fact_and_duties_in_step(firm, where):
    firm.crash._name, firm.crash._left = where, 1
    with pytest.raises(PowerCut):
        state_fact(firm.ctx, INC, "exfiltration", "confirmed")
    assert reconcile_duties(firm.ctx, INC) == ()


def test_as_proposed_a_name_is_enough(firm):
    state_all(firm)
    taken = decide(firm.acting("priya"), INC, "regulator", "yes")
    assert (taken.stands, taken.proposed) == (True, "yes")


def test_below_the_proposal_it_stands_only_once_a_second_person_agreed(firm):
    state_all(firm)
    with pytest.raises(UsageError, match="needs a written reason"):
        decide(firm.acting("priya"), INC, "people", "no")
    taken = decide(firm.acting("priya"), INC, "people", "no", "Everybody was called already")
    assert (taken.stands, taken.seconds) == (False, ("maya", "tom"))
    assert duties(firm)["people"].state == "owed"
    with pytest.raises(Refused, match="cannot be the second person too"):
        agree(firm.acting("priya"), INC, "people")
    assert agree(firm.acting("tom"), INC, "people").stands
    assert duties(firm)["people"].state == "declined"


def test_somebody_without_the_role_decides_nothing(firm):
    before = firm.journal_kinds()
    for act in (lambda ctx: decide(ctx, INC, "regulator", "yes"), lambda ctx: agree(ctx, INC, "regulator")):
        with pytest.raises(Refused, match="sam may not decide"):
            act(firm.acting("sam"))
    assert deciders(firm.workspace) == ("priya", "maya", "tom")
    assert firm.journal_kinds() == before


def test_there_has_to_be_a_second_person(tmp_path):
    alone = House(
        tmp_path,
        firm=KNOWN_FIRM.replace("roles: [commander, technical], deputy: tom", "roles: [technical]").replace(
            "roles: [dpo], deputy: maya", "roles: [dpo]"
        ),
    )
    declare(alone.ctx, Declaration("x", ("file-share",), cause="ransomware"))
    state_all(alone)
    with pytest.raises(Refused, match="needs a second person, and there is none"):
        decide(alone.acting("priya"), INC, "regulator", "no", "Because")
    alone.close()


@pytest.mark.parametrize(
    ("proposed", "decided", "toward", "below"),
    [
        ("yes", "no", "regulator", True),
        ("unclear", "no", "people", True),
        ("yes", "no", "insurer", True),
        ("unclear", "no", "sector", False),
        ("no", "no", "regulator", False),
        ("unclear", "yes", "regulator", False),
        ("no", "yes", "people", False),
    ],
)
def test_what_goes_below_the_proposal(proposed, decided, toward, below):
    assert is_below(proposed, decided, toward) is below


def test_the_second_person_cannot_agree_to_what_the_facts_have_overtaken(firm):
    decide(firm.acting("priya"), INC, "regulator", "no", "Nothing left the house")
    state_all(firm)
    with pytest.raises(Refused, match="The facts have changed since priya decided"):
        agree(firm.acting("maya"), INC, "regulator")
    assert duties(firm)["regulator"].state == "owed"


def test_a_decision_against_falls_when_the_facts_get_worse_and_says_so(firm):
    decide(firm.acting("priya"), INC, "regulator", "no", "Nothing left the house")
    agree(firm.acting("maya"), INC, "regulator")
    assert duties(firm)["regulator"].state == "declined"
    state_all(firm)
    found = duties(firm)["regulator"]
    assert (found.state, found.required) == ("owed", "yes")
    assert found.reopened_why.startswith("it was declined when the proposal was unclear")
    assert "duty.reopened" in firm.journal_kinds()
    assert "duty.decision_fell" in firm.journal_kinds()
    with firm.store.read() as connection:
        assert not any(each.stands for each in decisions_of(connection, INC))


def test_a_duty_lapses_when_the_facts_say_so_and_comes_back_loudly(firm):
    state_fact(firm.ctx, INC, "personal_data", "no", controller="ourselves")
    assert duties(firm)["people"].state == "lapsed"
    told = kinds_told(firm, "duty.reopened")
    state_fact(firm.ctx, INC, "personal_data", "yes", controller="ourselves")
    assert duties(firm)["people"].state == "owed"
    assert kinds_told(firm, "duty.reopened") > told


def test_a_decision_in_the_playbook_and_one_on_the_command_line_are_the_same(firm):
    state_all(firm)
    with firm.store.read() as connection:
        run = load_runs(connection, incident=INC)[0].id
    advance(firm.ctx, run)
    steps.answer(firm.acting("priya"), run, "decide-regulator", "no", reason="Counsel advises so")
    assert agree(firm.acting("tom"), INC, "regulator").stands
    advance(firm.ctx, run)
    rows = {seen.row.key: seen.row for seen in stand(firm.ctx, run).looks}
    assert rows["decide-regulator"].output == {"answer": "no", "proposed": "yes"}
    assert rows["draft-ico"].state == "skipped"


def test_a_word_decides_for_all_and_a_beginning_for_one(firm):
    state_all(firm)
    assert decide(firm.ctx, INC, "controllers", "yes").duty == "controllers"
    assert decide(firm.ctx, INC, "insurer", "yes").duty == "insurer-meridian-policy-cy-1"
    with pytest.raises(UsageError, match="Did you mean 'people'"):
        decide(firm.ctx, INC, "peeple", "yes")


def test_a_draft_an_approval_and_a_sending_move_the_duty(firm):
    state_all(firm)
    with firm.store.read() as connection:
        run = load_runs(connection, incident=INC)[0].id
    advance(firm.ctx, run)
    assert duties(firm)["controllers-harbour-dental"].state == "drafted"


def test_a_duty_discharged_by_hand_stops_its_clock_on_every_screen(firm):
    def settled():
        with firm.store.read() as connection:
            (seen,) = open_incidents(connection, firm.workspace, firm.clock.now())
        return {clock.who: clock.settled for clock in seen.clocks}

    assert settled() == {"regulator": None, "harbour-dental": None, "northgate-homes": None}
    discharge(firm.ctx, INC, "harbour-dental", Discharge(how="Called Anneka Voss", first_report=True))
    assert settled()["harbour-dental"] == "told"
    state_fact(firm.ctx, INC, "personal_data", "no", controller="ourselves")
    assert settled() == {"regulator": "not owed", "harbour-dental": "told", "northgate-homes": None}


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (Discharge(), "Say how"),
        (Discharge(how="Called", at=FRIDAY_EVENING + timedelta(hours=1)), "lies in the future"),
        (Discharge(how="Called", at=FRIDAY_EVENING - timedelta(days=1)), "before the first alert"),
        (Discharge(how="Called"), "Say that this was the first report"),
    ],
)
def test_a_discharge_that_says_too_little_is_refused_and_nothing_is_kept(firm, said, sentence):
    before = firm.journal_kinds()
    with pytest.raises(UsageError, match=sentence):
        discharge(firm.ctx, INC, "regulator", said)
    assert firm.journal_kinds() == before


def test_what_was_told_and_has_become_worse_owes_a_follow_up(firm):
    state_fact(firm.ctx, INC, "exfiltration", "possible")
    said = Discharge(how="The online form, IC-1", nothing_more="All that can be known")
    assert discharge(firm.ctx, INC, "regulator", said).state == "discharged"
    firm.clock.advance(timedelta(hours=1))
    state_all(firm)
    after = duties(firm)["regulator"]
    assert after.state == "told"
    assert after.owes() == ("a follow-up: what was told has become worse since",)
    firm.clock.advance(timedelta(hours=1))
    again = Discharge(how="Follow-up under IC-1", nothing_more="All that can be known")
    assert discharge(firm.ctx, INC, "regulator", again).state == "discharged"
    assert duties(firm)["regulator"].told_at == after.told_at


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=5))
def test_whatever_is_stated_in_whatever_order_a_second_look_changes_nothing(firm, stated):
    for path, value in stated:
        state_fact(firm.ctx, INC, path, value)
        assert reconcile_duties(firm.ctx, INC) == ()
    for duty in duties(firm).values():
        assert duty.is_open or duty.state in ("lapsed", "declined", "discharged")
        assert (duty.required == "no") <= (not duty.is_open)


def test_moving_awareness_moves_the_clock_of_each_duty(firm):
    found = duties(firm)["regulator"]
    alert = firm.clock.now()
    assert found.clock(None, alert).due == alert + timedelta(hours=72)
    confirm(firm.ctx, INC, firm.clock.now(), "The note names us")
    assert found.clock(firm.clock.now(), alert).due == firm.clock.now() + timedelta(hours=72)
