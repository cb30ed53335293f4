from law_documents import CASES
from tocsin.law.facts import parse_facts
from tocsin.law.page import law_page
from tocsin.law.regimes import regimes
from tocsin.law.rules import rules


def test_the_page_tells_every_rule_and_regime_and_which_cases_exercise_them():
    page = law_page({name: parse_facts(case["facts"]) for name, case in CASES.items()})
    for rule in rules().values():
        assert f"### {rule.title} (`{rule.id}`)" in page
        assert rule.says in page
    for regime in regimes():
        assert f"(`{regime.id}`)" in page
    section = page[page.index("(`no-working-backup`)") :]
    assert "- Exercised by: EDPB-02\n" in section[: section.index("###")]


def test_every_case_exercises_some_rule_of_its_own():
    page = law_page({name: parse_facts(case["facts"]) for name, case in CASES.items()})
    assert all(name in page for name in CASES)
    assert page.count("recalled: check this") >= sum(
        entry.status == "recalled" for entry in (*rules().values(), *regimes())
    )
