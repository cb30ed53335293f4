"""What restic is given, and what nobody may read."""

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from tocsin.adapters.restic import find_restic
from tocsin.adapters.restic.access import environment_for, masked
from tocsin.adapters.restic.faults import fault, spoken
from tocsin.adapters.restic.parse import Complaints
from tocsin.adapters.restic.process import Ended, Stopped
from tocsin.errors import ConfigurationError, Interrupted, OperationFailed, Temporary, TocsinError
from tocsin.ports import RepositoryAccess

ADDRESS = "rest:https://studio:p%40ss%2Fword@backup.example/r/"


@pytest.fixture
def access() -> RepositoryAccess:
    return RepositoryAccess(
        "offsite",
        ADDRESS,
        password_command="pass show restic",
        environment={"AWS_SECRET_ACCESS_KEY": "/wJalrXUtnFEMI", "RESTIC_COMPRESSION": "auto"},
    )


def code_one(access, *said) -> TocsinError:
    complaints = Complaints()
    for line in said:
        complaints.take(line)
    return fault(access, "backup", Ended(1), complaints, timedelta(hours=1))


def test_the_environment_holds_what_is_needed_and_nothing_else(access):
    environ = {"PATH": "/bin", "HOME": "/root", "SLACK_TOKEN": "xoxb", "RESTIC_REPOSITORY": "/elsewhere"}
    environment = environment_for(access, Path("/cache"), environ, progress_per_second=1)
    assert environment == {
        "PATH": "/bin",
        "HOME": "/root",
        "LC_ALL": "C",
        "RESTIC_CACHE_DIR": "/cache",
        "RESTIC_PROGRESS_FPS": "1",
        "RESTIC_REPOSITORY": ADDRESS,
        "RESTIC_PASSWORD_COMMAND": "pass show restic",
        "AWS_SECRET_ACCESS_KEY": "/wJalrXUtnFEMI",
        "RESTIC_COMPRESSION": "auto",
    }


def test_secrets_are_blacked_out_in_any_text(access):
    text = (
        f"at {ADDRESS}: p@ss/word or p%40ss%2Fword, key /wJalrXUtnFEMI, https://other:one@host/, compression auto"
    )
    shown = masked(access, text)
    assert (
        shown == "at rest:https://***@backup.example/r/: *** or ***, key ***, https://***@host/, compression auto"
    )
    assert "p%40" not in repr(access)
    assert "wJalr" not in repr(access)


def test_no_error_shows_a_secret(access):
    for line in (
        f"Fatal: unable to open {ADDRESS}: dial tcp: connection refused",
        "Fatal: the key /wJalrXUtnFEMI is refused: AccessDenied",
        f"Fatal: something else at {ADDRESS}",
    ):
        sentence = str(code_one(access, line))
        assert "p%40" not in sentence
        assert "wJalr" not in sentence
        assert "***" in sentence
    missing = fault(access, "backup", Ended(10), Complaints(), timedelta(hours=1))
    assert str(missing) == (
        "repository offsite: there is no restic repository at rest:https://***@backup.example/r/; "
        "correct its location, or create it with 'tocsin backup init offsite'"
    )


@pytest.mark.parametrize(
    ("line", "kind", "words"),
    [
        ("Fatal: Save(<data/e7>) write /r: no space left on device", OperationFailed, "the disk is full"),
        ("Fatal: open /r/locks: read-only file system", OperationFailed, "for want of permission"),
        ("Fatal: unexpected HTTP response (401): 401 Unauthorized", ConfigurationError, "refused our user"),
        ("Fatal: unexpected HTTP response (403): 403 Forbidden", OperationFailed, "does not allow this backup"),
        ("Fatal: Head http://h: dial tcp: lookup h: no such host", Temporary, "out of reach"),
        ("Fatal: unexpected HTTP response (503): 503 Unavailable", Temporary, "out of reach"),
        ("Fatal: an empty password is not allowed by default", ConfigurationError, "got no password"),
        (
            "Fatal: LoadRaw(<index/59389e3747>): invalid data returned",
            OperationFailed,
            "damaged: index 59389e3747",
        ),
        ("Fatal: what nobody has seen yet", OperationFailed, "the backup failed: what nobody has seen yet"),
    ],
)
def test_a_failure_is_told_by_its_words(access, line, kind, words):
    error = code_one(access, line)
    assert type(error) is kind
    assert words in str(error)
    assert str(error).startswith("repository offsite: ")


@pytest.mark.parametrize(
    ("ssh", "kind", "words"),
    [
        ("ssh: connect to host h port 22: Connection refused", Temporary, "its server is out of reach"),
        (
            "tocsin@h: Permission denied (publickey).",
            ConfigurationError,
            "ssh could not log in: tocsin@h: Permission",
        ),
    ],
)
def test_a_lost_sftp_session_is_told_by_what_ssh_said(access, ssh, kind, words):
    error = code_one(
        access, f"subprocess ssh: {ssh}", "Fatal: unable to start the sftp session, error: unexpected EOF"
    )
    assert type(error) is kind
    assert words in str(error)


def test_a_signal_that_came_too_late_does_not_hide_that_the_work_was_done(access):
    late = fault(access, "backup", Ended(0, Stopped.SIGNAL, 15), Complaints(), timedelta(hours=1))
    assert type(late) is Interrupted
    assert str(late).endswith("stopped by SIGTERM, and restic has ended. It had already done its work.")


def test_silence_and_unknown_codes_are_failures_too(access):
    assert "it gave no reason" in str(code_one(access))
    assert isinstance(fault(access, "backup", Ended(77), Complaints(), timedelta(1)), OperationFailed)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(hours=24), "24 hours"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=90), "90 seconds"),
        (timedelta(seconds=0.5), "0.5 seconds"),
    ],
)
def test_spans_are_spoken(span, words):
    assert spoken(span) == words


def says_version(folder: Path, words: str) -> Path:
    """A program that answers `version` as some restic does; the old ones cannot be had any more."""
    program = folder / "restic"
    program.write_text(f"#!/bin/sh\necho '{words}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@pytest.mark.parametrize("words", ["restic 0.14.0 compiled with go1.19.8 on linux/amd64", '{"version":"0.16.5"}'])
def test_a_restic_that_is_too_old_is_refused(tmp_path, words):
    named = {"TOCSIN_RESTIC": str(says_version(tmp_path, words)), "PATH": os.environ["PATH"]}
    with pytest.raises(ConfigurationError, match=r"is version 0\.1[46]\.\d, which is too old; run `make setup`"):
        find_restic(named)


def test_a_named_restic_wins_and_a_replaced_one_is_asked_again(tmp_path):
    program = says_version(tmp_path, '{"version":"0.17.3"}')
    named = {"TOCSIN_RESTIC": str(program), "PATH": os.environ["PATH"]}
    assert find_restic(named) == program
    says_version(tmp_path, "I am no restic")
    os.utime(program, ns=(1, 1))
    with pytest.raises(ConfigurationError, match="does not answer like restic"):
        find_restic(named)


def test_a_named_restic_that_is_not_there_is_no_reason_to_take_another(tmp_path):
    with pytest.raises(ConfigurationError, match=r"TOCSIN_RESTIC: .*absent is no program.*`make setup`"):
        find_restic({"TOCSIN_RESTIC": str(tmp_path / "absent"), "PATH": os.environ["PATH"]})
