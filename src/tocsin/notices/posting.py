"""Send one approved letter to thousands: each once, none lost, and at most one of unknown outcome.

1. The approval is looked up for this very text and this very list, and the guard runs once more on the letter.
2. For each reader in turn: a connection is made sure of; then *one* commit writes what became of the mail before
   and that this one is being tried, with the hash of its bytes; then it is handed over.
3. Every five hundred outcomes, and at each stop, one journal entry holds their counts and a hash over them all.

Killed between two lines, exactly the mail in hand is left *trying*: the next sending turns it to *unknown*, and a
person has to find out. A mail that was put off waits and is tried again; one that was refused for good stays so.
Nothing is sent while the server cannot be reached, and nothing is marked: run it again, or the next round does.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, func, select, update

from tocsin.context import Context
from tocsin.errors import ConfigurationError, OperationFailed, OutcomeUnknown, Refused, Temporary
from tocsin.notices.approval import refuse_unready
from tocsin.notices.batches import close_batch, settle
from tocsin.notices.bulk import LetterMerge
from tocsin.notices.files import sender_of
from tocsin.notices.guard import blocks
from tocsin.notices.mailing import Mailing
from tocsin.notices.outbox import held_operation
from tocsin.notices.pace import MOST_TRIES, QUIETLY, Followed, Pace, pause_after
from tocsin.notices.recipient_rows import UNREACHED, Reader, RecipientList, counts_in, list_in, readers_in
from tocsin.notices.recipients import merge_of
from tocsin.notices.register import Notice, notice_of, shown
from tocsin.ports import HandedOver, MailSession
from tocsin.store.database import Transaction
from tocsin.store.operations import Operation, finish
from tocsin.store.tables import recipient, recipient_list

BATCH: Final = 500
_CHUNK: Final = 200
_NAMED: Final = 20
_IN_A_ROW: Final = 20
"""So many put off or refused one after the other are the server's doing, not the readers'."""
_ROW: Final = (recipient.c.notice == bindparam("of"), recipient.c.position == bindparam("at"))
_CLAIM: Final = (
    update(recipient)
    .where(*_ROW, recipient.c.state == "intended")
    .values(state="trying", tried_at=bindparam("now"), sha256=bindparam("digest"), tries=recipient.c.tries + 1)
)
_SETTLE: Final = (
    update(recipient)
    .where(*_ROW, recipient.c.state == "trying")
    .values(
        state=bindparam("to"),
        next_at=bindparam("next"),
        finished_at=bindparam("ended"),
        code=bindparam("why"),
        detail=bindparam("said"),
    )
)
_HOLD: Final = (
    update(recipient)
    .where(*_ROW, recipient.c.state == "intended")
    .values(state="held", code="guard", detail=bindparam("said"))
)


@dataclass(frozen=True, slots=True)
class Posted:
    """How far a letter to many has come: readers by state, and when the next that was put off may be tried."""

    notice: Notice
    recipients: RecipientList
    counts: Mapping[str, int]
    on_paper_to_go: int
    next_at: datetime | None
    duplicates: int

    @property
    def unreached(self) -> int:
        """How many could not be told: refused, come back, or held back; whoever stands twice in the list was."""
        return sum(self.counts.get(state, 0) for state in UNREACHED) - self.duplicates


def posted(ctx: Context, current: Notice) -> Posted | None:
    """Return how far a letter has come; None for a notice without a list of readers."""
    with ctx.store.read() as connection:
        listed = list_in(connection, current.id)
        if listed is None:
            return None
        soonest = select(func.min(recipient.c.next_at)).where(
            recipient.c.notice == current.id, recipient.c.state == "intended"
        )
        paper = counts_in(connection, current.id, way="paper").get("intended", 0)
        next_at = connection.execute(soonest).scalar()
        twice = select(func.count()).where(recipient.c.notice == current.id, recipient.c.code == "duplicate")
        duplicates = connection.execute(twice).scalar_one()
        return Posted(current, listed, counts_in(connection, current.id), paper, next_at, duplicates)


def post(ctx: Context, identity: str, follow: Followed = QUIETLY, *, refused_again: bool = False) -> Posted:
    """Send an approved letter to everybody on its list who has not had it yet.

    `refused_again`: try those, too, whom the server refused for good before.

    Raises:
        Refused: nobody approved exactly this letter with exactly this list; nothing was sent.
        Temporary: the server is out of reach, or puts everything off; what waits is safe to send again.
        OutcomeUnknown: it may or may not have reached somebody; a person has to resolve it.
        OperationFailed: the server refuses everything; nothing more was tried.
    """
    exact = shown(ctx, identity)
    current = exact.notice
    so_far = posted(ctx, current)
    if so_far is None or current.state in {"sent", "recorded"}:
        return _must_be_listed(so_far, current)
    refuse_unready(ctx, exact)
    if so_far.recipients.state == "forgotten":
        raise Refused(
            f"The list of notice {current.id[:8]} was forgotten on schedule before anything was sent. Load it "
            f"again: tocsin notice recipients {current.id[:8]} --from FILE --load"
        )
    with held_operation(ctx, current) as operation:
        _begin(ctx, current, refused_again=refused_again)
        merge = merge_of(ctx, exact)
        sending = _Sending(ctx, current, merge, follow)
        try:
            sending.send_all()
        finally:
            sending.leave()
        _conclude(ctx, current, operation, sending)
    return _must_be_listed(posted(ctx, notice_of(ctx, current.id)), current)


def _must_be_listed(found: Posted | None, current: Notice) -> Posted:
    if found is None:
        raise OperationFailed(f"The list of notice {current.id[:8]} is gone.")
    return found


def _begin(ctx: Context, current: Notice, *, refused_again: bool) -> None:
    """Turn what a dead process left *trying* to *unknown*, and say that sending begins."""
    mine = recipient.c.notice == current.id
    with ctx.store.write(ctx.actor) as tx:
        mark_interrupted(tx, current)
        if refused_again:
            again = update(recipient).where(mine, recipient.c.state == "failed", recipient.c.way == "mail")
            tx.execute(again.values(state="intended", next_at=None, code=None, detail=None, batch=None))
        listed = list_in(tx.connection, current.id)
        values = {"state": "sending", "tried_at": tx.now}
        if listed is not None and listed.began_at is None:
            values["began_at"] = tx.now
        tx.execute(update(recipient_list).where(recipient_list.c.notice == current.id).values(**values))
        tx.record(
            "notice.posting",
            f"notice:{current.id}",
            {
                "notice": current.id,
                "version": current.version,
                "list_sha256": listed.sha256 if listed else None,
                "readers": dict(counts_in(tx.connection, current.id)),
            },
        )
    ctx.crash.reach("notice:posting")


def mark_interrupted(tx: Transaction, current: Notice) -> None:
    """Turn readers left *trying* to *unknown*. Only called while holding the operation: whoever tried is gone."""
    cut_off = readers_in(tx.connection, current.id, states=("trying",))
    if not cut_off:
        return
    tx.execute(
        update(recipient)
        .where(recipient.c.notice == current.id, recipient.c.state == "trying")
        .values(state="unknown", code="cut-off", detail="the sending process ended before the answer was recorded")
    )
    keys: list[str | None] = [reader.key for reader in cut_off]
    tx.record("notice.unknown", f"notice:{current.id}", {"notice": current.id, "readers": [*keys]})


@dataclass(slots=True)
class _Outcome:
    """What became of the mail in hand; not yet committed."""

    reader: Reader
    told: HandedOver


class _Sending:
    """One sending: the loop, the mail in hand, and why it stopped."""

    def __init__(self, ctx: Context, current: Notice, merge: LetterMerge, follow: Followed) -> None:
        self._ctx, self._notice, self._merge, self._follow = ctx, current, merge, follow
        self._bulk = ctx.workspace.channels.bulk
        sender = sender_of(ctx)
        self._mailing = Mailing(merge, sender, current.edited_at)
        self._bounces = self._bulk.bounces or sender.addr_spec
        self._in_hand: _Outcome | None = None
        self._in_a_row: list[str] = []
        self._unbatched = 0
        with ctx.store.read() as connection:
            counts = counts_in(connection, current.id, way="mail")
        self._counts = dict(counts)
        self._total = sum(counts.values())
        self.stopped: Temporary | ConfigurationError | OperationFailed | None = None

    def send_all(self) -> None:
        """Go through everybody who is due, until the end, a stop, or a server that does not answer."""
        if not self._counts.get("intended"):
            return
        clock = self._ctx.clock
        began = clock.monotonic()
        pace = Pace(self._bulk.per_minute, began)
        limit = self._follow.for_at_most
        with self._ctx.mailer.session(self._bulk.per_connection) as session:
            for reader in self._due():
                if self._follow.should_stop() or (
                    limit is not None and clock.monotonic() - began > limit.total_seconds()
                ):
                    return
                self._wait(pace.wait(clock.monotonic()))
                self._one(session, reader)
                if self.stopped is not None:
                    return

    def leave(self) -> None:
        """Commit what is in hand, and close the batch."""
        with self._ctx.store.write(self._ctx.actor) as tx:
            self._put_down(tx)
            close_batch(tx, self._notice.id)
        self._unbatched = 0

    def _due(self) -> Iterator[Reader]:
        after, now = 0, self._ctx.clock.now()
        while True:
            with self._ctx.store.read() as connection:
                chunk = readers_in(
                    connection, self._notice.id, states=("intended",), way="mail", after=after, at_most=_CHUNK
                )
            if not chunk:
                return
            after = chunk[-1].position
            yield from (reader for reader in chunk if reader.next_at is None or reader.next_at <= now)

    def _wait(self, seconds: float) -> None:
        if seconds <= 0:
            return
        if self._in_hand is not None:
            # What happened is written down before we sit and wait.
            with self._ctx.store.write(self._ctx.actor) as tx:
                self._put_down(tx)
        self._follow.sleep(seconds)

    def _one(self, session: MailSession, reader: Reader) -> None:
        """Send one mail, once. Whatever is no answer of the server's leaves the row trying: later, unknown."""
        if stopping := blocks(self._merge.check(reader.recipient)):
            self._hold_back(reader, " ".join(each.text for each in stopping))
            return
        try:
            session.connect()
        except (Temporary, ConfigurationError) as away:
            self.stopped = away
            return
        content = self._mailing.mail(reader.recipient, reader.email, reader.key or "")
        with self._ctx.store.write(self._ctx.actor) as tx:
            self._put_down(tx)
            if self._unbatched >= BATCH:
                close_batch(tx, self._notice.id)
                self._unbatched = 0
            row = {"of": self._notice.id, "at": reader.position}
            digest = hashlib.sha256(content).hexdigest()
            claimed = tx.connection.execute(_CLAIM, {**row, "now": tx.now, "digest": digest})
        if not claimed.rowcount:
            return
        self._ctx.crash.reach("notice:reader-trying")
        told = session.hand_over(self._bounces, reader.email, content)
        self._ctx.crash.reach("notice:reader-answered")
        self._in_hand = _Outcome(reader, told)
        self._judge(told)

    def _judge(self, told: HandedOver) -> None:
        """Stop when it is plainly the server and not the reader that stands in the way."""
        self._in_a_row = [*self._in_a_row, told.outcome] if told.outcome in {"put off", "refused"} else []
        said = f"{told.code} {told.said}".strip()
        if told.about == "sender" and told.outcome == "refused":
            self.stopped = OperationFailed(
                f"The mail server refuses our sender {self._bounces} ({said}); nothing more was tried. Correct "
                "channels.mail sender or channels.bulk bounces, then send again."
            )
        elif len(self._in_a_row) >= _IN_A_ROW:
            self.stopped = (
                OperationFailed(
                    f"The mail server refused {_IN_A_ROW} mails one after the other (last: {said}); nothing more "
                    "was tried. Find out why, then send again; --refused-again tries those, too, that it refused."
                )
                if "refused" in self._in_a_row
                else Temporary(
                    f"The mail server put off {_IN_A_ROW} mails one after the other (last: {said}). Nothing is "
                    "lost; send again later."
                )
            )

    def _put_down(self, tx: Transaction) -> None:
        """Write what became of the mail in hand."""
        if self._in_hand is None:
            return
        reader, told = self._in_hand.reader, self._in_hand.told
        state, pause = _state_after(reader, told, tx.now)
        tx.connection.execute(
            _SETTLE,
            {
                "of": self._notice.id,
                "at": reader.position,
                "to": state,
                "next": pause,
                "ended": None if state == "intended" else tx.now,
                "why": told.code or None,
                "said": None if state == "sent" else told.said or None,
            },
        )
        self._in_hand = None
        self._unbatched += state != "intended"
        self._move("intended", state)

    def _hold_back(self, reader: Reader, why: str) -> None:
        with self._ctx.store.write(self._ctx.actor) as tx:
            self._put_down(tx)
            tx.connection.execute(_HOLD, {"of": self._notice.id, "at": reader.position, "said": why})
        self._move("intended", "held")

    def _move(self, before: str, after: str) -> None:
        self._counts[before] = self._counts.get(before, 0) - 1
        self._counts[after] = self._counts.get(after, 0) + 1
        done = self._total - self._counts.get("intended", 0)
        self._follow.on_progress(done, self._total, self._counts)


def _state_after(reader: Reader, told: HandedOver, now: datetime) -> tuple[str, datetime | None]:
    """Return the row's next state, and when it may be tried again."""
    if told.outcome == "put off" or told.about == "sender":
        if told.code and reader.tries >= MOST_TRIES:
            return "failed", None
        # Where nobody answered, nothing keeps us from trying at once; where the server did, it wants to be left.
        return "intended", now + pause_after(reader.tries + 1) if told.code and told.about != "sender" else None
    return {"taken": "sent", "refused": "failed", "unknown": "unknown"}[told.outcome], None


def _conclude(ctx: Context, current: Notice, operation: Operation, sending: _Sending) -> None:
    """Settle the notice and end the operation, or raise what still stands in the way."""
    with ctx.store.write(ctx.actor) as tx:
        settle(tx, current.id)
        counts = counts_in(tx.connection, current.id)
        if sending.stopped is None and not counts.get("unknown"):
            finish(
                tx, operation, "sent" if not counts.get("intended") else "more to send", {"readers": dict(counts)}
            )
    if sending.stopped is not None:
        raise sending.stopped
    if counts.get("unknown"):
        with ctx.store.read() as connection:
            raise OutcomeUnknown(
                _unknown_sentence(current, readers_in(connection, current.id, states=("unknown",)))
            )


def _unknown_sentence(current: Notice, unknown: tuple[Reader, ...]) -> str:
    lines = [
        f"- number {reader.position} of the list, Message-ID <{reader.key}@…>: `tocsin notice resolve "
        f"{(reader.key or '')[:8]} --happened` or `--did-not-happen`"
        for reader in unknown[:_NAMED]
    ]
    if len(unknown) > _NAMED:
        lines.append(
            f"and {len(unknown) - _NAMED} more: tocsin notice recipients {current.id[:8]} --state unknown"
        )
    return (
        f"{len(unknown)} of the letters of notice {current.id[:8]} may or may not have been delivered; none was "
        "sent again. Look into the mail server's log for the Message-ID, then say what happened:\n"
        + "\n".join(lines)
    )
