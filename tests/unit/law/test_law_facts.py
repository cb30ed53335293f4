from datetime import UTC, datetime

import pytest

from tocsin.errors import ConfigurationError, UsageError
from tocsin.law.facts import FactPatch, check_patch, fact_paths, fold, parse_facts
from tocsin.law.files import read_data
from tocsin.model.yaml_text import parse_yaml

NOW = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)


def said(path, value):
    return FactPatch(path, value, "maya", NOW)


def test_absent_null_and_unknown_are_the_same_and_none_of_them_is_no():
    left_out = parse_facts({})
    assert parse_facts({"misuse_seen": None, "recipient": {"type": "unknown"}, "occurred": None}) == left_out
    assert left_out.misuse_seen is None
    assert left_out.to_json() == {}


def test_true_and_false_are_yes_and_no():
    facts = parse_facts({"personal_data": True, "restored": {"done": False}, "misuse_seen": "no"})
    assert facts.to_json() == {"personal_data": "yes", "restored": {"done": "no"}, "misuse_seen": "no"}


def test_a_list_with_unknown_in_it_stays_open():
    assert parse_facts({"data": ["name", "unknown"]}).to_json() == {"data": ["name", "unknown"]}
    assert parse_facts({"data": ["name", None]}) == parse_facts({"data": ["name", "unknown"]})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rol: controller", "f.yaml:1:1: Unknown key 'rol'. Did you mean 'role'?"),
        ("cause: ransomwar", "f.yaml:1:8: cause cannot be 'ransomwar'. Did you mean 'ransomware'?"),
        ("people:\n  cont: 3", "f.yaml:2:3: Unknown key 'cont' in people. Did you mean 'count'?"),
        ("people: {count: lots}", "f.yaml:1:17: people.count must be a whole number, not 'lots'."),
        ("people: {count: 2.5}", "f.yaml:1:17: people.count must be a whole number, not the number 2.5."),
        ("kinds: []", "f.yaml:1:8: kinds must not be empty."),
        ("kinds: availability", "f.yaml:1:8: kinds must be a list, not 'availability'. Write [availability]."),
        ("data: [name, helth]", "f.yaml:1:14: data[1] cannot be 'helth'. Did you mean 'health'?"),
        ("recipient: {opened: Yes}", "f.yaml:1:21: recipient.opened cannot be 'Yes'. Did you mean 'yes'?"),
        ("[]", "f.yaml:1:1: The file must be a map of 'key: value' lines, not a list."),
    ],
)
def test_an_error_names_the_place_what_is_wrong_and_the_nearest_word(text, sentence):
    with pytest.raises(ConfigurationError) as found:
        parse_facts(parse_yaml(text, "f.yaml"))
    assert str(found.value) == sentence


def test_a_time_without_an_offset_and_a_breach_that_ends_before_it_begins_are_refused():
    with pytest.raises(ConfigurationError, match="does not say its offset"):
        parse_facts({"occurred": {"from": "2026-11-20T17:40"}})
    with pytest.raises(ConfigurationError, match="ends before it begins"):
        parse_facts({"occurred": {"from": "2026-11-20T17:40Z", "to": "2026-11-19T17:40Z"}})


def test_every_fact_has_a_question_and_every_question_a_fact():
    assert list(read_data("questions")["questions"]) == list(fact_paths())
    assert fact_paths()["recipient.type"].choices[0] == "none"
    assert fact_paths()["kinds"].answer == "choices"
    assert fact_paths()["people.count"].answer == "number"
    assert fact_paths()["misuse_seen"].raising
    assert not fact_paths()["exfiltration"].raising


def test_later_patches_supersede_earlier_ones():
    document = fold(
        [
            said("recipient.type", "attacker"),
            said("recipient.count", 3),
            said("personal_data", True),
            said("recipient.type", "trusted"),
            said("occurred.from", "2026-11-20T17:40+00:00"),
            said("restored", {"done": False, "hours": 2.5}),
        ]
    )
    assert document == {
        "personal_data": "yes",
        "occurred": {"from": "2026-11-20T17:40:00+00:00"},
        "recipient": {"type": "trusted", "count": 3},
        "restored": {"done": "no", "hours": 3},
    }


def test_what_was_known_can_be_taken_back():
    assert fold([said("exfiltration", "ruled_out"), said("exfiltration", "unknown")]) == {}
    assert fold([said("recipient.type", "known"), said("recipient", None)]) == {}


def test_a_patch_that_cannot_be_is_refused_with_the_nearest_word():
    with pytest.raises(UsageError, match=r"no fact called 'recipient.typ'. Did you mean 'recipient.type'\?"):
        fold([said("recipient.typ", "known")])
    with pytest.raises(ConfigurationError, match=r"cannot be 'atacker'. Did you mean 'attacker'\?"):
        fold([said("recipient.type", "atacker")])
    assert check_patch("people.count", 12) == 12
    assert check_patch("people.count", "unknown") is None
