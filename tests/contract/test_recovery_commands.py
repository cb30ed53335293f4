"""`tocsin drill` and `tocsin recover` as a person types them, on a workspace backed up for real."""

import json
import shutil
from random import Random

import pytest

from backed_up_ground import flip
from cheap_keys import make_cheap
from golden_files import agrees_with_golden
from tocsin.backups import run_backup
from tocsin.cli import carry_out as run
from tocsin.repositories import repository_access
from tocsin.wiring import open_context

WORKSPACE = """
tocsin: 1
organisation: {name: Harbour Studio}
repositories:
  local: {location: repository, password: file:password}
backup_plans:
  files:
    title: The share
    sources: [{paths: [share]}]
    repositories: [local]
    schedule: 30 2 * * *
    rpo: 24h
    rto: 4h
"""
DRILL = "drill: files-quarterly\ntitle: Bring back the share\nbackup_plan: files\n"


@pytest.fixture(scope="module")
def made(restic_path, tmp_path_factory):
    root = tmp_path_factory.mktemp("studio") / "workspace"
    (root / "drills").mkdir(parents=True)
    (root / "share" / "letters").mkdir(parents=True)
    (root / "share" / "letters" / "one.txt").write_text("Dear client\n")
    (root / "share" / "photo.raw").write_bytes(Random(3).randbytes(102_400))
    (root / "tocsin.yaml").write_text(WORKSPACE)
    (root / "drills" / "files.yaml").write_text(DRILL)
    (root / "password").write_text("secret")
    (root / "password").chmod(0o600)
    with open_context(root) as ctx:
        ctx.restic.init(repository_access(ctx, "local"))
        make_cheap(root / "repository", "secret", restic_path)
        assert run_backup(ctx, "files").verdict == "ok"
    return root


@pytest.fixture
def workspace(made, monkeypatch):
    monkeypatch.setenv("TOCSIN_WORKSPACE", str(made))
    return made


def test_a_drill_runs_is_listed_and_its_report_found(workspace, capsys):
    assert run(["drill", "run", "files-quarterly"]) == 0
    said = capsys.readouterr().out
    assert "files-quarterly: passed. 2 files (102.4 kB) came back as they were backed up." in said
    assert run(["drill", "list"]) == 0
    assert "files-quarterly  files        passed" in capsys.readouterr().out
    assert run(["drill", "report", "files-quarterly"]) == 0
    assert capsys.readouterr().out.strip() in said
    assert run(["journal", "verify"]) == 0


def test_all_drills_as_json(workspace, capsys):
    assert run(["drill", "run", "--all", "--json"]) == 0
    (outcome,) = json.loads(capsys.readouterr().out)
    assert outcome["verdict"] == "passed"
    assert outcome["rto_seconds"] > 0
    assert outcome["scratch_removed"] is True


def test_a_failed_drill_exits_1_and_names_the_file(made, tmp_path, monkeypatch, capsys):
    # A copy with the same repository; its ledger knows the source by its old place.
    shutil.copytree(made, tmp_path / "w")
    monkeypatch.setenv("TOCSIN_WORKSPACE", str(tmp_path / "w"))
    data = [path for path in (tmp_path / "w" / "repository" / "data").rglob("*") if path.is_file()]
    largest = max(data, key=lambda path: path.stat().st_size)
    flip(largest, largest.stat().st_size // 2)
    assert run(["drill", "run", "files-quarterly"]) == 1
    said = capsys.readouterr().out
    assert "files-quarterly: FAILED." in said
    assert f"pack {largest.name}" in said
    assert str(made / "share") in said


def test_recover_plans_recovers_and_refuses(workspace, tmp_path, capsys):
    back = tmp_path / "back"
    assert run(["recover", "files", "--to", str(back), "--dry-run"]) == 0
    assert "Nothing was done." in capsys.readouterr().out
    assert not back.exists()
    assert run(["recover", "files", "--to", str(back)]) == 0
    assert f"Recovered 2 files (102.4 kB) to {back}" in capsys.readouterr().out
    assert (back / "letters" / "one.txt").read_text() == "Dear client\n"
    assert run(["recover", "files", "--to", str(back)]) == 3
    assert "is not empty; nothing was changed" in capsys.readouterr().err
    assert run(["recover", "files", "--to", str(back), "--replace", "--include", "letters", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["files"] == 1
    assert done["moved_aside_to"].startswith(f"{back}.before-recovery-")
    assert [path.name for path in back.iterdir()] == ["letters"]


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (["drill", "run"], "Name a drill, or give --all."),
        (["drill", "run", "files-quarterly", "--all"], "Name a drill, or give --all."),
        (["drill", "run", "file-quarterly"], "Did you mean 'files-quarterly'?"),
        (["drill", "report", "none"], "There is no drill 'none'"),
        (["recover", "fils", "--to", "x"], "Did you mean 'files'?"),
        (["recover", "files"], "it is a backup plan. To bring its files back, say where"),
        (["recover", "files", "--to", "x", "--before", "2026-11-20T17:00"], "does not say its time zone"),
        (["recover", "files", "--to", "x", "--before", "yesterday"], "is not a time"),
        (["recover", "files", "--to", "x", "--before", "2026-11-20T17:00Z", "--snapshot", "abc"], "not both"),
    ],
)
def test_a_slip_is_one_sentence_and_exit_2(workspace, capsys, typed, answer):
    assert run(typed) == 2
    said = capsys.readouterr().err
    assert answer in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "words", ["drill", "drill run", "drill list", "drill report", "drill verify", "drill findings", "recover"]
)
def test_help_shows_an_example(capsys, monkeypatch, words):
    monkeypatch.setenv("COLUMNS", "100")
    assert run([*words.split(), "--help"]) == 0
    said = capsys.readouterr().out
    assert "Example" in said
    agrees_with_golden(f"help-{words.replace(' ', '-')}.txt", said)
