"""From suspected to closed, and the ways in which it was never a breach."""

from datetime import timedelta

import pytest

from review_ground import sign_a_review
from simulators.house import FIRM, House
from tocsin.errors import Refused, UsageError
from tocsin.incidents import Closing, Declaration, all_incidents, call_it, close, confirm, declare, reach
from tocsin.runbook import decisions as steps
from tocsin.runbook.ledger import load_runs
from tocsin.situation import agree, decide, duties_of, state_fact

INC = "INC-2026-001"


@pytest.fixture
def suspected(tmp_path):
    house = House(
        tmp_path,
        firm=FIRM.replace(
            "  contact: {name: Priya",
            "  regulated_as: []\n  size: small\n  insurance: []\n  contact: {name: Priya",
        ),
    )
    declare(house.ctx, Declaration("Odd logins", ("crm",), cause="credential_attack"))
    yield house
    house.close()


def state(house):
    return all_incidents(house.ctx)[0].state


def end_runs(house):
    with house.store.read() as connection:
        for run in load_runs(connection, incident=INC):
            steps.end(house.ctx, run.id, "Nothing to do")


def test_its_moments_come_in_order_and_not_from_the_future(suspected):
    with pytest.raises(UsageError, match="was not contained yet, so it cannot be recovered"):
        reach(suspected.ctx, INC, "recovered")
    with pytest.raises(UsageError, match="in the future"):
        reach(suspected.ctx, INC, "contained", suspected.clock.now() + timedelta(minutes=1))
    with pytest.raises(UsageError, match="when it began"):
        reach(suspected.ctx, INC, "contained", suspected.clock.now() - timedelta(days=1))
    reach(suspected.ctx, INC, "contained")
    assert state(suspected) == "suspected"
    confirm(suspected.ctx, INC, suspected.clock.now(), "The logins were theirs")
    assert state(suspected) == "contained"
    reach(suspected.ctx, INC, "recovered")
    with pytest.raises(Refused, match="no signed review"):
        reach(suspected.ctx, INC, "reviewed")
    sign_a_review(suspected.ctx, INC)
    assert state(suspected) == "reviewed"


def test_a_near_miss_that_the_facts_do_not_show_needs_a_second_person(suspected):
    with pytest.raises(UsageError, match="Say why"):
        call_it(suspected.ctx, INC, "near_miss", " ")
    assert not call_it(suspected.ctx, INC, "near_miss", "Every login failed").stands
    assert state(suspected) == "suspected"
    assert agree(suspected.acting("priya"), INC, "near_miss").stands
    assert state(suspected) == "near_miss"
    with suspected.store.read() as connection:
        assert {each.state for each in duties_of(connection, INC)} == {"lapsed"}


def test_one_that_the_facts_show_needs_only_a_name(suspected):
    state_fact(suspected.ctx, INC, "personal_data", "no", controller="ourselves")
    assert call_it(suspected.ctx, INC, "not_a_breach", "A test of our own").stands
    assert state(suspected) == "not_a_breach"
    end_runs(suspected)
    close(suspected.ctx, INC, Closing())
    assert state(suspected) == "closed"


def test_facts_that_ask_for_more_undo_it_even_after_it_was_closed(suspected):
    state_fact(suspected.ctx, INC, "personal_data", "no", controller="ourselves")
    call_it(suspected.ctx, INC, "not_a_breach", "A test of our own")
    end_runs(suspected)
    close(suspected.ctx, INC, Closing())
    state_fact(suspected.acting("tom"), INC, "personal_data", "yes", controller="ourselves", evidence="Real names")
    assert state(suspected) == "suspected"
    assert all_incidents(suspected.ctx)[0].closed_at is None
    assert "incident.reopened" in suspected.journal_kinds()
    with suspected.store.read() as connection:
        assert any(each.state == "owed" and each.reopened_at for each in duties_of(connection, INC))


def test_confirming_it_takes_the_near_miss_back(suspected):
    call_it(suspected.ctx, INC, "near_miss", "Every login failed")
    agree(suspected.acting("priya"), INC, "near_miss")
    confirm(suspected.ctx, INC, suspected.clock.now(), "One login worked")
    assert state(suspected) == "confirmed"
    with suspected.store.read() as connection:
        assert any(each.is_open for each in duties_of(connection, INC))


def test_it_says_everything_that_keeps_it_open_and_changes_nothing(suspected):
    decide(suspected.acting("priya"), INC, "people", "no", "Nobody was hurt")
    before = suspected.journal_kinds()
    with pytest.raises(Refused) as refused:
        close(suspected.ctx, INC, Closing())
    said = str(refused.value)
    for obstacle in (
        "it is suspected",
        "the duty regulator is owed",
        "the decision on people waits for a second person",
        "the run RUN-0001 is open",
        "--effects TEXT --remedy TEXT",
    ):
        assert obstacle in said
    assert suspected.journal_kinds() == before


def test_what_the_workspace_does_not_say_of_us_keeps_it_open(house):
    declare(house.ctx, Declaration("Odd logins", ("crm",), cause="credential_attack"))
    with pytest.raises(
        Refused, match="organisation.insurance, organisation.regulated_as, organisation.size".replace(".", r"\.")
    ):
        close(house.ctx, INC, Closing())


def test_only_who_may_decide_closes(suspected):
    with pytest.raises(Refused, match="sam may not close"):
        close(suspected.acting("sam"), INC, Closing())
