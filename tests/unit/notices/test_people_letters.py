"""Letters to the people concerned: plain words, advice that fits their data, and nothing about anybody else."""

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tocsin.errors import UsageError
from tocsin.model.vocabulary import Cause, DataCode, Exfiltration, Kind
from tocsin.model.workspace import Workspace
from tocsin.notices import Draft, addressed, check_notice, client_of, facts_sheet, is_about_all, render
from tocsin.notices.addressees import directory
from tocsin.notices.letter import letter_words
from tocsin.notices.reading import OLDEST, reading_age, syllables
from tocsin.notices.sheet import Letter
from unit.notices.agency import AWARE, case, make_workspace


@cache
def workspace() -> Workspace:
    return make_workspace(Path(tempfile.mkdtemp()))


def letter_of(facts: dict[str, object], addressee: str = "people") -> Letter:
    letter = facts_sheet(workspace(), case(facts), addressee, AWARE).letter
    assert letter is not None
    return letter


def letter(template: str = "people/letter", addressee: str = "people") -> Draft:
    return render(workspace(), template, facts_sheet(workspace(), case(), addressee, AWARE))


def rules(draft: Draft, addressee: str = "people") -> set[tuple[str, bool]]:
    found = check_notice(draft, addressed(workspace(), addressee), workspace())
    return {(each.rule, each.blocking) for each in found}


# --- words ------------------------------------------------------------------------------------------------


def test_every_fact_has_plain_words() -> None:
    words = letter_words()
    assert set(words.yours) == set(DataCode)
    assert set(words.happened) == set(Cause)
    assert set(words.kinds) == set(Kind)
    assert set(words.copied) == set(Exfiltration) - {Exfiltration.NOT_APPLICABLE}
    assert all(each.codes or each.danger for each in words.advice)


def test_all_that_a_letter_can_say_is_easy_to_read() -> None:
    words = letter_words()
    for sentences in (words.happened.values(), words.kinds.values(), words.copied.values()):
        age = reading_age(" ".join(sentences))
        assert age is not None
        assert age <= OLDEST
    age = reading_age("\n\n".join(line for each in words.advice for line in each.lines))
    assert age is not None
    assert age <= OLDEST


def test_advice_fits_the_data_and_only_that() -> None:
    titles = [each.title for each in letter_of({"data": ["credentials"]}).advice]
    assert titles == ["Your password"]
    assert [each.title for each in letter_of({"data": ["payment_card", "health"]}).advice] == [
        "Your card",
        "Private details",
    ]


def test_data_that_nobody_saw_needs_no_advice_about_thieves() -> None:
    lost = letter_of({"data": ["bank_account"], "kinds": ["availability"]})
    assert lost.advice == ()
    assert lost.could_mean == (letter_words().could_mean["service"],)
    assert "whether your data was copied" not in lost.open


def test_not_knowing_what_happened_still_brings_advice() -> None:
    assert letter_of({"data": ["bank_account"], "kinds": ["unknown"]}).advice


def test_danger_comes_first() -> None:
    danger = letter_of({"data": ["address"], "safety_risk": "yes"})
    assert danger.advice[0].title == "If you fear for your safety"
    assert danger.could_mean[0].startswith("be in danger")
    sheet = facts_sheet(workspace(), case({"data": ["address"], "safety_risk": "yes"}), "people", AWARE)
    assert render(workspace(), "people/letter", sheet).body.index("999") < 200


def test_a_letter_is_about_one_controllers_data_alone() -> None:
    assert "details about your health" not in letter_of({}, "people").yours
    assert "details about your health" in letter_of({}, "people:harbour").yours
    assert "what you are paid" not in letter_of({}, "people:harbour").yours


# --- whom ---------------------------------------------------------------------------------------------------


def test_whose_data_an_addressee_hears_of() -> None:
    assert [client_of(each) for each in ("ico", "people", "people:acme", "acme", "police")] == [
        None, None, "acme", "acme", None,
    ]  # fmt: skip
    assert [each for each in ("ico", "people", "acme", "insurer", "sector:fca", "press") if is_about_all(each)] == [
        "insurer", "sector:fca", "press",
    ]  # fmt: skip


@pytest.mark.parametrize("addressee", ["people:acmee", "insurer:2", "insurer:x", "sector:xyz", "polise"])
def test_nobody_unknown_is_written_to(addressee: str) -> None:
    with pytest.raises(UsageError, match=r"nobody|no insurance policy"):
        addressed(workspace(), addressee)


def test_everybody_in_the_directory_can_be_written_to() -> None:
    for name, known in directory().addressees.items():
        assert addressed(workspace(), name).name == known.name
    for word in directory().sectors:
        assert addressed(workspace(), f"sector:{word}").kind == "sector"


# --- guard --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", ["people/letter", "people/guardian"])
@pytest.mark.parametrize("addressee", ["people", "people:acme", "people:acme-health", "people:harbour"])
def test_the_shipped_letters_pass(template: str, addressee: str) -> None:
    assert rules(letter(template, addressee), addressee) == set()


@pytest.mark.parametrize(
    "heading",
    ["## What happened", "## Which of your data", "## What this could mean for you", "## What we have done",
     "## What you can do", "## How to reach us", "## If you want to complain"],
)  # fmt: skip
def test_a_required_part_may_not_be_missing(heading: str) -> None:
    draft = letter()
    before, _, rest = draft.body.partition(f"{heading}\n")
    following = rest[rest.index("\n## ") :] if "\n## " in rest else ""
    assert ("required", True) in rules(replace(draft, body=before + following))
    assert ("required", True) in rules(replace(draft, body=f"{before}{heading}\n{following}"))


@pytest.mark.parametrize("missing", ["We will tell you within 30 days", "You can also complain to the ICO"])
def test_the_ways_to_complain_are_complete(missing: str) -> None:
    lines = letter().body.splitlines()
    kept = [line for line in lines if missing not in line]
    assert len(kept) == len(lines) - 1
    assert ("required", True) in rules(replace(letter(), body="\n".join(kept)))


def test_without_hours_it_needs_somebodys_judgement() -> None:
    draft = letter()
    without = draft.body.replace(", Monday to Friday, 9am to 5pm\n", "\n")
    assert rules(replace(draft, body=without)) == {("required", False)}


@pytest.mark.parametrize("hidden", ["Harbour Dental Practice", "Acme Health", "Nell Ashby", "Recall letters"])
def test_a_letter_names_no_client_that_is_not_its_own(hidden: str) -> None:
    draft = letter()
    assert ("other-client", True) in rules(replace(draft, body=f"{draft.body}\nAs at {hidden}.\n"))
    theirs = letter(addressee="people:acme")
    assert ("other-client", True) in rules(
        replace(theirs, body=f"{theirs.body}\nAs at {hidden}.\n"), "people:acme"
    )


def test_only_name_and_address_may_be_put_in_later() -> None:
    draft = letter()
    assert rules(replace(draft, body=f"{draft.body}\n[[address]]\n")) == set()
    assert ("hole", True) in rules(replace(draft, body=f"{draft.body}\n[[account]]\n"))


def test_a_letter_that_is_hard_to_read_needs_a_reason() -> None:
    draft = letter()
    pompous = (
        "Notwithstanding the aforementioned unauthorised exfiltration, organisational countermeasures necessitating "
        "considerable infrastructural reconfiguration were expeditiously implemented in consultation with specialists. "
    )
    hard = replace(draft, body=draft.body.replace("## What happened\n", f"## What happened\n\n{pompous * 12}\n"))
    assert rules(hard) == {("reading", False)}


# --- reading age ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "count"),
    [("cat", 1), ("data", 2), ("happened", 2), ("locked", 1), ("table", 2), ("software", 3), ("name", 1),
     ("changes", 2), ("services", 3), ("the", 1), ("you", 1), ("organisation", 5), ("don't", 1)],
)  # fmt: skip
def test_syllables_are_counted_nearly_right(word: str, count: int) -> None:
    assert abs(syllables(word) - count) <= (1 if word in {"software", "organisation", "services"} else 0)


def test_short_words_read_young_and_long_ones_old() -> None:
    easy = reading_age("The cat sat on the mat. It was a big cat. It had a red hat. " * 4)
    hard = reading_age("Institutional accountability necessitates comprehensive documentation procedures. " * 8)
    assert easy is not None
    assert hard is not None
    assert easy < 7
    assert hard > 20


def test_what_is_not_read_as_prose_does_not_count() -> None:
    text = "We will call you. You can call us too. We are here to help you with this. " * 3
    extra = (
        "\n# Institutional accountability\n\n- Phone: +44 117 496 0100, administrative enquiries\n- a@b.example\n"
    )
    assert reading_age(text + extra) == pytest.approx(reading_age(text), abs=0.1)


def test_a_few_words_say_nothing_about_reading_age() -> None:
    assert reading_age("Incontrovertible.") is None
