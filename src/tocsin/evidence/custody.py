"""The chain of custody: each act on an item is a row that nobody can change, and a journal entry."""

from datetime import datetime

from sqlalchemy import func, insert, select

from tocsin.context import Context
from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.evidence.items import CustodyAct, Item, custody_of, item_of
from tocsin.store.database import Transaction
from tocsin.store.tables import custody

ACTS = ("taken", "moved", "opened", "handed_to", "returned")
_WHO = {"moved": "where to", "handed_to": "to whom", "returned": "from whom"}


def act(ctx: Context, identity: str, what: str, *, other: str = "", note: str = "") -> CustodyAct:
    """Write one act into an item's chain: `moved` (where to), `opened`, `handed_to` (whom), `returned` (by whom).

    Raises UsageError where it does not say whom or where, Refused for somebody who is not in the workspace, and
    for an item that was never kept.
    """
    if what not in ACTS[1:]:
        raise UsageError(f"There is no act {what!r}.{did_you_mean(what, ACTS[1:])}")
    if what in _WHO and not other.strip():
        raise UsageError(f"Say {_WHO[what]}. Nothing was recorded.")
    must_be_ours(ctx)
    with ctx.store.write(ctx.actor) as tx:
        found = item_of(tx.connection, identity)
        if not found.is_kept:
            raise Refused(f"{identity} is {found.state}: there is nothing to hand over. Nothing was recorded.")
        if what == "returned":
            _must_be_out(tx, found)
        written = write_act(tx, identity, what, other=other, note=note)
    ctx.crash.reach("evidence:custody")
    ctx.store.sign_head(ctx.actor)
    return written


def write_act(
    tx: Transaction, identity: str, what: str, *, other: str = "", note: str = "", at: datetime | None = None
) -> CustodyAct:
    """Append the row and its journal entry."""
    seq = 1 + (tx.execute(select(func.max(custody.c.seq)).where(custody.c.item == identity)).scalar() or 0)
    row = CustodyAct(seq, what, at or tx.now, tx.actor.person, other.strip() or None, note.strip() or None)
    tx.execute(
        insert(custody).values(item=identity, **{name: getattr(row, name) for name in CustodyAct.__slots__})
    )
    private = {word: text for word, text in (("other", row.other), ("note", row.note)) if text}
    tx.record("evidence.custody", f"evidence:{identity}", {"act": what, "custody": seq}, private or None)
    return row


def must_be_ours(ctx: Context) -> None:
    """Raise Refused where nobody in particular acts: a chain of custody is made of names."""
    if ctx.actor.person not in ctx.workspace.people and not ctx.actor.person.startswith("service:"):
        raise Refused(
            f"{ctx.actor.person} is nobody in the workspace, and a chain of custody is made of names. Nothing was "
            "done. Put their system user as `login:` beside a person in tocsin.yaml."
        )


def _must_be_out(tx: Transaction, found: Item) -> None:
    moves = [each.act for each in custody_of(tx.connection, found.id) if each.act in ("handed_to", "returned")]
    if not moves or moves[-1] == "returned":
        raise UsageError(f"{found.id} was not handed to anybody, so it cannot be returned. Nothing was recorded.")
