"""Say what is due of the alarms, by the first channel that works.

1. What is due is claimed and put into batches: several alarms for the same people are one message, and a batch
   keeps its identity, so that a mail or a post that is tried again after a crash can be known as the same one.
2. Each batch tries the workspace's channels in order. One that is marked compromised is passed over, and one that
   failed is not tried again in this round; the message that goes by the next says so.
3. What went out is marked as sent. A crash in between means it is sent again: better twice than never.
"""

import socket
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from tocsin.alarms.audience import Audience, kept_audience, people_for
from tocsin.alarms.compromise import Compromised, compromised
from tocsin.alarms.raising import write_message
from tocsin.alarms.ways import LAST, WAYS, Message, channels_of
from tocsin.alarms.wording import Batch, Line, on_the_way
from tocsin.context import Context
from tocsin.errors import Interrupted, OperationFailed, TocsinError
from tocsin.model.workspace import Workspace
from tocsin.store.database import Transaction
from tocsin.store.operations import is_alive, this_process
from tocsin.store.tables import alarm, alarm_message

LEASE = timedelta(minutes=5)
_DUE = (
    select(
        alarm_message.c.id,
        alarm_message.c.what,
        alarm_message.c.batch,
        alarm_message.c.claimed_at,
        alarm_message.c.claimed_by,
        alarm.c.id.label("alarm"),
        *(alarm.c[name] for name in ("kind", "subject", "text", "raised_at", "incident", "share", "audience")),
    )
    .join(alarm, alarm.c.id == alarm_message.c.alarm)
    .where(alarm_message.c.state == "due")
    .order_by(alarm_message.c.made_at, alarm.c.kind, alarm.c.subject, alarm_message.c.id)
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message and what became of it; `channel` is empty when none worked: it is tried again."""

    alarms: tuple[str, ...]
    what: str
    text: str
    people: tuple[str, ...]
    channel: str


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A batch in our hands: the rows it is made of and whom it is for."""

    batch: Batch
    rows: tuple[str, ...]
    audience: Audience


def deliver(ctx: Context) -> tuple[Delivery, ...]:
    """Send what is due and return it. Quiet when nothing is: one look into the store, no channel is touched."""
    if ctx.workspace.exercise:
        return ()  # alarms of an exercise stand in its own store, for its players to see, and ring nobody
    now = ctx.clock.now()
    with ctx.store.read() as connection:
        if not _is_anything_due(connection, now):
            return ()
        marked = compromised(connection)
    with ctx.store.write(ctx.actor) as tx:
        _remind(tx)
        claimed = _claim(tx, ctx.workspace)
    ctx.crash.reach("alarms:claimed")
    tried = _Round(ctx, marked)
    return tuple(tried.send(one) for one in claimed)


def _is_anything_due(connection: Connection, now: datetime) -> bool:
    rows = connection.execute(_DUE)
    return any(_is_free(row, now) for row in rows) or bool(_to_remind(connection, now))


def _to_remind(connection: Connection, now: datetime) -> list[tuple[str, int]]:
    """Return the alarms that are said again now, and how often that was done before."""
    query = select(alarm.c.id, alarm.c.reminded, alarm.c.told_at, alarm.c.remind_seconds).where(
        alarm.c.cleared_at.is_(None), alarm.c.remind_seconds.is_not(None), alarm.c.acknowledged_at.is_(None)
    )
    return [
        (row.id, row.reminded)
        for row in connection.execute(query)
        if row.told_at is not None and now - row.told_at >= timedelta(seconds=row.remind_seconds)
    ]


def _remind(tx: Transaction) -> None:
    unsaid = set(tx.execute(select(alarm_message.c.alarm).where(alarm_message.c.state == "due")).scalars())
    for identity, times in _to_remind(tx.connection, tx.now):
        if identity in unsaid:
            continue  # nobody has heard of it yet: the first message will do
        tx.execute(update(alarm).where(alarm.c.id == identity).values(reminded=times + 1, told_at=tx.now))
        write_message(tx, identity, "reminder", times + 1)


def _claim(tx: Transaction, workspace: Workspace) -> tuple[_Claimed, ...]:
    """Take what is due and in nobody's hands."""
    groups: dict[tuple[object, ...], list[Row[Any]]] = {}
    for row in tx.execute(_DUE).all():
        if _is_free(row, tx.now):
            groups.setdefault(_together(row, workspace), []).append(row)
    mine = f"{socket.gethostname()} {this_process()}"
    for rows in groups.values():
        tx.execute(
            update(alarm_message)
            .where(alarm_message.c.id.in_([row.id for row in rows]))
            .values(batch=rows[0].batch or rows[0].id, claimed_at=tx.now, claimed_by=mine)
        )
    return tuple(_claimed(rows) for rows in groups.values())


def _together(row: Row[Any], workspace: Workspace) -> tuple[object, ...]:
    """Return what is equal for alarms that go out as one message; a deadline's goes alone."""
    if row.batch:
        return ("again", row.batch)
    if row.incident:
        return ("alone", row.id)
    whom = frozenset(person.id for person in people_for(workspace, kept_audience(row.audience)))
    return ("new", row.what, whom)


def _claimed(rows: list[Row[Any]]) -> _Claimed:
    lines = tuple(
        Line(row.alarm, row.kind, row.subject, row.text, row.raised_at, row.incident, row.share) for row in rows
    )
    batch = Batch(rows[0].batch or rows[0].id, rows[0].what, lines)
    return _Claimed(batch, tuple(row.id for row in rows), kept_audience(rows[0].audience))


def _is_free(row: Row[Any], now: datetime) -> bool:
    if row.claimed_at is None or now - row.claimed_at >= LEASE:
        return True
    host, _, process = row.claimed_by.partition(" ")
    return host == socket.gethostname() and not is_alive(process)


class _Round:
    """One round of sending. Remembers which channels did not work: an outage is waited for once, not per alarm."""

    def __init__(self, ctx: Context, marked: dict[str, Compromised]) -> None:
        self._ctx = ctx
        self._channels = tuple(channels_of(ctx.workspace))
        self._marked = marked
        self._broken: set[str] = set()

    def send(self, claimed: _Claimed) -> Delivery:
        """Send one batch by the first channel that works, and write down what became of it."""
        people = people_for(self._ctx.workspace, claimed.audience)
        message = Message(claimed.batch, claimed.batch.text, people)
        channel, message = self._by_first(message)
        with self._ctx.store.write(self._ctx.actor) as tx:
            _sent(tx, claimed, channel) if channel else _let_go(tx, claimed)
        alarms = tuple(line.alarm for line in claimed.batch.lines)
        named = tuple(person.id for person in people)
        return Delivery(alarms, claimed.batch.what, message.text, named, channel)

    def _by_first(self, message: Message) -> tuple[str, Message]:
        failed: list[str] = []
        passed = [(name, self._marked[name].since) for name in self._channels if name in self._marked]
        for name in self._channels:
            if name in self._marked:
                continue
            if name in self._broken:
                failed.append(name)
                continue
            why = on_the_way(name, failed, [one for one in passed if self._comes_before(one[0], name)])
            said = replace(message, text=f"{message.text}\n\n{why}" if why else message.text)
            try:
                WAYS[name](self._ctx, said)
            except Interrupted:
                raise
            except TocsinError as fault:
                failed.append(name)
                # What a server refused for one message it may take for the next; what is away stays away.
                if not isinstance(fault, OperationFailed) and name != LAST:
                    self._broken.add(name)
                continue
            return name, said
        return "", message

    def _comes_before(self, one: str, other: str) -> bool:
        return self._channels.index(one) < self._channels.index(other)


def _sent(tx: Transaction, claimed: _Claimed, channel: str) -> None:
    tx.execute(
        update(alarm_message)
        .where(alarm_message.c.id.in_(claimed.rows))
        .values(state="sent", sent_at=tx.now, channel=channel)
    )
    for line in claimed.batch.lines:
        if claimed.batch.what == "raised":
            tx.execute(update(alarm).where(alarm.c.id == line.alarm).values(sent_at=tx.now, channel=channel))
        payload = {"alarm": line.alarm, "channel": channel, "what": claimed.batch.what}
        tx.record("alarm.sent", line.subject, payload)


def _let_go(tx: Transaction, claimed: _Claimed) -> None:
    tx.execute(
        update(alarm_message).where(alarm_message.c.id.in_(claimed.rows)).values(claimed_at=None, claimed_by=None)
    )
