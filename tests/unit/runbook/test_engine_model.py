"""The engine under every order of events that hypothesis can think of.

Two workers and a person take turns; power cuts, busy outside, time passing. After each move: nothing ran before what it
needs, nothing that must not repeat ran twice unless a person said that it had not happened, nothing ran without the
approval of exactly what was shown, and an open run says what it waits for.
"""

import itertools
import os
import socket
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from simulators.chance import CrashAt, PowerCut
from simulators.house import House
from simulators.probe import Probe, UndoableProbe
from tocsin.errors import OperationFailed, Refused, Temporary, UsageError
from tocsin.runbook import decisions
from tocsin.runbook.engine import advance, prepare, stand, start
from tocsin.runbook.expressions import compile_expression
from tocsin.runbook.ledger import this_worker
from tocsin.runbook.readiness import Outlook
from tocsin.runbook.registry import KINDS
from tocsin.store.tables import approval

HOST = socket.gethostname()
compile_expression("true")  # the first one raises Python's recursion limit, which hypothesis would take for ours
# Processes that are gone: whatever they left running is found by the next wake-up.
WORKERS = [f"{HOST}|99999999{n}:1" for n in (8, 9)]
POINTS = ("step:acted", "step:claimed", "step:acted", "step:settled", "store.before_commit", "store.after_commit")
KIND = st.sampled_from(["test.once", "test.again", "test.once", "test.contain", "human.task"])
FAILURE = st.sampled_from(["ask", "continue", "steps"])


@st.composite
def playbooks(draw: st.DrawFn) -> str:
    """A small playbook of every sort of step; what needs what never goes round in a circle."""
    lines = []
    count = draw(st.integers(2, 5))
    for n in range(count):
        kind = draw(KIND)
        needs = draw(st.lists(st.sampled_from([f"s{m}" for m in range(n)]), unique=True, max_size=2)) if n else []
        parts = [f"id: s{n}", f"uses: {kind}", f"needs: [{', '.join(needs)}]"]
        parts.append("with: {text: Go}" if kind == "human.task" else "with: {say: go}")
        if kind == "human.task":
            parts += draw(st.sampled_from([[], ["assign: dpo", "deputy: technical"], ["timeout: 2h"]]))
        if kind in ("test.again", "test.contain") and draw(st.booleans()):
            parts.append("retry: {times: 2, every: 10m}")
        if kind == "test.contain" and draw(st.booleans()):
            parts.append("expires: 3h")
        if kind != "human.task" and draw(st.booleans()):
            parts.append(f"approve: {{by: technical, people: {draw(st.integers(1, 2))}}}")
        if draw(st.integers(0, 3)) == 0:
            parts.append("for_each: '[1, 2]'")
        failure = draw(FAILURE)
        parts.append(
            f"on_failure: [{{id: h{n}, uses: test.again}}]" if failure == "steps" else f"on_failure: {failure}"
        )
        lines.append("- {" + ", ".join(parts) + "}\n")
    return "playbook: model\ntitle: A model\nsteps:\n" + "".join(lines)


class EngineModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.house = House(Path(self._folder.name))
        self.probes: dict[str, Probe] = {
            "test.again": Probe(),
            "test.once": Probe(idempotent=False),
            "test.contain": UndoableProbe(idempotent=False),
        }
        # A kind that may run twice, and whose effect can be undone, is there as well: retries need it.
        self.probes["test.contain"].idempotent = True
        KINDS.update(self.probes)
        self.allowed_again: set[str] = set()  # a person said that it did not happen, or had it tried again
        self.excuses = 0  # for a kind that may run twice to have done so
        self.run = ""

    @initialize(text=playbooks(), where=st.sampled_from(["", *POINTS]), nth=st.integers(1, 4))
    def begin(self, text: str, where: str, nth: int) -> None:
        self.run = start(self.house.ctx, prepare(self.house.ctx, text, "model.yaml")).id
        if where:
            self.wake_and_crash(WORKERS[0], where, nth)

    # --- moves --------------------------------------------------------------------------------------------

    @rule(worker=st.sampled_from(WORKERS))
    def wake(self, worker: str) -> None:
        advance(self.house.ctx, self.run, worker=worker)

    @rule(worker=st.sampled_from(WORKERS), where=st.sampled_from(POINTS), nth=st.integers(1, 4))
    def a_worker_dies(self, worker: str, where: str, nth: int) -> None:
        self.wake_and_crash(worker, where, nth)

    def wake_and_crash(self, worker: str, where: str, nth: int) -> None:
        self.excuses += 1
        crash = CrashAt(where, nth)
        self.house.store._crash = crash
        try:
            advance(self.house.crashing_at(where, nth), self.run, worker=worker)
        except PowerCut:
            pass
        finally:
            self.house.store._crash = self.house.crash

    @rule(first=st.sampled_from(WORKERS))
    def two_at_once(self, first: str) -> None:
        """In the middle of each step of one worker the other one wakes up."""

        def meanwhile(_place: Any, _kind: Any, act: Any) -> Any:
            advance(self.house.acting("tom"), self.run, worker=first)
            return act()

        advance(self.house.ctx, self.run, around=meanwhile, worker=this_worker())

    @rule(minutes=st.sampled_from([1, 10, 31, 125, 200]))
    def time_passes(self, minutes: int) -> None:
        self.house.clock.advance(timedelta(minutes=minutes))

    @rule(kind=st.sampled_from(["test.again", "test.once", "test.contain"]), busy=st.booleans())
    def the_outside_is_out_of_order(self, kind: str, *, busy: bool) -> None:
        self.excuses += 1
        self.probes[kind].faults.append(Temporary("busy") if busy else OperationFailed("broken"))

    @precondition(lambda self: self.waiting())
    @rule(data=st.data(), person=st.sampled_from(["maya", "tom", "priya"]))
    def somebody_has_a_say(self, data: st.DataObject, person: str) -> None:
        row = data.draw(st.sampled_from(self.waiting()))
        ctx, asked = self.house.acting(person), row.asked or {}
        try:
            if row.state == "failed":
                if row.undoes or data.draw(st.booleans()):
                    decisions.retry(ctx, self.run, row.key)
                    self.allowed_again |= {row.key, f"h{row.step[1:]}"}
                else:
                    decisions.skip(ctx, self.run, row.key, "not tonight")
            elif row.state == "unknown":
                happened = data.draw(st.booleans())
                decisions.resolve(ctx, self.run, row.key, happened=happened)
                if not happened:
                    self.allowed_again.add(row.key)
            elif asked.get("kind") == "approve":
                right = data.draw(st.booleans())
                decisions.approve(ctx, self.run, row.key, str(asked["sha256"]) if right else "0" * 64)
                assert right
            elif asked.get("kind") == "expired":
                decisions.answer(
                    ctx, self.run, row.key, data.draw(st.sampled_from(["undo", "keep"])), reason="why"
                )
            else:
                decisions.answer(ctx, self.run, row.key, "done")
        except (Refused, UsageError):
            pass  # not theirs to say, or of another text

    # --- what must hold -----------------------------------------------------------------------------------

    def looks(self) -> Any:
        return stand(self.house.ctx, self.run)

    def waiting(self) -> list[Any]:
        return [seen.row for seen in self.looks().waiting] if self.run and self.looks().state == "open" else []

    @invariant()
    def nothing_that_must_not_repeat_ran_twice(self) -> None:
        ran = self.probes["test.once"].ran
        assert {key for key in ran if ran.count(key) > 1} <= self.allowed_again
        for name in ("test.again", "test.contain"):
            ran = self.probes[name].ran
            assert all(ran.count(key) <= 1 + self.excuses for key in set(ran) - self.allowed_again), ran

    @invariant()
    def nothing_ran_before_what_it_needs(self) -> None:
        if not self.run:
            return
        found = self.looks()
        standing = {seen.row.key: seen.row for seen in found.looks}
        playbook = found.playbook
        ran = set(itertools.chain.from_iterable(probe.ran for probe in self.probes.values()))
        for key in ran - self.allowed_again:
            step = playbook.step(standing[key].step)
            for need in step.needs:
                met = standing[need].state in ("done", "skipped", "failed")
                # A group that a retried item opened again had been over when this one ran.
                assert met or need in self.allowed_again or self._was_opened_again(need), (
                    key,
                    need,
                    standing[need],
                )

    def _was_opened_again(self, need: str) -> bool:
        return any(key.startswith((f"{need}[", f"{need}.")) or key == need for key in self.allowed_again)

    @invariant()
    def nothing_ran_without_the_approval_of_what_was_shown(self) -> None:
        if not self.run:
            return
        found = self.looks()
        with self.house.store.read() as connection:
            given = connection.execute(select(approval.c.subject, approval.c.person, approval.c.decision)).all()
        for seen in found.looks:
            step = found.playbook.step(seen.row.step)
            ran = any(seen.row.key in probe.ran for probe in self.probes.values())
            if step.approve and ran and not seen.row.undoes:
                people = {row.person for row in given if row.subject == f"step:{self.run}:{seen.row.key}"}
                assert len(people) >= step.approve.people

    @invariant()
    def an_open_run_says_what_it_waits_for(self) -> None:
        if not self.run:
            return
        found = self.looks()
        left = [seen for seen in found.looks if not seen.is_over]
        if found.state != "open":
            assert left == []
        for seen in left:
            said = seen.why or seen.row.asked or seen.row.error
            needs_words = {
                Outlook.NEEDS,
                Outlook.FACTS,
                Outlook.TIME,
                Outlook.RUN,
                Outlook.CONTAINED,
                Outlook.PERSON,
            }
            assert said or seen.outlook not in needs_words, seen

    def teardown(self) -> None:
        """Every run ends, once the outside works, people answer and time passes."""
        if self.run:
            for probe in self.probes.values():
                probe.faults.clear()
            for _ in range(60):
                if advance(self.house.ctx, self.run).state != "open":
                    break
                for row in self.waiting():
                    self._settle(row)
                self.house.clock.advance(timedelta(minutes=30))
            self.nothing_that_must_not_repeat_ran_twice()
            self.nothing_ran_without_the_approval_of_what_was_shown()
            assert self.looks().state != "open", [
                (s.row.key, s.row.state, s.outlook, s.why) for s in self.looks().looks
            ]
        for name in self.probes:
            KINDS.pop(name, None)
        self.house.close()
        self._folder.cleanup()

    def _settle(self, row: Any) -> None:
        asked = row.asked or {}
        if row.state == "failed":
            decisions.retry(self.house.ctx, self.run, row.key)
            self.allowed_again |= {row.key, f"h{row.step[1:]}"}
        elif row.state == "unknown":
            decisions.resolve(self.house.ctx, self.run, row.key, happened=True)
        elif asked.get("kind") == "approve":
            for person in ("maya", "tom"):
                try:
                    decisions.approve(self.house.acting(person), self.run, row.key, str(asked["sha256"]))
                except (Refused, UsageError):
                    continue
                advance(self.house.ctx, self.run)
        else:
            answer = "undo" if asked.get("kind") == "expired" else "done"
            decisions.answer(self.house.acting("maya"), self.run, row.key, answer)


TestEngineModel = EngineModel.TestCase
TestEngineModel.settings = settings(
    max_examples=int(os.environ.get("TOCSIN_MODEL_EXAMPLES", "40")),
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
