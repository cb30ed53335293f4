import pytest

from law_documents import CASES, changed, judged
from tocsin.law.severity import score


@pytest.mark.parametrize(
    ("dpc", "ei", "cb", "quarters", "band"),
    [
        (1, 1, 0, 1, "low"),
        (2, 4, 0, 8, "medium"),
        (3, 4, 0, 12, "high"),
        (4, 4, 0, 16, "very high"),
        (4, 4, 8, 24, "very high"),
        (1, 4, 3, 7, "low"),
        (3, 3, 1, 10, "medium"),
        (2, 2, 4, 8, "medium"),
    ],
)
def test_the_methods_own_examples_are_exact(dpc, ei, cb, quarters, band):
    assert score(dpc, ei, cb) == (quarters, band)


@pytest.mark.parametrize(
    ("case", "se", "band"),
    [
        ("EDPB-01", "1.75", "low"),
        ("EDPB-05", "3.00", "high"),
        ("EDPB-06", "1.25", "low"),
        ("EDPB-08", "1.75", "low"),
        ("EDPB-09", "2.25", "medium"),
        ("EDPB-13", "1.25", "low"),
        ("EDPB-14", "2.50", "medium"),
        ("EDPB-16", "2.25", "medium"),
        ("EDPB-17", "4.00", "very high"),
    ],
)
def test_the_cases_score_as_worked_by_hand(case, se, band):
    found = judged(CASES[case]["facts"]).severity
    assert (found.se, found.band) == (se, band)


def test_flags_stand_beside_the_score():
    assert judged(CASES["EDPB-01"]["facts"]).severity.flags == ("data_unintelligible",)
    assert judged(CASES["EDPB-11"]["facts"]).severity.flags == ("over_100",)
    assert judged(changed(CASES["EDPB-11"]["facts"], people__count=100)).severity.flags == ()


def test_what_is_not_known_is_scored_at_its_highest_and_says_so():
    found = judged({}).severity
    assert (found.dpc, found.ei, found.cb, found.se) == (4, "1.00", "2.00", "6.00")
    assert found.flags == ("upper_bound",)
