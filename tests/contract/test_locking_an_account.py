"""An account locked for real, in a Linux of its own: never one of the machine the test runs on."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from simulators.chamber import Chamber, ShellInside, chamber  # noqa: F401 - a fixture
from simulators.chance import CrashAt, PowerCut
from simulators.house import House
from tocsin.runbook import decisions
from tocsin.runbook.engine import Progressed, advance, prepare, start

DEAD = f"{socket.gethostname()}|999999999:1"
LOCK = "- {id: lock, uses: contain.lock_account, without_evidence: x, with: {host: this-machine, account: sam}}\n"


@dataclass
class Ground:
    house: House
    chamber: Chamber

    @property
    def ctx(self) -> Any:
        return replace(self.house.ctx, shell=ShellInside(self.chamber))

    def begin(self, steps: str = LOCK) -> str:
        return start(self.ctx, prepare(self.ctx, f"playbook: p\ntitle: P\nsteps:\n{steps}", "p.yaml")).id

    def run(self, steps: str = LOCK) -> Progressed:
        return advance(self.ctx, self.begin(steps))

    def undo(self, found: Progressed) -> Progressed:
        decisions.undo(self.ctx, found.run.id, "lock", "it was not him")
        return advance(self.ctx, found.run.id)


@pytest.fixture
def ground(house: House, chamber: Chamber) -> Iterator[Ground]:  # noqa: F811
    host = Path("/etc/shadow").read_bytes(), Path("/etc/passwd").read_bytes()
    yield Ground(house, chamber)
    assert (Path("/etc/shadow").read_bytes(), Path("/etc/passwd").read_bytes()) == host


def test_it_is_locked_its_sessions_end_and_undone_it_is_exactly_as_before(ground: Ground) -> None:
    was = ground.chamber.shadow()
    session = ground.chamber.session()
    found = ground.run()
    assert found.looks[0].row.error is None
    assert session.wait(10) == -9
    assert (found.looks[0].row.output or {})["before"]["processes"] == 1
    locked = ground.chamber.shadow().split(":")
    assert (locked[1][0], locked[7]) == ("!", "1")
    ground.undo(found)
    assert ground.chamber.shadow() == was


def test_no_hash_of_a_password_is_written_down(ground: Ground) -> None:
    ground.run()
    kept = b"".join(path.read_bytes() for path in ground.house.folder.rglob("*") if path.is_file())
    assert b"kkJf6bQzLrYb" not in kept


def test_an_account_that_was_locked_and_ending_before_stays_so_when_it_is_undone(ground: Ground) -> None:
    ground.chamber.run("usermod", "--lock", "--expiredate", "2027-01-31", "sam")
    was = ground.chamber.shadow()
    found = ground.run()
    assert ground.chamber.shadow().split(":")[7] == "1"
    ground.undo(found)
    assert ground.chamber.shadow() == was


@pytest.mark.parametrize("where", ["step:noted", "step:acted"])
def test_a_crash_does_not_make_it_forget_how_the_account_stood(ground: Ground, where: str) -> None:
    """Looked at again after the lock, it would seem to have been locked all along, and never be let in again."""
    was = ground.chamber.shadow()
    run = ground.begin()
    with pytest.raises(PowerCut):
        advance(replace(ground.ctx, crash=CrashAt(where)), run, worker=DEAD)
    found = advance(ground.ctx, run)
    assert ground.chamber.shadow().split(":")[1].startswith("!")
    ground.undo(found)
    assert ground.chamber.shadow() == was


@pytest.mark.parametrize(
    ("account", "sentence"),
    [
        ("root", "root is root on this machine; it is never locked from here. Nothing was changed."),
        ("nobody-here", "There is no account 'nobody-here' on this machine; nothing was changed."),
    ],
)
def test_what_cannot_or_must_not_be_locked_is_left_alone(ground: Ground, account: str, sentence: str) -> None:
    was = (ground.chamber.etc / "shadow").read_bytes()
    found = ground.run(LOCK.replace("sam", account))
    assert sentence in str(found.looks[0].row.error)
    assert (ground.chamber.etc / "shadow").read_bytes() == was
