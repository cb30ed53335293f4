import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from simulators.chance import SimulatedRandomness
from tocsin.errors import ConfigurationError, OperationFailed, Refused, UsageError
from tocsin.recovery.kit import Kit, open_kit, sealing
from tocsin.recovery.kit.contents import unpacked
from tocsin.recovery.kit.sealing import SCRIPT, seal, unseal

PASSPHRASE = "heron anvil seventeen quiet marmalade"
INDEX = {
    "made_at": "2026-11-23T18:00:00Z",
    "store": "postgresql://tocsin@db/tocsin",
    "references": {
        "env:KEY": "local.password",
        "env:KEY_TWO": "second.password",
        "file:/etc/tocsin/k": "third.password",
    },
    "repositories": [],
}
WORKSPACE = """tocsin: 1
store: postgresql://tocsin@db/tocsin
repositories:
  local: {location: /backup/local, password: env:KEY}
  second: {location: /backup/second, password: "env:KEY_TWO"}
  third: {location: /backup/third, password: 'file:/etc/tocsin/k'}
"""


def a_kit() -> Kit:
    secrets = {"local.password": "one", "second.password": "two", "third.password": "three"}
    return Kit(
        INDEX,
        {"tocsin.yaml": WORKSPACE.encode(), "templates/x.j2": b"env:KEY"},
        secrets,
        ({"id": "a"},),
        b"{}",
        b"pem",
    )


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    # Half a second for each guess is what the form is for; the tests guess often.
    monkeypatch.setattr(sealing, "COST", {"n": 1 << 10, "r": 8, "p": 1})


@pytest.mark.usefixtures("cheap")
def test_a_kit_opens_with_its_passphrase_and_with_no_other() -> None:
    sealed = seal(a_kit().packed(), PASSPHRASE, SimulatedRandomness())
    assert unpacked(unseal(sealed, PASSPHRASE, "k"), "k") == a_kit()
    with pytest.raises(OperationFailed, match="does not open"):
        unseal(sealed, PASSPHRASE + " ", "k")
    for position in (30, len(sealed) // 2, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises((OperationFailed, ConfigurationError)):
            unseal(bytes(changed), PASSPHRASE, "k")
    with pytest.raises(ConfigurationError, match="not a recovery kit"):
        unseal(b"something else", PASSPHRASE, "k")
    greedy = sealed.replace(b'"n": 1024', b'"n": 1099511627776')
    with pytest.raises(ConfigurationError, match="how the kit is sealed"):
        unseal(greedy, PASSPHRASE, "k")


def test_a_passphrase_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 16"):
        seal(b"", "hunter2", SimulatedRandomness())


@pytest.mark.usefixtures("cheap")
def test_the_printed_script_opens_a_kit_without_tocsin(tmp_path: Path) -> None:
    (tmp_path / "quay.kit").write_bytes(seal(a_kit().packed(), PASSPHRASE, SimulatedRandomness()))
    (tmp_path / "open_kit.py").write_text(SCRIPT)
    assert len(SCRIPT.splitlines()) <= 20
    done = subprocess.run(
        [sys.executable, "open_kit.py", "quay.kit"],
        cwd=tmp_path, input=PASSPHRASE + "\n", capture_output=True, text=True, check=False, start_new_session=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with tarfile.open(tmp_path / "kit.tar") as archive:
        assert archive.extractfile("secrets/local.password").read() == b"one"


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "workspace/../../outside"])
def test_a_kit_that_leads_out_of_its_folder_is_refused(name: str) -> None:
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        with pytest.raises(ConfigurationError, match="cannot be used"):
            unpacked(buffer.getvalue(), "k")


def test_an_opened_kit_finds_its_keys_and_a_store_of_its_own(tmp_path: Path) -> None:
    folder = open_kit(a_kit(), tmp_path / "new")
    text = (folder / "tocsin.yaml").read_text()
    assert "password: file:.tocsin/secrets/local.password}" in text
    assert 'password: "file:.tocsin/secrets/second.password"' in text
    assert "password: 'file:.tocsin/secrets/third.password'" in text
    assert "store: sqlite:///.tocsin/tocsin.db" in text
    key = folder / ".tocsin/secrets/second.password"
    assert (key.read_text(), key.stat().st_mode & 0o777) == ("two\n", 0o600)
    assert (folder / "templates/x.j2").read_text() == "env:KEY"
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_kit_is_opened_into_an_empty_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    open_kit(a_kit(), tmp_path / "empty")
    with pytest.raises(Refused, match="not empty"):
        open_kit(a_kit(), tmp_path / "empty")
    with pytest.raises(UsageError, match="does not exist"):
        open_kit(a_kit(), tmp_path / "nowhere" / "new")
    with pytest.raises(OperationFailed, match=r"holds no tocsin\.yaml"):
        open_kit(Kit(INDEX, {}, {}, ()), tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
