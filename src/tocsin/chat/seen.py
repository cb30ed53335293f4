"""What was taken already: Slack hands an envelope over again when it is not sure that we had it."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import delete, insert
from sqlalchemy.exc import IntegrityError

from tocsin.context import Context
from tocsin.ports import Actor, Envelope
from tocsin.store.tables import chat_seen

KEPT = timedelta(days=3)
_MACHINE = Actor("service:tocsin", "slack")


def key_of(envelope: Envelope) -> str:
    """Return the name of what was done: a form sent, one press, one command; else the envelope."""
    payload = envelope.payload
    view = payload.get("view")
    if payload.get("type") == "view_submission" and isinstance(view, Mapping):
        return f"form:{view.get('id')}:{view.get('callback_id')}"[:160]
    trigger = payload.get("trigger_id")
    return f"trigger:{trigger}"[:160] if trigger else f"envelope:{envelope.id}"[:160]


def take(ctx: Context, key: str) -> bool:
    """Claim it; False when it was claimed before. Nothing says whose it was: a report may be anonymous."""
    try:
        with ctx.store.write(_MACHINE) as tx:
            tx.execute(delete(chat_seen).where(chat_seen.c.at < tx.now - KEPT))
            tx.execute(insert(chat_seen).values(key=key, at=tx.now))
    except IntegrityError:
        return False
    return True


def give_back(ctx: Context, key: str) -> None:
    """Let it be done again: nothing came of it, and the person is asked to correct it."""
    with ctx.store.write(_MACHINE) as tx:
        tx.execute(delete(chat_seen).where(chat_seen.c.key == key))
