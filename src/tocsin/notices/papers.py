"""A notice on paper and screen: Markdown, HTML, plain text, mail and PDF; in large print; and as a page of fields.

    md    the exact text that approvals are bound to       html  one page without scripts
    txt   plain text, wrapped                              eml   a mail to open and send, once it is approved
    pdf   through typst, where that optional package is installed

A text that nobody approved says so at its head, in every form.
"""

import json
import textwrap
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tocsin.context import Context
from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.notices.files import sender_of
from tocsin.notices.following import NOT_KNOWN_ANSWER
from tocsin.notices.message import html_page, mail_message
from tocsin.notices.register import Shown, shown
from tocsin.notices.sections import sections_of
from tocsin.notices.sheet import REGULATOR, Draft
from tocsin.pages import render_page
from tocsin.workspace import starter

FORMATS: Final = ("md", "html", "txt", "eml", "pdf")
_WIDTH: Final = 76
_LARGE_WIDTH: Final = 45
_UNAPPROVED: Final = "DRAFT. Nobody has approved this text: it must not leave the house."
_APPROVED: Final = frozenset({"approved", "sent", "recorded"})


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a text: a heading, a paragraph, a quotation or a list's item, without markup."""

    kind: str
    text: str
    level: int = 0


def export_notice(ctx: Context, identity: str, form: str, *, large_print: bool = False) -> bytes:
    """Return a notice's current version in one form.

    Raises UsageError for an unknown form or where typst is missing, Refused for a mail of an unapproved text.
    """
    if form not in FORMATS:
        raise UsageError(f"A notice cannot be written as {form!r}.{did_you_mean(form, FORMATS)}")
    exact = shown(ctx, identity)
    approved = exact.notice.state in _APPROVED
    if form == "eml":
        return _mail(ctx, exact, approved=approved)
    if form == "md":
        return (exact.text if approved else f"> {_UNAPPROVED}\n\n{exact.text}").encode()
    draft = exact.notice.draft
    marked = draft if approved else replace(draft, body=f"**{_UNAPPROVED}**\n\n{draft.body}")
    return as_paper(marked, form, large_print=large_print)


def as_paper(draft: Draft, form: str, *, large_print: bool = False) -> bytes:
    """Return a text as `md`, `html`, `txt` or `pdf`. Raises UsageError where typst is missing."""
    if form == "md":
        return f"Subject: {draft.subject}\n\n{draft.body}".encode()
    if form == "html":
        return html_page(draft, large_print=large_print).encode()
    if form == "txt":
        return plain_text(draft, large_print=large_print).encode()
    return _pdf(draft, large_print=large_print)


def fields_page(ctx: Context, identity: str) -> str:
    """Return one self-contained page with each field of a notice and a button that copies it."""
    exact = shown(ctx, identity)
    fields = [
        {"title": each.title, "text": each.text, "owed": each.text == NOT_KNOWN_ANSWER}
        for each in sections_of(exact.notice.body)
        if each.level > 1
    ]
    facts = {
        "subject": exact.notice.subject,
        "notice": exact.notice.id[:8],
        "version": exact.notice.version,
        "incident": exact.notice.incident,
        "addressee": exact.addressee.name,
        "sha256": exact.sha256,
        "approved": exact.notice.state in _APPROVED,
        "online_form": exact.addressee.kind == REGULATOR,
        "owed": sum(bool(field["owed"]) for field in fields),
        "fields": fields,
    }
    return render_page(ctx.workspace, "reports/notice-fields.html.j2", facts)


def plain_text(draft: Draft, *, large_print: bool = False) -> str:
    """Return the text without markup, wrapped; in large print in short lines with room between them."""
    width = _LARGE_WIDTH if large_print else _WIDTH
    pieces, last = [draft.subject, ""], ""
    for block in blocks_of(draft.body):
        if pieces[-1] and not (last == block.kind == "item" and not large_print):
            pieces.append("")
        first, then = {"item": ("- ", "  "), "quote": ("> ", "> ")}.get(block.kind, ("", ""))
        pieces += textwrap.wrap(
            block.text,
            width,
            initial_indent=first,
            subsequent_indent=then,
            break_long_words=False,
            break_on_hyphens=False,
        )
        if block.kind == "heading" and not large_print:
            pieces.append(("=" if block.level == 1 else "-") * min(len(block.text), width))
        last = block.kind
    return "\n".join(pieces) + "\n"


def blocks_of(body: str) -> tuple[Block, ...]:
    """Return a Markdown text as pieces without markup, in order."""
    found, kind, level = list[Block](), "paragraph", 0
    quoted = listed = 0
    for token in MarkdownIt("commonmark", {"html": False}).parse(body):
        quoted += {"blockquote_open": 1, "blockquote_close": -1}.get(token.type, 0)
        listed += {"list_item_open": 1, "list_item_close": -1}.get(token.type, 0)
        if token.type == "heading_open":
            kind, level = "heading", int(token.tag[1:])
        elif token.type == "paragraph_open":
            kind, level = ("quote" if quoted else "item" if listed else "paragraph"), 0
        elif token.type == "inline":
            found.append(Block(kind, _words(token), level))
    return tuple(found)


def _words(token: Token) -> str:
    return "".join(
        "\n" if each.type in {"softbreak", "hardbreak"} else each.content for each in token.children or ()
    ).replace("\n", " ")


def _mail(ctx: Context, exact: Shown, *, approved: bool) -> bytes:
    if not approved:
        raise Refused(
            f"Nobody has approved notice {exact.notice.id[:8]}, so no mail is made of it. Approve it first, or "
            "export it as html or md to read it. Nothing was written."
        )
    sender = sender_of(ctx)
    message = mail_message(
        exact.notice.draft,
        sender=sender,
        to=exact.addressee.addresses,
        message_id=f"<{exact.sha256[:32]}@{sender.domain}>",
        date=exact.notice.edited_at,
    )
    return message.as_bytes()


def _pdf(draft: Draft, *, large_print: bool) -> bytes:
    try:
        typst = import_module("typst")
    except ImportError:
        raise UsageError(
            "To write PDF, Tocsin needs the package typst: install tocsin[pdf]. Nothing was written. HTML is "
            "always there: --format html, and any browser prints it to PDF."
        ) from None
    content = {
        "subject": draft.subject,
        "large": large_print,
        "blocks": [{"kind": each.kind, "text": each.text, "level": each.level} for each in blocks_of(draft.body)],
    }
    template = starter() / "templates" / "reports" / "notice.typ"
    return bytes(typst.compile(template.read_bytes(), sys_inputs={"notice": json.dumps(content)}))
