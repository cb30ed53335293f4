"""SMTP, one mail at a time, honest about what is not known.

A mail goes out in this order, and what may be said after a fault depends on how far it came:

1. connect, encrypt, log in, name sender and recipients, ask to send (`DATA`): nothing has been taken yet;
2. the text, without the full stop that ends it: the server cannot have taken it either;
3. the full stop, then the server's answer: whatever breaks here, the mail may have been taken.

No retries, no queue: the outbox that calls this decides what is tried again.
"""

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from copy import copy
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses, parseaddr

from tocsin.errors import (
    ConfigurationError,
    OperationFailed,
    OutcomeUnknown,
    Place,
    Problem,
    Temporary,
    UsageError,
)
from tocsin.model.vocabulary import MailSecurity
from tocsin.model.workspace import MailChannel
from tocsin.ports import HandedOver, Secrets

TIMEOUT_SECONDS = 30.0
_GO_AHEAD = 354
_FIRST_PERMANENT = 500
_LONGEST_REPLY = 200
_TAKEN = range(250, 260)
_DONE = 250
_CLOSING = "421"
_NO_UTF8 = "no-smtputf8"


class SmtpMailer:
    """Implements `tocsin.ports.Mailer` over smtplib. With no mail channel, every `send` is a UsageError."""

    def __init__(
        self, channel: MailChannel | None, secrets: Secrets, *, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._channel = channel
        self._secrets = secrets
        self._timeout = timeout_seconds

    def send(self, message: EmailMessage) -> None:
        """Hand the message to the mail server: taken by it for every recipient, or an error.

        Raises:
            UsageError: the workspace has no mail channel.
            ConfigurationError: the channel cannot be used as it is written (login, encryption); nothing was sent.
            Temporary: the server certainly did not take it; trying again is safe.
            OutcomeUnknown: the connection broke after the text went out; it may have been taken.
            OperationFailed: the server refused it for good.
        """
        if self._channel is None:
            raise UsageError(
                "The workspace has no mail channel, so nothing was sent. Add `channels: mail:` to tocsin.yaml, "
                "or send the text by hand and record it with `tocsin notice record`."
            )
        password = self._password(self._channel)
        with _connected(self._channel, password, self._timeout) as smtp:
            _hand_over(smtp, message, self._where)

    @contextmanager
    def session(self, per_connection: int) -> Iterator["SmtpSession"]:
        """Open a session for many mails; with no mail channel it is a UsageError."""
        if self._channel is None:
            raise UsageError("The workspace has no mail channel, so nothing was sent. Add `channels: mail:`.")
        password = self._password(self._channel)
        session = SmtpSession(self._channel, password, self._timeout, per_connection)
        try:
            yield session
        finally:
            session.leave()

    @property
    def _where(self) -> str:
        channel = self._channel
        return f"the mail server {channel.host}:{channel.port}" if channel else "no mail server"

    def _password(self, channel: MailChannel) -> str | None:
        if channel.username is None:
            return None
        return self._secrets.read(channel.password) if channel.password else ""


class SmtpSession:
    """Implements `tocsin.ports.MailSession`: one connection at a time, left after so many mails or any doubt."""

    def __init__(self, channel: MailChannel, password: str | None, timeout: float, per_connection: int) -> None:
        self._channel, self._password, self._timeout = channel, password, timeout
        self._most = per_connection
        self._connection: AbstractContextManager[smtplib.SMTP] | None = None
        self._smtp: smtplib.SMTP | None = None
        self._used = 0

    def connect(self) -> None:
        """Make sure that a connection stands. Raises Temporary or ConfigurationError; nothing was sent."""
        if self._used >= self._most:
            self.leave()
        if self._smtp is None:
            connection = _connected(self._channel, self._password, self._timeout)
            self._smtp, self._connection, self._used = connection.__enter__(), connection, 0

    def hand_over(self, sender: str, reader: str, content: bytes) -> HandedOver:
        """Hand one finished mail over, once."""
        self.connect()
        smtp = self._smtp
        if smtp is None:  # pragma: no cover - `connect` has seen to it
            raise AssertionError
        self._used += 1
        told = _told(smtp, sender, reader, content)
        if told.outcome != "taken" and not self._stands_after(told, smtp):
            self.leave()
        return told

    def leave(self) -> None:
        """Say goodbye, if anybody is there."""
        if self._connection is not None:
            self._connection.__exit__(None, None, None)
        self._smtp = self._connection = None

    def _stands_after(self, told: HandedOver, smtp: smtplib.SMTP) -> bool:
        """Begin anew on the same connection after a refusal; False when it is gone or no longer to be trusted."""
        if told.outcome == "unknown" or not told.code or told.code == _CLOSING:
            return False
        try:
            return smtp.rset()[0] == _DONE
        except (smtplib.SMTPException, OSError):
            return False


def _told(smtp: smtplib.SMTP, sender: str, reader: str, content: bytes) -> HandedOver:
    """Go through one mail and say how it ended; the same order, and the same honesty, as in `_hand_over`."""
    international = not (sender + reader).isascii()
    if international and not smtp.has_extn("smtputf8"):
        return HandedOver("refused", _NO_UTF8, "it carries no address with letters beyond ASCII", "reader")
    steps: tuple[tuple[str, Callable[[], tuple[int, bytes]]], ...] = (
        ("sender", lambda: smtp.mail(sender, ["SMTPUTF8"] if international else [])),
        ("reader", lambda: smtp.rcpt(reader)),
        ("text", lambda: smtp.docmd("DATA")),
    )
    try:
        for about, ask in steps:
            code, reply = ask()
            if code != _GO_AHEAD and code not in _TAKEN:
                return _answered(code, reply, about)
        smtp.send(_dotted(content))
    except (smtplib.SMTPException, OSError) as fault:
        return HandedOver("put off", "", _reason(fault))
    try:
        smtp.send(b".\r\n")
        code, reply = smtp.getreply()
    except (smtplib.SMTPException, OSError) as fault:
        return HandedOver("unknown", "", _reason(fault), "text")
    return _answered(code, reply, "text")


def _answered(code: int, reply: bytes, about: str) -> HandedOver:
    said = " ".join(reply.decode("utf-8", "replace").split())[:_LONGEST_REPLY]
    outcome = "taken" if code in _TAKEN else "refused" if code >= _FIRST_PERMANENT else "put off"
    return HandedOver(outcome, str(code), said, about)


@contextmanager
def _connected(channel: MailChannel, password: str | None, timeout: float) -> Iterator[smtplib.SMTP]:
    where = f"the mail server {channel.host}:{channel.port}"
    smtp = _open(channel, where, timeout)
    try:
        if channel.username is not None and password is not None:
            _log_in(smtp, channel.username, password, where)
        yield smtp
    finally:
        # What was answered to the full stop stands; how the goodbye goes changes nothing.
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()
        smtp.close()


def _open(channel: MailChannel, where: str, timeout: float) -> smtplib.SMTP:
    # Left to itself smtplib asks DNS for this machine's full name, which can stall for a minute.
    us = parseaddr(str(channel.sender))[1].rpartition("@")[2] or "localhost"
    smtp: smtplib.SMTP | None = None
    try:
        if channel.security == MailSecurity.TLS:
            context = ssl.create_default_context()
            smtp = smtplib.SMTP_SSL(channel.host, channel.port, us, timeout=timeout, context=context)
        else:
            smtp = smtplib.SMTP(channel.host, channel.port, us, timeout=timeout)
        if channel.security == MailSecurity.STARTTLS:
            smtp.starttls(context=ssl.create_default_context())
        smtp.ehlo_or_helo_if_needed()
        if smtp.sock is not None:
            # A mail ends with a write of three bytes: held back until the last is acknowledged, it costs 40 ms.
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except ssl.SSLError as fault:
        _close(smtp)
        raise _wrong_channel(
            f"{_capital(where)} could not be spoken to safely ({_tls_reason(fault)}). Check channels.mail host, "
            "port and security; do not turn encryption off. Nothing was sent."
        ) from None
    except smtplib.SMTPNotSupportedError:
        _close(smtp)
        raise _wrong_channel(
            f"{_capital(where)} does not offer STARTTLS. Set channels.mail security to what it offers. "
            "Nothing was sent."
        ) from None
    except (smtplib.SMTPException, OSError) as fault:
        _close(smtp)
        raise Temporary(
            f"{_capital(where)} could not be reached ({_reason(fault)}). Nothing was sent; trying again is safe."
        ) from fault
    return smtp


def _log_in(smtp: smtplib.SMTP, username: str, password: str, where: str) -> None:
    """Log in; `from None` throughout, because smtplib's own errors may carry what was typed."""
    try:
        smtp.login(username, password)
    except smtplib.SMTPAuthenticationError as fault:
        if fault.smtp_code < _FIRST_PERMANENT:
            raise Temporary(f"{_capital(where)} cannot check logins now. Nothing was sent; try again.") from None
        raise _wrong_channel(
            f"{_capital(where)} refused the login of {username}. Check channels.mail username and where its "
            "password is read from. Nothing was sent."
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise _wrong_channel(
            f"{_capital(where)} offers no way to log in that we know. Check channels.mail port and security. "
            "Nothing was sent."
        ) from None
    except (smtplib.SMTPException, OSError):
        raise Temporary(
            f"{_capital(where)} broke off during the login. Nothing was sent; try again, and "
            "check the password if it goes on."
        ) from None


def _hand_over(smtp: smtplib.SMTP, message: EmailMessage, where: str) -> None:
    sender = parseaddr(str(message["From"]))[1]
    fields = [str(value) for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])]
    recipients = [address for _, address in getaddresses(fields) if address]
    international = not all(address.isascii() for address in (sender, *recipients))
    if international and not smtp.has_extn("smtputf8"):
        raise OperationFailed(f"{_capital(where)} cannot carry an address with letters beyond ASCII. Not sent.")
    text = _wire_text(message, international=international)
    try:
        _must_be(smtp.mail(sender, ["SMTPUTF8"] if international else []), "the sender", where)
        for recipient in recipients:
            _must_be(smtp.rcpt(recipient), "a recipient", where)
        _must_be(smtp.docmd("DATA"), "the mail", where, expected=_GO_AHEAD)
        smtp.send(text)
    except (smtplib.SMTPException, OSError) as fault:
        raise Temporary(
            f"{_capital(where)} broke off before the mail was handed over ({_reason(fault)}). It was not taken; "
            "trying again is safe."
        ) from fault
    try:
        smtp.send(b".\r\n")
        answer = smtp.getreply()
    except (smtplib.SMTPException, OSError) as fault:
        raise OutcomeUnknown(
            f"{_capital(where)} broke off after it had the whole mail and before it answered ({_reason(fault)}). "
            "It may have been delivered. Ask the addressee or the mail server's log before sending again."
        ) from fault
    _must_be(answer, "the mail", where)


def _wire_text(message: EmailMessage, *, international: bool) -> bytes:
    """Return the message as it crosses the wire: CRLF lines, leading dots doubled (RFC 5321 4.5.2), no Bcc."""
    if "Bcc" in message:
        message = copy(message)
        del message["Bcc"]
    return _dotted(message.as_bytes(policy=SMTP.clone(utf8=international)))


def _dotted(content: bytes) -> bytes:
    lines = content.splitlines()
    return b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines)


def _must_be(answer: tuple[int, bytes], what: str, where: str, *, expected: int = 250) -> None:
    code, reply = answer
    if code == expected or (expected == 250 and 250 <= code < 260):  # noqa: PLR2004 - RFC 5321: 250, 251, 252
        return
    said = " ".join(reply.decode("utf-8", "replace").split())[:_LONGEST_REPLY]
    if code >= _FIRST_PERMANENT:
        raise OperationFailed(
            f"{_capital(where)} refused {what} for good: {code} {said}. It was not delivered. Correct the "
            "address or the channel, or send the text by hand and record it."
        )
    raise Temporary(f"{_capital(where)} put {what} off: {code} {said}. It was not taken; trying again is safe.")


def _wrong_channel(sentence: str) -> ConfigurationError:
    return ConfigurationError(Problem(Place("tocsin.yaml"), sentence))


def _reason(fault: Exception) -> str:
    # smtplib reports a timeout as a lost connection and keeps the cause beside it.
    if isinstance(fault, TimeoutError) or isinstance(fault.__context__, TimeoutError):
        return "no answer in time"
    if isinstance(fault, ConnectionRefusedError):
        return "connection refused"
    if isinstance(fault, socket.gaierror):
        return "its name is not known"
    if isinstance(fault, smtplib.SMTPResponseException):
        return f"it answered {fault.smtp_code}"
    if isinstance(fault, smtplib.SMTPServerDisconnected | ConnectionError):
        return "connection lost"
    return getattr(fault, "strerror", None) or type(fault).__name__


def _tls_reason(fault: ssl.SSLError) -> str:
    if isinstance(fault, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {fault.verify_message}"
    return (fault.reason or "TLS failed").replace("_", " ").lower()


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _close(smtp: smtplib.SMTP | None) -> None:
    if smtp is not None:
        smtp.close()
