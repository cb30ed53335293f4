"""A playbook that calls another: pinned and checked with it, a run of its own, waited for."""

from datetime import timedelta

import pytest

from simulators.chance import PowerCut
from simulators.house import House
from simulators.probe import Probe
from tocsin.errors import ConfigurationError, UsageError
from tocsin.runbook import decisions
from tocsin.runbook.checks import library_of
from tocsin.runbook.engine import advance, prepare, stand, start
from tocsin.runbook.ledger import load_runs
from tocsin.runbook.registry import KINDS

DEAD = f"{__import__('socket').gethostname()}|999999999:1"
CALLER = (
    "playbook: caller\ntitle: Caller\ninputs: {who: {type: text, default: sam}}\nsteps:\n"
    "- {id: call, uses: playbook, with: {name: called, inputs: {who: '${{ inputs.who }}'}}}\n"
    "- {id: after, uses: test.probe, needs: [call], with: {say: '${{ steps.call.output.steps.act.said }}'}}\n"
)
CALLED = (
    "playbook: called\ntitle: Called\ninputs: {who: {type: text, required: true}}\nsteps:\n"
    "- {id: ask, uses: human.task, with: {text: 'Find ${{ inputs.who }}'}}\n"
    "- {id: act, uses: test.probe, needs: [ask], with: {say: 'cut ${{ inputs.who }}'}}\n"
)


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Probe:
    probe = Probe()
    monkeypatch.setitem(KINDS, "test.probe", probe)
    return probe


def begin(house: House, caller: str = CALLER, called: str = CALLED) -> str:
    (house.folder / "playbooks/called.yaml").write_text(called)
    return start(house.ctx, prepare(house.ctx, caller, "caller.yaml")).id


def runs(house: House) -> dict[str, str]:
    with house.store.read() as connection:
        return {run.id: run.state for run in load_runs(connection)}


def test_the_called_playbook_is_a_run_of_its_own_and_the_caller_waits_for_its_end(
    house: House, probe: Probe
) -> None:
    run = begin(house)
    found = advance(house.ctx, run)
    assert found.waiting == ()
    assert found.looks[0].why == "waits until run RUN-0002 (called) has ended"
    assert stand(house.ctx, "RUN-0002").waiting[0].row.asked["question"] == "Find sam"  # type: ignore[index]
    decisions.answer(house.ctx, "RUN-0002", "ask", "done")
    advance(house.ctx, "RUN-0002")  # and with it the one that called it
    assert runs(house) == {"RUN-0001": "done", "RUN-0002": "done"}
    assert stand(house.ctx, run).looks[1].row.output["said"] == "cut sam"  # type: ignore[index]


def test_advancing_the_caller_moves_the_called_run_on(house: House, probe: Probe) -> None:
    run = begin(house)
    advance(house.ctx, run)
    decisions.answer(house.ctx, "RUN-0002", "ask", "done")
    assert advance(house.ctx, run).state == "done"


def test_the_called_text_is_pinned_when_the_caller_begins(house: House, probe: Probe) -> None:
    run = begin(house)
    (house.folder / "playbooks/called.yaml").write_text("playbook: called\ntitle: x\nsteps: []\n")
    advance(house.ctx, run)
    assert stand(house.ctx, "RUN-0002").run.text == CALLED


def test_a_called_run_that_ended_badly_fails_the_step_and_a_retry_starts_it_anew(
    house: House, probe: Probe
) -> None:
    run = begin(house)
    advance(house.ctx, run)
    decisions.end(house.ctx, "RUN-0002", "wrong person")
    found = advance(house.ctx, run)
    assert "Run RUN-0002 (called) ended as abandoned" in str(found.waiting[0].row.error)
    decisions.retry(house.ctx, run, "call")
    advance(house.ctx, run)
    decisions.answer(house.ctx, "RUN-0003", "ask", "done")
    assert advance(house.ctx, run).state == "done"


def test_ending_a_run_ends_those_it_called_with_it(house: House, probe: Probe) -> None:
    run = begin(house)
    advance(house.ctx, run)
    decisions.end(house.ctx, run, "a false alarm")
    assert runs(house) == {"RUN-0001": "abandoned", "RUN-0002": "abandoned"}


def test_a_called_run_that_only_waited_for_facts_ends_well_with_its_caller(house: House, probe: Probe) -> None:
    waiting = (
        CALLED.partition("steps:\n")[0]
        + "steps:\n- {id: act, uses: test.probe, if: duties.police.required == 'yes'}\n"
    )
    run = begin(house, CALLER.replace(", with: {say: '${{ steps.call.output.steps.act.said }}'}", ""), waiting)
    advance(house.ctx, run)
    decisions.end(house.ctx, run, "nobody else is owed anything")
    assert runs(house) == {"RUN-0001": "done", "RUN-0002": "done"}


@pytest.mark.parametrize("where", ["step:claimed", "step:acted"])
def test_a_crash_while_calling_starts_it_once(house: House, probe: Probe, where: str) -> None:
    run = begin(house)
    with pytest.raises(PowerCut):
        advance(house.crashing_at(where), run, worker=DEAD)
    advance(house.ctx, run)
    assert list(runs(house)) == ["RUN-0001", "RUN-0002"]


def test_a_called_run_that_takes_too_long_fails_the_step(house: House, probe: Probe) -> None:
    run = begin(house, CALLER.replace("uses: playbook,", "uses: playbook, timeout: 2h,"))
    advance(house.ctx, run)
    house.clock.advance(timedelta(hours=2))
    assert advance(house.ctx, run).waiting[0].row.error == "Nothing came of it within 2h."


@pytest.mark.parametrize(
    ("caller", "called", "sentence"),
    [
        (CALLER.replace("name: called", "name: caled"), CALLED, "caller.yaml:5:43: There is no playbook 'caled'. Did you mean 'called'?"),
        (CALLER.replace("{who: '${{ inputs.who }}'}", "{whom: x}"), CALLED, "caller.yaml:5:60: Playbook 'called' has no input 'whom'. Did you mean 'who'?"),
        (CALLER.replace(", inputs: {who: '${{ inputs.who }}'}", ""), CALLED, "caller.yaml:5:36: Playbook 'called' needs the input 'who' (text)."),
        (CALLER.replace("'${{ inputs.who }}'", "3"), CALLED, "caller.yaml:5:65: The input 'who' must be text, not 3."),
        (CALLER.replace("name: called", "name: '${{ inputs.who }}'"), CALLED, "caller.yaml:5:43: The name of a playbook is written out"),
        (CALLER, CALLED.replace("human.task", "human.tusk"), "playbooks/called.yaml:5:19: There is no step kind 'human.tusk'. Did you mean 'human.task'?"),
        (CALLER, CALLED + "- {id: back, uses: playbook, with: {name: called, inputs: {who: x}}}\n", "These playbooks call each other in a circle: caller → called → called."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_call_is_told_before_anything_runs(
    house: House, probe: Probe, caller: str, called: str, sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        begin(house, caller, called)
    assert sentence in str(wrong.value)
    assert runs(house) == {}


def test_an_input_that_is_known_only_later_is_checked_when_the_run_begins(house: House, probe: Probe) -> None:
    called = CALLED.replace("{type: text, required: true}", "{type: system}").replace("${{ inputs.who }}", "it")
    run = begin(house, CALLER, called)
    assert "There is no system 'sam'" in str(advance(house.ctx, run).waiting[0].row.error)


def test_a_playbook_that_is_not_there_is_told_with_the_nearest_name(house: House) -> None:
    with pytest.raises(UsageError, match="Did you mean 'ransomware'"):
        library_of(house.workspace)("ransomwear")
