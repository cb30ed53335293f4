"""Slack: its token, what it may do, the channel, the members. Nothing is posted."""

from collections.abc import Iterator

from tocsin.context import Context
from tocsin.doctor.finding import Finding, failed, ok, warning
from tocsin.errors import TocsinError
from tocsin.model.workspace import SlackChannel
from tocsin.ports import Chat, Room

NEEDED = {
    "chat:write": "to post and to keep what was posted true",
    "pins:write": "to pin the message of an incident",
    "users:read": "to see whether a member is still there",
}
IN_PRIVATE = {
    "groups:read": "to see whether the channel is private",
    "groups:history": "to look before posting again",
}
IN_PUBLIC = {"channels:read": "to see the channel", "channels:history": "to look before posting again"}
WITH_HANDS = {"commands": "for /tocsin"}
_ABOUT = "slack"


def check_slack(ctx: Context) -> Iterator[Finding]:
    """Examine Slack where the workspace has one."""
    settings, chat = ctx.workspace.channels.slack, ctx.chat
    if settings is None:
        return
    if chat is None:
        yield warning(
            _ABOUT, "channels.slack has neither a token nor a webhook: nothing goes there.", "See docs/slack.md."
        )
        return
    if settings.webhook:
        yield warning(
            _ABOUT,
            "A webhook: things are posted and nothing can be done from there. Whether it works, the first shows.",
            "For buttons and commands Slack needs an app: docs/slack.md.",
        )
        return
    try:
        identity, room = chat.identity(), chat.room()
    except TocsinError as fault:
        yield failed(_ABOUT, str(fault), "Alarms go by the next channel meanwhile.")
        return
    yield ok(_ABOUT, f"the token is taken, by the team {identity.team_name}")
    yield _scopes(identity.scopes, room, settings)
    yield _channel(room, settings)
    yield _line(chat)
    yield _people(ctx, chat)


def _scopes(given: tuple[str, ...], room: Room, settings: SlackChannel) -> Finding:
    wanted = NEEDED | (IN_PRIVATE if room.is_private else IN_PUBLIC) | (WITH_HANDS if settings.app_token else {})
    missing = [f"{scope} ({why})" for scope, why in wanted.items() if scope not in given]
    if missing:
        return failed(
            "slack scopes",
            f"missing: {', '.join(missing)}",
            "Take the manifest of docs/slack.md and install it anew.",
        )
    known = {*NEEDED, *IN_PRIVATE, *IN_PUBLIC, *WITH_HANDS}
    if more := [scope for scope in given if scope not in known]:
        return warning(
            "slack scopes", f"more than is needed: {', '.join(more)}", "Take away what Tocsin does not need."
        )
    return ok("slack scopes", "all that is needed and no more")


def _channel(room: Room, settings: SlackChannel) -> Finding:
    about = f"slack channel {room.name}"
    if room.is_archived:
        return failed(about, "It is archived.", "Name another under channels.slack.channel.")
    if not room.is_member:
        return failed(about, "The app is not in it.", "Write /invite @tocsin there.")
    if not room.is_private and settings.public is False:
        return warning(
            about,
            "The workspace says it is not public, and Slack says it is not private: no client is named there.",
            "Make it private, or say public: true.",
        )
    if not room.is_private:
        return ok(about, "public: no client and no detail is named there")
    return ok(about, "private" + (", and treated as public" if settings.public else ""))


def _line(chat: Chat) -> Finding:
    about = "slack app token"
    if not chat.may_listen:
        return warning(about, "There is none: nothing can be done from Slack.", "Add channels.slack.app_token.")
    try:
        chat.try_line()
    except TocsinError as fault:
        return failed(about, str(fault), "It begins with xapp- and has the one scope connections:write.")
    return ok(about, "taken")


def _people(ctx: Context, chat: Chat) -> Finding:
    about = "slack members"
    known = {person.id: person.slack for person in ctx.workspace.people.values() if person.slack}
    if not known:
        return warning(about, "No person of the workspace has a member id.", "Put it as `slack:` beside each.")
    shared = sorted({one for one in known.values() if list(known.values()).count(one) > 1})
    if shared:
        return failed(
            about, f"Several people have one member id: {', '.join(shared)}.", "Nobody of them is obeyed."
        )
    try:
        wrong = [f"{person} ({said})" for person, member in known.items() if (said := chat.member(member)) != "ok"]
    except TocsinError as fault:
        return failed(about, str(fault))
    if wrong:
        return failed(about, f"No member stands behind: {', '.join(wrong)}.", "Correct their `slack:`.")
    lacking = [person for person in ctx.workspace.people if person not in known]
    if lacking:
        return warning(
            about, f"{len(known)} known; without one: {', '.join(lacking)}", "They can do nothing there."
        )
    return ok(about, f"{len(known)} known")
