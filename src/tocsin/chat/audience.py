"""Who reads the channel, and so how much may be said there."""

from dataclasses import dataclass

from sqlalchemy import Connection

from tocsin import alarms
from tocsin.context import Context
from tocsin.errors import UsageError
from tocsin.model.workspace import SlackChannel
from tocsin.ports import Chat, Room
from tocsin.store.need_to_know import circle_of

SLACK = "slack"


def settings_of(ctx: Context) -> SlackChannel:
    """Return the workspace's settings for Slack. Raises UsageError where there are none."""
    if (found := ctx.workspace.channels.slack) is None or ctx.chat is None:
        raise UsageError(
            "There is no Slack here: put channels.slack with a token into tocsin.yaml (docs/slack.md)."
        )
    return found


def chat_of(ctx: Context) -> Chat:
    """Return the tool that speaks to Slack. Raises UsageError where there is none."""
    if ctx.chat is None:
        settings_of(ctx)
        raise UsageError("There is no Slack here.")
    return ctx.chat


@dataclass(frozen=True, slots=True)
class Audience:
    """The channel, and whether no client may be named in it."""

    room: Room
    is_public: bool


def audience_of(ctx: Context) -> Audience:
    """Ask Slack about the channel. What the workspace says can only make it more public, never less.

    A webhook's channel cannot be asked about: it is public unless the workspace says otherwise.
    """
    settings, chat = settings_of(ctx), chat_of(ctx)
    room = chat.room()
    if chat.posts_only:
        return Audience(room, is_public=settings.public is not False)
    return Audience(room, is_public=bool(settings.public) or not room.is_private)


def is_compromised(connection: Connection) -> bool:
    """Tell whether somebody said that Slack is in an attacker's hands: nothing goes there, nothing is obeyed."""
    return SLACK in alarms.compromised(connection)


def is_hidden(connection: Connection, incident: str) -> bool:
    """Tell whether an incident is need-to-know: a channel shows that it exists, and no more."""
    return circle_of(connection, incident) is not None
