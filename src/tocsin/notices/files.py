"""The outbox folder: an approved text as files a person can open, print and attach."""

from email.headerregistry import Address
from pathlib import Path

from sqlalchemy import update

from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.notices.deliveries import FILE, deliveries
from tocsin.notices.message import html_page, mail_message
from tocsin.notices.register import Notice, Shown
from tocsin.store.tables import delivery


def outbox_path(ctx: Context, current: Notice, ending: str) -> Path:
    """Return where a notice's file lies: the incident's folder, one name for each version."""
    whom = current.addressee.replace(":", "-")
    name = f"{whom}-{current.template.replace('/', '-')}-{current.id[:8]}-v{current.version}{ending}"
    return ctx.workspace.outbox / current.incident / name


def sender_of(ctx: Context) -> Address:
    """Return who a mail is from: the mail channel's address, else the organisation's contact."""
    organisation, mail = ctx.workspace.organisation, ctx.workspace.channels.mail
    contact = organisation.contact.email if organisation.contact else None
    user, _, domain = (mail.sender if mail else contact or "breach@localhost").rpartition("@")
    return Address(organisation.name, username=user, domain=domain)


def write_files(ctx: Context, exact: Shown) -> None:
    """Write the text as Markdown, and as mail or page, into the outbox; written again it is the same bytes."""
    text = outbox_path(ctx, exact.notice, ".md")
    private_folder(text.parent)
    write_durably(text, exact.text.encode())
    rows = deliveries(ctx, exact.notice.id)
    row = next((row for row in rows if row.channel == FILE), None)
    if exact.addressee.addresses and row is not None:
        message = mail_message(
            exact.notice.draft,
            sender=sender_of(ctx),
            to=exact.addressee.addresses,
            message_id=row.message_id,
            date=row.intended_at,
        )
        write_durably(text.with_name(f"{text.stem}.eml"), message.as_bytes())
    else:
        write_durably(text.with_name(f"{text.stem}.html"), html_page(exact.notice.draft).encode())
    ctx.crash.reach("notice:files")
    if row is not None and row.state != "sent":
        with ctx.store.write(ctx.actor) as tx:
            tx.execute(update(delivery).where(delivery.c.id == row.id).values(state="sent", finished_at=tx.now))
