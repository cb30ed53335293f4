"""What the journal keeps of letters to many: few entries, each with counts and one hash over what it counts.

An entry holds no reader, no address and no key. The hash over a batch is the Merkle root over the SHA-256 of
each letter as it left; the letters' own keys (their Message-IDs) make those unguessable, and go with the list.
"""

from sqlalchemy import func, select, update

from tocsin.notices.merkle import merkle_root
from tocsin.notices.recipient_rows import LEFT, counts_in, list_in
from tocsin.store.database import JsonValue, Transaction
from tocsin.store.tables import notice, recipient, recipient_list

_OPEN = ("intended", "trying", "unknown")
_ENDED = ("sent", "failed", "unknown")


def close_batch(tx: Transaction, identity: str) -> None:
    """Journal the outcomes that no entry counts yet, if there are any."""
    fresh = (recipient.c.notice == identity, recipient.c.batch.is_(None), recipient.c.state.in_(_ENDED))
    rows = tx.execute(
        select(recipient.c.position, recipient.c.state, recipient.c.sha256)
        .where(*fresh, recipient.c.sha256.is_not(None))
        .order_by(recipient.c.position)
    ).all()
    if not rows:
        return
    counts: dict[str, JsonValue] = {
        state: sum(row.state == state for row in rows) for state in _ENDED if any(r.state == state for r in rows)
    }
    last = tx.execute(select(func.max(recipient.c.batch)).where(recipient.c.notice == identity)).scalar() or 0
    tx.execute(update(recipient).where(*fresh, recipient.c.sha256.is_not(None)).values(batch=last + 1))
    tx.record(
        "notice.batch",
        f"notice:{identity}",
        {"notice": identity, "batch": last + 1, "letters": counts, "root": merkle_root(r.sha256 for r in rows)},
    )


def settle(tx: Transaction, identity: str) -> None:
    """Call a letter sent when some have left and none is open, and journal the root over all that left."""
    state = tx.execute(select(notice.c.state).where(notice.c.id == identity)).scalar_one()
    counts = counts_in(tx.connection, identity)
    listed = list_in(tx.connection, identity)
    if state != "approved" or listed is None or any(counts.get(each) for each in _OPEN):
        return
    if not any(counts.get(each) for each in LEFT):
        return
    root = root_of(tx, identity)
    tx.execute(update(notice).where(notice.c.id == identity).values(state="sent", left_at=tx.now))
    done = update(recipient_list).where(recipient_list.c.notice == identity)
    tx.execute(done.values(state="done", ended_at=tx.now, root=root))
    letters: dict[str, JsonValue] = dict(counts)
    payload: dict[str, JsonValue] = {
        "notice": identity,
        "list_sha256": listed.sha256,
        "letters": letters,
        "root": root,
    }
    tx.record("notice.posted", f"notice:{identity}", payload)


def root_of(tx: Transaction, identity: str) -> str:
    """Return the Merkle root over every letter that left, in the order of the list."""
    digests = tx.execute(
        select(recipient.c.sha256)
        .where(recipient.c.notice == identity, recipient.c.state.in_(LEFT), recipient.c.sha256.is_not(None))
        .order_by(recipient.c.position)
    ).scalars()
    return merkle_root(digests)
