import re
from inspect import getsource

from law_documents import CASES, changed, judged
from tocsin.law import continuity, disclosure, exposure, harm, reasons
from tocsin.law.facts import fact_paths
from tocsin.law.files import read_data
from tocsin.law.rules import rules


def test_every_rule_that_can_fire_is_written_down_and_every_rule_written_down_can_fire():
    code = "".join(getsource(module) for module in (continuity, disclosure, exposure, harm, reasons))
    named = {name for name in re.findall(r'"([a-z]+(?:-[a-z]+)+)"', code) if not name.startswith("nothing-")}
    built = {f"{to}-{answer}" for to in ("regulator", "people") for answer in ("yes", "no", "unclear")}
    assert named | built | {"register", "sealed", "pseudonyms", "retrieved"} == set(rules())


def test_every_rule_rests_on_facts_that_exist_and_says_where_it_comes_from():
    for rule in rules().values():
        assert set(rule.facts) <= set(fact_paths()), rule.id
        assert rule.basis.startswith("UK GDPR"), rule.id
        assert rule.guidance, rule.id
        assert rule.says.endswith("."), rule.id


def test_what_is_recalled_or_our_own_reading_says_so():
    recalled = [rule for rule in rules().values() if rule.status == "recalled"]
    assert {rule.id for rule in recalled} == {
        "no-personal-data",
        "small-circle",
        "nobody-identified",
        "pseudonyms",
        "vulnerable-people",
    }
    assert all("check this" in rule.sentence for rule in recalled)
    assert all("our reading" in rule.sentence for rule in rules().values() if rule.status == "reading")


def test_names_are_given_once():
    names = [entry["id"] for entry in read_data("rules")["rules"]]
    assert len(names) == len(set(names))


def test_every_sentence_of_every_case_is_a_rules_sentence():
    known = {rule.sentence for rule in rules().values()}
    for case in CASES.values():
        for duty in judged(changed(case["facts"], logs=None)).duties:
            for reason in duty.why:
                assert re.sub(r"^(At best|At worst|Even at best|Even at worst): ", "", reason) in known
