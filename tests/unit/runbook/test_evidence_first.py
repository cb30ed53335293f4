"""A destructive step waits for its evidence: what became of that counts, not only that it was meant to be taken."""

import pytest

from simulators.house import House
from simulators.probe import Probe
from tocsin.errors import ConfigurationError, OperationFailed, UsageError
from tocsin.runbook import decisions
from tocsin.runbook.engine import advance, prepare, start
from tocsin.runbook.language import Mode
from tocsin.runbook.registry import KINDS
from tocsin.store.journal import entries

STEPS = (
    "- {id: collect, uses: evidence.probe, MORE with: {say: logs}}\n"
    "- {id: wipe, uses: test.wipe, needs: [collect], assign: technical}\n"
)


class Wipe(Probe):
    name = "test.wipe"
    destructive = True


@pytest.fixture
def wipe(monkeypatch: pytest.MonkeyPatch) -> Wipe:
    kind = Wipe()
    monkeypatch.setitem(KINDS, "test.wipe", kind)
    return kind


@pytest.fixture
def collect(monkeypatch: pytest.MonkeyPatch) -> Probe:
    kind = Probe()
    monkeypatch.setitem(KINDS, "evidence.probe", kind)
    return kind


def begin(house: House, more: str, *, mode: Mode = Mode.LIVE) -> str:
    text = f"playbook: p\ntitle: P\ninputs: {{wanted: {{type: text, default: no-thanks}}}}\nsteps:\n{STEPS.replace('MORE', more)}"
    return start(house.ctx, prepare(house.ctx, text, "p.yaml", mode=mode)).id


def test_with_the_evidence_in_it_runs(house: House, wipe: Wipe, collect: Probe) -> None:
    assert advance(house.ctx, begin(house, "")).state == "done"
    assert wipe.ran == ["wipe"]


def test_evidence_that_failed_or_was_passed_over_keeps_it_back_until_a_person_says_why_not(
    house: House, wipe: Wipe, collect: Probe
) -> None:
    collect.faults = [OperationFailed("the disk is full")]
    run = begin(house, "on_failure: continue,")
    waiting = advance(house.ctx, run).waiting
    assert wipe.ran == []
    assert "The evidence that comes first is not in: collect." in str((waiting[0].row.asked or {})["question"])
    with pytest.raises(UsageError, match="needs a written reason"):
        decisions.answer(house.ctx, run, "wipe", "go-on")
    with pytest.raises(UsageError, match="Answer go-on"):
        decisions.answer(house.ctx, run, "wipe", "yes", reason="x")
    decisions.answer(house.ctx, run, "wipe", "go-on", reason="It spreads, there is no time")
    advance(house.ctx, run)
    assert wipe.ran == ["wipe"]
    with house.store.read() as connection:
        told = list(entries(connection, kind="step.without_evidence"))
    assert [one.private for one in told] == [{"reason": "It spreads, there is no time"}]


def test_evidence_that_its_own_condition_skipped_keeps_it_back_too(
    house: House, wipe: Wipe, collect: Probe
) -> None:
    run = begin(house, "if: inputs.wanted == 'yes',")
    assert [seen.row.key for seen in advance(house.ctx, run).waiting] == ["wipe"]


def test_evidence_that_a_person_skipped_with_a_reason_keeps_nothing_back(
    house: House, wipe: Wipe, collect: Probe
) -> None:
    collect.faults = [OperationFailed("the disk is full")]
    run = begin(house, "")
    advance(house.ctx, run)
    decisions.skip(house.ctx, run, "collect", "Taken by the police already")
    advance(house.ctx, run)
    assert wipe.ran == ["wipe"]


def test_a_simulation_is_not_kept_back(house: House, wipe: Wipe, collect: Probe) -> None:
    assert advance(house.ctx, begin(house, "", mode=Mode.SIMULATE)).state == "done"


@pytest.mark.parametrize(("target", "is_well"), [("crm", False), ("file-share", True)])
def test_evidence_of_another_system_is_none(house: House, target: str, *, is_well: bool) -> None:
    text = (
        f"playbook: p\ntitle: P\nsteps:\n- {{id: a, uses: evidence.collect, with: {{system: {target}}}}}\n"
        "- {id: b, uses: contain.isolate_host, needs: [a], with: {system: file-share}}\n"
    )
    if is_well:
        prepare(house.ctx, text, "p.yaml")
    else:
        with pytest.raises(ConfigurationError, match=r"'a' takes it from another"):
            prepare(house.ctx, text, "p.yaml")
