"""The outbox: intent before, outcome after, and nothing sent twice or lost.

1. The approval is looked up for the exact text, and the guard runs once more.
2. One row for the files and one for each mail address is written, with the Message-ID it will bear: *intended*.
3. The files are written; written again after a crash they are the same bytes.
4. For each address: *trying* is committed, the mail is handed over, *sent* is committed.

A row still *trying* when its process is gone may have been delivered or not. The next send turns it to
*unknown*, and a person has to find out (`resolve_delivery`). What certainly was not taken stays *intended*.
Where there is no mail (the ICO's form is online; no channel; no address) the files are all: somebody sends
the text by hand and records it with its proof (`record_sent`).
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.errors import (
    ConfigurationError,
    OperationFailed,
    OutcomeUnknown,
    Refused,
    Temporary,
    TocsinError,
    UsageError,
)
from tocsin.notices.approval import approved_by
from tocsin.notices.guard import blocks
from tocsin.notices.message import html_page, mail_message
from tocsin.notices.register import Notice, Shown, current_notice, notice_of, require_person, shown
from tocsin.store.database import Transaction
from tocsin.store.operations import Operation, begin, finish, is_alive
from tocsin.store.tables import delivery, notice
from tocsin.store.tables import operation as operations

FILE, MAIL = "file", "mail"
_LONGEST_PROOF_BYTES = 25_000_000
_SENDING = select(operations.c.subject, operations.c.process).where(
    operations.c.kind == "notice.send", operations.c.state == "started"
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One way out of one version: the files, or one mail address."""

    id: str
    notice: str
    version: int
    sha256: str
    channel: str
    address: str
    message_id: str
    state: str
    intended_at: datetime
    tried_at: datetime | None
    finished_at: datetime | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of sending. `by_hand`: only files were written, a person has to send them and record it."""

    notice: Notice
    deliveries: tuple[Delivery, ...]
    by_hand: bool


def send_notice(ctx: Context, identity: str) -> Sent:
    """Send an approved notice; one that has been sent is only reported.

    Raises:
        Refused: nobody approved exactly this text, or the guard stops it; nothing was sent.
        OutcomeUnknown: a delivery may or may not have happened; a person has to resolve it.
        Temporary: a copy certainly did not go; sending again is safe.
        OperationFailed: the mail server refused every copy for good, or the files could not be written.
    """
    exact = shown(ctx, identity)
    if exact.notice.state in {"sent", "recorded"}:
        return _outcome(ctx, exact)
    _refuse_unready(ctx, exact)
    with _operation(ctx, exact.notice) as operation:
        _mark_interrupted(ctx, exact.notice)
        _intend(ctx, exact)
        _write_files(ctx, exact)
        _try_all(ctx, exact)
        _conclude(ctx, exact, operation)
    return _outcome(ctx, shown(ctx, exact.notice.id))


def resolve_delivery(ctx: Context, identity: str, *, happened: bool) -> Delivery:
    """Say what a person found out about a delivery whose outcome was unknown.

    Happened: it counts as sent. Did not happen: it may be sent again. Raises Refused for a delivery that is
    not unknown, UsageError for one that does not exist.
    """
    require_person(ctx.workspace, ctx.actor, "say whether a notice arrived")
    found = delivery_of(ctx, identity)
    if found.state == "trying":
        with _operation(ctx, notice_of(ctx, found.notice)) as operation:
            _mark_interrupted(ctx, notice_of(ctx, found.notice))
            with ctx.store.write(ctx.actor) as tx:
                finish(tx, operation, "unknown")
    with ctx.store.write(ctx.actor) as tx:
        values = {"state": "sent", "finished_at": tx.now} if happened else {"state": "intended"}
        changed = tx.execute(
            update(delivery).where(delivery.c.id == found.id, delivery.c.state == "unknown").values(**values)
        )
        if not changed.rowcount:
            raise Refused(f"Delivery {found.id[:8]} is {found.state}, not unknown: there is nothing to resolve.")
        payload = {"notice": found.notice, "delivery": found.id, "happened": happened}
        tx.record("notice.resolved", f"notice:{found.notice}", payload)
        _settle(tx, found.notice)
    return delivery_of(ctx, found.id)


def record_sent(ctx: Context, identity: str, *, reference: str | None = None, proof: Path | None = None) -> Notice:
    """Record that an approved notice was sent by hand: with a reference (a case number), a file as proof, or both.

    The proof is copied beside the notice in the outbox and its hash journalled. Raises UsageError without
    either, Refused when the text was not approved or a mail of it is still of unknown outcome.
    """
    require_person(ctx.workspace, ctx.actor, "record that a notice was sent")
    exact = shown(ctx, identity)
    if exact.notice.state == "recorded":
        return exact.notice
    if not (reference or "").strip() and proof is None:
        raise UsageError(
            "Say how it can be proved: --reference (a case or message number) or --proof FILE, or both."
        )
    _refuse_unready(ctx, exact)
    _write_files(ctx, exact)
    proof_sha256 = _keep_proof(ctx, exact, proof) if proof else None
    with ctx.store.write(ctx.actor) as tx:
        if any(row.state in {"trying", "unknown"} for row in _rows(tx.connection, exact.notice)):
            raise Refused(
                f"A mail of notice {exact.notice.id[:8]} may have gone out. Resolve that first: "
                "`tocsin notice resolve`. Nothing was recorded."
            )
        tx.execute(update(notice).where(notice.c.id == exact.notice.id).values(state="recorded"))
        tx.execute(
            update(delivery)
            .where(delivery.c.notice == exact.notice.id, delivery.c.state == "intended")
            .values(state="failed", finished_at=tx.now, detail="sent by hand instead")
        )
        tx.record(
            "notice.recorded",
            f"notice:{exact.notice.id}",
            {
                "notice": exact.notice.id,
                "version": exact.notice.version,
                "sha256": exact.sha256,
                "proof_sha256": proof_sha256,
            },
            {"reference": reference} if reference else None,
        )
    ctx.crash.reach("notice:recorded")
    return notice_of(ctx, exact.notice.id)


def deliveries(ctx: Context, identity: str) -> tuple[Delivery, ...]:
    """Return the deliveries of a notice's current version: the files first, then by address."""
    with ctx.store.read() as connection:
        return _rows(connection, notice_of(ctx, identity))


def unknown_deliveries(ctx: Context) -> tuple[Delivery, ...]:
    """Return every delivery that waits for a person to say whether it happened, one cut off just now included."""
    with ctx.store.read() as connection:
        rows = connection.execute(select(delivery).where(delivery.c.state.in_(("unknown", "trying")))).all()
        running = {row.subject for row in connection.execute(_SENDING) if is_alive(row.process)}
    found = (Delivery(**row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's public name for it
    return tuple(row for row in found if row.state == "unknown" or f"notice:{row.notice}" not in running)


def delivery_of(ctx: Context, identity: str) -> Delivery:
    """Return one delivery by its id or the unambiguous beginning of it. Raises UsageError when there is none."""
    query = select(delivery).where(delivery.c.id.startswith(identity, autoescape=True)).limit(2)
    with ctx.store.read() as connection:
        rows = connection.execute(query).all()
    if len(rows) != 1 or not identity:
        raise UsageError(f"There is no single delivery {identity}. `tocsin notice show ID` lists them.")
    return Delivery(**rows[0]._mapping)  # noqa: SLF001


def outbox_path(ctx: Context, current: Notice, ending: str) -> Path:
    """Return where a notice's file lies: the incident's folder, one name for each version."""
    name = f"{current.addressee}-{current.template.replace('/', '-')}-{current.id[:8]}-v{current.version}{ending}"
    return ctx.workspace.outbox / current.incident / name


def _refuse_unready(ctx: Context, exact: Shown) -> None:
    name = exact.notice.id[:8]
    with ctx.store.read() as connection:
        person = approved_by(connection, exact.notice.id, exact.sha256)
    if exact.notice.state != "approved" or person is None:
        raise Refused(
            f"Nobody has approved notice {name} with exactly this text and these addresses ({exact.sha256[:12]}…). "
            f"Nothing was sent. Read it with `tocsin notice show {name}`, then approve it."
        )
    if blocking := blocks(exact.findings):
        raise Refused(
            f"The guard stops notice {name} although it was approved; nothing was sent. Edit it.\n"
            + "\n".join(f"- {finding.text}" for finding in blocking)
        )


@contextmanager
def _operation(ctx: Context, current: Notice) -> Iterator[Operation]:
    """Hold the one right to send this notice; a known error ends the operation, a crash leaves it open."""
    operation = begin(ctx.store, ctx.actor, "notice.send", f"notice:{current.id}", {"version": current.version})
    try:
        yield operation
    except TocsinError as error:
        with ctx.store.write(ctx.actor) as tx:
            finish(tx, operation, type(error).__name__)
        raise


def _mark_interrupted(ctx: Context, current: Notice) -> None:
    """Turn rows left *trying* to *unknown*. Only called while holding the operation: whoever tried is gone."""
    with ctx.store.write(ctx.actor) as tx:
        for row in _rows(tx.connection, current, state="trying"):
            detail = "the sending process ended before the mail server's answer was recorded"
            tx.execute(update(delivery).where(delivery.c.id == row.id).values(state="unknown", detail=detail))
            tx.record("notice.unknown", f"notice:{current.id}", {"notice": current.id, "delivery": row.id})


def _intend(ctx: Context, exact: Shown) -> None:
    """Write a row for each way out that has none; one that certainly failed may be tried again."""
    wanted = [(FILE, str(outbox_path(ctx, exact.notice, ".md").relative_to(ctx.workspace.outbox)))]
    if ctx.workspace.channels.mail:
        wanted += [(MAIL, address) for address in exact.addressee.addresses]
    domain = _sender(ctx).domain
    with ctx.store.write(ctx.actor) as tx:
        rows = {(row.channel, row.address): row for row in _rows(tx.connection, exact.notice)}
        for channel, address in wanted:
            row = rows.get((channel, address))
            if row is None:
                identity = ctx.store.new_id()
                tx.execute(
                    insert(delivery).values(
                        id=identity,
                        notice=exact.notice.id,
                        version=exact.notice.version,
                        sha256=exact.sha256,
                        channel=channel,
                        address=address,
                        message_id=f"<{identity}@{domain}>",
                        state="intended",
                        intended_at=tx.now,
                    )
                )
            elif row.state in {"failed", "intended"}:
                values = {"state": "intended", "sha256": exact.sha256, "detail": None}
                tx.execute(update(delivery).where(delivery.c.id == row.id).values(**values))
        for (channel, address), row in rows.items():
            # An address that has left the workspace is no longer part of what was approved.
            if (channel, address) not in wanted and row.state == "intended":
                values = {
                    "state": "failed",
                    "detail": "no longer an address of this notice",
                    "finished_at": tx.now,
                }
                tx.execute(update(delivery).where(delivery.c.id == row.id).values(**values))
    ctx.crash.reach("notice:intended")


def _write_files(ctx: Context, exact: Shown) -> None:
    """Write the text as Markdown, and as mail or page, into the outbox."""
    text = outbox_path(ctx, exact.notice, ".md")
    private_folder(text.parent)
    write_durably(text, exact.text.encode())
    rows = deliveries(ctx, exact.notice.id)
    row = next((row for row in rows if row.channel == FILE), None)
    if exact.addressee.addresses and row is not None:
        message = mail_message(
            exact.notice.draft,
            sender=_sender(ctx),
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


def _try_all(ctx: Context, exact: Shown) -> None:
    for row in deliveries(ctx, exact.notice.id):
        if row.channel == MAIL and row.state == "intended":
            _try(ctx, exact, row)


def _try(ctx: Context, exact: Shown, row: Delivery) -> None:
    """Send one mail, once. Any fault that is not one of the mailer's own leaves the row trying: later, unknown."""
    about = {"notice": exact.notice.id, "delivery": row.id}
    subject = f"notice:{exact.notice.id}"
    with ctx.store.write(ctx.actor) as tx:
        claimed = tx.execute(
            update(delivery)
            .where(delivery.c.id == row.id, delivery.c.state == "intended")
            .values(state="trying", tried_at=tx.now)
        )
        if not claimed.rowcount:
            return
        tx.record("notice.sending", subject, {**about, "version": row.version, "sha256": exact.sha256})
    ctx.crash.reach("notice:trying")
    message = mail_message(
        exact.notice.draft,
        sender=_sender(ctx),
        to=(row.address,),
        message_id=row.message_id,
        date=row.intended_at,
    )
    state, kind, detail, stop = "sent", "notice.sent", None, None
    try:
        ctx.mailer.send(message)
    except OutcomeUnknown as error:
        state, kind, detail = "unknown", "notice.unknown", str(error)
    except Temporary as error:
        state, kind, detail = "intended", "notice.postponed", str(error)
    except OperationFailed as error:
        state, kind, detail = "failed", "notice.failed", str(error)
    except (ConfigurationError, UsageError) as error:
        state, kind, detail, stop = "intended", "notice.postponed", str(error), error
    ctx.crash.reach("notice:after-smtp")
    finished = None if state == "intended" else ctx.clock.now()
    with ctx.store.write(ctx.actor) as tx:
        tx.execute(
            update(delivery)
            .where(delivery.c.id == row.id, delivery.c.state == "trying")
            .values(state=state, finished_at=finished, detail=detail)
        )
        tx.record(kind, subject, about)
    if stop is not None:
        raise stop


def _conclude(ctx: Context, exact: Shown, operation: Operation) -> None:
    """Settle the notice and end the operation, or raise what still stands in the way."""
    rows = [row for row in deliveries(ctx, exact.notice.id) if row.channel == MAIL]
    if unknown := [row for row in rows if row.state == "unknown"]:
        raise OutcomeUnknown(_unknown_sentence(exact.notice, unknown))
    if late := next((row for row in rows if row.state == "intended"), None):
        raise Temporary(f"Notice {exact.notice.id[:8]} has not gone to everybody yet. {late.detail or ''}".strip())
    if rows and not any(row.state == "sent" for row in rows):
        raise OperationFailed(
            f"Notice {exact.notice.id[:8]} reached nobody by mail. {rows[0].detail or ''}".strip()
        )
    with ctx.store.write(ctx.actor) as tx:
        _settle(tx, exact.notice.id)
        finish(tx, operation, "sent" if rows else "by hand")


def _settle(tx: Transaction, identity: str) -> None:
    """Call a notice sent when a mail of it has gone and none is open."""
    current = current_notice(tx, identity)
    states = {row.state for row in _rows(tx.connection, current) if row.channel == MAIL}
    if "sent" in states and not states & {"intended", "trying", "unknown"} and current.state == "approved":
        tx.execute(update(notice).where(notice.c.id == identity).values(state="sent"))


def _outcome(ctx: Context, exact: Shown) -> Sent:
    rows = deliveries(ctx, exact.notice.id)
    return Sent(exact.notice, rows, by_hand=exact.notice.state == "approved")


def _unknown_sentence(current: Notice, unknown: list[Delivery]) -> str:
    lines = [
        f"- to {row.address}, Message-ID {row.message_id}: `tocsin notice resolve {row.id[:8]} --happened` "
        "or `--did-not-happen`"
        for row in unknown
    ]
    return (
        f"Notice {current.id[:8]} may or may not have been delivered; it was not sent again. Ask the addressee or "
        "look into the mail server's log for the Message-ID, then say what happened:\n" + "\n".join(lines)
    )


def _rows(connection: Connection, current: Notice, *, state: str | None = None) -> tuple[Delivery, ...]:
    query = (
        select(delivery)
        .where(delivery.c.notice == current.id, delivery.c.version == current.version)
        .order_by(delivery.c.channel, delivery.c.address)
    )
    if state is not None:
        query = query.where(delivery.c.state == state)
    return tuple(Delivery(**row._mapping) for row in connection.execute(query))  # noqa: SLF001


def _sender(ctx: Context) -> Address:
    """Return who a mail is from: the mail channel's address, else the organisation's, under the organisation's name."""
    organisation, mail = ctx.workspace.organisation, ctx.workspace.channels.mail
    contact = organisation.contact.email if organisation.contact else None
    return Address(organisation.name, addr_spec=mail.sender if mail else contact or "breach@localhost")


def _keep_proof(ctx: Context, exact: Shown, proof: Path) -> str:
    try:
        size = proof.stat().st_size
        content = proof.read_bytes() if size <= _LONGEST_PROOF_BYTES else b""
    except OSError as fault:
        raise UsageError(f"The proof {proof} cannot be read: {fault.strerror}. Nothing was recorded.") from fault
    if not content:
        raise UsageError(f"The proof {proof} is empty or above 25 MB. Nothing was recorded.")
    write_durably(outbox_path(ctx, exact.notice, f".proof{proof.suffix.lower()}"), content)
    return hashlib.sha256(content).hexdigest()
