from datetime import date

import pytest

from law_documents import CASES, changed
from tocsin.law.facts import fact_paths, parse_facts
from tocsin.law.files import read_data
from tocsin.law.regimes import ClientTerms, Policy, Profile, Regulated, further_duties, regimes, screen
from tocsin.law.regimes.profile import REGULATED_WORDS
from tocsin.law.regimes.schema import eea_authorities

TODAY = date(2026, 11, 23)
NOBODY_SPECIAL = Profile(regulated_as=frozenset(), small=True, clients=(), policies=())
RECALLED = {
    "nis-essential",
    "fca",
    "bar-and-scottish-law",
    "charity-scotland-ni",
    "cqc",
    "trust-service",
    "telecoms-security",
    "listed",
    "payment-cards",
    "bank",
}


def screened(document, profile=NOBODY_SPECIAL, at=TODAY):
    found = {}
    for finding in screen(parse_facts(document), profile, at):
        found.setdefault(finding.regime, []).append(finding)
    return found


def applies(document, regime, profile=NOBODY_SPECIAL, at=TODAY):
    return [finding.applies for finding in screened(document, profile, at)[regime]]


def test_these_entries_are_recalled_and_every_finding_of_theirs_says_check_this():
    assert {regime.id for regime in regimes() if regime.status == "recalled"} == RECALLED
    for findings in screened(CASES["EDPB-18"]["facts"]).values():
        for finding in findings:
            assert (finding.status == "recalled") is ("check this" in finding.why)


def test_every_regime_has_a_source_and_only_recalled_ones_have_read_none():
    assert len({regime.id for regime in regimes()}) == len(regimes())
    for regime in regimes():
        assert (regime.source == "no source read") is (regime.status == "recalled"), regime.id


def test_every_kind_of_organisation_is_named_and_asked_for_by_some_regime():
    assert set(REGULATED_WORDS) == set(Regulated)
    assert {kind for regime in regimes() for kind in regime.who} == set(Regulated)


def test_a_law_that_is_not_in_force_is_never_screened():
    profile = Profile(regulated_as=frozenset(Regulated), small=False, clients=(), policies=())
    for at in (date(2018, 5, 25), TODAY, date(2030, 1, 1)):
        assert "csrb" not in screened(CASES["EDPB-04"]["facts"], profile, at)


@pytest.mark.parametrize(
    ("at", "there", "gone"),
    [
        (date(2025, 8, 19), "pecr-5a-24h", "pecr-5a"),
        (date(2025, 8, 20), "pecr-5a", "pecr-5a-24h"),
        (date(2025, 12, 3), "action-fraud", "report-fraud"),
        (date(2025, 12, 4), "report-fraud", "action-fraud"),
        (date(2027, 3, 17), "fca", "fca-2027"),
        (date(2027, 3, 18), "fca-2027", "csrb"),
        (date(2026, 6, 19), "complaints", "csrb"),
        (date(2026, 6, 18), "uk-gdpr-34", "complaints"),
    ],
)
def test_the_law_of_the_day_is_used(at, there, gone):
    found = screened(CASES["EDPB-18"]["facts"], at=at)
    assert there in found
    assert gone not in found


def test_the_regulator_is_called_by_its_name_of_the_day():
    facts = CASES["EDPB-18"]["facts"]
    assert screened(facts)["uk-gdpr-33"][0].addressee == "Information Commission (ICO)"
    before = screened(facts, at=date(2026, 9, 29))["uk-gdpr-33"][0]
    assert before.addressee == "Information Commissioner (ICO)"


def test_without_a_profile_a_regime_says_what_it_would_need_to_know():
    found = screened(CASES["EDPB-18"]["facts"], Profile())
    assert [(each.applies, each.asks) for each in found["sra"]] == [("unclear", ("profile.regulated_as",))]
    assert [(each.applies, each.asks) for each in found["insurer"]] == [("unclear", ("profile.policies",))]


def test_each_client_is_told_within_its_own_contract_hours():
    document = changed(CASES["EDPB-18"]["facts"], role="processor", clients=["acme", "orla"])
    terms = (ClientTerms("acme", "Acme Ltd", 24), ClientTerms("orla", "Orla & Co"))
    found = screened(document, Profile(frozenset(), small=True, clients=terms, policies=()))["uk-gdpr-33-2"]
    assert [(each.addressee, each.applies, each.within_hours) for each in found] == [
        ("Acme Ltd", "yes", 24),
        ("Orla & Co", "yes", None),
    ]
    assert applies(changed(document, clients=None), "uk-gdpr-33-2") == ["unclear"]
    assert applies(changed(document, role="controller"), "uk-gdpr-33-2") == ["no", "no"]


def test_each_policy_has_its_own_clock():
    policies = (Policy("Aegis", "CY-1", 48), Policy("Bastion", "PI-2"))
    found = screened(CASES["EDPB-01"]["facts"], Profile(frozenset(), small=True, clients=(), policies=policies))
    assert [(each.addressee, each.applies, each.how_soon[:12]) for each in found["insurer"]] == [
        ("Aegis, policy CY-1", "yes", "within 48 ho"),
        ("Bastion, policy PI-2", "yes", "promptly, be"),
    ]
    assert applies(CASES["EDPB-01"]["facts"], "insurer") == ["no"]


def test_the_authority_of_each_eea_country_is_told():
    document = changed(CASES["EDPB-18"]["facts"], countries=["GB", "IE", "NO"])
    found = screened(document)["eu-gdpr-33"]
    assert [each.addressee for each in found] == ["Data Protection Commission (IE)", "Datatilsynet (NO)"]
    assert {each.applies for each in found} == {"yes"}
    assert applies(changed(document, countries=["GB"]), "eu-gdpr-33") == ["no"]
    assert applies(changed(document, countries=None), "eu-gdpr-33") == ["unclear"]
    assert len(eea_authorities()) == 30


def test_where_we_would_not_report_an_eu_authority_may_still_expect_it():
    document = changed(CASES["EDPB-09"]["facts"], countries=["PL"])
    (found,) = screened(document)["eu-gdpr-33"]
    assert found.applies == "unclear"
    assert "Poland" in found.why
    assert applies(changed(CASES["EDPB-10"]["facts"], countries=["PL"]), "eu-gdpr-33") == ["no"]
    assert applies(changed(document, role="processor"), "eu-gdpr-33") == ["no"]


def test_what_only_a_person_can_judge_is_asked():
    profile = Profile(frozenset({Regulated.SRA}), small=True, clients=(), policies=())
    (found,) = screened(CASES["EDPB-18"]["facts"], profile)["sra"]
    assert found.applies == "unclear"
    assert "serious breach" in found.asks[0]


def test_a_charity_that_need_not_report_by_risk_still_has_to_judge():
    profile = Profile(frozenset({Regulated.CHARITY_ENGLAND_WALES}), small=True, clients=(), policies=())
    assert applies(CASES["EDPB-13"]["facts"], "charity-commission", profile) == ["unclear"]
    assert applies(CASES["EDPB-13"]["facts"], "charity-commission") == ["no"]


def test_somebody_in_danger_comes_first():
    assert applies(changed(CASES["EDPB-13"]["facts"], safety_risk="yes"), "safety") == ["yes"]
    assert applies(CASES["EDPB-13"]["facts"], "safety") == ["no"]


def test_nothing_known_leaves_every_regime_that_could_apply_open_and_asks_for_facts_that_exist():
    findings = screen(parse_facts({}), Profile(), TODAY)
    assert {each.applies for each in findings if each.regime != "safety"} == {"unclear"}
    for finding in findings:
        for asked in finding.asks:
            known = asked in fact_paths() or asked.startswith("profile.") or asked == "open questions"
            assert known or asked.endswith(("?", ".")), asked


def test_further_duties_take_the_form_of_the_assessments_own():
    document = changed(CASES["EDPB-18"]["facts"], countries=["IE"])
    duties = further_duties(screen(parse_facts(document), NOBODY_SPECIAL, TODAY))
    assert len({(duty.to, duty.addressee, duty.basis) for duty in duties}) == len(duties)
    assert {duty.required for duty in duties} <= {"yes", "unclear"}
    assert not any(duty.basis == "UK GDPR Art 33(1)" for duty in duties)
    assert ("regulator", "Data Protection Commission (IE)") in {(duty.to, duty.addressee) for duty in duties}


def test_the_data_files_say_where_authorities_come_from():
    assert read_data("eea-authorities")["status"] == "recalled"
    for entry in read_data("authorities")["authorities"]:
        assert entry["source"]
        assert entry["status"] in {"verified", "reported", "recalled"}
