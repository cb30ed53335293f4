"""A mailbox read over IMAP with TLS: every mail whole, nothing changed, and plain words when it cannot be read."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.certificate import certificate
from simulators.imap import ImapServer, imap_server
from simulators.smtp import closed_port
from tocsin.adapters.imap import ImapMailbox
from tocsin.errors import ConfigurationError, Temporary
from tocsin.model.channels import Mailbox

GOOD = "correct horse"
MAILS = [b"Subject: one\r\n\r\n)\r\n", b"Subject: two\r\n\r\n" + b"x" * 70_000]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ImapServer]:
    certificate(tmp_path)
    with imap_server(tmp_path, MAILS) as server:
        yield server


def mailbox(port: int, folder: Path | None, password: str = GOOD, name: str = "INBOX") -> ImapMailbox:
    context = ssl.create_default_context(cafile=str(folder / "cert.pem")) if folder else None
    settings = Mailbox(host="127.0.0.1", port=port, username="bounces", password="env:X", folder=name)
    return ImapMailbox(settings, password, context=context)


def test_every_mail_is_read_whole_and_nothing_is_changed(server: ImapServer, tmp_path: Path) -> None:
    assert list(mailbox(server.port, tmp_path).mails()) == MAILS
    assert set(server.heard) <= {"CAPABILITY", "LOGIN", "EXAMINE", "SEARCH", "FETCH", "LOGOUT"}


def test_what_is_wrong_is_said_and_shows_no_password(server: ImapServer, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="refused the login") as wrong:
        list(mailbox(server.port, tmp_path, "hunter2").mails())
    assert "hunter2" not in str(wrong.value)
    with pytest.raises(ConfigurationError, match="no folder 'Bounces'"):
        list(mailbox(server.port, tmp_path, name="Bounces").mails())
    with pytest.raises(ConfigurationError, match="no valid certificate"):
        list(mailbox(server.port, None).mails())
    with pytest.raises(Temporary, match="could not be read"):
        list(mailbox(closed_port(), tmp_path).mails())
