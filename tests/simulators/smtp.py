"""A real SMTP server on loopback (aiosmtpd), which can be told to fail in the ways mail servers do."""

import asyncio
import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

FAULTS = {
    "",
    "drop-at-recipient",
    "recipient-later",
    "recipient-never",
    "drop-after-text",
    "hang-after-text",
    "text-later",
    "text-never",
}


@dataclass
class Received:
    """One mail that the server took."""

    sender: str
    recipients: list[str]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)


class MailServer:
    """What it took (`received`), how many texts it saw (`texts_seen`), and the `fault` it plays.

    `readers` answers single addresses in its own way; `connections` counts greetings.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.texts_seen = 0
        self.fault = ""
        self.port = 0
        self.logins: list[str] = []
        self.readers: dict[str, str] = {}
        self.connections = 0

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.fault == "drop-at-recipient":
            server.transport.abort()
        if self.fault == "recipient-later":
            return "451 4.3.0 greylisted, come back"
        if self.fault == "recipient-never":
            return "550 5.1.1 no such mailbox"
        if address in self.readers:
            return self.readers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.texts_seen += 1
        if self.fault == "drop-after-text":
            server.transport.abort()
            return "250 nobody hears this"
        if self.fault == "hang-after-text":
            await asyncio.sleep(3600)
        if self.fault == "text-later":
            return "452 4.3.1 mailbox full"
        if self.fault == "text-never":
            return "554 5.7.1 refused by policy"
        self.received.append(Received(envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content))
        return "250 2.0.0 taken"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password == b"correct horse", handled=False)


class _OnOurSocket(Controller):
    """A controller on a socket bound before it starts, so that no port is guessed."""

    def __init__(
        self, handler: MailServer, bound: socket.socket, tls: ssl.SSLContext | None, **settings: Any
    ) -> None:
        self._bound = bound
        super().__init__(
            handler,
            hostname="127.0.0.1",
            port=bound.getsockname()[1],
            ssl_context=tls,
            ready_timeout=20,
            **settings,
        )

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._bound, ssl=self.ssl_context)

    def _trigger_server(self) -> None:
        """Make the first connection ourselves; over TLS the certificate is not the matter here."""
        if self.ssl_context is None:
            super()._trigger_server()
            return
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection((self.hostname, self.port), 5) as plain,
            context.wrap_socket(plain) as channel,
        ):
            channel.recv(1024)


@contextmanager
def running(
    *,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    login: bool = False,
    port: int = 0,
) -> Iterator[MailServer]:
    """Run a mail server until the end of the block."""
    server = MailServer()
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    server.port = bound.getsockname()[1]
    settings: dict[str, Any] = {"tls_context": starttls, "require_starttls": starttls is not None}
    if login:
        settings |= {"authenticator": server.authenticate, "auth_required": True, "auth_require_tls": False}
    controller = _OnOurSocket(server, bound, tls, **settings)
    with warnings.catch_warnings():
        # aiosmtpd objects at each connection to logins without TLS; on loopback that is what is tried here.
        warnings.filterwarnings("ignore", "Requiring AUTH")
        controller.start()
        try:
            yield server
        finally:
            controller.stop(no_assert=True)
            bound.close()


@contextmanager
def silent() -> Iterator[int]:
    """Give the port of a server that takes connections and never says a word."""
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        yield listening.getsockname()[1]


def closed_port() -> int:
    """Give a port where nobody listens."""
    with closing(socket.socket()) as passing:
        passing.bind(("127.0.0.1", 0))
        port: int = passing.getsockname()[1]
    return port
