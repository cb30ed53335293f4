"""The engine's promises, on a real store: claims, needs, conditions, approvals, crashes."""

from typing import Any

import pytest

from simulators.chance import PowerCut
from simulators.house import House
from simulators.probe import Probe
from tocsin.errors import OutcomeUnknown, Refused, Temporary, UsageError
from tocsin.runbook import decisions
from tocsin.runbook.engine import advance, prepare, stand, start
from tocsin.runbook.language import Mode
from tocsin.runbook.registry import KINDS

DEAD = f"{__import__('socket').gethostname()}|999999999:1"


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Probe:
    probe = Probe()
    monkeypatch.setitem(KINDS, "test.probe", probe)
    return probe


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> Probe:
    """A kind that must never run twice by itself."""
    once = Probe(idempotent=False)
    monkeypatch.setitem(KINDS, "test.once", once)
    return once


def begin(house: House, steps: str, *, mode: Mode = Mode.LIVE) -> str:
    text = f"playbook: test\ntitle: A test\nsteps:\n{steps}"
    return start(house.ctx, prepare(house.ctx, text, "test.yaml", mode=mode)).id


def states(house: House, run: str) -> dict[str, str]:
    return {seen.row.key: seen.row.state for seen in stand(house.ctx, run).looks}


def test_it_runs_what_is_ready_in_the_files_order_then_looks_again_and_ends_the_run(
    house: House, probe: Probe
) -> None:
    run = begin(
        house,
        "- {id: a, uses: test.probe}\n- {id: b, uses: test.probe, needs: [a]}\n- {id: c, uses: test.probe}\n",
    )
    done = advance(house.ctx, run)
    assert probe.ran == ["a", "c", "b"]
    assert done.state == "done"
    assert house.journal_kinds() == [
        "journal.opened", "run.started",
        "step.started", "step.done", "step.started", "step.done", "step.started", "step.done", "run.ended",
    ]  # fmt: skip


def test_nothing_runs_before_what_it_needs(house: House, probe: Probe) -> None:
    run = begin(
        house,
        "- {id: ask, uses: human.ask, with: {question: Ready?}}\n- {id: after, uses: test.probe, needs: [ask]}\n",
    )
    assert advance(house.ctx, run).state == "open"
    assert probe.ran == []
    decisions.answer(house.ctx, run, "ask", "yes")
    assert advance(house.ctx, run).state == "done"
    assert probe.ran == ["after"]


def test_an_advance_with_nothing_ready_changes_nothing(house: House, probe: Probe) -> None:
    run = begin(house, "- {id: ask, uses: human.ask, with: {question: Ready?}}\n")
    advance(house.ctx, run)
    before = house.journal_kinds()
    advance(house.ctx, run)
    advance(house.ctx, run)
    assert house.journal_kinds() == before


def test_a_failed_step_blocks_what_needs_it_until_a_person_decides(house: House, probe: Probe) -> None:
    probe.faults = [UsageError("no such thing")]
    run = begin(house, "- {id: a, uses: test.probe}\n- {id: b, uses: test.probe, needs: [a]}\n")
    assert advance(house.ctx, run).state == "open"
    assert states(house, run) == {"a": "failed", "b": "pending"}
    decisions.retry(house.ctx, run, "a")
    assert advance(house.ctx, run).state == "done"
    assert probe.ran == ["a", "a", "b"]


def test_a_skipped_step_lets_the_others_go_on_and_keeps_the_reason(house: House, probe: Probe) -> None:
    probe.faults = [UsageError("no such thing")]
    run = begin(house, "- {id: a, uses: test.probe}\n- {id: b, uses: test.probe, needs: [a]}\n")
    advance(house.ctx, run)
    decisions.skip(house.ctx, run, "a", "not needed tonight")
    assert advance(house.ctx, run).state == "done"
    assert stand(house.ctx, run).looks[0].row.error == "not needed tonight"


def test_on_failure_continue_goes_on_and_the_run_ends_failed(house: House, probe: Probe) -> None:
    probe.faults = [UsageError("no such thing")]
    run = begin(
        house, "- {id: a, uses: test.probe, on_failure: continue}\n- {id: b, uses: test.probe, needs: [a]}\n"
    )
    assert advance(house.ctx, run).state == "failed"
    assert probe.ran == ["a", "b"]


def test_a_fault_of_ours_in_one_step_does_not_stop_the_others(house: House, probe: Probe) -> None:
    probe.faults = [ZeroDivisionError("division by zero")]
    run = begin(house, "- {id: a, uses: test.probe}\n- {id: b, uses: test.probe}\n")
    advance(house.ctx, run)
    assert states(house, run) == {"a": "failed", "b": "done"}


def test_a_busy_idempotent_step_is_tried_again_at_the_next_wake_up_and_not_sooner(
    house: House, probe: Probe
) -> None:
    probe.faults = [Temporary("busy"), Temporary("still busy")]
    run = begin(house, "- {id: a, uses: test.probe}\n")
    advance(house.ctx, run)
    assert (probe.ran, states(house, run)) == (["a"], {"a": "pending"})
    advance(house.ctx, run)
    assert advance(house.ctx, run).state == "done"
    assert probe.ran == ["a", "a", "a"]


def test_a_busy_step_that_may_not_repeat_asks_a_person(house: House, once: Probe) -> None:
    once.faults = [Temporary("busy")]
    run = begin(house, "- {id: a, uses: test.once}\n")
    advance(house.ctx, run)
    advance(house.ctx, run)
    assert (once.ran, states(house, run)) == (["a"], {"a": "failed"})


def test_two_doors_at_once_run_a_step_once(house: House, probe: Probe) -> None:
    run = begin(house, "- {id: a, uses: test.probe}\n")
    inner: list[str] = []

    def meanwhile(place: Any, kind: Any, act: Any) -> Any:
        inner.append(advance(house.acting("tom"), run).state)
        return act()

    advance(house.ctx, run, around=meanwhile)
    assert (probe.ran, inner) == (["a"], ["open"])


@pytest.mark.parametrize("where", ["step:claimed", "step:acted"])
def test_after_a_crash_an_idempotent_step_runs_again(house: House, probe: Probe, where: str) -> None:
    run = begin(house, "- {id: a, uses: test.probe}\n- {id: b, uses: test.probe, needs: [a]}\n")
    with pytest.raises(PowerCut):
        advance(house.crashing_at(where), run, worker=DEAD)
    assert states(house, run)["a"] == "running"
    assert advance(house.ctx, run).state == "done"
    assert probe.ran[-2:] == ["a", "b"]


@pytest.mark.parametrize("where", ["step:claimed", "step:acted"])
def test_after_a_crash_any_other_step_stops_and_asks_whether_it_happened(
    house: House, once: Probe, where: str
) -> None:
    run = begin(house, "- {id: a, uses: test.once}\n- {id: b, uses: test.once, needs: [a]}\n")
    with pytest.raises(PowerCut):
        advance(house.crashing_at(where), run, worker=DEAD)
    ran = list(once.ran)
    found = advance(house.ctx, run)
    assert once.ran == ran
    assert states(house, run) == {"a": "unknown", "b": "pending"}
    assert "Did it happen?" in str(found.waiting[0].row.asked)
    decisions.resolve(house.ctx, run, "a", happened=True)
    assert advance(house.ctx, run).state == "done"
    assert once.ran == [*ran, "b"]


def test_a_step_that_did_not_happen_runs_after_a_person_said_so(house: House, once: Probe) -> None:
    run = begin(house, "- {id: a, uses: test.once}\n")
    with pytest.raises(PowerCut):
        advance(house.crashing_at("step:claimed"), run, worker=DEAD)
    advance(house.ctx, run)
    decisions.resolve(house.ctx, run, "a", happened=False)
    assert advance(house.ctx, run).state == "done"
    assert once.ran == ["a"]


def test_a_step_whose_outcome_is_unknown_outside_is_never_repeated_by_itself(house: House, once: Probe) -> None:
    once.faults = [OutcomeUnknown("the line broke")]
    run = begin(house, "- {id: a, uses: test.once}\n")
    advance(house.ctx, run)
    advance(house.ctx, run)
    assert (once.ran, states(house, run)) == (["a"], {"a": "unknown"})


def test_a_living_worker_keeps_its_claim(house: House, probe: Probe) -> None:
    run = begin(house, "- {id: a, uses: test.probe}\n")
    with pytest.raises(PowerCut):
        advance(house.crashing_at("step:claimed"), run)  # this very process: it lives
    advance(house.ctx, run)
    assert (probe.ran, states(house, run)) == ([], {"a": "running"})


def test_an_if_over_outputs_is_final_and_skips(house: House, probe: Probe) -> None:
    run = begin(
        house,
        "- {id: a, uses: test.probe, with: {say: no}}\n"
        '- {id: b, uses: test.probe, needs: [a], if: steps.a.output.said == "yes"}\n'
        '- {id: c, uses: test.probe, needs: [a], if: steps.a.output.said == "no"}\n',
    )
    assert advance(house.ctx, run).state == "done"
    assert states(house, run) == {"a": "done", "b": "skipped", "c": "done"}


def test_for_each_has_a_row_for_every_item_and_outputs_can_be_read(house: House, probe: Probe) -> None:
    run = begin(
        house,
        '- {id: a, uses: test.probe, for_each: \'["x", "y"]\', with: {say: "to ${{ item }}"}}\n'
        '- {id: b, uses: test.probe, needs: [a], with: {say: "${{ steps.a.items[1].said }}"}}\n',
    )
    assert advance(house.ctx, run).state == "done"
    assert probe.ran == ["a[x]", "a[y]", "b"]
    assert stand(house.ctx, run).looks[-1].row.output == {"said": "to y", "item": None}


def test_one_failed_item_leaves_the_others_done(house: House, probe: Probe) -> None:
    probe.faults = [UsageError("not x")]
    run = begin(house, '- {id: a, uses: test.probe, for_each: \'["x", "y"]\'}\n')
    assert advance(house.ctx, run).state == "open"
    assert states(house, run) == {"a": "pending", "a[x]": "failed", "a[y]": "done"}


# --- approval ---------------------------------------------------------------------------------------------

APPROVED = "- {id: a, uses: test.probe, with: {say: cut}, approve: {by: technical}}\n"


def shown(house: House, run: str) -> str:
    return str((stand(house.ctx, run).looks[0].row.asked or {})["sha256"])


def test_it_waits_for_an_approval_and_shows_exactly_what_it_will_do(house: House, probe: Probe) -> None:
    run = begin(house, APPROVED)
    waiting = advance(house.ctx, run).waiting
    assert probe.ran == []
    assert "probe cut" in str((waiting[0].row.asked or {})["text"])
    decisions.approve(house.ctx, run, "a", shown(house, run))
    assert probe.ran == []
    assert advance(house.ctx, run).state == "done"
    assert probe.ran == ["a"]


def test_it_refuses_an_approval_of_another_text(house: House, probe: Probe) -> None:
    run = begin(house, APPROVED)
    advance(house.ctx, run)
    for wrong in ("0" * 64, shown(house, run)[:7], ""):
        with pytest.raises(Refused, match="not the hash"):
            decisions.approve(house.ctx, run, "a", wrong)
    advance(house.ctx, run)
    assert probe.ran == []


def test_it_refuses_an_approval_from_somebody_without_the_role(house: House, probe: Probe) -> None:
    run = begin(house, APPROVED)
    advance(house.ctx, run)
    for nobody in ("sam", "priya", "user:root"):
        with pytest.raises(Refused, match="may not approve"):
            decisions.approve(house.acting(nobody), run, "a", shown(house, run))
    decisions.approve(house.acting("tom"), run, "a", shown(house, run))  # maya's deputy
    assert advance(house.ctx, run).state == "done"


def test_two_people_means_two_people(house: House, probe: Probe) -> None:
    run = begin(house, APPROVED.replace("technical}", "technical, people: 2}"))
    advance(house.ctx, run)
    decisions.approve(house.ctx, run, "a", shown(house, run))
    advance(house.ctx, run)
    decisions.approve(house.ctx, run, "a", shown(house, run))
    advance(house.ctx, run)
    assert probe.ran == []
    decisions.approve(house.acting("tom"), run, "a", shown(house, run))
    assert advance(house.ctx, run).state == "done"


def test_a_rejected_step_fails_with_the_reason(house: House, probe: Probe) -> None:
    run = begin(house, APPROVED)
    advance(house.ctx, run)
    decisions.reject(house.ctx, run, "a", shown(house, run), "not before the evidence is in")
    advance(house.ctx, run)
    assert probe.ran == []
    assert "not before the evidence is in" in str(stand(house.ctx, run).looks[0].row.error)


# --- people -----------------------------------------------------------------------------------------------


def test_only_the_assigned_role_its_deputy_or_the_deputy_role_answers(house: House) -> None:
    run = begin(
        house, "- {id: a, uses: human.ask, assign: dpo, deputy: communications, with: {question: Well?}}\n"
    )
    advance(house.ctx, run)
    with pytest.raises(Refused, match="may not answer"):
        decisions.answer(house.acting("sam"), run, "a", "x")
    with pytest.raises(Refused, match="nobody in the workspace"):
        decisions.answer(house.acting("user:root"), run, "a", "x")
    decisions.answer(house.acting("tom"), run, "a", "x")


def test_the_first_answer_counts(house: House) -> None:
    run = begin(
        house,
        "- {id: a, uses: human.ask, with: {question: Well?}}\n- {id: b, uses: human.task, with: {text: Wait}}\n",
    )
    advance(house.ctx, run)
    decisions.answer(house.ctx, run, "a", "first")
    with pytest.raises(Refused, match="is done now"):
        decisions.answer(house.acting("tom"), run, "a", "second")


def test_an_answer_that_cannot_be_one_is_refused_and_nothing_is_kept(house: House) -> None:
    run = begin(house, "- {id: a, uses: human.ask, with: {question: Well?, choices: [left, right]}}\n")
    advance(house.ctx, run)
    with pytest.raises(UsageError, match="left, right"):
        decisions.answer(house.ctx, run, "a", "up")
    assert states(house, run) == {"a": "waiting"}


def test_a_run_ends_by_hand_with_a_reason_but_not_over_an_unknown_outcome(house: House, once: Probe) -> None:
    once.faults = [OutcomeUnknown("the line broke")]
    run = begin(house, "- {id: a, uses: test.once}\n- {id: b, uses: human.task, with: {text: Wait}}\n")
    advance(house.ctx, run)
    with pytest.raises(Refused, match="unknown: a"):
        decisions.end(house.ctx, run, "over")
    decisions.resolve(house.ctx, run, "a", happened=True)
    decisions.end(house.ctx, run, "over")
    assert stand(house.ctx, run).state == "abandoned"


# --- simulation -------------------------------------------------------------------------------------------


def test_a_simulation_runs_nothing_asks_nobody_and_says_what_each_step_would_do(
    house: House, probe: Probe
) -> None:
    run = begin(
        house,
        APPROVED + "- {id: b, uses: human.task, needs: [a], with: {text: Pull the cable}}\n"
        '- {id: c, uses: test.probe, needs: [a], with: {say: "${{ steps.a.output.nothing }}"}}\n',
        mode=Mode.SIMULATE,
    )
    assert advance(house.ctx, run).state == "done"
    assert probe.ran == []
    said = [seen.row.output for seen in stand(house.ctx, run).looks]
    assert said[0] == {"simulated": "probe cut"}
    assert "Pull the cable" in str(said[1])
