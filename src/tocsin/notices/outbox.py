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

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import insert, update

from tocsin.context import Context
from tocsin.errors import (
    ConfigurationError,
    OperationFailed,
    OutcomeUnknown,
    Refused,
    Temporary,
    TocsinError,
    UsageError,
)
from tocsin.notices.approval import refuse_unready
from tocsin.notices.deliveries import FILE, MAIL, Delivery, deliveries, delivery_of, rows_of
from tocsin.notices.files import outbox_path, sender_of, write_files
from tocsin.notices.message import mail_message
from tocsin.notices.register import Notice, Shown, current_notice, notice_of, require_person, shown
from tocsin.store.database import JsonValue, Transaction
from tocsin.store.operations import Operation, begin, finish
from tocsin.store.tables import delivery, notice


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
    refuse_unready(ctx, exact)
    with held_operation(ctx, exact.notice) as operation:
        _mark_interrupted(ctx, exact.notice)
        _intend(ctx, exact)
        write_files(ctx, exact)
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
        with held_operation(ctx, notice_of(ctx, found.notice)) as operation:
            _mark_interrupted(ctx, notice_of(ctx, found.notice))
            with ctx.store.write(ctx.actor) as tx:
                finish(tx, operation, "unknown")
    with ctx.store.write(ctx.actor) as tx:
        changed = tx.execute(
            update(delivery)
            .where(delivery.c.id == found.id, delivery.c.state == "unknown")
            .values(state="sent" if happened else "intended", finished_at=tx.now if happened else None)
        )
        if not changed.rowcount:
            raise Refused(f"Delivery {found.id[:8]} is {found.state}, not unknown: there is nothing to resolve.")
        payload: dict[str, JsonValue] = {"notice": found.notice, "delivery": found.id, "happened": happened}
        tx.record("notice.resolved", f"notice:{found.notice}", payload)
        _settle(tx, found.notice)
    return delivery_of(ctx, found.id)


@contextmanager
def held_operation(ctx: Context, current: Notice) -> Iterator[Operation]:
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
        for row in rows_of(tx.connection, current, state="trying"):
            detail = "the sending process ended before the mail server's answer was recorded"
            tx.execute(update(delivery).where(delivery.c.id == row.id).values(state="unknown", detail=detail))
            tx.record("notice.unknown", f"notice:{current.id}", {"notice": current.id, "delivery": row.id})


def _intend(ctx: Context, exact: Shown) -> None:
    """Write a row for each way out that has none; one that certainly failed may be tried again."""
    wanted = [(FILE, str(outbox_path(ctx, exact.notice, ".md").relative_to(ctx.workspace.outbox)))]
    if ctx.workspace.channels.mail:
        wanted += [(MAIL, address) for address in exact.addressee.addresses]
    domain = sender_of(ctx).domain
    with ctx.store.write(ctx.actor) as tx:
        rows = {(row.channel, row.address): row for row in rows_of(tx.connection, exact.notice)}
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
                detail = "no longer an address of this notice"
                stopped = update(delivery).where(delivery.c.id == row.id)
                tx.execute(stopped.values(state="failed", detail=detail, finished_at=tx.now))
    ctx.crash.reach("notice:intended")


def _try_all(ctx: Context, exact: Shown) -> None:
    for row in deliveries(ctx, exact.notice.id):
        if row.channel == MAIL and row.state == "intended":
            _try(ctx, exact, row)


def _try(ctx: Context, exact: Shown, row: Delivery) -> None:
    """Send one mail, once. Any fault that is not one of the mailer's own leaves the row trying: later, unknown."""
    about: dict[str, JsonValue] = {"notice": exact.notice.id, "delivery": row.id}
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
        sender=sender_of(ctx),
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
    states = {row.state for row in rows_of(tx.connection, current) if row.channel == MAIL}
    if "sent" in states and not states & {"intended", "trying", "unknown"} and current.state == "approved":
        tx.execute(update(notice).where(notice.c.id == identity).values(state="sent", left_at=tx.now))


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
