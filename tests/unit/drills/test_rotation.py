"""A plan with several repositories has each of them drilled in turn."""

from datetime import UTC, datetime, timedelta

from tocsin.drills.history import PastDrill
from tocsin.drills.running import repository_to_drill

BEGAN = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)


def past(days, repository, verdict="passed"):
    at = BEGAN - timedelta(days=days)
    return PastDrill("0" * 32, at, at, verdict, repository, None, None, None, None)


def test_one_never_drilled_comes_first_in_the_plan_s_order():
    assert repository_to_drill(["local", "offsite"], []) == "local"
    assert repository_to_drill(["local", "offsite"], [past(1, "local")]) == "offsite"


def test_then_the_one_whose_proof_is_oldest():
    history = [past(1, "offsite"), past(90, "local"), past(180, "offsite")]
    assert repository_to_drill(["local", "offsite"], history) == "local"
    assert repository_to_drill(["offsite", "local"], history) == "local"


def test_a_drill_that_proved_nothing_does_not_count():
    history = [
        past(1, "local", "could-not-run"),
        past(2, "local", "unknown"),
        past(3, "offsite"),
        past(9, "local"),
    ]
    assert repository_to_drill(["local", "offsite"], history) == "local"


def test_a_failed_one_is_a_proof_too():
    assert repository_to_drill(["local", "offsite"], [past(1, "local", "failed"), past(2, "offsite")]) == "offsite"


def test_a_repository_that_left_the_plan_is_forgotten():
    assert repository_to_drill(["local"], [past(1, "local"), past(99, "old")]) == "local"
