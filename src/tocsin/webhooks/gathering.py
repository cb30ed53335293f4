"""From the journal to rows that are due: each webhook has its place there, and nothing after it is missed."""

import json
from collections.abc import Iterator
from datetime import timedelta
from fnmatch import fnmatchcase

from sqlalchemy import Connection, delete, func, insert, select, update

from tocsin.context import Context
from tocsin.model.doors import Webhook
from tocsin.store.columns import instant_text
from tocsin.store.journal import Told, entries
from tocsin.store.tables import journal, webhook_cursor, webhook_delivery

KEPT = timedelta(days=30)
# What becomes of a webhook is no event of its own: one that is told of everything would never end.
_OWN = "webhook."


def gather(ctx: Context) -> None:
    """Write a row for every event that a webhook of the workspace is to be told of and was not yet.

    One seen for the first time is told of what happens from now on.
    """
    for webhook in ctx.workspace.webhooks.values():
        # As somebody outside every circle: what is need-to-know is not theirs.
        with ctx.store.read_by(f"webhook:{webhook.id}").read() as connection:
            after = _cursor(connection, webhook.id)
            last = connection.execute(select(func.max(journal.c.seq))).scalar() or 0
            if after == last:
                continue
            found = [] if after is None else list(_wanted(connection, webhook, after))
        with ctx.store.write(ctx.actor) as tx:
            if _cursor(tx.connection, webhook.id) != after:
                continue  # another door was quicker
            if after is None:
                tx.execute(insert(webhook_cursor).values(webhook=webhook.id, seq=last))
            else:
                cursor = webhook_cursor.c.webhook == webhook.id
                tx.execute(update(webhook_cursor).where(cursor).values(seq=last))
            for told in found:
                tx.execute(
                    insert(webhook_delivery).values(
                        id=f"evt_{tx.new_id()}",
                        webhook=webhook.id,
                        seq=told.entry.seq,
                        kind=told.entry.kind,
                        body=_body(told),
                        state="due",
                        tries=0,
                        made_at=tx.now,
                        not_before=tx.now,
                    )
                )
            old = webhook_delivery.c.finished_at < tx.now - KEPT
            tx.execute(delete(webhook_delivery).where(webhook_delivery.c.webhook == webhook.id, old))


def _cursor(connection: Connection, webhook: str) -> int | None:
    query = select(webhook_cursor.c.seq).where(webhook_cursor.c.webhook == webhook)
    return connection.execute(query).scalar_one_or_none()


def _wanted(connection: Connection, webhook: Webhook, after: int) -> Iterator[Told]:
    for told in entries(connection, after=after):
        kind = told.entry.kind
        if not kind.startswith(_OWN) and any(fnmatchcase(kind, pattern) for pattern in webhook.events):
            yield told


def _body(told: Told) -> str:
    entry = told.entry
    data = {
        "seq": entry.seq,
        "subject": entry.subject,
        "actor": entry.actor,
        "door": entry.door,
        "payload": {name: value for name, value in told.payload.items() if name != "private"},
    }
    told_at = instant_text(entry.at)
    return json.dumps({"type": entry.kind, "timestamp": told_at, "data": data}, sort_keys=True)
