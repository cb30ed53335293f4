"""Forget whom letters went to, on schedule: names and addresses go, counts and hashes stay.

`channels.bulk keep_recipients` says how long after the last letter left (90 days where nothing is said). What
stays of each row is how it went and the SHA-256 of what left; its key and the list's salt are gone, so no one can
try out whether somebody stood in it. Whoever still has their letter can show that it is one of these.
"""

from dataclasses import dataclass

from sqlalchemy import select, update

from tocsin.context import Context
from tocsin.errors import Refused, UsageError
from tocsin.notices.batches import close_batch, root_of
from tocsin.notices.recipient_rows import counts_in, list_in
from tocsin.notices.register import notice_of, require_person
from tocsin.store.database import JsonValue
from tocsin.store.tables import recipient, recipient_list

_OPEN = ("intended", "trying", "unknown")
_PRIVATE = {"key": None, "name": None, "email": None, "address": None, "detail": None}


@dataclass(frozen=True, slots=True)
class Forgotten:
    """One list that was forgotten, and what stays of it."""

    notice: str
    readers: int
    root: str


def forget_due(ctx: Context) -> tuple[Forgotten, ...]:
    """Forget every list whose time is up. One with letters still open is kept until they are settled."""
    keep = ctx.workspace.channels.bulk.keep_recipients
    latest = ctx.clock.now() - keep
    never_used = (recipient_list.c.state == "loaded") & recipient_list.c.began_at.is_(None)
    with ctx.store.read() as connection:
        rows = connection.execute(
            select(recipient_list.c.notice).where(
                ((recipient_list.c.state == "done") & (recipient_list.c.ended_at <= latest))
                | (never_used & (recipient_list.c.loaded_at <= latest))
            )
        ).scalars()
        due = tuple(rows)
    return tuple(_forget(ctx, identity, "schedule") for identity in due)


def forget_recipients(ctx: Context, identity: str) -> Forgotten:
    """Forget one list now, by a person's decision.

    Raises UsageError when the notice has none, Refused while letters of it are still to go or of unknown outcome.
    """
    require_person(ctx.workspace, ctx.actor, "forget whom a letter went to")
    current = notice_of(ctx, identity)
    with ctx.store.read() as connection:
        listed = list_in(connection, current.id)
        counts = counts_in(connection, current.id)
    if listed is None:
        raise UsageError(f"Notice {current.id[:8]} has no list of readers. Nothing was changed.")
    if listed.state == "forgotten":
        raise UsageError(f"The list of notice {current.id[:8]} is forgotten already. Nothing was changed.")
    still = sum(counts.get(state, 0) for state in _OPEN)
    if listed.began_at is not None and still:
        raise Refused(
            f"{still} letters of notice {current.id[:8]} are still to go or of unknown outcome: forgotten now, "
            "these people would never be told. Send or resolve them first. Nothing was changed."
        )
    return _forget(ctx, current.id, "person")


def _forget(ctx: Context, identity: str, why: str) -> Forgotten:
    with ctx.store.write(ctx.actor) as tx:
        if tx.connection.dialect.name == "sqlite":
            tx.connection.exec_driver_sql("PRAGMA secure_delete = ON")  # overwritten, not just let go
        close_batch(tx, identity)
        counts = counts_in(tx.connection, identity)
        root = root_of(tx, identity)
        tx.execute(update(recipient).where(recipient.c.notice == identity).values(**_PRIVATE))
        tx.execute(
            update(recipient_list)
            .where(recipient_list.c.notice == identity)
            .values(state="forgotten", forgotten_at=tx.now, salt=None, root=root)
        )
        letters: dict[str, JsonValue] = dict(counts)
        payload: dict[str, JsonValue] = {"notice": identity, "why": why, "letters": letters, "root": root}
        tx.record("notice.recipients-forgotten", f"notice:{identity}", payload)
    return Forgotten(identity, sum(counts.values()), root)
