"""Reviews: prefilled, blameless, every proposal decided, and no incident is reviewed without a signature."""

from datetime import timedelta

import pytest

from simulators.house import FIRM, House
from tocsin import reviews
from tocsin.actions import actions
from tocsin.errors import Refused, UsageError
from tocsin.findings import Found, note
from tocsin.incidents import Declaration, declare, reach
from tocsin.model.vocabulary import Cause
from tocsin.practices import go_practice_round
from tocsin.reviews.library import lessons, prevention
from tocsin.runbook.engine import advance
from tocsin.runbook.ledger import load_runs
from tocsin.situation import state_fact

KEPT = "practices:\n  access-review: {owner: maya, first_due: 2026-12-01, grace: 1d}\n  staff-training: {}\n"


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path, firm=FIRM + KEPT)
    yield house
    house.close()


def over(house: House, cause: str = "ransomware") -> str:
    incident = declare(house.ctx, Declaration("Files end in .locked", ("file-share",), cause)).incident
    for moment in ("contained", "recovered"):
        house.clock.advance(timedelta(hours=3))
        reach(house.ctx, incident, moment)
    return incident


def test_nothing_is_reviewed_before_somebody_who_may_has_signed_a_review_that_is_whole(house):
    incident = over(house)
    with pytest.raises(Refused, match="no signed review"):
        reach(house.ctx, incident, "reviewed")
    found = reviews.open_review(house.ctx, incident)
    with pytest.raises(Refused) as missing:
        reviews.sign(house.ctx, incident, b"page")
    assert str(missing.value).count("nobody has answered") == 4
    assert "the proposals 1, 2" in str(missing.value)
    reviews.say(house.ctx, incident, answers=dict.fromkeys(reviews.QUESTIONS, "The paper card"))
    with pytest.raises(UsageError, match="Say why"):
        reviews.refuse(house.ctx, incident, [1], " ")
    reviews.refuse(house.ctx, incident, [each.number for each in found.undecided], "Done in March")
    with pytest.raises(Refused, match="sam may not sign"):
        reviews.sign(house.acting("sam"), incident, b"page")
    page = reviews.review_page(house.ctx, incident, signed_by="maya")
    signed = reviews.sign(house.ctx, incident, page)
    assert (signed.signed_by, (house.folder / signed.path).read_bytes()) == ("maya", page)
    assert "incident.reviewed" in house.journal_kinds()
    with pytest.raises(Refused, match="was signed by maya"):
        reviews.open_review(house.ctx, incident)


def test_an_incident_that_is_not_over_has_no_review(house):
    incident = declare(house.ctx, Declaration("Something", ("crm",), "phishing")).incident
    with pytest.raises(UsageError, match=f"tocsin incident contained {incident}"):
        reviews.open_review(house.ctx, incident)
    with pytest.raises(UsageError, match="has no review yet"):
        reviews.review_of(house.ctx, incident)


def test_it_proposes_from_the_cause_cases_overdue_practices_and_findings(house):
    with house.store.write(house.ctx.actor) as tx:
        note(tx, Found("drill", "1" * 32, "drill:gone", "missing-file", "One was not restored.", "/srv/a"))
    go_practice_round(house.ctx)  # the calendars begin
    house.clock.advance(timedelta(days=30))
    incident = over(house)
    found = reviews.open_review(house.ctx, incident)
    assert {each.source for each in found.proposals} == {"practice", "finding", "measure", "case"}
    assert len({each.key for each in found.proposals}) == len(found.proposals)
    late = next(each for each in found.proposals if each.source == "practice")
    assert "Access review was overdue" in late.why
    assert "It teaches" in late.why
    assert reviews.look_back(house.ctx, incident).overdue_then == ("Access review",)


def test_an_accepted_proposal_is_an_action_of_that_incident_and_not_proposed_again(house):
    incident = over(house)
    found = reviews.open_review(house.ctx, incident)
    one = next(each for each in found.proposals if each.proof.kind == "document")
    with pytest.raises(UsageError, match="Did you mean 'sam'"):
        reviews.accept(house.ctx, incident, one.number, reviews.Accepted("sma"))
    identity = reviews.accept(house.ctx, incident, one.number, reviews.Accepted("sam", title="In our words"))
    with pytest.raises(Refused, match="was accepted by maya"):
        reviews.refuse(house.ctx, incident, [one.number], "No")
    with house.store.read() as connection:
        (opened,) = actions(connection)
    assert (opened.id, opened.title, opened.incident, opened.causes) == (
        identity, "In our words", incident, ("ransomware",),
    )  # fmt: skip
    assert one.key not in {each.key for each in reviews.propose(house.ctx, ("ransomware",))}


def test_contributing_causes_bring_their_own_proposals_and_lose_none(house):
    incident = over(house)
    before = {each.key for each in reviews.open_review(house.ctx, incident).proposals}
    found = reviews.say(house.ctx, incident, causes=("ransomware", "misdirected_email"))
    assert before < {each.key for each in found.proposals}
    with pytest.raises(UsageError, match="Did you mean 'phishing'"):
        reviews.say(house.ctx, incident, causes=("phising",))


def test_it_tells_what_took_how_long_what_waited_and_what_changed(house):
    incident = declare(house.ctx, Declaration("Files end in .locked", ("file-share",), "ransomware")).incident
    with house.store.read() as connection:
        (run,) = load_runs(connection, incident=incident)
    advance(house.ctx, run.id)
    for moment in ("contained", "recovered"):
        house.clock.advance(timedelta(hours=3))
        reach(house.ctx, incident, moment)
    for value in ("ruled_out", "possible"):
        state_fact(house.ctx, incident, "exfiltration", value)
    seen = reviews.look_back(house.ctx, incident)
    spans = {each.name: each for each in seen.spans}
    assert (spans["contain"].minutes, spans["contain"].missed) == (180, False)
    assert (spans["recover"].minutes, spans["recover"].target_minutes, spans["recover"].missed) == (360, 240, True)
    assert spans["detect"].missed is None
    assert seen.waited
    assert any(each.startswith("exfiltration: ruled_out, then possible") for each in seen.changed)
    reviews.open_review(house.ctx, incident)
    page = reviews.review_page(house.ctx, incident).decode()
    assert "Files end in .locked" in page
    assert reviews.review_pdf(house.ctx, incident).startswith(b"%PDF")


def test_the_library_answers_every_cause_and_says_what_to_check():
    answered = {cause for each in prevention().measures.values() for cause in each.causes}
    assert answered == set(Cause) - {Cause.OTHER}
    for case in lessons().cases.values():
        assert case.source.startswith("http")
    assert any(case.check for case in lessons().cases.values())


def test_a_review_of_a_need_to_know_incident_is_for_its_people_alone(house):
    incident = declare(house.ctx, Declaration("Quiet", ("crm",), "insider", need_to_know=("priya",))).incident
    for moment in ("contained", "recovered"):
        reach(house.ctx, incident, moment)
    found = reviews.open_review(house.ctx, incident)
    reviews.accept(house.ctx, incident, found.proposals[0].number, reviews.Accepted("priya"))
    with pytest.raises(Refused, match="need-to-know"):
        reviews.review_of(house.acting("tom"), incident)
    with house.acting("tom").store.read() as connection:
        assert actions(connection) == ()
