"""The doctor finds what would fail tonight, says what to do, and lets nothing keep it from looking on."""

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from simulators.house import FIRM, House
from tocsin.cli import carry_out
from tocsin.doctor.journal import check_journal
from tocsin.doctor.machine import check_prefect
from tocsin.doctor.outside import check_mail
from tocsin.doctor.people import check_people
from tocsin.doctor.private import check_private_files
from tocsin.model.workspace import Workspace
from tocsin.ports import Actor
from tocsin.store.operations import begin
from tocsin.workspace import load

MAYA = Actor("maya", "cli")


@pytest.fixture
def doctor(
    house: House, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, dict[str, dict[str, str]]]]:
    """Run the command; return its code and its findings by what they are about."""
    secrets = house.folder / "secrets"
    secrets.mkdir()
    (secrets / "local.password").touch(mode=0o600)
    (secrets / "local.password").write_text("a password of its own\n")

    def run(*words: str) -> tuple[int, dict[str, dict[str, str]]]:
        capsys.readouterr()
        code = carry_out(["doctor", "--json", *words, "--workspace", str(house.folder)])
        told = json.loads(capsys.readouterr().out)
        return code, {one["about"]: one for one in told["findings"]}

    return run


@pytest.fixture
def mail_server(house: House) -> Iterator[None]:
    """Something that listens where the firm's mail server should."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        _rewrite(house, "port: 8025", f"port: {server.getsockname()[1]}")
        yield


def _workspace(folder: Path, firm: str) -> Workspace:
    (folder / "tocsin.yaml").write_text(firm)
    return load(folder)


def _rewrite(house: House, old: str, new: str) -> None:
    path = house.folder / "tocsin.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_where_all_would_work_it_ends_with_0(
    house: House, doctor: Callable[..., object], mail_server: None
) -> None:
    assert carry_out(["backup", "init", "local", "--workspace", str(house.folder)]) == 0
    code, found = doctor()
    assert [one for one in found.values() if one["outcome"] == "failed"] == []
    assert code == 0
    assert found["repository local"]["seen"] == "opens; 0 snapshots"
    assert found["mail"]["outcome"] == "ok"
    assert found["journal key"]["seen"].startswith("signs;")


def test_what_would_fail_tonight_ends_with_1_and_says_what_to_do(doctor: Callable[..., object]) -> None:
    code, found = doctor()
    assert code == 1
    assert "tocsin backup init local" in found["repository local"]["seen"]
    assert "connection refused" in found["mail"]["seen"]
    assert found["mail"]["advice"]


def test_a_wrong_password_is_found_by_really_opening_the_repository(
    house: House, doctor: Callable[..., object], mail_server: None
) -> None:
    doctor("--offline")
    assert carry_out(["backup", "init", "local", "--workspace", str(house.folder)]) == 0
    (house.folder / "secrets/local.password").write_text("xyzzy-plugh\n")
    code, found = doctor()
    assert code == 1
    assert "password is wrong" in found["repository local"]["seen"]
    assert "xyzzy-plugh" not in json.dumps(found)


def test_offline_asks_nothing_outside(doctor: Callable[..., object]) -> None:
    code, found = doctor("--offline")
    assert code == 0
    assert {"repository local", "mail"}.isdisjoint(found)


def test_a_missing_restic_keeps_nothing_else_from_being_looked_at(
    doctor: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_RESTIC", "/nowhere/restic")
    code, found = doctor()
    assert code == 1
    assert found["restic"]["outcome"] == "failed"
    assert "TOCSIN_RESTIC" in found["restic"]["seen"]
    assert found["store"]["outcome"] == "ok"
    assert found["mail"]["outcome"] == "failed"


def test_a_store_out_of_reach_keeps_nothing_else_from_being_looked_at(
    house: House, doctor: Callable[..., object]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    _rewrite(house, "organisation:", f"store: postgresql://tocsin@127.0.0.1:{port}/tocsin\norganisation:")
    code, found = doctor("--offline")
    assert code == 1
    assert found["store"]["outcome"] == "failed"
    assert found["restic"]["outcome"] == "ok"


@pytest.mark.parametrize(("mode", "outcome"), [(0o600, None), (0o640, "warning"), (0o644, "failed")])
def test_a_password_that_others_may_read_is_found(
    house: House, doctor: Callable[..., object], mode: int, outcome: str | None
) -> None:
    (house.folder / "secrets/local.password").chmod(mode)
    _, found = doctor("--offline")
    assert found.get("password of local", {}).get("outcome") == outcome
    assert ("secrets" in found) is (outcome is None)


def test_a_password_that_is_not_there_is_found(house: House, doctor: Callable[..., object]) -> None:
    (house.folder / "secrets/local.password").unlink()
    assert doctor("--offline")[1]["password of local"]["outcome"] == "failed"


def test_a_variable_that_is_not_set_is_found(tmp_path: Path) -> None:
    workspace = _workspace(tmp_path, FIRM.replace("file:secrets/local.password", "env:LOCAL_PASSWORD"))
    found = {one.about: one for one in check_private_files(workspace, {})}
    assert found["password of local"].outcome == "failed"
    found = {one.about: one for one in check_private_files(workspace, {"LOCAL_PASSWORD": "x"})}
    assert found["secrets"].outcome == "ok"


def test_a_state_folder_open_to_others_is_found(house: House, doctor: Callable[..., object]) -> None:
    house.workspace.state_folder.chmod(0o755)
    _, found = doctor("--offline")
    assert found["state folder"]["outcome"] == "warning"
    assert "chmod 700" in found["state folder"]["advice"]


@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_a_journal_key_that_others_may_read_is_found(house: House, mode: int) -> None:
    begin(house.store, MAYA, "backup", "plan:file-share")
    (house.workspace.state_folder / "keys/journal.ed25519").chmod(mode)
    found = {one.about: one for one in check_journal(house.ctx)}
    assert found["journal key"].outcome == "failed"
    assert "chmod 600" in found["journal key"].advice


def test_a_journal_key_that_is_gone_is_found_and_no_new_one_is_made(house: House) -> None:
    begin(house.store, MAYA, "backup", "plan:file-share")
    key = house.workspace.state_folder / "keys/journal.ed25519"
    key.unlink()
    found = {one.about: one for one in check_journal(house.ctx)}
    assert found["journal key"].outcome == "failed"
    assert not key.exists()


def test_a_key_that_does_not_agree_with_its_public_half_is_found(house: House, tmp_path: Path) -> None:
    begin(house.store, MAYA, "backup", "plan:file-share")
    (tmp_path / "other").mkdir()
    other = House(tmp_path / "other")
    other.randomness.token(7)
    begin(other.store, MAYA, "backup", "plan:file-share")
    other.close()
    keys = "keys/journal.pub"
    shutil.copy(other.workspace.state_folder / keys, house.workspace.state_folder / keys)
    found = {one.about: one for one in check_journal(house.ctx)}
    assert found["journal key"].outcome == "failed"


def test_a_clock_that_went_back_is_found(house: House) -> None:
    begin(house.store, MAYA, "backup", "plan:file-share")
    house.clock.set(house.clock.now() - timedelta(hours=1))
    found = {one.about: one for one in check_journal(house.ctx)}
    assert found["clock"].outcome == "failed"
    house.clock.set(house.clock.now() + timedelta(days=800))
    assert {one.about: one for one in check_journal(house.ctx)}["clock"].outcome == "warning"


def test_a_role_nobody_holds_and_a_holder_nobody_stands_in_for_are_found(tmp_path: Path) -> None:
    firm = FIRM.replace("roles: [communications]", "roles: [legal]").replace(", deputy: maya", "")
    found = {one.about: one for one in check_people(_workspace(tmp_path, firm), MAYA)}
    assert "communications" in found["roles"].seen
    assert "Priya Raman" in found["deputies"].seen
    assert "Tom Reed" not in found["deputies"].seen


def test_somebody_the_workspace_does_not_know_is_told_so(house: House) -> None:
    (you, *_) = check_people(house.workspace, Actor("user:wanda", "cli"))
    assert you.outcome == "warning"
    assert "login: wanda" in you.advice


def test_no_mail_channel_is_a_warning() -> None:
    assert check_mail(None).outcome == "warning"


def test_prefect_is_really_imported() -> None:
    found = check_prefect()
    assert found.outcome == "ok", found
    assert "prefect 3." in found.seen


def test_each_line_says_its_outcome_and_the_last_sums_up(
    house: House, doctor: Callable[..., object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert carry_out(["doctor", "--offline", "--workspace", str(house.folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ok       Python: 3.")
    assert lines[-1].startswith("All would work")
    assert os.linesep not in lines[0]


def test_a_dump_whose_program_or_database_is_missing_is_named(house: House, doctor: Callable[..., object]) -> None:
    dumps = (
        "{dump: {name: bookings, kind: sqlite, path: nowhere.db}}",
        "{dump: {name: crm, kind: postgres, database: crm, program: no-such-pg-dump}}",
        "{dump: {name: here, kind: command, argv: [cat, tocsin.yaml]}}",
    )
    paths = "[{paths: [data/file-share]}]"
    _rewrite(house, f"sources: {paths}", f"sources: {paths[:-1]}, {', '.join(dumps)}]")
    code, found = doctor("--offline")
    assert code == 1
    assert found["dump crm of file-share"]["seen"] == "no-such-pg-dump is not on this machine."
    assert "nowhere.db" in found["dump bookings of file-share"]["seen"]
    assert "dump here of file-share" not in found
