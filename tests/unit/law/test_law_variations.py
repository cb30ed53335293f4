"""Flip one decisive fact of a case: the answer must move the right way, and to the answer the law gives."""

import pytest

from law_documents import CASES, changed, judged, told, weight

FLIPS = [
    ("EDPB-01", {"protection__key": "exposed", "exfiltration": "confirmed"}, ("yes", "no")),
    ("EDPB-01", {"backup__state": "none", "restored__hours": 120}, ("yes", "no")),
    ("EDPB-01", {"backup__state": "none"}, ("yes", "no")),
    ("EDPB-02", {"backup__state": "intact", "restored__hours": 5, "service_impact": "none"}, ("no", "no")),
    ("EDPB-02", {"exfiltration": "confirmed", "data": ["name", "bank_account"]}, ("yes", "yes")),
    ("EDPB-03", {"restored__hours": 1, "service_impact": "minor"}, ("no", "no")),
    ("EDPB-04", {"exfiltration": "ruled_out", "backup__state": "intact", "restored": {"done": "yes", "hours": 4}, "service_impact": "none"}, ("no", "no")),
    ("EDPB-05", {"exfiltration": "ruled_out", "logs": "complete"}, ("no", "no")),
    ("EDPB-05", {"insight": "little"}, ("yes", "no")),
    ("EDPB-06", {"protection__state": "hashed_weak"}, ("yes", "yes")),
    ("EDPB-06", {"protection__state": "none"}, ("yes", "yes")),
    ("EDPB-07", {"protection": {"state": "encrypted", "key": "safe"}, "service_impact": "none"}, ("no", "no")),
    ("EDPB-08", {"data": ["name", "contact", "health"]}, ("yes", "yes")),
    ("EDPB-08", {"intent": "accidental"}, ("no", "no")),
    ("EDPB-09", {"recipient__type": "public"}, ("yes", "yes")),
    ("EDPB-09", {"recipient__deletion": "refused"}, ("yes", "no")),
    ("EDPB-10", {"protection": {"state": "none"}}, ("yes", "yes")),
    ("EDPB-11", {"protection": {"state": "encrypted", "key": "safe"}}, ("no", "no")),
    ("EDPB-11", {"people__count": 40}, ("yes", "no")),
    ("EDPB-12", {"protection": {"state": "encrypted", "key": "safe"}, "backup__state": "intact", "restored": {"done": "yes", "hours": 1}, "service_impact": "none"}, ("no", "no")),
    ("EDPB-13", {"insight": "ordinary", "data": ["name", "address", "health"]}, ("yes", "unclear")),
    ("EDPB-13", {"insight": "ordinary", "data": ["name", "health"], "recipient__deletion": "requested"}, ("yes", "yes")),
    ("EDPB-14", {"data": ["name", "contact"], "recipient__count": 30, "people__count": 30}, ("no", "no")),
    ("EDPB-15", {"insight": "ordinary"}, ("yes", "yes")),
    ("EDPB-16", {"recipient": {"type": "trusted", "duty_of_secrecy": "yes", "deletion": "confirmed"}}, ("no", "no")),
    ("EDPB-16", {"recipient__hostile": "yes"}, ("yes", "yes")),
    ("EDPB-17", {"data": ["contact"]}, ("yes", "no")),
    ("EDPB-18", {"exfiltration": "ruled_out", "logs": "complete"}, ("no", "no")),
]  # fmt: skip


@pytest.mark.parametrize(("case", "facts", "expected"), FLIPS)
def test_one_decisive_fact_moves_the_answer(case, facts, expected):
    assert told(CASES[case]["facts"]) != expected, "the flip must matter"
    assert told(changed(CASES[case]["facts"], **facts)) == expected


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_raising_fact_only_raises(case):
    before = weight(judged(case["facts"]))
    for fact in ("safety_risk", "misuse_seen", "recipient__hostile", "people__vulnerable"):
        after = weight(judged(changed(case["facts"], **{fact: "yes"})))
        assert after >= before, fact
        assert weight(judged(changed(case["facts"], **{fact: "unknown"}))) <= after


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_raising_fact_that_would_matter_is_asked_for(case):
    asked = {question.fact for question in judged(case["facts"]).open_questions}
    for fact in ("safety_risk", "misuse_seen"):
        known = fact in case["facts"]
        would = told(changed(case["facts"], **{fact: "yes"})) != told(case["facts"])
        assert (fact in asked) is (would and not known)


def test_missing_logs_unmake_a_ruling_out_and_it_is_said():
    found = judged(changed(CASES["EDPB-04"]["facts"], exfiltration="ruled_out", logs="missing"))
    assert "logs" in found.contradictions[0]
    assert found.duty("people").required == "yes"


def test_logs_nobody_has_looked_at_leave_a_ruling_out_open():
    document = changed(
        CASES["EDPB-04"]["facts"],
        exfiltration="ruled_out", logs=None, backup__state="intact",
        restored={"done": "yes", "hours": 2}, service_impact="none",
    )  # fmt: skip
    found = judged(document)
    assert found.duty("regulator").required == "unclear"
    assert found.open_questions[0].fact == "logs"
    assert told(changed(document, logs="complete")) == ("no", "no")


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"exfiltration": "ruled_out", "misuse_seen": "yes"}, "misused"),
        ({"exfiltration": "not_applicable"}, "not applicable"),
        ({"kinds": ["availability"]}, "confidentiality"),
        ({"recipient": {"type": "none"}}, "Nobody is said to have received"),
        ({"people": {"groups": ["child"], "count": 3, "vulnerable": "no"}}, "vulnerable"),
        ({"data": []}, "No kind of data"),
        ({"protection": {"state": "encrypted", "key": "safe"}, "misuse_seen": "yes"}, "safe key"),
        ({"cause": "vulnerability", "exploited": "no"}, "near miss"),
        ({"kinds": ["confidentiality"], "service_impact": "care_or_safety"}, "availability"),
    ],
)
def test_facts_that_do_not_fit_together_are_reported(facts, word):
    found = judged(changed(CASES["EDPB-04"]["facts"], **facts))
    assert any(word in sentence for sentence in found.contradictions)


def test_things_sent_to_the_wrong_place_follow_the_recipient_whatever_exfiltration_says():
    for exfiltration in ("ruled_out", "unlikely", "possible", "confirmed", "published", "not_applicable", None):
        assert told(changed(CASES["EDPB-16"]["facts"], exfiltration=exfiltration)) == ("yes", "no")
