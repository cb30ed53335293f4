"""SMTP against a real server: what is certain, what is not, and what is never shown."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from simulators.certificate import certificate
from simulators.smtp import MailServer, closed_port, running, silent
from tocsin.adapters.mail import SmtpMailer
from tocsin.errors import ConfigurationError, OperationFailed, OutcomeUnknown, Temporary, TocsinError, UsageError
from tocsin.model.workspace import MailChannel


class Passwords:
    """Implements `tocsin.ports.Secrets` with one password."""

    def __init__(self, password: str | None = None) -> None:
        self._password = password or "correct horse"

    def read(self, reference: str) -> str:
        assert reference == "env:MAIL_PASSWORD"
        return self._password


@pytest.fixture
def server() -> Iterator[MailServer]:
    with running() as server:
        yield server


def channel(port: int, **other: object) -> MailChannel:
    return MailChannel.model_validate(
        {"host": "127.0.0.1", "port": port, "security": "none", "sender": "breach@agency.example", **other}
    )


def mailer(port: int, *, timeout: float = 5.0, secrets: Passwords | None = None, **other: object) -> SmtpMailer:
    return SmtpMailer(channel(port, **other), secrets or Passwords(), timeout_seconds=timeout)


def a_mail(to: str = "dpo@harbour.example") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Agency <breach@agency.example>"
    message["To"] = to
    message["Subject"] = "Notice of a personal data breach"
    message["Message-ID"] = "<one@agency.example>"
    message.set_content("First line, with a pound sign: £.\n.a line that starts with a full stop\n")
    return message


def test_it_hands_over_the_mail_as_written(server: MailServer) -> None:
    mailer(server.port).send(a_mail())
    (received,) = server.received
    assert received.sender == "breach@agency.example"
    assert received.recipients == ["dpo@harbour.example"]
    assert received.message["Message-ID"] == "<one@agency.example>"
    assert received.message.get_content().splitlines() == a_mail().get_content().splitlines()


def test_it_keeps_blind_copies_blind(server: MailServer) -> None:
    message = a_mail()
    message["Bcc"] = "archive@agency.example"
    mailer(server.port).send(message)
    (received,) = server.received
    assert received.recipients == ["dpo@harbour.example", "archive@agency.example"]
    assert b"archive" not in received.content


def test_without_a_mail_channel_it_says_what_to_do_instead() -> None:
    with pytest.raises(UsageError, match=r"no mail channel.*notice record"):
        SmtpMailer(None, Passwords()).send(a_mail())


def test_a_refused_port_is_temporary() -> None:
    with pytest.raises(Temporary, match=r"connection refused.*safe"):
        mailer(closed_port()).send(a_mail())


def test_an_unknown_host_is_temporary() -> None:
    with pytest.raises(Temporary, match="Nothing was sent"):
        mailer(25, host="mail.invalid").send(a_mail())


def test_a_server_that_never_speaks_is_temporary() -> None:
    with silent() as port, pytest.raises(Temporary, match="no answer in time"):
        mailer(port, timeout=0.3).send(a_mail())


@pytest.mark.parametrize("fault", ["drop-at-recipient", "recipient-later", "text-later"])
def test_what_the_server_did_not_take_is_temporary(server: MailServer, fault: str) -> None:
    server.fault = fault
    with pytest.raises(Temporary, match="not taken"):
        mailer(server.port).send(a_mail())
    server.fault = ""
    mailer(server.port).send(a_mail())
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("fault", "said"), [("recipient-never", "550 5.1.1 no such mailbox"), ("text-never", "554 5.7.1 refused")]
)
def test_what_the_server_refuses_for_good_has_failed(server: MailServer, fault: str, said: str) -> None:
    server.fault = fault
    with pytest.raises(OperationFailed, match=said):
        mailer(server.port).send(a_mail())
    assert server.received == []


def test_a_connection_lost_after_the_text_leaves_the_outcome_unknown(server: MailServer) -> None:
    server.fault = "drop-after-text"
    with pytest.raises(OutcomeUnknown, match="may have been delivered"):
        mailer(server.port).send(a_mail())
    assert server.texts_seen == 1


def test_a_server_silent_after_the_text_leaves_the_outcome_unknown(server: MailServer) -> None:
    server.fault = "hang-after-text"
    with pytest.raises(OutcomeUnknown, match="no answer in time"):
        mailer(server.port, timeout=0.4).send(a_mail())


def test_it_logs_in_over_loopback() -> None:
    with running(login=True) as server:
        mailer(server.port, username="agency", password="env:MAIL_PASSWORD").send(a_mail())
        assert server.logins == ["agency"]
        assert len(server.received) == 1


def test_a_refused_login_is_a_matter_of_configuration_and_shows_no_secret() -> None:
    with running(login=True) as server:
        wrong = mailer(
            server.port, secrets=Passwords("hunter2-hunter2"), username="agency", password="env:MAIL_PASSWORD"
        )
        with pytest.raises(ConfigurationError, match="refused the login") as caught:
            wrong.send(a_mail())
    assert "hunter2" not in _everything_said(caught.value)


def test_starttls_refused_by_the_server_is_a_matter_of_configuration(server: MailServer) -> None:
    with pytest.raises(ConfigurationError, match="does not offer STARTTLS"):
        mailer(server.port, security="starttls").send(a_mail())
    assert server.received == []


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_it_encrypts(security: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # OpenSSL's own variable: the house trusts this authority and no test-only door is needed.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path)))
    with _encrypted(security, tmp_path) as server:
        mailer(server.port, security=security).send(a_mail())
        assert len(server.received) == 1


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_it_refuses_a_certificate_nobody_vouches_for(security: str, tmp_path: Path) -> None:
    certificate(tmp_path)
    with _encrypted(security, tmp_path) as server:
        with pytest.raises(ConfigurationError, match="certificate is not valid"):
            mailer(server.port, security=security).send(a_mail())
        assert server.texts_seen == 0


def test_letters_beyond_ascii_reach_a_server_that_can_carry_them() -> None:
    with running() as server:
        try:
            mailer(server.port).send(a_mail("büro@harbour.example"))
        except OperationFailed as said:
            assert "beyond ASCII" in str(said)  # noqa: PT017 - either is right: what the server offers decides
            assert server.received == []
        else:
            assert server.received[0].recipients == ["büro@harbour.example"]


def _everything_said(error: TocsinError) -> str:
    said, seen = "", error
    while seen is not None:
        said += f"{seen!r} {seen}"
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return said


@contextmanager
def _encrypted(security: str, folder: Path) -> Iterator[MailServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with running(**{"tls" if security == "tls" else "starttls": context}) as server:
        yield server
