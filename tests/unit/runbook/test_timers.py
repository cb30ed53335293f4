"""Retries, deputies, timeouts and `on_failure` steps: all of them rows and times, none of them a sleep."""

from datetime import timedelta
from typing import Any

import pytest

from simulators.chance import PowerCut
from simulators.house import House
from simulators.probe import Probe
from tocsin.errors import Temporary, UsageError
from tocsin.runbook import decisions
from tocsin.runbook.engine import advance, prepare, stand, start
from tocsin.runbook.readiness import Outlook
from tocsin.runbook.registry import KINDS

DEAD = f"{__import__('socket').gethostname()}|999999999:1"


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Probe:
    probe = Probe()
    monkeypatch.setitem(KINDS, "test.probe", probe)
    return probe


def begin(house: House, steps: str) -> str:
    text = f"playbook: test\ntitle: A test\nsteps:\n{steps}"
    return start(house.ctx, prepare(house.ctx, text, "test.yaml")).id


def states(house: House, run: str) -> dict[str, str]:
    return {seen.row.key: seen.row.state for seen in stand(house.ctx, run).looks}


def row(house: House, run: str, key: str) -> Any:
    return next(seen.row for seen in stand(house.ctx, run).looks if seen.row.key == key)


# --- retry ------------------------------------------------------------------------------------------------

RETRIED = "- {id: a, uses: test.probe, retry: {times: 2, every: 5m}}\n- {id: b, uses: test.probe, needs: [a]}\n"


def test_a_busy_step_is_tried_again_after_its_time_and_not_sooner(house: House, probe: Probe) -> None:
    probe.faults = [Temporary("busy")]
    run = begin(house, RETRIED)
    found = advance(house.ctx, run)
    assert found.looks[0].outlook is Outlook.TIME
    assert found.next_moment == house.clock.now() + timedelta(minutes=5)
    house.clock.advance(timedelta(minutes=4, seconds=59))
    advance(house.ctx, run)
    assert probe.ran == ["a"]
    house.clock.advance(timedelta(seconds=1))
    assert advance(house.ctx, run).state == "done"
    assert probe.ran == ["a", "a", "b"]


def test_once_its_tries_are_spent_a_person_decides_and_a_persons_retry_begins_anew(
    house: House, probe: Probe
) -> None:
    probe.faults = [Temporary("busy") for _ in range(4)]
    run = begin(house, RETRIED)
    for _ in range(5):
        advance(house.ctx, run)
        house.clock.advance(timedelta(minutes=5))
    assert (probe.ran, states(house, run)) == (["a", "a", "a"], {"a": "failed", "b": "pending"})
    assert row(house, run, "a").error == "busy It was tried 3 times."
    decisions.retry(house.ctx, run, "a")
    advance(house.ctx, run)
    assert states(house, run)["a"] == "pending"
    house.clock.advance(timedelta(minutes=5))
    assert advance(house.ctx, run).state == "done"


def test_a_lasting_fault_is_not_tried_again(house: House, probe: Probe) -> None:
    probe.faults = [UsageError("no such thing")]
    run = begin(house, RETRIED)
    advance(house.ctx, run)
    house.clock.advance(timedelta(hours=1))
    advance(house.ctx, run)
    assert (probe.ran, states(house, run)["a"]) == (["a"], "failed")


def test_a_crash_between_two_tries_keeps_their_count(house: House, probe: Probe) -> None:
    probe.faults = [Temporary("busy"), Temporary("busy"), Temporary("busy")]
    run = begin(house, RETRIED)
    advance(house.ctx, run)
    house.clock.advance(timedelta(minutes=5))
    with pytest.raises(PowerCut):
        advance(house.crashing_at("step:acted"), run, worker=DEAD)
    advance(house.ctx, run)
    house.clock.advance(timedelta(minutes=5))
    assert row(house, run, "a").retries == 2


# --- deputies and timeouts --------------------------------------------------------------------------------

ASKED = (
    "- {id: a, uses: human.ask, assign: dpo, deputy: {role: communications, after: 20m}, timeout: 2h,"
    " on_failure: continue, with: {question: Well?}}\n- {id: b, uses: test.probe, needs: [a]}\n"
)


def test_after_silence_the_question_is_offered_to_the_deputy_too_once(house: House, probe: Probe) -> None:
    run = begin(house, ASKED)
    advance(house.ctx, run)
    house.clock.advance(timedelta(minutes=19))
    advance(house.ctx, run)
    assert "step.handed_over" not in house.journal_kinds()
    house.clock.advance(timedelta(minutes=1))
    for _ in range(3):
        advance(house.ctx, run)
    assert house.journal_kinds().count("step.handed_over") == 1
    asked = row(house, run, "a").asked
    assert "Priya Raman" in asked["who"]
    assert "18:00:00 UTC also Tom Reed" in asked["who"]
    decisions.answer(house.acting("tom"), run, "a", "yes")
    assert advance(house.ctx, run).state == "done"


def test_a_deputy_that_is_only_named_takes_over_after_half_an_hour(house: House, probe: Probe) -> None:
    run = begin(house, "- {id: a, uses: human.task, assign: dpo, deputy: communications, with: {text: Go}}\n")
    assert advance(house.ctx, run).next_moment == house.clock.now() + timedelta(minutes=30)


def test_when_nobody_answers_in_time_the_step_fails_and_its_on_failure_applies(house: House, probe: Probe) -> None:
    run = begin(house, ASKED)
    advance(house.ctx, run)
    house.clock.advance(timedelta(minutes=20))
    advance(house.ctx, run)
    house.clock.advance(timedelta(hours=2))
    assert advance(house.ctx, run).state == "failed"
    assert row(house, run, "a").error == "Nothing came of it within 2h."
    assert probe.ran == ["b"]


def test_an_approval_that_nobody_gives_in_time_fails_and_never_runs(house: House, probe: Probe) -> None:
    run = begin(house, "- {id: a, uses: human.task, timeout: 1h, approve: {by: technical}, with: {text: Go}}\n")
    advance(house.ctx, run)
    house.clock.advance(timedelta(hours=1))
    advance(house.ctx, run)
    assert states(house, run) == {"a": "failed"}
    decisions.retry(house.ctx, run, "a")
    found = advance(house.ctx, run)
    assert found.waiting[0].row.kind_asked == "approve"
    assert found.next_moment == house.clock.now() + timedelta(hours=1)


# --- on_failure steps -------------------------------------------------------------------------------------

HANDLED = (
    "- id: a\n  uses: test.probe\n  on_failure:\n  - {id: plan-b, uses: test.probe}\n"
    "  - {id: tell, uses: test.probe, needs: [plan-b], with: {say: '${{ steps.a.state }}'}}\n"
    "- {id: after, uses: test.probe, needs: [a]}\n"
)


def test_the_steps_of_an_on_failure_are_skipped_when_nothing_failed(house: House, probe: Probe) -> None:
    run = begin(house, HANDLED)
    assert advance(house.ctx, run).state == "done"
    assert probe.ran == ["a", "after"]
    assert row(house, run, "plan-b").error == "a did not fail"


def test_the_steps_of_an_on_failure_are_taken_before_what_needs_the_failed_one(house: House, probe: Probe) -> None:
    probe.faults = [UsageError("no such thing")]
    run = begin(house, HANDLED)
    assert advance(house.ctx, run).state == "done"
    assert probe.ran == ["a", "plan-b", "tell", "after"]
    assert row(house, run, "tell").output["said"] == "failed"
    assert states(house, run)["a"] == "failed"


def test_when_plan_b_fails_too_a_person_decides(house: House, probe: Probe) -> None:
    probe.faults = [UsageError("no such thing"), UsageError("nor this")]
    run = begin(house, HANDLED)
    assert [seen.row.key for seen in advance(house.ctx, run).waiting] == ["plan-b"]
    assert probe.ran == ["a", "plan-b"]
    decisions.retry(house.ctx, run, "plan-b")
    assert advance(house.ctx, run).state == "done"


def test_when_a_person_has_the_step_tried_again_plan_b_is_taken_back(house: House, probe: Probe) -> None:
    probe.faults = [UsageError("no such thing"), UsageError("nor this")]
    run = begin(house, HANDLED)
    advance(house.ctx, run)
    decisions.retry(house.ctx, run, "a")
    assert advance(house.ctx, run).state == "done"
    assert probe.ran == ["a", "plan-b", "a", "after"]
    assert states(house, run)["plan-b"] == "skipped"


def test_one_failed_item_lets_the_others_go_on_and_the_group_is_handled_in_the_end(
    house: House, probe: Probe
) -> None:
    probe.faults = [UsageError("no such thing")]
    run = begin(
        house,
        "- id: each\n  uses: test.probe\n  for_each: '[1, 2]'\n  on_failure: [{id: mend, uses: test.probe}]\n"
        "- {id: after, uses: test.probe, needs: [each]}\n",
    )
    assert advance(house.ctx, run).state == "done"
    assert probe.ran == ["each[1]", "each[2]", "mend", "after"]
    assert row(house, run, "each").error == "each[1] failed"


def test_a_failed_item_of_a_step_that_goes_on_does_not_hold_up_what_needs_it(house: House, probe: Probe) -> None:
    probe.faults = [UsageError("no such thing")]
    run = begin(
        house,
        "- {id: each, uses: test.probe, for_each: '[1, 2]', on_failure: continue}\n"
        "- {id: after, uses: test.probe, needs: [each]}\n",
    )
    assert advance(house.ctx, run).state == "failed"
    assert probe.ran == ["each[1]", "each[2]", "after"]
