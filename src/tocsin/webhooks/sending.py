"""Send what webhooks are due: the intent is on disk before, the outcome after, and nothing is given up quietly.

A message that was not taken is tried again after a minute, then ever more rarely for three days, always under the
same id, by which the receiver knows it. One server that is away holds up no other, and is asked once a round.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select, update

from tocsin.alarms import Alarm, clear, raise_alarm
from tocsin.context import Context
from tocsin.errors import Interrupted, TocsinError
from tocsin.model.doors import Webhook
from tocsin.ports import HttpRequest
from tocsin.signatures import signed_headers, signing_key
from tocsin.store.database import Transaction
from tocsin.store.tables import webhook_delivery
from tocsin.webhooks.gathering import gather

GIVEN_UP = "webhook.given-up"
MOST_AT_ONCE = 200
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 300, 600, 840, 1200, 1440))
_ANSWER_WITHIN = timedelta(seconds=15)
_TRYING_AT_MOST = timedelta(minutes=5)
_TAKEN = range(200, 300)
_GONE = 410


@dataclass(frozen=True, slots=True)
class Sent:
    """One message and what became of it: `sent`, `due` (tried again later) or `failed` (given up)."""

    id: str
    webhook: str
    kind: str
    state: str
    said: str


def tell_webhooks(ctx: Context) -> tuple[Sent, ...]:
    """Gather what is new, send what is due and return it. Does nothing at all where no webhook is set up."""
    if not ctx.workspace.webhooks:
        return ()
    gather(ctx)
    return tuple(one for webhook in ctx.workspace.webhooks.values() for one in _tell(ctx, webhook))


def _tell(ctx: Context, webhook: Webhook) -> list[Sent]:
    now, table = ctx.clock.now(), webhook_delivery.c
    due = (table.state == "due") | ((table.state == "trying") & (table.tried_at <= now - _TRYING_AT_MOST))
    query = select(webhook_delivery).where(table.webhook == webhook.id, table.not_before <= now, due)
    with ctx.store.read() as connection:
        rows = connection.execute(query.order_by(table.seq).limit(MOST_AT_ONCE)).all()
    done: list[Sent] = []
    for row in rows:
        if not _claimed(ctx, row):
            continue
        ctx.crash.reach("webhook:claimed")
        status, said = _posted(ctx, webhook, row)
        with ctx.store.write(ctx.actor) as tx:
            done.append(_kept(tx, row, status, said))
        if status not in _TAKEN:
            break  # the rest would fare no better now
    return done


def _claimed(ctx: Context, row: Row[Any]) -> bool:
    with ctx.store.write(ctx.actor) as tx:
        changed = tx.execute(
            update(webhook_delivery)
            .where(webhook_delivery.c.id == row.id, webhook_delivery.c.tries == row.tries)
            .values(state="trying", tries=row.tries + 1, tried_at=tx.now)
        )
        return changed.rowcount == 1


def _posted(ctx: Context, webhook: Webhook, row: Row[Any]) -> tuple[int, str]:
    """Return the answer's status and words; 0 where there was none."""
    try:
        secret = ctx.secrets.read(webhook.secret)
        key = signing_key(secret, f"webhooks.{webhook.id}")
        headers = signed_headers(key, row.id, row.body, ctx.clock.now())
        request = HttpRequest("POST", webhook.url, _ANSWER_WITHIN, headers, row.body, hide=(secret,))
        answer = ctx.http.request(request)
    except Interrupted:
        raise
    except TocsinError as fault:
        return 0, str(fault)
    return answer.status, f"answered {answer.status}"


def _kept(tx: Transaction, row: Row[Any], status: int, said: str) -> Sent:
    outcome: dict[str, Any]
    if status in _TAKEN:
        outcome = {"state": "sent", "finished_at": tx.now}
        clear(tx, kind=GIVEN_UP, subject=f"webhook:{row.webhook}")
    elif status == _GONE or row.tries >= len(WAITS):
        outcome = {"state": "failed", "finished_at": tx.now}
        _give_up(tx, row)
    else:
        outcome = {"state": "due", "not_before": tx.now + WAITS[row.tries]}
    tx.execute(update(webhook_delivery).where(webhook_delivery.c.id == row.id).values(said=said[:500], **outcome))
    return Sent(row.id, row.webhook, row.kind, outcome["state"], said)


def _give_up(tx: Transaction, row: Row[Any]) -> None:
    tx.record(GIVEN_UP, f"webhook:{row.webhook}", {"message": row.id, "event": row.seq, "tries": row.tries + 1})
    text = f"The webhook {row.webhook} takes no events any more; some are lost to it. See tocsin.yaml, webhooks."
    raise_alarm(tx, Alarm(GIVEN_UP, f"webhook:{row.webhook}", text))
