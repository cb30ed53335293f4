import re
from inspect import getsource

from law_documents import CASES, changed, judged
from tocsin.law import continuity, disclosure, exposure, harm, reasons
from tocsin.law.facts import fact_paths
from tocsin.law.files import read_data
from tocsin.law.rules import rules


def test_every_rule_that_can_fire_is_written_down_and_every_rule_written_down_can_fire():
    code = "".join(getsource(module) for module in (continuity, disclosure, exposure, harm, reasons))
    named = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', code))
    built = {f"{to}-{answer}" for to in ("regulator", "people") for answer in ("yes", "no", "unclear")}
    assert named | built | {"register", "sealed", "pseudonyms", "retrieved"} == set(rules())


def test_every_rule_fires_for_some_breach():
    told = set()
    for case in CASES.values():
        for facts in VARIATIONS:
            for duty in judged(changed(case["facts"], **facts)).duties:
                told |= {re.search(r"\[([a-z-]+):", reason)[1] for reason in duty.why}
    assert told == set(rules())


VARIATIONS = [
    {},
    {"role": None},
    {"role": "processor"},
    {"personal_data": "no"},
    {"safety_risk": "yes", "misuse_seen": "yes"},
    {"recipient__hostile": "yes"},
    {"cause": "vulnerability", "exploited": "no", "exfiltration": None, "kinds": ["integrity"]},
    {"cause": "misconfiguration", "exfiltration": "not_applicable", "recipient": {"type": "public"}},
    {"cause": "misdirected_email", "recipient": {"type": "known", "opened": "no", "deletion": "confirmed"}},
    {"cause": "misdirected_email", "recipient": {"type": "known", "opened": "yes", "deletion": "confirmed"}},
    {"cause": "misdirected_email", "recipient": {"type": "none"}},
    {"exfiltration": None, "logs": None, "protection": {"state": "none"}},
    {"cause": "misdirected_email", "recipient": {"type": "colleague", "deletion": "requested"}},
    {"cause": "misdirected_email", "recipient": {"type": "known", "deletion": "refused"}},
    {"cause": "misdirected_email", "recipient": {"type": "many", "count": 12}},
    {"cause": "lost_paper", "exfiltration": "not_applicable", "recipient": {"type": "unidentified"}},
    {"cause": "insider", "intent": "malicious_internal", "exfiltration": "possible"},
    {"cause": "outage", "kinds": ["availability"], "service_impact": "minor", "restored__hours": 80, "backup__state": "intact"},
    {"kinds": ["integrity"], "backup__state": "lost", "exfiltration": "ruled_out", "logs": "complete"},
    {"cause": "malware", "exfiltration": "unlikely", "logs": "complete"},
    {"cause": "malware", "exfiltration": "published", "data": ["name", "date_of_birth"]},
    {"cause": "malware", "exfiltration": "confirmed", "recipient": {}},
    {"identification": "none", "protection__state": "none", "exfiltration": "confirmed"},
    {"protection": {"state": "pseudonymised", "key": "safe"}, "exfiltration": "confirmed"},
    {"protection": {"state": "hashed_strong", "key": "safe"}, "identification": "direct"},
    {"service_impact": "major", "kinds": ["availability"], "backup__state": "intact", "exfiltration": "ruled_out", "logs": "complete"},
]  # fmt: skip


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
