"""`ports.Chat` over Slack's Web API."""

import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tocsin.adapters.slack.faults import answer_fault, way_fault
from tocsin.errors import OperationFailed, TocsinError
from tocsin.ports import Block, ChatIdentity, ChatMessage, Listening, Room, Take

if TYPE_CHECKING:
    from slack_sdk import WebClient

HOME = "https://slack.com/api/"
EVENT = "tocsin_message"
"""The type of the metadata that carries our row's id."""
_ID = re.compile(r"[CG][A-Z0-9]{6,20}")
_PAGE = 200
_MOST_PAGES = 50
_SKEW = timedelta(minutes=10)
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
_WELL_ALREADY = frozenset({"already_pinned", "no_pin", "not_pinned"})
_DIES_SOFTLY = frozenset({"user_not_in_channel", "user_not_found", "not_in_channel"})


class SlackChat:
    """Slack, asked once for each call: what to do about a fault is the caller's to decide."""

    posts_only = False

    def __init__(
        self, token: str, channel: str, *, app_token: str = "", home: str = HOME, seconds: int = 10
    ) -> None:
        self._token = token
        self._channel = channel.removeprefix("#")
        self._app_token = app_token
        self._home = home
        self._seconds = seconds
        self._room_id = ""

    @property
    def may_listen(self) -> bool:
        """Whether there is a token to listen with."""
        return bool(self._app_token)

    def identity(self) -> ChatIdentity:
        """Ask who we are."""
        return self._identity

    @cached_property
    def _identity(self) -> ChatIdentity:
        answer = self._call("auth.test")
        headers = {name.casefold(): value for name, value in answer.headers.items()}
        scopes = headers.get("x-oauth-scopes", "")
        return ChatIdentity(
            team=str(answer.get("team_id", "")),
            team_name=str(answer.get("team", "")),
            bot_user=str(answer.get("user_id", "")),
            bot=str(answer.get("bot_id", "")),
            scopes=tuple(scope.strip() for scope in str(scopes).split(",") if scope.strip()),
        )

    def room(self) -> Room:
        """Find the workspace's channel by its id, or by its name among those the bot can see.

        Asked anew each time: a private one may have been opened meanwhile.
        """
        if not self._room_id and _ID.fullmatch(self._channel):
            self._room_id = self._channel
        if self._room_id:
            return _room(self._call("conversations.info", channel=self._room_id)["channel"])
        for page in self._pages("conversations.list", "channels", types="public_channel,private_channel"):
            for one in page:
                if one.get("name") == self._channel:
                    self._room_id = str(one["id"])
                    return _room(one)
        raise OperationFailed(
            f"Slack shows our app no channel {self._channel!r}. Write /invite @tocsin in it, or put its id "
            "(the end of the channel's link) under channels.slack.channel."
        )

    def post(self, room: str, message: ChatMessage) -> str | None:
        """Post one message and return its `ts`; None when its thread is gone."""
        thread = {"thread_ts": message.thread} if message.thread else {}
        try:
            answer = self._call("chat.postMessage", posts=True, **_written(room, message), **_INERT, **thread)
        except _GoneError:
            return None
        return str(answer["ts"])

    def find(self, room: str, key: str, *, since: datetime, thread: str | None = None) -> str | None:
        """Look for our own message of this key. Its clock may be ten minutes from ours."""
        oldest = f"{(since - _SKEW).timestamp():.6f}"
        where = {"channel": room, "oldest": oldest, "include_all_metadata": True}
        pages = (
            self._pages("conversations.replies", "messages", ts=thread, **where)
            if thread
            else self._pages("conversations.history", "messages", **where)
        )
        with suppress(_GoneError):  # its thread was deleted: it does not stand there
            return next((str(one["ts"]) for page in pages for one in page if self._is_ours(one, key)), None)
        return None

    def _is_ours(self, message: Mapping[str, Any], key: str) -> bool:
        metadata = message.get("metadata") or {}
        # Anybody's app may write metadata: only what our own bot posted counts.
        return (
            metadata.get("event_type") == EVENT
            and (metadata.get("event_payload") or {}).get("key") == key
            and message.get("bot_id") == self._identity.bot
        )

    def update(self, room: str, ts: str, message: ChatMessage) -> bool:
        """Put the new text in the old one's place; doing so twice changes nothing."""
        try:
            self._call("chat.update", ts=ts, **_written(room, message))
        except _GoneError:
            return False
        return True

    def pin(self, room: str, ts: str, *, pinned: bool) -> None:
        """Pin a message, or take the pin off."""
        self._call("pins.add" if pinned else "pins.remove", channel=room, timestamp=ts)

    def whisper(self, room: str, member: str, text: str) -> None:
        """Show one member a text that nobody else sees; of one who is not in the room nobody is told."""
        self._call("chat.postEphemeral", channel=room, user=member, text=text)

    def open_form(self, trigger: str, form: Block) -> None:
        """Open a modal."""
        self._call("views.open", trigger_id=trigger, view=form)

    def replace_form(self, view: str, form: Block) -> None:
        """Put another modal in an open one's place."""
        self._call("views.update", view_id=view, view=form)

    def member(self, member: str) -> str:
        """Return `ok`, `gone`, `bot`, or `unknown`."""
        try:
            found = self._call("users.info", user=member)["user"]
        except _UnknownError:
            return "unknown"
        return "gone" if found.get("deleted") else "bot" if found.get("is_bot") else "ok"

    def try_line(self) -> None:
        """Ask for an address to listen at, and do not listen."""
        self._asked("apps.connections.open", lambda: self._client.apps_connections_open(app_token=self._app_token))

    def listen(self, take: Take) -> Listening:
        """Open the line of Socket Mode."""
        from tocsin.adapters.slack.socket import SocketLine  # noqa: PLC0415 - needed only by who listens

        return SocketLine(self._client, self._app_token, take)

    def _pages(self, method: str, name: str, **asked: Any) -> Any:  # noqa: ANN401 - Slack's own arguments
        cursor = ""
        for _ in range(_MOST_PAGES):
            more: dict[str, Any] = {**asked, "limit": _PAGE, "cursor": cursor or None}
            answer = self._call(method, **more)
            yield answer.get(name) or []
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return

    def _call(self, method: str, *, posts: bool = False, **asked: Any) -> Any:  # noqa: ANN401 - Slack's own arguments
        return self._asked(method, lambda: self._client.api_call(method, **_carried(method, asked)), posts=posts)

    def _asked(self, method: str, ask: Callable[[], Any], *, posts: bool = False) -> Any:  # noqa: ANN401 - Slack's answer
        from slack_sdk.errors import SlackApiError  # noqa: PLC0415 - a tenth of a second that most commands spare

        try:
            return ask()
        except SlackApiError as no:
            data = no.response.data if isinstance(no.response.data, Mapping) else {}
            error = str(data.get("error", ""))
            if error in _WELL_ALREADY or (method == "chat.postEphemeral" and error in _DIES_SOFTLY):
                return data
            if error in _GONE:
                raise _GoneError(error) from None
            if error in {"user_not_found", "users_not_found", "user_not_visible"}:
                raise _UnknownError(error) from None
            status, headers = no.response.status_code, no.response.headers
            raise answer_fault(method, status, data, headers, posts=posts) from None
        except TocsinError:
            raise
        except Exception as fault:  # noqa: BLE001 - the SDK hands out whatever urllib and the socket raise
            raise way_fault(method, fault, posts=posts) from None

    @cached_property
    def _client(self) -> "WebClient":
        from slack_sdk import WebClient  # noqa: PLC0415 - a tenth of a second that most commands spare

        return WebClient(
            self._token, base_url=self._home, timeout=self._seconds, retry_handlers=[], logger=_silent()
        )


class _GoneError(OperationFailed):
    """The message is not there any more."""


class _UnknownError(OperationFailed):
    """There is no such member."""


_INERT = {"parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}
"""Slack makes nothing of a text but what is written in it."""
_BY_JSON = ("chat.", "views.", "pins.")


def _carried(method: str, asked: dict[str, Any]) -> dict[str, Any]:
    if method.startswith(_BY_JSON):
        return {"json": asked}
    asked = {name: value for name, value in asked.items() if value is not None}
    return {"data": {name: value if isinstance(value, str) else _word(value) for name, value in asked.items()}}


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _written(room: str, message: ChatMessage) -> dict[str, Any]:
    metadata = {"event_type": EVENT, "event_payload": {"key": message.key}}
    return {"channel": room, "text": message.text, "blocks": list(message.blocks), "metadata": metadata}


def _room(found: Mapping[str, Any]) -> Room:
    shared = bool(found.get("is_ext_shared") or found.get("is_pending_ext_shared"))
    return Room(
        id=str(found["id"]),
        name=str(found.get("name", "")),
        # Shared with another firm is as good as public.
        is_private=bool(found.get("is_private")) and not shared,
        is_member=bool(found.get("is_member")),
        is_archived=bool(found.get("is_archived")),
    )


def _silent() -> logging.Logger:
    # What goes wrong is said by our own errors; the SDK's debug log would hold whole messages.
    log = logging.getLogger("tocsin.slack")
    log.setLevel(logging.CRITICAL)
    return log
