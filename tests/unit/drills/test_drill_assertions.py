"""What a loaded database must answer, and times it may answer with."""

from datetime import UTC, datetime

import pytest

from tocsin.drills.loading import instant_of, judge_answer, spelled
from tocsin.model.drill import Assertion

RIGHT = [
    (45_000, {"expect": 45_000}, None),
    ("Maya", {"expect": "Maya"}, None),
    (1, {"expect": True}, None),
    (False, {"expect": False}, None),
    (5, {"at_least": 5, "at_most": 5}, None),
    (110, {"within": "10%"}, 100),
    (90, {"within": "10 %"}, 100),
    (7, {"within": "10%"}, None),
]
WRONG = [
    (44_999, {"expect": 45_000}, None, "found 44999, not 45000"),
    (True, {"expect": False}, None, "found True, not False"),
    (2, {"expect": True}, None, "found 2, not True"),
    (4, {"at_least": 5}, None, "not at least 5"),
    (6, {"at_most": 5}, None, "not at most 5"),
    (111, {"within": "10%"}, 100, "the last drill found 100, and 10% more or less"),
    (89, {"within": "10%"}, 100, "the last drill found 100"),
    (1, {"within": "20%"}, 0, "the last drill found 0"),
    ("many", {"at_least": 5}, None, "no number"),
    (None, {"at_least": 5}, None, "found nothing"),
]


@pytest.mark.parametrize(("value", "wanted", "before"), RIGHT)
def test_an_answer_as_expected_is_right(value, wanted, before):
    assert judge_answer(value, Assertion(query="select 1", **wanted), before) is None


@pytest.mark.parametrize(("value", "wanted", "before", "words"), WRONG)
def test_any_other_answer_says_what_was_found(value, wanted, before, words):
    assert words in judge_answer(value, Assertion(query="select 1", **wanted), before)


def test_an_assertion_is_spelled_for_the_report():
    assert spelled(Assertion(query="q", at_least=3, within="5%")) == "at least 3, within 5% of the last drill"


def test_a_time_is_read_with_its_zone_or_as_utc():
    nine = datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert instant_of("2026-11-20 09:00:00") == nine
    assert instant_of("2026-11-20T10:00:00+01:00") == nine
    assert instant_of(nine.timestamp()) == nine


@pytest.mark.parametrize("value", [None, "yesterday", True, 1e300])
def test_what_is_no_time_is_none(value):
    assert instant_of(value) is None
