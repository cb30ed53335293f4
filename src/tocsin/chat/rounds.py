"""One round: write what ought to stand in the channel, deliver what does not stand there yet.

Safe to call at any time; a round when nothing has happened asks Slack nothing.
"""

from dataclasses import dataclass, field

from sqlalchemy import func, select

from tocsin.chat import results, timeline
from tocsin.chat.audience import Audience, audience_of, chat_of, is_compromised, is_hidden
from tocsin.chat.outbox import Delivered, Wanted, deliver, put
from tocsin.chat.status import only_named, status_of
from tocsin.context import Context
from tocsin.errors import Interrupted, TocsinError
from tocsin.store.tables import chat_message as messages
from tocsin.store.tables import incident as incidents
from tocsin.store.tables import journal

STATUS = "status"


@dataclass(frozen=True, slots=True)
class Went:
    """What one round did. `is_compromised`: nothing was sent, on purpose."""

    delivered: Delivered = field(default_factory=Delivered)
    is_compromised: bool = False
    faults: tuple[str, ...] = ()


class Rounds:
    """Rounds of one process: it remembers how far it read, and asks about the channel once in a while."""

    LOOK_AGAIN_AFTER = 60.0

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._audience: Audience | None = None
        self._asked_at = 0.0
        self._read_upto: dict[str, int] = {}
        self._wrote_at = (-1, 0.0)

    def go(self) -> Went:
        """Do one round. Raises Interrupted alone; what went wrong is in what it returns."""
        ctx = self._ctx
        with ctx.store.read() as connection:
            if is_compromised(connection):
                self._audience = None
                return Went(is_compromised=True)
        try:
            audience = self._known_audience()
        except Interrupted:
            raise
        except TocsinError as away:
            # What ought to stand there is not written either: for whom it is meant is not known.
            return Went(faults=(str(away),)) if self._audience is None else self._out(self._audience, str(away))
        return self._out(audience)

    def _out(self, audience: Audience, *faults: str) -> Went:
        written = self._write(audience)
        delivered = deliver(self._ctx, audience.room)
        if delivered.posted or delivered.updated:
            self._ctx.store.sign_head(self._ctx.actor)
        return Went(delivered, faults=(*faults, *written, *delivered.faults))

    def _known_audience(self) -> Audience:
        now = self._ctx.clock.monotonic()
        if self._audience is None or now - self._asked_at >= self.LOOK_AGAIN_AFTER:
            self._asked_at = now  # should it fail, what is known holds for a while
            found = audience_of(self._ctx)
            if self._audience is None or found.is_public != self._audience.is_public:
                self._wrote_at = (-1, 0.0)  # everything is written anew, for other readers
                if found.is_public:
                    with self._ctx.store.write(self._ctx.actor) as tx:
                        timeline.withhold(tx)
            self._audience = found
        return self._audience

    def _write(self, audience: Audience) -> tuple[str, ...]:
        """Write what has changed since the last round; an incident that cannot be told keeps no other from it."""
        ctx, now = self._ctx, self._ctx.clock.monotonic()
        with ctx.store.read() as connection:
            head = connection.execute(select(func.max(journal.c.seq))).scalar() or 0
            shown = set(connection.execute(select(messages.c.about)).scalars())
            rows = connection.execute(select(incidents.c.id, incidents.c.closed_at)).all()
        if head == self._wrote_at[0] and now - self._wrote_at[1] < self.LOOK_AGAIN_AFTER:
            return ()
        faults = []
        for row in rows:
            if row.closed_at is None or f"{STATUS}:{row.id}" in shown:
                try:
                    self._incident(row.id, audience, is_open=row.closed_at is None)
                except Interrupted:
                    raise
                except TocsinError as fault:
                    faults.append(f"{row.id} cannot be shown in Slack: {fault}")
                    self._only_named(row.id)
        with ctx.store.write(ctx.actor) as tx:
            results.tell(ctx, tx)
        self._wrote_at = (head, now)
        return tuple(faults)

    def _incident(self, incident: str, audience: Audience, *, is_open: bool) -> None:
        ctx, about = self._ctx, f"{STATUS}:{incident}"
        is_public, can_act = audience.is_public, chat_of(ctx).may_listen
        after = self._read_upto.get(incident, 0)
        with ctx.store.write(ctx.actor) as tx:
            shows = status_of(tx.connection, ctx.workspace, incident, is_public=is_public, can_act=can_act)
            put(tx, Wanted(about, shows, pin=is_open))
            # What happened in one that is need-to-know is for its own people alone.
            if not is_hidden(tx.connection, incident):
                after = timeline.tell(ctx, tx, incident, is_public=is_public, about=about, after=after)
        self._read_upto[incident] = after

    def _only_named(self, incident: str) -> None:
        """Show that an incident is there, and nothing of it: what stood in its row was meant for other readers."""
        with self._ctx.store.write(self._ctx.actor) as tx:
            put(tx, Wanted(f"{STATUS}:{incident}", only_named(incident)))
