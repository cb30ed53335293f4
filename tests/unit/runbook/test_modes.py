"""What a mode keeps out of reach, for every kind there is: a step cannot ignore it."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from simulators.house import House
from tocsin.errors import Refused
from tocsin.incidents import Declaration, declare
from tocsin.runbook.acting import act
from tocsin.runbook.engine import advance, prepare, start
from tocsin.runbook.examples import EXAMPLES, example_of
from tocsin.runbook.kinds import AskingKind, Place
from tocsin.runbook.language import Mode
from tocsin.runbook.modes import confined
from tocsin.runbook.readiness import Row
from tocsin.runbook.registry import KINDS
from tocsin.wiring import open_context

OUTSIDE = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.system",
           "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn")  # fmt: skip
NAMES = sorted(KINDS)


class Watchman:
    """Writes down each time the process reaches for the network or another program. Audit hooks cannot be removed."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.watching = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, _arguments: Any) -> None:
        if self.watching and event in OUTSIDE:
            self.seen.append(event)


WATCHMAN = Watchman()


@pytest.fixture
def watchman() -> Iterator[Watchman]:
    WATCHMAN.seen.clear()
    WATCHMAN.watching = True
    yield WATCHMAN
    WATCHMAN.watching = False


def with_real_tools(house: House) -> Any:
    """The tools that the wiring gives, on the house's own store: here they would really reach outside."""
    with open_context(house.folder) as real:
        tools = {name: getattr(real, name) for name in ("restic", "mailer", "secrets", "shell", "http", "sql")}
    return replace(house.ctx, **tools)


def test_every_kind_has_an_example_and_no_example_is_of_no_kind() -> None:
    assert set(EXAMPLES) == set(KINDS)


@pytest.mark.parametrize("kind", NAMES)
def test_the_example_of_a_kind_is_well_and_says_in_a_simulation_what_it_would_do(
    house: House, watchman: Watchman, kind: str
) -> None:
    text = f"playbook: example\ntitle: An example\nsteps:\n{example_of(kind)}"
    run = start(house.ctx, prepare(house.ctx, text, "example.yaml", mode=Mode.SIMULATE))
    found = advance(with_real_tools(house), run.id)
    assert watchman.seen == []
    assert house.postbox.sent == []
    if kind == "playbook":  # it is walked through as a run of its own
        called = (found.looks[0].row.output or found.looks[0].row.asked or {})["run"]
        assert called == "RUN-0002"
        return
    assert found.state == "done"
    assert str((found.looks[0].row.output or {})["simulated"])


@pytest.mark.parametrize("mode", [Mode.SIMULATE, Mode.EXERCISE])
@pytest.mark.parametrize("kind", [name for name in NAMES if name != "playbook"])
def test_no_kind_reaches_outside_in_a_simulation_or_an_exercise(
    house: House, watchman: Watchman, kind: str, mode: Mode
) -> None:
    declared = declare(house.ctx, Declaration("Locked files", ("file-share",), cause="ransomware"))
    text = f"playbook: example\ntitle: An example\nsteps:\n{example_of(kind)}"
    step = prepare(house.ctx, text, "example.yaml").playbook.steps[0]
    place = Place(declared.run.id, step.id, step, declared.incident, mode=mode)
    WATCHMAN.seen.clear()
    outcome = act(
        with_real_tools(house), KINDS[kind], place, dict(step.with_), Row(step.id, step.id, 0, "running")
    )
    assert watchman.seen == []
    asks = mode is Mode.EXERCISE and isinstance(KINDS[kind], AskingKind)
    assert outcome.state == ("waiting" if asks else "done")


@pytest.mark.parametrize("kind", NAMES)
def test_even_a_kind_that_ignored_its_mode_would_find_no_tool_in_its_hands(
    house: House, watchman: Watchman, kind: str
) -> None:
    """The kind's own work, called as in a live run, with the tools of a simulation."""
    declared = declare(house.ctx, Declaration("Locked files", ("file-share",), cause="ransomware"))
    text = f"playbook: example\ntitle: An example\nsteps:\n{example_of(kind)}"
    prepared = prepare(house.ctx, text, "example.yaml")
    run = start(house.ctx, prepared, incident=declared.incident)
    step = prepared.playbook.steps[0]
    (house.folder / "known_hosts").write_text("web1.example ssh-ed25519 AAAA\n")
    WATCHMAN.seen.clear()
    place = Place(run.id, step.id, step, declared.incident)
    tools = confined(with_real_tools(house), Mode.SIMULATE)
    act(tools, KINDS[kind], place, dict(step.with_), Row(step.id, step.id, 0, "running"))
    assert watchman.seen == []


def test_the_watchman_does_hear_what_he_listens_for(house: House, watchman: Watchman) -> None:
    text = "playbook: p\ntitle: P\nsteps:\n- {id: a, uses: command, with: {argv: ['true']}}\n"
    run = start(house.ctx, prepare(house.ctx, text, "p.yaml"))
    assert advance(with_real_tools(house), run.id).state == "done"
    assert "subprocess.Popen" in watchman.seen


@pytest.mark.parametrize("mode", [Mode.SIMULATE, Mode.EXERCISE, Mode.DRILL])
def test_a_tool_out_of_reach_says_so(house: House, mode: Mode) -> None:
    with pytest.raises(Refused, match=f"in {mode.value} mode: the mail server is out of reach"):
        confined(house.ctx, mode).mailer.send(None)  # type: ignore[arg-type]


def test_a_drill_checks_for_real_and_only_says_what_the_rest_would_do(house: House, watchman: Watchman) -> None:
    (house.folder / "proof.txt").write_text("Harbour")
    text = (
        "playbook: p\ntitle: P\nsteps:\n- {id: look, uses: verify.file, with: {path: proof.txt, contains: Harbour}}\n"
        "- {id: act, uses: command, with: {argv: ['true']}}\n- {id: ask, uses: human.task, with: {text: Go}}\n"
    )
    run = start(house.ctx, prepare(house.ctx, text, "p.yaml", mode=Mode.DRILL))
    look, acted, ask = (seen.row for seen in advance(with_real_tools(house), run.id).looks)
    assert (look.output or {})["passed"] is True
    assert acted.output == {"simulated": "run true"}
    assert (ask.state, watchman.seen) == ("waiting", [])


def test_an_exercise_asks_people_and_touches_nothing(house: House) -> None:
    text = (
        "playbook: p\ntitle: P\nsteps:\n- {id: ask, uses: human.task, with: {text: Go}}\n"
        "- {id: act, uses: command, needs: [ask], approve: {by: technical}, with: {argv: ['true']}}\n"
    )
    run = start(house.ctx, prepare(house.ctx, text, "p.yaml", mode=Mode.EXERCISE))
    assert [seen.row.key for seen in advance(house.ctx, run.id).waiting] == ["ask"]
