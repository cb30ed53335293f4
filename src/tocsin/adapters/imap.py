"""Read a mailbox over IMAP with TLS, changing nothing in it."""

import imaplib
import ssl
from collections.abc import Iterator

from tocsin.errors import ConfigurationError, Place, Problem, Temporary
from tocsin.model.channels import Mailbox

TIMEOUT_SECONDS = 30.0


class ImapMailbox:
    """Implements `tocsin.ports.Mailbox` over imaplib."""

    def __init__(self, mailbox: Mailbox, password: str, *, context: ssl.SSLContext | None = None) -> None:
        self._mailbox, self._password = mailbox, password
        self._context = context or ssl.create_default_context()

    def mails(self) -> Iterator[bytes]:
        """Return every mail of the folder, whole. Raises Temporary or ConfigurationError."""
        where = f"the mailbox {self._mailbox.username} at {self._mailbox.host}:{self._mailbox.port}"
        try:
            with imaplib.IMAP4_SSL(
                self._mailbox.host, self._mailbox.port, ssl_context=self._context, timeout=TIMEOUT_SECONDS
            ) as imap:
                self._log_in(imap, where)
                # Read-only: nothing is marked as seen.
                if imap.select(f'"{self._mailbox.folder}"', readonly=True)[0] != "OK":
                    raise _wrong(f"{where} has no folder {self._mailbox.folder!r}. Nothing was read.")
                for number in (imap.search(None, "ALL")[1][0] or b"").split():
                    found = imap.fetch(number.decode(), "(BODY.PEEK[])")[1]
                    yield from (part[1] for part in found if isinstance(part, tuple))
        except ssl.SSLCertVerificationError as wrong:
            raise _wrong(f"{where} has no valid certificate ({wrong.verify_message}). Nothing was read.") from None
        except (imaplib.IMAP4.error, OSError) as fault:
            reason = getattr(fault, "strerror", None) or type(fault).__name__
            raise Temporary(f"{where} could not be read ({reason}). Nothing was changed; try again.") from fault

    def _log_in(self, imap: imaplib.IMAP4_SSL, where: str) -> None:
        try:
            imap.login(self._mailbox.username, self._password)
        except imaplib.IMAP4.error:
            # What the library says of it may repeat what was typed.
            raise _wrong(f"{where} refused the login. Check channels.bulk.mailbox. Nothing was read.") from None


def _wrong(sentence: str) -> ConfigurationError:
    return ConfigurationError(Problem(Place("tocsin.yaml"), sentence[0].upper() + sentence[1:]))
