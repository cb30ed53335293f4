"""Try one channel with a test alarm, so that it is known to work before it is needed."""

from tocsin.alarms.audience import Audience, people_for
from tocsin.alarms.compromise import compromised
from tocsin.alarms.ways import LAST, WAYS, Message
from tocsin.alarms.wording import Batch, Line
from tocsin.context import Context
from tocsin.errors import Refused, TocsinError, UsageError, did_you_mean


def try_channel(ctx: Context, channel: str) -> tuple[str, ...]:
    """Send a test alarm to the technical people by this channel alone; return who they are.

    Raises what the channel raises, UsageError when it is not set up, Refused while it is marked compromised.
    """
    if channel not in WAYS:
        raise UsageError(f"There is no channel {channel!r}.{did_you_mean(channel, WAYS)}")
    if channel != LAST and getattr(ctx.workspace.channels, channel) is None:
        raise UsageError(f"channels.{channel} is not set in tocsin.yaml; nothing was sent.")
    with ctx.store.read() as connection:
        if channel in compromised(connection):
            raise Refused(f"{channel} is marked compromised; nothing was sent. See: tocsin channel list")
    people = people_for(ctx.workspace, Audience())
    identity = ctx.store.new_id()
    text = f"A test of Tocsin's alarms by {channel}. Nothing has happened, and there is nothing to do."
    line = Line(identity, "test", f"channel:{channel}", text, ctx.clock.now())
    try:
        WAYS[channel](ctx, Message(Batch(identity, "raised", (line,)), text, people))
    except TocsinError:
        _keep(ctx, channel, "failed")
        raise
    _keep(ctx, channel, "ok")
    return tuple(person.id for person in people)


def _keep(ctx: Context, channel: str, verdict: str) -> None:
    with ctx.store.write(ctx.actor) as tx:
        tx.record("channel.tried", f"channel:{channel}", {"verdict": verdict})
    ctx.store.sign_head(ctx.actor)
