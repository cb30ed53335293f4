"""A notice as mail and as files: the same bytes each time, from the same text, address, time and Message-ID."""

import hashlib
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Final

from markdown_it import MarkdownIt

from tocsin.notices.sheet import Draft

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:{size}/1.5 sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem;color:#222}}
h1{{font-size:1.5em}}h2{{font-size:1.2em;margin-top:2rem}}h3{{font-size:1em}}</style></head>
<body>
{body}</body>
</html>
"""


def html_page(draft: Draft, *, large_print: bool = False) -> str:
    """Return the text as one HTML page without scripts; markup inside the Markdown stays text."""
    size = "18pt" if large_print else "1rem"
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    return _PAGE.format(size=size, title=escape(draft.subject), body=markdown.render(draft.body))


def mail_message(
    draft: Draft, *, sender: Address, to: tuple[str, ...], message_id: str, date: datetime
) -> EmailMessage:
    """Return the mail: the approved Markdown as plain text, and as HTML. `date` is set once, at intent."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    if to:
        message["To"] = ", ".join(to)
    message["Subject"] = draft.subject
    message["Date"] = format_datetime(date)
    message["Message-ID"] = message_id
    message.set_content(draft.body, cte="quoted-printable")
    message.add_alternative(html_page(draft), subtype="html", cte="quoted-printable")
    # Left alone the boundary is random, and a file written again after a crash would differ.
    message.set_boundary(f"=_{hashlib.sha256(message_id.encode()).hexdigest()[:32]}")
    return message
