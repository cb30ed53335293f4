"""The matrix of what each label asks: every rule settled for every label, each with its reason."""

from dataclasses import fields

from tocsin.model.handling import Handling, Rule, Rules, default_rules, reason_for
from tocsin.model.holdings import Dataset
from tocsin.model.vocabulary import Label


def test_the_words_for_a_rule_are_those_of_the_file_and_of_what_is_in_force():
    assert [rule.value for rule in Rule] == list(Handling.model_fields) == [each.name for each in fields(Rules)]


def test_every_rule_has_a_reason_that_is_a_sentence():
    assert all(reason_for(rule).endswith(".") for rule in Rule)


def test_no_label_asks_for_less_than_a_less_careful_one():
    for careful, other in ((Label.SENSITIVE, Label.PERSONAL), (Label.PERSONAL, Label.TRANSACTIONAL)):
        more, less = default_rules(careful), default_rules(other)
        assert more.copies >= less.copies
        assert set(more.never_on) >= set(less.never_on)
        for yes in ("reasons", "second_factor", "encrypted", "offsite", "append_only"):
            assert getattr(more, yes) >= getattr(less, yes)
        for most in ("retention", "rpo", "drill_every", "access_review"):
            assert getattr(less, most) is None or getattr(more, most) <= getattr(less, most)


def test_fields_are_data_too_and_a_dataset_without_a_label_is_handled_as_its_data_could_ask():
    held = Dataset.model_validate(
        {"title": "T", "data": ["name"], "fields": {"name": "to greet", "contact": None}}
    )
    assert list(held.data) == ["name", "contact"]
    assert (held.labelled, held.label) == (False, Label.PERSONAL)
    assert Dataset.model_validate({"title": "T", "label": None}).label is Label.SENSITIVE
    kept = Dataset.model_validate({"title": "T", "label": "personal", "fields": {"health": {"used": "no"}}})
    assert (kept.labelled, kept.label, kept.demanded_label) == (True, Label.PERSONAL, Label.SENSITIVE)
