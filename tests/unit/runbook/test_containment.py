"""What was done and can be undone: it expires, its owner is asked, and undoing is a step like any other."""

from datetime import timedelta

import pytest

from simulators.chance import PowerCut
from simulators.house import House
from simulators.probe import Probe, UndoableProbe
from tocsin.errors import OperationFailed, Refused, UsageError
from tocsin.runbook import decisions
from tocsin.runbook.containment import contained
from tocsin.runbook.engine import advance, prepare, stand, start
from tocsin.runbook.language import Mode
from tocsin.runbook.readiness import Outlook
from tocsin.runbook.registry import KINDS

DEAD = f"{__import__('socket').gethostname()}|999999999:1"
CUT = "- {id: cut, uses: test.contain, assign: technical, expires: 72h, with: {say: host}}\n"


@pytest.fixture
def contain(monkeypatch: pytest.MonkeyPatch) -> UndoableProbe:
    kind = UndoableProbe()
    monkeypatch.setitem(KINDS, "test.contain", kind)
    monkeypatch.setitem(KINDS, "test.probe", Probe())
    return kind


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> UndoableProbe:
    kind = UndoableProbe(idempotent=False)
    monkeypatch.setitem(KINDS, "test.contain", kind)
    return kind


def begin(house: House, steps: str, *, mode: Mode = Mode.LIVE) -> str:
    text = f"playbook: test\ntitle: A test\nsteps:\n{steps}"
    return start(house.ctx, prepare(house.ctx, text, "test.yaml", mode=mode)).id


def states(house: House, run: str) -> dict[str, str]:
    return {seen.row.key: seen.row.state for seen in stand(house.ctx, run).looks}


def in_force(house: House) -> list[str]:
    with house.store.read() as connection:
        return [one.step for one in contained(connection)]


def test_what_is_done_and_can_be_undone_is_in_force_and_keeps_its_run_open_until_it_expires(
    house: House, contain: UndoableProbe
) -> None:
    run = begin(house, CUT)
    found = advance(house.ctx, run)
    assert (found.state, found.looks[0].outlook, in_force(house)) == ("open", Outlook.CONTAINED, ["cut"])
    assert found.next_moment == house.clock.now() + timedelta(hours=72)
    with house.store.read() as connection:
        assert contained(connection)[0].does == "unprobe host"


def test_when_its_time_is_over_its_owner_is_asked_and_nothing_is_undone_meanwhile(
    house: House, contain: UndoableProbe
) -> None:
    run = begin(house, CUT)
    advance(house.ctx, run)
    house.clock.advance(timedelta(hours=72))
    found = advance(house.ctx, run)
    advance(house.ctx, run)
    assert house.journal_kinds().count("step.expired") == 1
    asked = found.waiting[0].row.asked or {}
    assert "Maya Lind" in str(asked["who"])
    assert "Undo it now, or keep it for another 3d?" in str(asked["question"])
    assert asked["text"] == "Undoing will: unprobe host\n"
    assert (contain.undone, in_force(house)) == ([], ["cut"])


def test_the_owner_says_undo_and_it_is_undone_with_the_values_it_was_done_with(
    house: House, contain: UndoableProbe
) -> None:
    run = begin(house, CUT)
    advance(house.ctx, run)
    house.clock.advance(timedelta(hours=72))
    advance(house.ctx, run)
    with pytest.raises(Refused, match="may not decide on this"):
        decisions.answer(house.acting("sam"), run, "cut.undo", "undo")
    decisions.answer(house.ctx, run, "cut.undo", "undo")
    assert advance(house.ctx, run).state == "done"
    assert (contain.undone, in_force(house)) == (["cut.undo:host"], [])
    assert [kind for kind in house.journal_kinds() if kind.startswith("step.")][-3:] == [
        "step.started", "step.done", "step.released",
    ]  # fmt: skip


def test_the_owner_keeps_it_with_a_reason_and_is_asked_again_when_that_time_is_over(
    house: House, contain: UndoableProbe
) -> None:
    run = begin(house, CUT)
    advance(house.ctx, run)
    for _ in range(2):
        house.clock.advance(timedelta(hours=72))
        advance(house.ctx, run)
        with pytest.raises(UsageError, match="needs a written reason"):
            decisions.answer(house.ctx, run, "cut.undo", "keep")
        decisions.answer(house.ctx, run, "cut.undo", "keep", reason="Not clean yet")
        advance(house.ctx, run)
        assert states(house, run) == {"cut": "done", "cut.undo": "skipped"}
    assert in_force(house) == ["cut"]
    assert house.journal_kinds().count("step.kept") == 2


def test_undoing_on_request_opens_a_run_again_that_had_ended(house: House, contain: UndoableProbe) -> None:
    run = begin(house, "- {id: cut, uses: test.contain}\n")
    assert advance(house.ctx, run).state == "done"
    decisions.undo(house.ctx, run, "cut", "The host is clean")
    assert stand(house.ctx, run).state == "open"
    assert advance(house.ctx, run).state == "done"
    assert (contain.undone, in_force(house)) == (["cut.undo:"], [])
    with pytest.raises(Refused, match="nothing in force"):
        decisions.undo(house.ctx, run, "cut", "again")


def test_undoing_all_takes_what_was_done_last_first(house: House, contain: UndoableProbe) -> None:
    run = begin(
        house,
        "- {id: a, uses: test.contain, needs: [c]}\n- {id: b, uses: test.contain, needs: [a]}\n"
        "- {id: c, uses: test.contain}\n- {id: d, uses: test.contain, for_each: '[1, 2]', needs: [b]}\n",
    )
    advance(house.ctx, run)
    assert contain.ran == ["c", "a", "b", "d[1]", "d[2]"]
    assert decisions.undo_all(house.ctx, run, "All clear") == tuple(in_force(house))
    assert advance(house.ctx, run).state == "done"
    assert [one.partition(".")[0] for one in contain.undone] == [*reversed(contain.ran)]


def test_an_undoing_that_fails_keeps_the_earlier_ones_waiting_until_a_person_decides(
    house: House, contain: UndoableProbe
) -> None:
    contain.undo_faults = [OperationFailed("the switch does not answer")]
    run = begin(house, "- {id: a, uses: test.contain}\n- {id: b, uses: test.contain, needs: [a]}\n")
    advance(house.ctx, run)
    decisions.undo_all(house.ctx, run, "All clear")
    assert advance(house.ctx, run).state == "open"
    assert states(house, run) == {"a": "done", "a.undo": "pending", "b": "done", "b.undo": "failed"}
    assert in_force(house) == ["b", "a"]
    with pytest.raises(Refused, match="tocsin run keep"):
        decisions.skip(house.ctx, run, "b.undo", "never mind")
    decisions.retry(house.ctx, run, "b.undo")
    assert advance(house.ctx, run).state == "done"
    assert contain.undone == ["b.undo:", "b.undo:", "a.undo:"]


def test_what_is_kept_for_good_is_decided_and_nobody_is_asked_again(house: House, contain: UndoableProbe) -> None:
    run = begin(house, CUT)
    advance(house.ctx, run)
    with pytest.raises(Refused, match="in force: cut"):
        decisions.end(house.ctx, run, "over")
    decisions.keep(house.ctx, run, "cut", "The host was scrapped")
    assert advance(house.ctx, run).state == "done"
    house.clock.advance(timedelta(days=30))
    assert (advance(house.ctx, run).waiting, in_force(house), contain.undone) == ((), [], [])


@pytest.mark.parametrize("where", ["step:claimed", "step:acted"])
def test_an_undoing_that_was_killed_runs_again_only_if_that_is_safe(
    house: House, once: UndoableProbe, where: str
) -> None:
    run = begin(house, "- {id: a, uses: test.contain}\n")
    advance(house.ctx, run)
    decisions.undo(house.ctx, run, "a", "All clear")
    with pytest.raises(PowerCut):
        advance(house.crashing_at(where), run, worker=DEAD)
    undone = list(once.undone)
    found = advance(house.ctx, run)
    assert "the undoing of A" in str((found.waiting[0].row.asked or {})["question"])
    assert (once.undone, in_force(house)) == (undone, ["a"])
    decisions.resolve(house.ctx, run, "a.undo", happened=True)
    assert advance(house.ctx, run).state == "done"
    assert (once.undone, in_force(house)) == (undone, [])


def test_a_killed_undoing_that_may_repeat_is_undone_in_the_end(house: House, contain: UndoableProbe) -> None:
    run = begin(house, "- {id: a, uses: test.contain}\n")
    advance(house.ctx, run)
    decisions.undo(house.ctx, run, "a", "All clear")
    with pytest.raises(PowerCut):
        advance(house.crashing_at("step:acted"), run, worker=DEAD)
    assert advance(house.ctx, run).state == "done"
    assert in_force(house) == []


def test_a_simulation_contains_nothing(house: House, contain: UndoableProbe) -> None:
    run = begin(house, CUT, mode=Mode.SIMULATE)
    assert advance(house.ctx, run).state == "done"
    assert (contain.ran, in_force(house)) == ([], [])
