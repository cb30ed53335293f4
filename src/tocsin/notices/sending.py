"""Send a notice, whichever way it goes: to its addresses, to a list of readers, or by hand; and resolve it.

send_notice(ctx, id)            one door for the command line, playbook steps and rounds
resolve_delivery(ctx, id)       a delivery, or one reader's letter, whose outcome was unknown
retry_due(ctx)                  what the mail server could not take before: each round tries it again
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sqlalchemy import select, update

from tocsin.context import Context
from tocsin.errors import Refused, Temporary, TocsinError
from tocsin.notices import outbox
from tocsin.notices.batches import settle
from tocsin.notices.deliveries import MAIL, Delivery
from tocsin.notices.outbox import Sent, held_operation
from tocsin.notices.pace import QUIETLY, Followed, pause_after
from tocsin.notices.posting import Posted, mark_interrupted, post, posted
from tocsin.notices.recipient_rows import Reader, reader_with
from tocsin.notices.register import Notice, notice_of, require_person
from tocsin.store.operations import finish
from tocsin.store.tables import delivery, notice, recipient, recipient_list

A_ROUND: Final = timedelta(minutes=2)
"""How long one round of the watch sends to a list before it looks at everything else again."""


@dataclass(frozen=True, slots=True)
class SentToMany(Sent):
    """What came of sending to a list of readers."""

    to_many: Posted | None = None


def send_notice(
    ctx: Context, identity: str, follow: Followed = QUIETLY, *, refused_again: bool = False
) -> SentToMany:
    """Send an approved notice; one that has been sent is only reported. Raises what `outbox` and `posting` do."""
    current = notice_of(ctx, identity)
    if posted(ctx, current) is None:
        sent = outbox.send_notice(ctx, current.id)
        return SentToMany(sent.notice, sent.deliveries, sent.by_hand)
    done = post(ctx, current.id, follow, refused_again=refused_again)
    return SentToMany(done.notice, (), by_hand=False, to_many=done)


def resolve_delivery(ctx: Context, identity: str, *, happened: bool) -> Delivery | Reader:
    """Say what a person found out about a delivery, or one reader's letter, whose outcome was unknown.

    Happened: it counts as sent. Did not happen: it may be sent again. Raises Refused for one that is not unknown,
    UsageError for one that does not exist.
    """
    with ctx.store.read() as connection:
        reader = reader_with(connection, identity)
    if reader is None:
        return outbox.resolve_delivery(ctx, identity, happened=happened)
    require_person(ctx.workspace, ctx.actor, "say whether a letter arrived")
    current = notice_of(ctx, reader.notice)
    if reader.state == "trying":
        with held_operation(ctx, current) as operation, ctx.store.write(ctx.actor) as tx:
            mark_interrupted(tx, current)
            finish(tx, operation, "unknown")
    with ctx.store.write(ctx.actor) as tx:
        mine = (recipient.c.notice == reader.notice, recipient.c.position == reader.position)
        state = {"state": "sent" if happened else "intended", "finished_at": tx.now if happened else None}
        again = {} if happened else {"batch": None, "next_at": None}
        changed = tx.execute(
            update(recipient).where(*mine, recipient.c.state == "unknown").values(**state, **again, detail=None)
        )
        if not changed.rowcount:
            raise Refused(f"This letter is {reader.state}, not unknown: there is nothing to resolve.")
        payload = {"notice": reader.notice, "reader": reader.key, "happened": happened}
        tx.record("notice.resolved", f"notice:{reader.notice}", payload)
        settle(tx, reader.notice)
    with ctx.store.read() as connection:
        found = reader_with(connection, reader.key or "")
    return found or reader


@dataclass(frozen=True, slots=True)
class Retried:
    """One notice that a round tried again: its state now, and what still stands in the way ('' for nothing)."""

    notice: Notice
    trouble: str


def retry_due(ctx: Context, follow: Followed = QUIETLY) -> tuple[Retried, ...]:
    """Try again what somebody ordered to be sent and the mail server did not take; one trouble stops no other.

    A mail waits five minutes before its first second try. Nothing goes out that was not ordered and approved.
    """
    follow = replace(follow, for_at_most=follow.for_at_most or A_ROUND)
    tried = []
    for identity in _due(ctx):
        try:
            send_notice(ctx, identity, follow)
            trouble = ""
        except TocsinError as error:
            # Told in logs and alarms: no address, and no word of the mail server's, which may hold one.
            waits = "It still waits for the mail server." if isinstance(error, Temporary) else "It waits for you."
            trouble = f"{waits} See: tocsin notice show {identity[:8]}"
        tried.append(Retried(notice_of(ctx, identity), trouble))
    return tuple(tried)


def _due(ctx: Context) -> tuple[str, ...]:
    """Return approved notices with a mail that waits and may be tried; the longest waiting first."""
    now = ctx.clock.now()
    late = now - pause_after(1)
    one = (
        select(notice.c.id, delivery.c.tried_at)
        .join(delivery, delivery.c.notice == notice.c.id)
        .where(
            notice.c.state == "approved",
            delivery.c.channel == MAIL,
            delivery.c.state == "intended",
            delivery.c.tried_at <= late,
        )
    )
    many = (
        select(notice.c.id, recipient_list.c.tried_at)
        .join(recipient_list, recipient_list.c.notice == notice.c.id)
        .join(recipient, recipient.c.notice == notice.c.id)
        .where(
            notice.c.state == "approved",
            recipient_list.c.state == "sending",
            recipient.c.way == "mail",
            recipient.c.state == "intended",
            recipient.c.next_at.is_(None) | (recipient.c.next_at <= now),
        )
        .distinct()
    )
    with ctx.store.read() as connection:
        rows = [*connection.execute(one), *connection.execute(many)]
    return tuple(dict.fromkeys(row[0] for row in sorted(rows, key=lambda row: row[1])))
