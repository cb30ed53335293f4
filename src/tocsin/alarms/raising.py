"""Raise an alarm once, and end it: rows alone. What is said of it is a row too, sent by `deliver`."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from tocsin.alarms.audience import Audience
from tocsin.store.database import Transaction
from tocsin.store.tables import alarm, alarm_message

DAILY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is wrong now. Kind and subject say which; the text is for people, and names no client.

    It is said again after each `remind_every` while it stands; None: never.
    """

    kind: str
    subject: str
    text: str
    audience: Audience = field(default=Audience(), compare=False)
    remind_every: timedelta | None = field(default=DAILY, compare=False)


@dataclass(frozen=True, slots=True)
class Deadline:
    """Of a deadline's alarm: whose clock, how far it had run, and for the how-manieth time that is said."""

    incident: str
    duty: str
    due_at: datetime
    share: int
    turn: int


def raise_alarm(tx: Transaction, raised: Alarm, *, deadline: Deadline | None = None) -> str | None:
    """Raise an alarm and return its id; None when it stands already.

    A deadline's alarm is told apart by its deadline, not by its subject: the incident may have several.
    """
    if deadline is None and _standing_ids(tx, raised.kind, raised.subject):
        return None
    identity = tx.new_id()
    every = raised.remind_every
    values: dict[str, Any] = {
        "id": identity,
        "kind": raised.kind,
        "subject": raised.subject,
        "text": raised.text,
        "raised_at": tx.now,
        "told_at": tx.now,
        "audience": raised.audience.kept(),
        "level": raised.audience.level,
        "remind_seconds": None if every is None else round(every.total_seconds()),
        "reminded": 0,
    }
    payload: dict[str, Any] = {"alarm": identity, "kind": raised.kind}
    if deadline is not None:
        values |= {name: getattr(deadline, name) for name in Deadline.__slots__}
        payload |= {"duty": deadline.duty, "share": deadline.share, "level": raised.audience.level}
    tx.execute(insert(alarm).values(**values))
    write_message(tx, identity, "raised", 0)
    tx.record("alarm.raised", raised.subject, payload)
    return identity


def clear(tx: Transaction, *, kind: str, subject: str) -> int:
    """End what stands of this kind and subject and return how many; whoever was told of it is told so."""
    ids = _standing_ids(tx, kind, subject)
    end(tx, ids)
    for identity in ids:
        tx.record("alarm.cleared", subject, {"alarm": identity, "kind": kind})
    return len(ids)


def settle(
    tx: Transaction, wrong: Iterable[Alarm], kinds: Collection[str], *, stays: Callable[[str, str], bool]
) -> tuple[tuple[Alarm, ...], tuple[Alarm, ...]]:
    """Make what stands of these kinds equal to what is wrong now; return what was raised and what is over.

    `stays(kind, subject)` says of an alarm that is not wrong now that nobody could look: it is left as it was.
    """
    now_wrong = {(one.kind, one.subject): one for one in wrong}
    query = select(alarm).where(alarm.c.cleared_at.is_(None), alarm.c.kind.in_(kinds))
    rows = {(row.kind, row.subject): row for row in tx.execute(query)}
    raised = [one for key, one in now_wrong.items() if key not in rows]
    for one in raised:
        raise_alarm(tx, one)
    over = [row for key, row in rows.items() if key not in now_wrong and not stays(*key)]
    end(tx, [row.id for row in over])
    for row in over:
        tx.record("alarm.cleared", row.subject, {"alarm": row.id, "kind": row.kind})
    return tuple(raised), tuple(Alarm(row.kind, row.subject, row.text) for row in over)


def end(tx: Transaction, ids: Iterable[str], *, say_so: bool = True) -> None:
    """End alarms without a journal entry of their own. What was not said yet is not said any more."""
    for identity in ids:
        tx.execute(update(alarm).where(alarm.c.id == identity).values(cleared_at=tx.now))
        mine = alarm_message.c.alarm == identity
        tx.execute(
            update(alarm_message)
            .where(mine, alarm_message.c.state == "due", alarm_message.c.claimed_at.is_(None))
            .values(state="dropped")
        )
        # What a door has claimed is on its way: it counts as said.
        told = select(alarm_message.c.id).where(mine, alarm_message.c.state != "dropped").limit(1)
        if say_so and tx.execute(told).first():
            write_message(tx, identity, "over", 0)


def standing(connection: Connection, kinds: Collection[str] | None = None) -> tuple[Row[Any], ...]:
    """Return the rows of the alarms that stand, oldest first; of these kinds alone, if any are given."""
    query = select(alarm).where(alarm.c.cleared_at.is_(None)).order_by(alarm.c.raised_at, alarm.c.id)
    if kinds is not None:
        query = query.where(alarm.c.kind.in_(kinds))
    return tuple(connection.execute(query))


def write_message(tx: Transaction, identity: str, what: str, turn: int) -> None:
    """Write what is to be said of an alarm; `deliver` says it."""
    tx.execute(
        insert(alarm_message).values(
            id=tx.new_id(), alarm=identity, what=what, turn=turn, state="due", made_at=tx.now
        )
    )


def _standing_ids(tx: Transaction, kind: str, subject: str) -> list[str]:
    query = select(alarm.c.id).where(
        alarm.c.kind == kind, alarm.c.subject == subject, alarm.c.cleared_at.is_(None)
    )
    return list(tx.execute(query).scalars())
