"""The catalogue: whole, sourced, honest about what is custom; and what a workspace may say of it."""

from pathlib import Path

import pytest

from practice_ground import practising
from simulators.house import FIRM
from tocsin.errors import ConfigurationError, UsageError
from tocsin.model.practice import PracticeName
from tocsin.model.vocabulary import Cause
from tocsin.practices import catalogue, for_cause, practice_named, practices_of, sources_of
from tocsin.practices.catalogue import _catalogue
from tocsin.workspace import load


def test_it_holds_every_practice_with_what_backs_it_and_every_source_is_used() -> None:
    assert set(catalogue()) == set(PracticeName)
    used = {name for entry in catalogue().values() for name in entry.backed_by}
    assert used == set(_catalogue().sources)
    for entry in catalogue().values():
        assert all(source.address or source.how_sure == "recalled" for source in sources_of(entry))
        assert entry.sheet or "sheet" not in entry.proof
        assert entry.questions or entry.sheet != "checklist"


def test_what_is_recalled_says_check_this() -> None:
    sources = [source for entry in catalogue().values() for source in sources_of(entry)]
    assert all(("check this" in one.sentence) == (one.how_sure == "recalled") for one in sources)


def test_it_says_where_the_common_wording_and_the_law_differ() -> None:
    assert "habit, not a duty" in catalogue()["consent-review"].wording
    assert "14 days" in catalogue()["software-updates"].wording


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.OTHER])
def test_every_cause_of_a_breach_is_answered_by_some_practice(cause: Cause) -> None:
    assert for_cause(cause)


def test_a_name_with_nothing_after_it_takes_our_rhythm_and_the_person_whose_role_it_is(tmp_path: Path) -> None:
    house = practising(tmp_path, "practices:\n  data-audit:\n  access-review: {every: 3 months}\n")
    kept = practices_of(house.workspace)
    assert (kept["data-audit"].owner, kept["data-audit"].deputy) == ("priya", "maya")
    assert str(kept["data-audit"].every) == "6 months"
    assert str(kept["access-review"].every) == "3 months"
    with pytest.raises(UsageError, match="exercise is not switched on"):
        practice_named(house.workspace, "exercise")
    with pytest.raises(UsageError, match="Did you mean 'data-audit'"):
        practice_named(house.workspace, "data-audits")
    house.close()


def test_what_is_wrong_in_the_file_is_named_with_its_line(tmp_path: Path) -> None:
    wrong = (
        "practices:\n"
        "  software-update: {owner: maya}\n"
        "  access-review: {owner: mia, every: monthly, window: 9-17, pip: {crn: [python]}}\n"
        "  restore-drill: {grace: 7d, systems: [crn]}\n"
        "  our-own: {title: Fire extinguishers}\n"
    )
    (tmp_path / "tocsin.yaml").write_text(FIRM + wrong)
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path)
    said = str(refused.value)
    first = FIRM.count("\n") + 2
    assert f":{first}:3: practices.software-update: it is none of ours, so it needs title and every." in said
    assert "Did you mean 'software-updates'?" in said
    assert "there is no person 'mia'" in said
    assert "'monthly' is not a rhythm" in said
    assert "'9-17' are no hours of a day" in said
    assert "there is no system 'crn'" in said
    assert "practices.access-review.pip.crn: there is no system 'crn'. Did you mean 'crm'?" in said
    assert "practices.our-own: it is none of ours, so it needs every." in said


def test_a_drill_that_is_not_there_is_no_proof(tmp_path: Path) -> None:
    (tmp_path / "tocsin.yaml").write_text(f"{FIRM}practices:\n  restore-drill: {{drills: [files]}}\n")
    with pytest.raises(ConfigurationError, match="there is no drill 'files'"):
        load(tmp_path)
