"""Every fault a person meets: its exit code, a sentence about it, no traceback, and a journal that still verifies."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from simulators.house import FIRM
from tocsin.adapters import restic
from tocsin.adapters.restic import Limits, find_restic
from tocsin.cli import carry_out

BACKUP = ("backup", "run", "file-share")


@dataclass(frozen=True)
class Said:
    """What a command line came to."""

    code: int
    out: str
    err: str


def _firm(folder: Path) -> Path:
    for name in ("data/file-share", "secrets", "playbooks", "drills"):
        (folder / name).mkdir(parents=True)
    (folder / "data/file-share/minutes.txt").write_text("Minutes of the meeting.\n")
    password = folder / "secrets/local.password"
    password.touch(mode=0o600)
    password.write_text("a password of its own\n")
    (folder / "tocsin.yaml").write_text(FIRM)
    return folder


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a real repository and one good backup, made once."""
    folder = _firm(tmp_path_factory.mktemp("firm"))
    for words in (("backup", "init", "local"), BACKUP):
        assert carry_out([*words, "--workspace", str(folder)]) == 0
    return folder


@pytest.fixture
def firm(backed_up: Path, tmp_path: Path) -> Path:
    """A copy of it that the test may break."""
    return shutil.copytree(backed_up, tmp_path / "firm")


@pytest.fixture
def tocsin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """The command line, in this process."""
    monkeypatch.delenv("TOCSIN_WORKSPACE", raising=False)

    def run(*words: str, at: Path | None = None) -> Said:
        capsys.readouterr()
        code = carry_out([*words, "--workspace", str(at)] if at else [*words])
        return Said(code, *capsys.readouterr())

    return run


def _is_one_clear_sentence(said: Said, code: int, *words: str) -> None:
    assert said.code == code, said
    assert said.err.startswith("tocsin: ")
    assert "Traceback" not in said.err + said.out
    assert "Tocsin itself is at fault" not in said.err
    for word in words:
        assert word in said.err


def _rewrite(firm: Path, old: str, new: str) -> None:
    path = firm / "tocsin.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


WRONG_FILES = {
    "an unknown key": ("organisation:", "colour: red\norganisation:", ("tocsin.yaml:2:1", "colour")),
    "a misspelt key": ("    repositories: [local]", "    repositores: [local]", ("'repositories'",)),
    "a bad cron": ('"30 2 * * *"', '"61 2 * * *"', ("schedule",)),
    "the 31st of February": ('"30 2 * * *"', '"0 3 31 2 *"', ("schedule", "never")),
    "an unknown client": ("client: harbour-dental", "client: harbour-dentl", ("Did you mean 'harbour-dental'?",)),
    "an unknown repository": ("repositories: [local]", "repositories: [locl]", ("Did you mean 'local'?",)),
    "a broken file": ("organisation:", "organisation: [", ("tocsin.yaml",)),
    "an odd store": ("organisation:", "store: mysql://host/db\norganisation:", ("store",)),
}


@pytest.mark.parametrize("fault", WRONG_FILES)
def test_a_wrong_file_ends_with_2_at_its_line_and_changes_nothing(
    fault: str, firm: Path, tocsin: Callable[..., Said]
) -> None:
    old, new, words = WRONG_FILES[fault]
    right = (firm / "tocsin.yaml").read_text()
    _rewrite(firm, old, new)
    _is_one_clear_sentence(tocsin(*BACKUP, at=firm), 2, "tocsin.yaml:", *words)
    (firm / "tocsin.yaml").write_text(right)
    _the_journal_verifies(firm, tocsin, entries_about_backups=1)


WRONG_WORDS = {
    "an unknown command": (("bakup",), "Did you mean 'backup'?"),
    "an unknown option": (("status", "--jsn"), "--jsn"),
    "a naive time": (("clock", "--aware", "2026-10-23T16:30"), "offset from UTC"),
    "no time at all": (("clock", "--aware", "yesterday"), "not a time"),
    "an impossible time": (("clock", "--aware", "2026-02-31T10:00Z"), "no such time"),
    "a missing option": (("clock",), "--aware"),
    "no folder of a workspace": (("status", "--workspace", "/nowhere/at/all"), "not a workspace"),
}


@pytest.mark.parametrize("fault", WRONG_WORDS)
def test_wrong_words_end_with_2(fault: str, tocsin: Callable[..., Said]) -> None:
    words, told = WRONG_WORDS[fault]
    _is_one_clear_sentence(tocsin(*words), 2, told)


def test_no_workspace_ends_with_2_and_says_how_to_make_one(
    tocsin: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _is_one_clear_sentence(tocsin("status"), 2, "tocsin init")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_plan_ends_with_2_and_the_nearest(firm: Path, tocsin: Callable[..., Said]) -> None:
    _is_one_clear_sentence(tocsin("backup", "run", "file-shar", at=firm), 2, "Did you mean 'file-share'?")
    _the_journal_verifies(firm, tocsin, entries_about_backups=1)


def test_a_missing_repository_ends_with_2(firm: Path, tocsin: Callable[..., Said]) -> None:
    shutil.rmtree(firm / "repositories/local")
    _is_one_clear_sentence(tocsin(*BACKUP, at=firm), 2, "no restic repository", "tocsin backup init local")
    _the_journal_verifies(firm, tocsin)


def test_a_wrong_password_ends_with_2_and_is_not_shown(firm: Path, tocsin: Callable[..., Said]) -> None:
    (firm / "secrets/local.password").write_text("xyzzy-plugh\n")
    said = tocsin(*BACKUP, at=firm)
    _is_one_clear_sentence(said, 2, "password")
    assert "xyzzy-plugh" not in said.err + said.out
    _the_journal_verifies(firm, tocsin)


def test_a_locked_repository_ends_with_4(firm: Path, tocsin: Callable[..., Said], restic_binary: str) -> None:
    with _held(firm, restic_binary):
        _is_one_clear_sentence(tocsin(*BACKUP, at=firm), 4, "locked")
    assert tocsin(*BACKUP, at=firm).code == 0
    _the_journal_verifies(firm, tocsin)


def test_a_server_out_of_reach_ends_with_4(
    firm: Path, tocsin: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Half a minute of trying is right for a person, and too long for a test.
    monkeypatch.setattr(restic, "Limits", lambda: Limits(reach=timedelta(seconds=1)))
    _rewrite(firm, "location: repositories/local", f'location: "rest:http://127.0.0.1:{_unused_port()}/"')
    _is_one_clear_sentence(tocsin(*BACKUP, at=firm), 4, "out of reach")
    _the_journal_verifies(firm, tocsin)


def test_a_store_out_of_reach_ends_with_4_and_tells_of_break_glass(
    firm: Path, tocsin: Callable[..., Said]
) -> None:
    _rewrite(firm, "organisation:", f"store: postgresql://tocsin@127.0.0.1:{_unused_port()}/tocsin\norganisation:")
    _is_one_clear_sentence(tocsin("status", at=firm), 4, "TOCSIN_BREAK_GLASS")


def test_a_full_disk_ends_with_1(firm: Path, tocsin: Callable[..., Said]) -> None:
    small = firm / ".tocsin/manifests"
    shutil.rmtree(small, ignore_errors=True)
    small.mkdir(mode=0o700)
    for number in range(200):
        (firm / f"data/file-share/note-{number}.txt").write_text("x")
    said = _in_a_mount_space(f"mount -t tmpfs -o size=16k none '{small}'", *BACKUP, at=firm)
    _is_one_clear_sentence(said, 1, "the disk is full")
    _the_journal_verifies(firm, tocsin)


def test_a_read_only_folder_ends_with_1(firm: Path, tocsin: Callable[..., Said]) -> None:
    state = firm / ".tocsin"
    said = _in_a_mount_space(
        f"mount --bind '{state}' '{state}' && mount -o remount,bind,ro '{state}'", *BACKUP, at=firm
    )
    _is_one_clear_sentence(said, 1, "may read and write there")
    _the_journal_verifies(firm, tocsin, entries_about_backups=1)


def test_no_workspace_is_made_in_a_read_only_folder(tmp_path: Path) -> None:
    said = _in_a_mount_space(f"mount -t tmpfs -o ro none '{tmp_path}'", "init", str(tmp_path / "firm"))
    _is_one_clear_sentence(said, 1, "read-only")


def test_a_fault_is_json_where_json_was_asked_for(firm: Path, tocsin: Callable[..., Said]) -> None:
    _rewrite(firm, "organisation:", "colour: red\norganisation:")
    said = tocsin("status", "--json", at=firm)
    assert said.code == 2
    assert '"exit_code": 2' in said.out


def _unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _the_journal_verifies(firm: Path, tocsin: Callable[..., Said], *, entries_about_backups: int = 0) -> None:
    """Nothing recorded is lost: the chain is whole and the backup before the fault is still there."""
    assert tocsin("journal", "verify", at=firm).code == 0
    listed = tocsin("journal", "show", "--kind", "backup.", "--last", "0", at=firm).out
    finished = listed.count("backup.finished")
    assert finished >= 1
    if entries_about_backups:
        assert finished == entries_about_backups


@pytest.fixture(scope="session")
def restic_binary() -> str:
    return str(find_restic(os.environ))


class _held:  # noqa: N801 - reads as a verb
    """An exclusive lock of a living process on the firm's repository."""

    def __init__(self, firm: Path, binary: str) -> None:
        self._locks = firm / "repositories/local/locks"
        self._argv = [binary, "-r", firm / "repositories/local", "check", "--read-data"]
        self._environ = {
            **os.environ,
            "RESTIC_PASSWORD_FILE": str(firm / "secrets/local.password"),
            "RESTIC_CACHE_DIR": str(firm / "cache"),
        }

    def __enter__(self) -> None:
        self._holder = subprocess.Popen(self._argv, env=self._environ, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 20
        # A lock is written under another name first, and counts when it has its own.
        while not [path for path in self._locks.iterdir() if len(path.name) == 64]:
            assert time.monotonic() < until
            time.sleep(0.005)
        self._holder.send_signal(signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        self._holder.send_signal(signal.SIGCONT)
        self._holder.wait()


def _in_a_mount_space(prepare: str, *words: str, at: Path | None = None) -> Said:
    """Run a command line where `prepare` has mounted something that nobody else sees, and that goes with it."""
    enter = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    if (
        not shutil.which("unshare")
        or subprocess.run(
            [*enter, "sh", "-c", "mount -t tmpfs none /mnt"], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("no mount space of its own can be had here")
    line = [sys.executable, "-m", "tocsin.cli", *words, *(["--workspace", str(at)] if at else [])]
    said = subprocess.run(
        [*enter, "sh", "-c", f'{prepare} && exec "$@"', "sh", *line], check=False, capture_output=True, text=True
    )
    return Said(said.returncode, said.stdout, said.stderr)
