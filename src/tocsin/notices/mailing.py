"""An approved letter as thousands of mails: composed once, then only what is put in changes. Pure.

    mailing = Mailing(merge, sender, date)
    mailing.mail(recipient, "ann@home.example", key)        the bytes that cross the wire, and are hashed

The reader gets the letter as plain text and as HTML. The Message-ID holds the row's key, fixed when the list was
loaded, so the mail is the same bytes however often it has to be tried.
"""

import hashlib
from binascii import b2a_qp
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Final

from tocsin.notices.bulk import LetterMerge, Recipient
from tocsin.notices.message import html_page
from tocsin.notices.papers import plain_text
from tocsin.notices.sheet import ADDRESS_MARK, NAME_MARK

_PART: Final = (
    '--{boundary}\r\nContent-Type: text/{kind}; charset="utf-8"\r\n'
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
)


class Mailing:
    """One letter, ready to be made out as mail to each of its readers."""

    def __init__(self, merge: LetterMerge, sender: Address, date: datetime) -> None:
        self._domain = sender.domain
        # The subject stands in the head of the mail.
        self._text = plain_text(merge.draft).removeprefix(f"{merge.draft.subject}\n").lstrip("\n")
        self._html = html_page(merge.draft)
        head = EmailMessage(policy=SMTP)
        head["From"] = sender
        head["Subject"] = merge.draft.subject
        head["Date"] = format_datetime(date)
        # Nobody's out-of-office note is to answer ten thousand times (RFC 3834).
        head["Auto-Submitted"] = "auto-generated"
        head["MIME-Version"] = "1.0"
        self._head = head.as_bytes().rstrip(b"\r\n") + b"\r\n"

    def message_id(self, key: str) -> str:
        """Return the Message-ID of the mail whose row has this key."""
        return f"<{key}@{self._domain}>"

    def mail(self, recipient: Recipient, email: str, key: str) -> bytes:
        """Return one reader's mail."""
        boundary = f"=_{hashlib.sha256(key.encode()).hexdigest()[:32]}"
        own = (
            f"To: {email}\r\nMessage-ID: {self.message_id(key)}\r\n"
            f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
        )
        plain = self._text.replace(NAME_MARK, recipient.name).replace(ADDRESS_MARK, ", ".join(recipient.address))
        page = self._html.replace(NAME_MARK, escape(recipient.name)).replace(
            ADDRESS_MARK, "<br>\n".join(escape(line) for line in recipient.address)
        )
        return b"".join(
            (
                self._head,
                own.encode(),
                _PART.format(boundary=boundary, kind="plain").encode(),
                _quoted(plain),
                b"\r\n",
                _PART.format(boundary=boundary, kind="html").encode(),
                _quoted(page),
                f"\r\n--{boundary}--\r\n".encode(),
            )
        )


def _quoted(text: str) -> bytes:
    return b2a_qp(text.encode(), istext=True).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
