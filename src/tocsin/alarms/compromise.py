"""Channels that an attacker may read or write: marked by a person, passed over, trusted again by a person."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from tocsin.context import Context
from tocsin.errors import UsageError, did_you_mean
from tocsin.store.tables import pause

CHANNELS = ("slack", "mail", "webhook", "command")
_PREFIX = "channel:"


@dataclass(frozen=True, slots=True)
class Compromised:
    """A channel that is not used: since when, who said so, why. The reason stays inside the house."""

    channel: str
    by: str
    since: datetime
    reason: str


def compromised(connection: Connection) -> dict[str, Compromised]:
    """Return the channels that are marked compromised, by name."""
    query = select(pause).where(pause.c.what.startswith(_PREFIX), pause.c.lifted_at.is_(None))
    rows = connection.execute(query.order_by(pause.c.placed_at))
    found = (Compromised(row.what.removeprefix(_PREFIX), row.placed_by, row.placed_at, row.reason) for row in rows)
    return {one.channel: one for one in found}


def mark_compromised(ctx: Context, channel: str, reason: str) -> Compromised:
    """Let no alarm go by a channel until `trust_again`; marked already, that mark is returned.

    Anybody may: passing over a good channel costs little. Raises UsageError for an unknown one.
    """
    _check(channel)
    with ctx.store.write(ctx.actor) as tx:
        if standing := compromised(tx.connection).get(channel):
            return standing
        mark = Compromised(channel, ctx.actor.person, tx.now, reason)
        tx.execute(
            insert(pause).values(
                id=tx.new_id(), what=f"{_PREFIX}{channel}", reason=reason, placed_by=mark.by, placed_at=tx.now
            )
        )
        tx.record("channel.compromised", f"{_PREFIX}{channel}", {}, private={"reason": reason})
    ctx.store.sign_head(ctx.actor)
    return mark


def trust_again(ctx: Context, channel: str, reason: str) -> Compromised:
    """Use a channel again, and return the mark that stood. Raises UsageError when none did."""
    _check(channel)
    with ctx.store.write(ctx.actor) as tx:
        standing = compromised(tx.connection).get(channel)
        if standing is None:
            raise UsageError(f"{channel} is not marked compromised; nothing was changed.")
        tx.execute(
            update(pause)
            .where(pause.c.what == f"{_PREFIX}{channel}", pause.c.lifted_at.is_(None))
            .values(lifted_by=ctx.actor.person, lifted_at=tx.now)
        )
        tx.record("channel.trusted", f"{_PREFIX}{channel}", {}, private={"reason": reason})
    ctx.store.sign_head(ctx.actor)
    return standing


def _check(channel: str) -> None:
    if channel not in CHANNELS:
        raise UsageError(f"There is no channel {channel!r} to mark.{did_you_mean(channel, CHANNELS)}")
