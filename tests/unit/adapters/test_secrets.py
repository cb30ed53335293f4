"""Secrets by reference, and that no message ever repeats one."""

import time
from datetime import timedelta

import pytest

from processes import gone_within
from tocsin.adapters.secrets import ReferencedSecrets
from tocsin.errors import ConfigurationError, Temporary

SECRET = "correct horse battery"


@pytest.fixture
def secrets(tmp_path) -> ReferencedSecrets:
    environ = {
        "PATH": "/usr/bin:/bin",
        "MAIL_PASSWORD": SECRET,
        "EMPTY": "",
        "CREDENTIALS_DIRECTORY": str(tmp_path / "credentials"),
    }
    return ReferencedSecrets(environ=environ, folder=tmp_path, timeout=timedelta(seconds=0.5))


def private(path, content: str | bytes):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(0o600)
    return path


def refused(secrets, reference) -> str:
    with pytest.raises(ConfigurationError) as error:
        secrets.read(reference)
    assert SECRET not in str(error.value)
    return str(error.value)


def test_each_kind_of_reference_is_read_without_its_closing_newline(secrets, tmp_path):
    private(tmp_path / "secret", f"{SECRET}\n")
    private(tmp_path / "credentials" / "mail", f"{SECRET}\r\n")
    assert secrets.read("file:secret") == SECRET  # relative to the workspace
    assert secrets.read(f"file:{tmp_path}/secret") == SECRET
    assert secrets.read("env:MAIL_PASSWORD") == SECRET
    assert secrets.read("command:cat 'secret'") == SECRET
    assert secrets.read("credential:mail") == SECRET


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602])
def test_a_file_open_to_everybody_is_refused(secrets, tmp_path, mode):
    private(tmp_path / "secret", SECRET).chmod(mode)
    assert refused(secrets, "file:secret") == (
        "file:secret: this file is open to every user of the machine; chmod 600 it, and change the secret"
    )


def test_a_file_its_group_may_read_is_taken(secrets, tmp_path):
    private(tmp_path / "secret", SECRET).chmod(0o640)
    assert secrets.read("file:secret") == SECRET


def test_what_is_not_there_is_said(secrets):
    assert refused(secrets, "file:absent") == "file:absent: the file cannot be read: No such file or directory"
    assert refused(secrets, "env:ABSENT") == "env:ABSENT: this variable is not set"
    assert "No such file" in refused(secrets, "credential:absent")
    assert "cannot be run: No such file" in refused(secrets, "command:no-such-program")


def test_credentials_need_systemd_and_a_plain_name(secrets, tmp_path):
    outside = ReferencedSecrets(environ={}, folder=tmp_path)
    assert "LoadCredential=" in refused(outside, "credential:mail")
    private(tmp_path / "elsewhere", SECRET)
    assert "plain name" in refused(secrets, "credential:../elsewhere")


def test_an_empty_or_unusable_secret_is_refused(secrets, tmp_path):
    private(tmp_path / "empty", "\n")
    private(tmp_path / "binary", b"\xff\xfe")
    private(tmp_path / "huge", "x" * 70_000)
    assert refused(secrets, "file:empty") == "file:empty: the secret is empty"
    assert refused(secrets, "env:EMPTY") == "env:EMPTY: the secret is empty"
    assert refused(secrets, "command:true") == "command:true …: the secret is empty"
    assert "no UTF-8" in refused(secrets, "file:binary")
    assert "too large" in refused(secrets, "file:huge")


@pytest.mark.parametrize("reference", [SECRET, f"{SECRET}:x", f"pass:{SECRET}", "", ":", "file:", "env:"])
def test_what_is_no_reference_may_be_the_secret_itself_and_is_not_repeated(secrets, reference):
    assert "a secret is given by reference, as one of file:…, env:…, command:…, credential:…" in refused(
        secrets, reference
    )


def test_a_slip_in_the_kind_is_answered_with_the_nearest(secrets):
    assert refused(secrets, "flie:secret").endswith("Did you mean 'file'?")


def test_a_command_that_fails_is_said_without_its_arguments_or_output(secrets):
    assert refused(secrets, f"command:sh -c 'echo {SECRET} >&2; exit 9'") == (
        "command:sh …: the command ended with exit code 9; run it by hand to see why"
    )
    assert "quotes do not match" in refused(secrets, f"command:echo '{SECRET}")
    assert "the command is empty" in refused(secrets, "command: ")


def test_a_command_runs_without_a_shell(secrets):
    assert secrets.read("command:echo $MAIL_PASSWORD; true") == "$MAIL_PASSWORD; true"


def test_a_command_that_hangs_is_temporary_and_ended_with_its_children(secrets, tmp_path):
    began = time.monotonic()
    with pytest.raises(Temporary, match=r"command:sh …: the command gave no secret within 0\.5 seconds"):
        secrets.read(f"command:sh -c 'sleep 60 & echo $! >{tmp_path}/pid; wait'")
    assert time.monotonic() - began < 5
    assert gone_within(1, [int((tmp_path / "pid").read_text())])
