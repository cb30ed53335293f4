"""The organisation as a file, what a report must tell, and the page of the law as it is committed."""

import pytest

from law_documents import CASES
from repository_files import ROOT
from tocsin.errors import ConfigurationError
from tocsin.law.content import CONTENT, owed_words, still_owed
from tocsin.law.facts import fact_paths, parse_facts
from tocsin.law.page import law_page
from tocsin.law.regimes import ClientTerms, Policy, Profile, Regulated
from tocsin.law.regimes.profile_file import parse_profile
from tocsin.model.yaml_text import parse_yaml


def profile(text):
    return parse_profile(parse_yaml(text, "us.yaml"))


def test_what_is_left_out_is_not_known_and_an_empty_list_says_none():
    assert profile("") == Profile()
    assert profile("regulated_as: []\npolicies: []\nclients: {}\n") == Profile(frozenset(), None, (), ())


def test_a_whole_profile_is_read():
    text = """
regulated_as: [sra, charity_scotland]
small: no
clients: {acme: {name: Acme Ltd, notice_hours: 24}, orla: {}}
policies: [{insurer: Aegis, policy: CY-1, notice_hours: 48}]
"""
    assert profile(text) == Profile(
        frozenset({Regulated.SRA, Regulated.CHARITY_SCOTLAND}),
        small=False,
        clients=(ClientTerms("acme", "Acme Ltd", 24), ClientTerms("orla", "orla")),
        policies=(Policy("Aegis", "CY-1", 48),),
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("regulated_as: [srra]\n", "us.yaml:1:16: regulated_as[0] cannot be 'srra'. Did you mean 'sra'?"),
        ("regulatedas: []\n", "us.yaml:1:1: Unknown key 'regulatedas'. Did you mean 'regulated_as'?"),
        ("policies: [{insurer: Aegis, policy: C, notice_hours: 0}]\n", "us.yaml:1:54"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_the_nearest_word(text, sentence):
    with pytest.raises(ConfigurationError) as wrong:
        profile(text)
    assert str(wrong.value).startswith(sentence)


def test_every_part_of_a_reports_content_is_a_fact():
    assert set(CONTENT) <= set(fact_paths())


def test_what_is_not_known_or_left_open_is_still_owed():
    assert still_owed({}) == tuple(CONTENT)
    known = {"cause": "ransomware", "kinds": ["availability", "unknown"], "people": {"count": 3}}
    owed = still_owed(known)
    assert "kinds" in owed
    assert {"cause", "people.count"}.isdisjoint(owed)
    assert owed_words(("occurred.from",)) == ("since when (Art 33(3)(a))",)


def test_the_page_on_file_is_the_one_the_data_gives():
    page = law_page({name: parse_facts(case["facts"]) for name, case in CASES.items()})
    assert (ROOT / "docs" / "law.md").read_text(encoding="utf-8") == page.rstrip() + "\n", "run `make docs`"
