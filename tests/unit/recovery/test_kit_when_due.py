"""The kit's schedule: written by the round once it is due, tried again when it could not be, and told of."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from simulators.house import FIRM, House
from tocsin.adapters.secrets import ReferencedSecrets
from tocsin.context import Context
from tocsin.runbook.engine import plainly
from tocsin.serve.rounds import go_round
from tocsin.store.journal import entries

KIT = """\
recovery_kit: {passphrase: "file:secrets/kit.passphrase", to: [stick/larkfield.kit], schedule: "0 6 * * *"}
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    # What the passphrase's strength costs is tested where the form is.
    monkeypatch.setattr("tocsin.recovery.kit.sealing.COST", {"n": 1 << 14, "r": 8, "p": 1})
    made = House(tmp_path, firm=FIRM + KIT)
    (tmp_path / "stick").mkdir()
    (tmp_path / "secrets").mkdir(mode=0o700)
    for name, text in (("kit.passphrase", "heron anvil seventeen quiet marmalade"), ("local.password", "one")):
        path = tmp_path / "secrets" / name
        path.touch(mode=0o600)
        path.write_text(text)
    return made


def at_hand(house: House) -> Context:
    return replace(house.ctx, secrets=ReferencedSecrets(environ=os.environ, folder=house.folder))


def kits(house: House) -> int:
    with house.store.read() as connection:
        return sum(1 for entry in entries(connection) if entry.entry.kind == "kit.finished")


def test_the_round_writes_the_kit_once_a_day(house: House) -> None:
    stick = house.folder / "stick" / "larkfield.kit"
    for hours, written in ((0, 1), (1, 1), (24, 2), (1, 2)):
        house.clock.advance(timedelta(hours=hours))
        go_round(at_hand(house), plainly)
        assert kits(house) == written
    assert stick.stat().st_mode & 0o777 == 0o600
    assert stick.with_name("larkfield.kit.page.html").is_file()


def test_a_kit_that_could_not_be_written_is_told_and_tried_at_the_next_round(house: House) -> None:
    found = go_round(house.ctx, plainly)  # with no way to the passphrase
    assert "the safe is out of reach." in found.faults
    assert kits(house) == 0
    house.clock.advance(timedelta(minutes=5))
    go_round(at_hand(house), plainly)
    assert kits(house) == 1
