"""Scheduled backups on the real restic: due, collapsed, paused, given back; and the command line around them."""

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cheap_keys import make_cheap
from contract_backups import house, write_workspace
from simulators.time import SimulatedClock
from tocsin.backups import BackupOutcome, Skipped, backup_if_due, ledger, pause_backups, paused, resume_backups
from tocsin.cli import carry_out as run
from tocsin.errors import Temporary, UsageError
from tocsin.repositories import repository_access

PASSWORD = "a password nobody else has"
MORNING = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # the plan `files` is due at 02:30, London time


@pytest.fixture(scope="module")
def empty_repository(restic_path, tmp_path_factory):
    root = tmp_path_factory.mktemp("empty")
    write_workspace(root, PASSWORD)
    with house(root, restic_path) as ctx:
        ctx.restic.init(repository_access(ctx, "local"))
        make_cheap(root / "repository", PASSWORD, restic_path)
    return root / "repository"


@pytest.fixture
def root(empty_repository, tmp_path):
    root = tmp_path / "workspace"
    write_workspace(root, PASSWORD)
    shutil.copytree(empty_repository, root / "repository")
    (root / "share").mkdir()
    (root / "share" / "a.txt").write_text("a letter\n")
    return root


def test_a_week_of_missed_nights_is_one_backup(root, restic_path):
    clock = SimulatedClock(MORNING)
    with house(root, restic_path, clock=clock) as ctx:
        assert isinstance(backup_if_due(ctx, "files", clock.now()), BackupOutcome)
        again = backup_if_due(ctx, "files", clock.now())
        assert again == Skipped("files", "Not due: its last due time was acted on.")
        clock.advance(timedelta(days=7))
        assert isinstance(backup_if_due(ctx, "files", clock.now()), BackupOutcome)
        assert isinstance(backup_if_due(ctx, "files", clock.now()), Skipped)
        with ctx.store.read() as connection:
            assert len(ledger(connection, "files")) == 2


def test_a_pause_holds_scheduled_backups_until_it_is_lifted(root, restic_path):
    clock = SimulatedClock(MORNING)
    with house(root, restic_path, clock=clock) as ctx:
        first = pause_backups(ctx, "the share is encrypted")
        assert pause_backups(ctx, "said twice") == first
        skipped = backup_if_due(ctx, "files", clock.now())
        assert isinstance(skipped, Skipped)
        assert "the share is encrypted" in skipped.reason
        assert resume_backups(ctx, "rebuilt") == first
        with ctx.store.read() as connection:
            assert paused(connection) is None
        with pytest.raises(UsageError, match="not paused"):
            resume_backups(ctx, "rebuilt")
        assert isinstance(backup_if_due(ctx, "files", clock.now()), BackupOutcome)


def test_what_could_not_be_done_just_now_is_due_again(root, restic_path):
    write_workspace(root, PASSWORD, offsite="rest:http://127.0.0.1:9/")
    clock = SimulatedClock(MORNING)
    with house(root, restic_path, clock=clock) as ctx:
        for _ in range(2):
            with pytest.raises(Temporary, match="out of reach"):
                backup_if_due(ctx, "twice", clock.now())


@pytest.fixture
def command(root, restic_path, monkeypatch, capfd):
    """The command line in the workspace: its exit code, what it printed, what it complained of."""
    monkeypatch.setenv("TOCSIN_WORKSPACE", str(root))
    monkeypatch.setenv("PATH", str(Path(restic_path).parent), prepend=os.pathsep)

    def call(*arguments):
        code = run(list(arguments))
        said = capfd.readouterr()
        return code, said.out, said.err

    return call


def test_the_command_backs_up_lists_holds_and_releases(command, root):
    code, out, _ = command("backup", "run", "files")
    assert code == 0
    assert out.startswith("files → local: ok, snapshot ")
    code, out, _ = command("backup", "list", "--json")
    (entry,) = json.loads(out)
    assert (code, entry["verdict"], entry["held"]) == (0, "ok", False)
    assert command("backup", "hold", "files", "--reason", "just in case")[0] == 0
    code, out, _ = command("backup", "list", "--holds", "--json")
    (hold,) = json.loads(out)
    assert hold["snapshot"] == entry["id"]
    assert json.loads(command("backup", "list", "--json")[1])[0]["held"]
    assert command("backup", "release", hold["id"][:8], "--reason", "all is well")[0] == 0
    assert json.loads(command("backup", "list", "--holds", "--json")[1]) == []


def test_every_plan_is_served_though_one_fails_and_the_exit_code_says_so(command, root):
    code, out, err = command("backup", "run", "--all")
    assert code == 1  # `pair` comes before `twice`: a missing source makes it incomplete
    assert "files → local: ok" in out
    assert "pair → local: incomplete" in out
    assert "tocsin backup init offsite" in out
    assert "twice → local: ok" in out
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("backup", "run", "flies"), 2, "Did you mean 'files'?"),
        (("backup", "run"), 2, "Name a backup plan, or give --all"),
        (("backup", "run", "files", "--all"), 2, "Name a backup plan, or give --all"),
        (("backup", "run", "files", "--repository", "lokal"), 2, "does not use the repository 'lokal'"),
        (("backup", "run", "twice", "--repository", "offsite"), 2, "tocsin backup init offsite"),
        (("backup", "init", "lokal"), 2, "Did you mean 'local'?"),
        (("backup", "init", "local"), 1, "it exists already; nothing was changed"),
        (("backup", "list", "flies"), 2, "Did you mean 'files'?"),
        (("backup", "hold", "flies", "--reason", "x"), 2, "Did you mean 'files'?"),
        (("backup", "release", "ffff", "--reason", "x"), 2, "No hold that stands"),
        (("backup", "resume", "--reason", "x"), 2, "not paused"),
    ],
)
def test_a_wrong_word_gets_one_clear_sentence_and_its_exit_code(command, arguments, code, words):
    got, out, err = command(*arguments)
    assert got == code
    assert words in err
    assert out == ""
    assert err.count("\n") == 1


def test_a_dry_run_says_what_would_be_done_and_does_nothing(command, root):
    code, out, _ = command("backup", "run", "pair", "--dry-run")
    assert code == 1
    assert f"reads {root / 'disk'}  (missing)" in out
    assert json.loads(command("backup", "list", "--json")[1]) == []
    assert not (root / ".tocsin" / "manifests").exists()


def test_the_watch_exits_1_while_an_alarm_stands(command):
    code, out, _ = command("watch")
    assert code == 1
    assert "NEW ALARM backup.never: The backup plan files has no good snapshot" in out
    code, out, _ = command("watch", "--json")
    assert json.loads(out)["raised"] == []


@pytest.mark.parametrize("name", ["init", "run", "list", "hold", "release", "pause", "resume"])
def test_every_backup_command_shows_an_example(command, name):
    code, out, _ = command("backup", name, "--help")
    assert code == 0
    assert f"Example: tocsin backup {name} " in out
