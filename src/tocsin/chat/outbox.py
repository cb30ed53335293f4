"""The outbox: one row for each message, intent before, outcome after; only its newest state is ever sent.

    put      what ought to stand there, in the caller's transaction; a row that waits is overwritten, not queued
    deliver  post what does not stand there, look before posting again, and put new text in the old one's place

Slack has no idempotency key. A post that got no answer is *unknown*: after a while it is looked for by the row's
id in the messages' metadata, and posted again only if it is not there. When Slack is out of reach or asks to
wait, everything waits; a single message that Slack refuses holds up no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NoReturn

from sqlalchemy import Row, case, func, insert, or_, select, update

from tocsin.chat.audience import chat_of, is_compromised
from tocsin.chat.blocks import Content
from tocsin.context import Context
from tocsin.errors import AskedToWait, OperationFailed, OutcomeUnknown, Temporary
from tocsin.ports import Chat, ChatMessage, Room
from tocsin.store.database import Transaction
from tocsin.store.tables import chat_message as messages

BURST = 4
"""Messages of one round: a round every five seconds keeps within one message a second."""
LOOK_AFTER = timedelta(seconds=30)
"""A post without an answer may still be on its way for that long."""
_ABANDONED = timedelta(minutes=2)
_REFUSED_AGAIN = timedelta(minutes=10)
_FIRST_WAIT = timedelta(seconds=10)
_LONGEST_WAIT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message as it ought to stand. `about` says what it tells: there is one message for it, ever.

    `thread_of` is another message's `about`; `upto` the last journal entry it tells of; `pin` None leaves it be.
    """

    about: str
    content: Content
    thread_of: str | None = None
    upto: int | None = None
    pin: bool | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one round of deliveries did; `faults` are sentences for a person."""

    posted: int = 0
    updated: int = 0
    faults: tuple[str, ...] = ()


def put(tx: Transaction, wanted: Wanted) -> None:
    """Write what ought to stand there. Nothing is sent; the same again changes nothing."""
    hashed = hash_of(wanted.content)
    kept = {"text": wanted.content.text, "blocks": [dict(block) for block in wanted.content.blocks]}
    row = tx.execute(select(messages).where(messages.c.about == wanted.about)).one_or_none()
    if row is None:
        parent = _id_of(tx, wanted.thread_of)
        tx.execute(
            insert(messages).values(
                id=tx.new_id(),
                about=wanted.about,
                thread_of=parent,
                content=kept,
                sha256=hashed,
                upto=wanted.upto,
                pin="wanted" if wanted.pin else None,
                state="intended",
                intended_at=tx.now,
            )
        )
        return
    values: dict[str, Any] = {}
    if row.sha256 != hashed:
        values |= {"content": kept, "sha256": hashed}
        if row.state == "refused":  # another text may be taken
            values |= {"state": "posted" if row.ts else "intended", "not_before": None}
    if wanted.upto is not None and wanted.upto != row.upto:
        values["upto"] = wanted.upto
    if (pin := _pin(wanted.pin, row.pin)) != row.pin:
        values["pin"] = pin
    if values:
        tx.execute(update(messages).where(messages.c.id == row.id).values(**values))


def hash_of(content: Content) -> str:
    """Return the SHA-256 of a message, by which it is known whether it stands there as it ought to."""
    return sha256(repr((content.text, content.blocks)).encode()).hexdigest()


def _pin(wanted: bool | None, now: str | None) -> str | None:  # noqa: FBT001 - three answers
    if wanted is None:
        return now
    if wanted:
        return now if now == "pinned" else "wanted"
    return "unwanted" if now == "pinned" else None if now == "wanted" else now


def _id_of(tx: Transaction, about: str | None) -> str | None:
    if about is None:
        return None
    found: str = tx.execute(select(messages.c.id).where(messages.c.about == about)).scalar_one()
    return found


def deliver(ctx: Context, room: Room) -> Delivered:
    """Bring the channel up to what ought to stand there, a few messages at most. Raises nothing of Slack's."""
    now = ctx.clock.now()
    with ctx.store.read() as connection:
        if is_compromised(connection):
            return Delivered()
        holding = select(func.max(messages.c.not_before)).where(messages.c.state != "refused")
        if (until := connection.execute(holding).scalar()) and until > now:
            return Delivered()
        rows = connection.execute(_OWED).all()
        stands = dict(
            connection.execute(select(messages.c.id, messages.c.ts).where(messages.c.ts.is_not(None))).all()
        )
    return _Round(ctx, chat_of(ctx), room, stands).through(rows)


_OWED = (
    select(messages)
    .where(
        or_(
            messages.c.state != "posted",
            messages.c.shown_sha256.is_(None),
            messages.c.shown_sha256 != messages.c.sha256,
            messages.c.pin.in_(("wanted", "unwanted")),
        )
    )
    .order_by(case((messages.c.thread_of.is_(None), 0), else_=1), messages.c.intended_at, messages.c.about.desc())
)
"""What stands by itself before what stands in its thread, and an incident (`status:`) before news (`results:`)."""


class _HeldError(Exception):
    """Slack is out of reach or asks to wait: the rest of the round waits too."""


class _Round:
    """One round: the rows that are owed, in the order they were meant."""

    def __init__(self, ctx: Context, chat: Chat, room: Room, stands: dict[str, str]) -> None:
        self._ctx = ctx
        self._chat = chat
        self._room = room
        self._stands = stands
        self._waiting_threads: set[str] = set()
        self._posted = self._updated = 0
        self._faults: list[str] = []

    def through(self, rows: Sequence[Row[Any]]) -> Delivered:
        try:
            for row in rows:
                if self._posted + self._updated >= BURST:
                    break
                self._one(row)
        except _HeldError:
            pass
        return Delivered(self._posted, self._updated, tuple(self._faults))

    def _one(self, row: Row[Any]) -> None:
        now = self._ctx.clock.now()
        if row.state == "refused" and row.not_before is not None and row.not_before > now:
            return  # one that is refused holds up no other
        if row.state == "posted" or (row.state == "refused" and row.ts):
            self._bring_up_to_date(row)
            return
        if row.thread_of in self._waiting_threads:
            return  # what comes later in a thread does not overtake
        if row.state == "trying" and now - row.tried_at < _ABANDONED:
            waits = True
        elif row.state in ("trying", "unknown"):
            waits = not self._found_out(row, now)
        else:
            waits = not self._post(row)
        if waits and row.thread_of:
            self._waiting_threads.add(row.thread_of)

    def _post(self, row: Row[Any]) -> bool:
        """Post one message; False when it does not stand there yet."""
        thread = None
        if row.thread_of and not self._chat.posts_only:
            thread = self._stands.get(row.thread_of)
            if thread is None:
                return False
        if not self._claim(row):
            return False
        self._ctx.crash.reach("chat:trying")
        message = _message(row, thread)
        try:
            ts = self._chat.post(self._room.id, message)
        except (OutcomeUnknown, Temporary, OperationFailed) as fault:
            self._failed(row, fault)
            return False
        if ts is None:
            self._turn(row, "intended", "chat.again", "its thread was deleted")
            self._begin_anew(row.thread_of)
            return False
        self._ctx.crash.reach("chat:after-post")
        self._settle(row, ts, row.sha256, "chat.posted")
        self._posted += 1
        if row.pin == "wanted" and ts:
            self._pin(row, ts, pinned=True)
        return True

    def _begin_anew(self, identity: str) -> None:
        """Have the message that a thread stood under posted again: somebody deleted it."""
        with self._ctx.store.write(self._ctx.actor) as tx:
            anew = {"state": "intended", "ts": None, "shown_sha256": None}
            pin = case((messages.c.pin == "pinned", "wanted"), else_=messages.c.pin)
            tx.execute(update(messages).where(messages.c.id == identity).values(pin=pin, **anew))
            tx.record("chat.gone", "channel:slack", {"message": identity})

    def _claim(self, row: Row[Any]) -> bool:
        with self._ctx.store.write(self._ctx.actor) as tx:
            claimed = tx.execute(
                update(messages)
                .where(messages.c.id == row.id, messages.c.state == row.state, messages.c.sha256 == row.sha256)
                .values(state="trying", tried_at=tx.now, tries=row.tries + 1, room=self._room.id, not_before=None)
            )
            if claimed.rowcount:
                tx.record("chat.posting", "channel:slack", {"message": row.id, "sha256": row.sha256})
            return bool(claimed.rowcount)

    def _found_out(self, row: Row[Any], now: datetime) -> bool:
        """Look for a message that may stand there already. True when it does."""
        if row.state == "trying":
            self._turn(row, "unknown", "chat.unknown", "the process ended before Slack's answer was recorded")
        if now - row.tried_at < LOOK_AFTER:
            return False
        if self._chat.posts_only:
            # Nobody can look: told twice is better than not at all.
            self._turn(row, "intended", "chat.again", "it may stand there twice")
            return False
        thread = self._stands.get(row.thread_of) if row.thread_of else None
        try:
            ts = self._chat.find(row.room or self._room.id, row.id, since=row.intended_at, thread=thread)
        except (Temporary, OutcomeUnknown) as away:
            self._wait(row, away)
        except OperationFailed as refused:
            self._faults.append(str(refused))
            return False
        if ts is None:
            self._turn(row, "intended", "chat.again", "it does not stand there")
            return False
        self._settle(row, ts, None, "chat.found")  # with which text is not known: it is written anew
        return True

    def _bring_up_to_date(self, row: Row[Any]) -> None:
        if not row.ts:  # by a webhook: it stands as it was posted
            self._settle(row, "", row.sha256, None)
            return
        try:
            if row.shown_sha256 != row.sha256:
                if not self._chat.update(row.room, row.ts, _message(row, None)):
                    self._begin_anew(row.id)
                    return
                self._settle(row, row.ts, row.sha256, "chat.updated")
                self._updated += 1
            if row.pin in ("wanted", "unwanted"):
                self._pin(row, row.ts, pinned=row.pin == "wanted")
        except (Temporary, OutcomeUnknown) as away:
            self._wait(row, away)
        except OperationFailed as refused:
            self._turn(row, "refused", "chat.refused", str(refused), wait=_REFUSED_AGAIN)
            self._faults.append(str(refused))

    def _pin(self, row: Row[Any], ts: str, *, pinned: bool) -> None:
        try:
            self._chat.pin(row.room or self._room.id, ts, pinned=pinned)
        except (Temporary, OutcomeUnknown) as later:
            self._faults.append(str(later))
            return
        except OperationFailed as refused:
            self._faults.append(str(refused))  # too many pins, no scope: the message stands all the same
        with self._ctx.store.write(self._ctx.actor) as tx:
            tx.execute(update(messages).where(messages.c.id == row.id).values(pin="pinned" if pinned else None))

    def _failed(self, row: Row[Any], fault: OutcomeUnknown | Temporary | OperationFailed) -> None:
        if isinstance(fault, OutcomeUnknown):
            self._turn(row, "unknown", "chat.unknown", str(fault))
            self._faults.append(str(fault))
            raise _HeldError
        if isinstance(fault, Temporary):
            self._wait(row, fault, state="intended")
        self._turn(row, "refused", "chat.refused", str(fault), wait=_REFUSED_AGAIN)
        self._faults.append(str(fault))

    def _wait(self, row: Row[Any], away: Temporary | OutcomeUnknown, *, state: str | None = None) -> NoReturn:
        """Hold everything back: for as long as Slack asks, else longer each time."""
        wait = min(_FIRST_WAIT * 2 ** min(row.tries, 8), _LONGEST_WAIT)
        if isinstance(away, AskedToWait):
            wait = timedelta(seconds=away.seconds)
        with self._ctx.store.write(self._ctx.actor) as tx:
            values: dict[str, Any] = {"not_before": tx.now + wait, "tries": row.tries + 1, "detail": str(away)}
            values |= {"state": state} if state else {}
            tx.execute(update(messages).where(messages.c.id == row.id).values(**values))
        self._faults.append(str(away))
        raise _HeldError

    def _turn(self, row: Row[Any], state: str, kind: str, detail: str, **more: Any) -> None:  # noqa: ANN401 - columns
        wait = more.pop("wait", None)
        with self._ctx.store.write(self._ctx.actor) as tx:
            not_before = tx.now + wait if wait else None
            values = {"state": state, "detail": detail, "not_before": not_before, **more}
            tx.execute(update(messages).where(messages.c.id == row.id).values(**values))
            tx.record(kind, "channel:slack", {"message": row.id})

    def _settle(self, row: Row[Any], ts: str, shown: str | None, kind: str | None) -> None:
        with self._ctx.store.write(self._ctx.actor) as tx:
            values: dict[str, Any] = {
                "state": "posted",
                "ts": ts or None,
                "shown_sha256": shown,
                "settled_at": tx.now,
            }
            values |= {"detail": None, "not_before": None, "tries": 0}
            if row.thread_of and shown == row.sha256:
                # It stands there for good: what it says is kept in the journal's private side, and not here too.
                values["content"] = {"text": "", "blocks": []}
            tx.execute(update(messages).where(messages.c.id == row.id).values(**values))
            if kind is not None:
                tx.record(kind, "channel:slack", {"message": row.id, "sha256": row.sha256})
        if ts:
            self._stands[row.id] = ts


def _message(row: Row[Any], thread: str | None) -> ChatMessage:
    return ChatMessage(row.id, row.content["text"], tuple(row.content["blocks"]), thread)
