import json

import pytest

from law_documents import CASES, answers, changed, judged, told


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_agrees_with_the_guideline(case):
    found = judged(case["facts"])
    assert answers(found) == {"register": "yes", **case["expect"], "controllers": "no"}
    assert found.contradictions == ()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_answer_has_the_contracts_shape(case):
    found = judged(case["facts"]).to_json()
    assert list(found) == ["risk", "duties", "severity", "open_questions", "contradictions"]
    assert [(duty["to"], duty["basis"]) for duty in found["duties"]] == [
        ("register", "UK GDPR Art 33(5)"),
        ("regulator", "UK GDPR Art 33(1)"),
        ("people", "UK GDPR Art 34(1)"),
        ("controllers", "UK GDPR Art 33(2)"),
    ]
    assert [duty.get("within_hours") for duty in found["duties"]] == [None, 72, None, None]
    assert all(duty["why"] for duty in found["duties"])
    assert list(found["severity"]) == ["dpc", "ei", "cb", "se", "band", "flags"]
    assert json.loads(json.dumps(found)) == found
    assert "." not in json.dumps(found["severity"]["dpc"])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_processor_tells_its_clients_and_decides_nothing_for_them(case):
    found = judged(changed(case["facts"], role="processor"))
    assert answers(found) == {"register": "yes", "regulator": "no", "people": "no", "controllers": "yes"}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_without_personal_data_nothing_is_owed(case):
    for role in ("controller", "processor", None):
        found = judged(changed(case["facts"], role=role, personal_data="no"))
        assert found.risk == "none"
        assert set(answers(found).values()) == {"no"}
        assert found.open_questions == ()


def test_why_names_the_rule_and_the_guidance_and_says_nothing_of_what_is_not_known():
    why = judged(CASES["EDPB-02"]["facts"]).duty("regulator").why
    assert any("no-working-backup" in reason and "case 02" in reason for reason in why)
    assert not any(reason.startswith(("At best", "At worst", "Even")) for reason in why)


def test_what_is_only_supposed_is_said_to_be_supposed():
    document = changed(CASES["EDPB-18"]["facts"], exfiltration=None)
    why = judged(document).duty("people").why
    assert any(reason.startswith("At best: ") for reason in why)
    assert any(reason.startswith("At worst: ") for reason in why)


def test_a_weakness_that_nobody_used_is_a_near_miss():
    near_miss = {
        "role": "controller",
        "cause": "vulnerability",
        "exploited": "no",
        "kinds": ["confidentiality"],
        "data": ["name", "health", "credentials"],
        "people": {"groups": ["patient"], "count": 50_000},
    }
    assert answers(judged(near_miss)) == {
        "register": "yes",
        "regulator": "no",
        "people": "no",
        "controllers": "no",
    }
    unsaid = judged(changed(near_miss, exploited=None, exfiltration="unlikely"))
    assert unsaid.duty("regulator").required == "no"
    assert "exploited" in [question.fact for question in unsaid.open_questions]
    used = changed(near_miss, exploited="yes", exfiltration="confirmed", recipient={"type": "attacker"})
    assert told(changed(used, identification="direct", protection={"state": "none"})) == ("yes", "yes")


def test_when_the_role_is_unknown_the_client_question_is_open():
    found = judged(changed(CASES["EDPB-04"]["facts"], role=None))
    assert answers(found)["controllers"] == "unclear"
    assert found.open_questions[0].fact == "role"


def test_somebody_who_may_be_harmed_is_warned_whatever_else_holds():
    document = changed(CASES["EDPB-13"]["facts"], safety_risk="yes")
    assert told(document) == ("yes", "yes")
    assert "Warn that person and the police now" in " ".join(judged(document).duty("people").why)
