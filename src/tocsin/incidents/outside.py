"""A suspicion reported by a program of ours, such as monitoring or an EDR: it opens a suspected incident.

    reported = report_from_outside(ctx, "edr", headers, body)

In this order: the reporter is one of the workspace's, the message is signed with its secret and fresh, its id was
not seen before, the hour's share is not used up, and what it says can be read. It may say a title, which of its
systems and a cause; the clocks start, and whether it is a breach is for people to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tocsin.context import Context
from tocsin.errors import Refused, Temporary, UsageError
from tocsin.incidents.declaring import Declaration, declare
from tocsin.model.doors import Reporter
from tocsin.model.fields import Id, Line
from tocsin.model.vocabulary import Cause
from tocsin.ports import Actor
from tocsin.signatures import signing_key, verified_id
from tocsin.store.tables import incident, incident_system, reporter_message

DOOR = "webhook"
MOST_BYTES = 16 * 1024
_HOUR = timedelta(hours=1)
_KEPT = timedelta(days=30)


class Message(BaseModel):
    """What a reporter's message may hold; anything else is refused, so that nothing is passed over unseen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Annotated[Line, Field(max_length=200)]
    systems: tuple[Id, ...] = ()
    cause: Cause | None = None
    first_alert_at: AwareDatetime | None = None


class HourIsFull(Temporary):
    """A reporter has used up its share of the hour."""


@dataclass(frozen=True, slots=True)
class Reported:
    """The incident a message belongs to; `is_new` when it was opened by it."""

    incident: str
    is_new: bool


def report_from_outside(ctx: Context, reporter_id: str, headers: Mapping[str, str], body: bytes) -> Reported:
    """Open a suspected incident, or find the one that this message or its like has opened.

    `headers` have lower-case names. Raises Refused for an unknown reporter, a wrong signature and an old message,
    UsageError for what cannot be read, Temporary when the reporter's hour is full. Nothing is kept then.
    """
    reporter = ctx.workspace.reporters.get(reporter_id)
    if reporter is None:
        raise Refused("There is no such reporter. Nothing was kept.")
    if len(body) > MOST_BYTES:
        raise UsageError(f"The message has more than {MOST_BYTES} bytes. Nothing was kept.")
    key = signing_key(ctx.secrets.read(reporter.secret), f"reporters.{reporter.id}")
    message = verified_id(key, headers, body, ctx.clock.now())
    theirs = ctx.acting_as(Actor(f"reporter:{reporter.id}", DOOR))
    with ctx.store.read() as connection:
        if (known := _opened_by(connection, reporter.id, message)) is not None:
            return Reported(known, is_new=False)
        _must_have_room(connection, reporter, ctx.clock.now())
    said = _read(reporter, body)
    systems = _systems(reporter, said)
    _take(theirs, reporter, message)
    if found := _open_one(theirs, reporter, systems):
        reported = Reported(found, is_new=False)
    else:
        reported = Reported(_declared(theirs, reporter, said, systems), is_new=True)
    _remember(theirs, reporter, message, reported)
    return reported


def _opened_by(connection: Connection, reporter: str, message: str) -> str | None:
    mine = (reporter_message.c.reporter == reporter) & (reporter_message.c.message == message)
    # One without an incident was cut off before it opened any: it is taken up again.
    return connection.execute(select(reporter_message.c.incident).where(mine)).scalar_one_or_none()


def _must_have_room(connection: Connection, reporter: Reporter, now: datetime) -> None:
    query = select(func.count()).where(
        reporter_message.c.reporter == reporter.id, reporter_message.c.at > now - _HOUR
    )
    if connection.execute(query).scalar_one() >= reporter.per_hour:
        raise HourIsFull(
            f"{reporter.id} has reported {reporter.per_hour} times this hour. Nothing was kept; send it later."
        )


def _read(reporter: Reporter, body: bytes) -> Message:
    try:
        said = Message.model_validate_json(body)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the message"
        raise UsageError(f"{where}: {first['msg']}. Nothing was kept.") from None
    foreign = [system for system in said.systems if reporter.systems and system not in reporter.systems]
    if foreign:
        raise UsageError(f"{reporter.id} does not watch {', '.join(foreign)}. Nothing was kept.")
    return said


def _systems(reporter: Reporter, said: Message) -> tuple[str, ...]:
    systems = said.systems or reporter.systems
    if not systems:
        raise UsageError('Say which systems it is about: "systems": [...]. Nothing was kept.')
    return tuple(dict.fromkeys(systems))


def _take(ctx: Context, reporter: Reporter, message: str) -> None:
    """Note the message before anything comes of it, and let the old ones go."""
    try:
        with ctx.store.write(ctx.actor) as tx:
            old = (reporter_message.c.reporter == reporter.id) & (reporter_message.c.at < tx.now - _KEPT)
            tx.execute(reporter_message.delete().where(old))
            tx.execute(insert(reporter_message).values(reporter=reporter.id, message=message, at=tx.now))
    except IntegrityError:
        pass  # cut off before, or being read by another door: what it comes to is found by its systems


def _open_one(ctx: Context, reporter: Reporter, systems: tuple[str, ...]) -> str | None:
    """Return the open incident that this reporter has opened for these very systems."""
    query = (
        select(incident.c.id)
        .where(incident.c.declared_by == f"reporter:{reporter.id}", incident.c.closed_at.is_(None))
        .order_by(incident.c.declared_at.desc())
    )
    with ctx.store.read() as connection:
        identity: str
        for identity in connection.execute(query).scalars().all():
            on = select(incident_system.c.system).where(incident_system.c.incident == identity)
            if set(systems) <= set(connection.execute(on).scalars()):
                return identity
    return None


def _declared(ctx: Context, reporter: Reporter, said: Message, systems: tuple[str, ...]) -> str:
    cause = said.cause or reporter.cause
    declaration = Declaration(
        title=f"{reporter.title}: {said.title}",
        systems=systems,
        cause=str(cause) if cause else None,
        first_alert_at=said.first_alert_at,
    )
    return declare(ctx, declaration).incident


def _remember(ctx: Context, reporter: Reporter, message: str, reported: Reported) -> None:
    mine = (reporter_message.c.reporter == reporter.id) & (reporter_message.c.message == message)
    with ctx.store.write(ctx.actor) as tx:
        tx.execute(update(reporter_message).where(mine).values(incident=reported.incident))
        tx.record(
            "incident.reported",
            f"incident:{reported.incident}",
            {"reporter": reporter.id, "message": message, "new": reported.is_new},
        )
    ctx.store.sign_head(ctx.actor)
