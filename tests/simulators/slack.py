"""Slack: its Web API and Socket Mode, strict about what is documented, and able to fail as Slack does.

`slack_server` serves it on loopback:

    with slack_at_work() as slack:
        WebClient("xoxb-tocsin", base_url=slack.home)
        slack.fails("chat.postMessage", "accept-and-drop")   the message is kept, the answer never comes
        slack.down = True                                     nobody answers at all
        slack.command("/tocsin", "status", member="U0MAYA")   somebody types; through the socket

What it keeps: `messages` by channel in order, `calls` by name, `forms` that are open, what was `whispered`.
"""

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulators.slack_rules import MESSAGE_TEXT, METADATA_BYTES, message_faults, view_faults
from simulators.slack_socket import SlackSocket

BOT_TOKEN, APP_TOKEN = "xoxb-tocsin", "xapp-tocsin"
TEAM, BOT_USER, BOT = "T0LARK", "U0TOCSIN", "B0TOCSIN"
LEAST_SCOPES = frozenset({"chat:write", "commands", "groups:read", "groups:history", "pins:write", "users:read"})
_NEEDS = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.postEphemeral": "chat:write",
    "pins.add": "pins:write",
    "pins.remove": "pins:write",
    "conversations.info": "{kind}:read",
    "conversations.list": "groups:read",
    "conversations.history": "{kind}:history",
    "conversations.replies": "{kind}:history",
    "users.info": "users:read",
}
"""`kind` is `groups` for a private channel and `channels` for a public one."""
_A_MINUTE = {
    "chat.postMessage": 60,
    "chat.update": 50,
    "conversations.history": 50,
    "conversations.info": 50,
    "users.info": 100,
}
"""Calls a minute by tier; of posts one a second in one channel, with a short burst."""
_BURST = 5
_TAKES = {
    "auth.test": set(),
    "apps.connections.open": set(),
    "chat.postMessage": {"channel", "text", "blocks", "metadata", "thread_ts", "parse", "link_names", "unfurl_links", "unfurl_media"},
    "chat.update": {"channel", "ts", "text", "blocks", "metadata"},
    "chat.postEphemeral": {"channel", "user", "text"},
    "pins.add": {"channel", "timestamp"},
    "pins.remove": {"channel", "timestamp"},
    "conversations.info": {"channel"},
    "conversations.list": {"types", "limit", "cursor"},
    "conversations.history": {"channel", "oldest", "limit", "cursor", "include_all_metadata"},
    "conversations.replies": {"channel", "ts", "oldest", "limit", "cursor", "include_all_metadata"},
    "views.open": {"trigger_id", "view"},
    "views.push": {"trigger_id", "view"},
    "views.update": {"view_id", "view"},
    "users.info": {"user"},
}  # fmt: skip
TRIGGER_SECONDS = 3.0


@dataclass
class Channel:
    """One channel."""

    id: str
    name: str
    is_private: bool = True
    is_member: bool = True
    is_archived: bool = False
    members: set[str] = field(default_factory=set)
    messages: list[dict[str, Any]] = field(default_factory=list)
    pins: set[str] = field(default_factory=set)


class NoError(Exception):
    """Slack says no."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.more = more


class Slack:
    """One team, one app, and what it did."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.channels = {
            "C0RESPONSE": Channel("C0RESPONSE", "response", members={"U0MAYA", "U0PRIYA", "U0TOM", "U0NOBODY"})
        }
        self.users: dict[str, dict[str, Any]] = {
            name: {} for name in ("U0MAYA", "U0PRIYA", "U0TOM", "U0SAM", "U0NOBODY")
        }
        self.scopes = set(LEAST_SCOPES)
        self.calls: Counter[str] = Counter()
        self.tokens_seen: set[str] = set()
        self.whispered: list[tuple[str, str]] = []
        self.forms: dict[str, dict[str, Any]] = {}
        self.webhooks: list[dict[str, Any]] = []
        self.down = False
        self.epoch = 1_795_196_400.0
        self.clock: Callable[[], float] | None = None
        self.too_fast: Counter[str] = Counter()
        self._buckets: dict[str, tuple[float, float]] = {}
        self._faults: dict[str, list[tuple[str, float]]] = defaultdict(list)
        self._numbers = 0
        self._triggers: dict[str, float] = {}
        self.socket = SlackSocket(self)
        self.home = ""

    # -- what a test says --

    def fails(self, method: str, how: str, *, times: int = 1, seconds: float = 1.0) -> None:
        """Let the next `times` calls fail: `429`, `500`, `accept-and-drop`, `accept-and-500`, `hang`, an error's name."""
        with self.lock:
            self._faults[method] += [(how, seconds)] * times

    @property
    def room(self) -> Channel:
        return self.channels["C0RESPONSE"]

    @property
    def posted(self) -> list[dict[str, Any]]:
        """The messages of the room that are in no thread."""
        return [message for message in self.room.messages if "thread_ts" not in message]

    def thread(self, ts: str) -> list[dict[str, Any]]:
        return [message for message in self.room.messages if message.get("thread_ts") == ts]

    def new_trigger(self) -> str:
        trigger = f"{self._next()}.trigger"
        self._triggers[trigger] = time.monotonic()
        return trigger

    def close(self) -> None:
        self.socket.close()

    # -- what Slack does --

    def answer(self, method: str, token: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Return status, body and headers; a status of 0 means that the line is cut."""
        with self.lock:
            self.calls[method] += 1
            self.tokens_seen.add(token)
            how, seconds = self._faults[method].pop(0) if self._faults[method] else ("", 0.0)
            if not how and self._is_too_fast(method):
                self.too_fast[method] += 1
                how, seconds = "429", 1.0
            if how == "429":
                return 429, {"ok": False, "error": "ratelimited"}, {"Retry-After": f"{seconds:.0f}"}
            if how == "500":
                return 500, {"ok": False, "error": "internal_error"}, {}
            if how and not how.startswith("accept") and how != "hang":
                return 200, {"ok": False, "error": how}, {}
            headers = {"x-oauth-scopes": ",".join(sorted(self.scopes))}
            try:
                body = {"ok": True, **self._do(method, token, asked)}
            except NoError as no:
                return 200, {"ok": False, "error": str(no), **no.more}, headers
        if how == "accept-and-drop":
            return 0, {}, {}
        if how == "hang":
            time.sleep(seconds)
        return (
            (500, {"ok": False, "error": "fatal_error"}, {}) if how == "accept-and-500" else (200, body, headers)
        )

    def _do(self, method: str, token: str, asked: dict[str, Any]) -> dict[str, Any]:
        if method not in _TAKES:
            raise NoError("unknown_method")
        if unknown := asked.keys() - _TAKES[method]:
            raise NoError(
                "invalid_arguments", response_metadata={"messages": [f"[ERROR] unsupported: {sorted(unknown)}"]}
            )
        if token != (APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN):
            raise NoError("not_allowed_token_type" if token in (APP_TOKEN, BOT_TOKEN) else "invalid_auth")
        if (needed := self._needed(method, asked)) and needed not in self.scopes:
            raise NoError("missing_scope", needed=needed, provided=",".join(sorted(self.scopes)))
        return getattr(self, f"_{method.replace('.', '_')}")(asked)

    def _needed(self, method: str, asked: dict[str, Any]) -> str:
        channel = self.channels.get(asked.get("channel", ""))
        return _NEEDS.get(method, "").format(
            kind="groups" if channel is None or channel.is_private else "channels"
        )

    def _is_too_fast(self, method: str) -> bool:
        """Count by tiers while a clock is set: a bucket that fills at the tier's rate."""
        if self.clock is None or method not in _A_MINUTE:
            return False
        now, rate = self.clock(), _A_MINUTE[method] / 60
        left, at = self._buckets.get(method, (_BURST, now))
        left = min(left + (now - at) * rate, _BURST)
        self._buckets[method] = (left - 1 if left >= 1 else left, now)
        return left < 1

    def _auth_test(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"team_id": TEAM, "team": "Larkfield", "user_id": BOT_USER, "bot_id": BOT, "user": "tocsin"}

    def _apps_connections_open(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"url": self.socket.new_address()}

    def _chat_postMessage(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - Slack's name
        channel = self._writable(asked)
        self._check_message(asked)
        if (thread := asked.get("thread_ts")) and thread not in {message["ts"] for message in channel.messages}:
            raise NoError("thread_not_found")
        message = {"type": "message", "ts": self._ts(), "user": BOT_USER, "bot_id": BOT, "edits": 0}
        message |= {name: asked[name] for name in ("text", "blocks", "metadata", "thread_ts") if asked.get(name)}
        channel.messages.append(message)
        return {"channel": channel.id, "ts": message["ts"], "message": message}

    def _chat_update(self, asked: dict[str, Any]) -> dict[str, Any]:
        channel = self._writable(asked)
        self._check_message(asked)
        message = self._message(channel, asked.get("ts"))
        if message["bot_id"] != BOT:
            raise NoError("cant_update_message")
        message |= {name: asked[name] for name in ("text", "blocks", "metadata") if name in asked}
        message["edits"] += 1
        return {"channel": channel.id, "ts": message["ts"], "text": message["text"]}

    def _chat_postEphemeral(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - Slack's name
        channel = self._writable(asked)
        if asked.get("user") not in self.users:
            raise NoError("user_not_found")
        if asked["user"] not in channel.members:
            raise NoError("user_not_in_channel")
        self._check_message(asked)
        self.whispered.append((asked["user"], asked["text"]))
        return {"message_ts": self._ts()}

    def _pins_add(self, asked: dict[str, Any]) -> dict[str, Any]:
        channel = self._writable(asked)
        ts = self._message(channel, asked.get("timestamp"))["ts"]
        if ts in channel.pins:
            raise NoError("already_pinned")
        channel.pins.add(ts)
        return {}

    def _pins_remove(self, asked: dict[str, Any]) -> dict[str, Any]:
        channel = self._writable(asked)
        if asked.get("timestamp") not in channel.pins:
            raise NoError("no_pin")
        channel.pins.discard(asked["timestamp"])
        return {}

    def _conversations_info(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"channel": self._described(self._channel(asked))}

    def _conversations_list(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = [
            self._described(channel)
            for channel in self.channels.values()
            if channel.is_member or not channel.is_private
        ]
        return self._page("channels", found, asked)

    def _conversations_history(self, asked: dict[str, Any]) -> dict[str, Any]:
        messages = [message for message in self._channel(asked).messages if "thread_ts" not in message]
        return self._page("messages", self._since(messages, asked), asked)

    def _conversations_replies(self, asked: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(asked)
        parent = self._message(channel, asked.get("ts"), missing="thread_not_found")
        inside = [message for message in channel.messages if message.get("thread_ts") == parent["ts"]]
        return self._page("messages", [parent, *self._since(inside, asked)], asked)

    def _views_open(self, asked: dict[str, Any]) -> dict[str, Any]:
        opened = self._triggers.pop(asked.get("trigger_id", ""), None)
        if opened is None or time.monotonic() - opened > TRIGGER_SECONDS:
            raise NoError("expired_trigger_id")
        self._check_view(asked.get("view"))
        identity = f"V{self._next():06}"
        self.forms[identity] = asked["view"]
        return {"view": {**asked["view"], "id": identity}}

    _views_push = _views_open

    def _views_update(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked.get("view_id") not in self.forms:
            raise NoError("not_found")
        self._check_view(asked.get("view"))
        self.forms[asked["view_id"]] = asked["view"]
        return {"view": {**asked["view"], "id": asked["view_id"]}}

    def _users_info(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked.get("user") not in self.users:
            raise NoError("user_not_found")
        return {"user": {"id": asked["user"], "deleted": False, "is_bot": False, **self.users[asked["user"]]}}

    # -- checks --

    def _channel(self, asked: dict[str, Any]) -> Channel:
        channel = self.channels.get(asked.get("channel", ""))
        if channel is None or (channel.is_private and not channel.is_member):
            raise NoError("channel_not_found")
        return channel

    def _writable(self, asked: dict[str, Any]) -> Channel:
        channel = self._channel(asked)
        if not channel.is_member:
            raise NoError("not_in_channel")
        if channel.is_archived:
            raise NoError("is_archived")
        return channel

    def _message(self, channel: Channel, ts: Any, *, missing: str = "message_not_found") -> dict[str, Any]:
        for message in channel.messages:
            if message["ts"] == ts:
                return message
        raise NoError(missing)

    def _check_message(self, asked: dict[str, Any]) -> None:
        text, blocks = asked.get("text", ""), asked.get("blocks") or []
        if not text.strip() and not blocks:
            raise NoError("no_text")
        if len(text) > MESSAGE_TEXT:
            raise NoError("msg_too_long")
        if faults := message_faults(text, blocks):
            raise NoError("invalid_blocks", **_explained(faults))
        metadata = asked.get("metadata")
        if metadata is not None and (
            set(metadata) != {"event_type", "event_payload"}
            or not isinstance(metadata["event_payload"], dict)
            or len(json.dumps(metadata)) > METADATA_BYTES
        ):
            raise NoError("invalid_metadata_format")

    def _check_view(self, view: Any) -> None:
        faults = view_faults(view)
        if any(what == "view_too_large" for _, what in faults):
            raise NoError("view_too_large")
        if faults:
            raise NoError("invalid_arguments", **_explained(faults))

    def _described(self, channel: Channel) -> dict[str, Any]:
        return {
            "id": channel.id,
            "name": channel.name,
            "is_private": channel.is_private,
            "is_member": channel.is_member,
            "is_archived": channel.is_archived,
        }

    def _since(self, messages: list[dict[str, Any]], asked: dict[str, Any]) -> list[dict[str, Any]]:
        found = [
            message for message in reversed(messages) if float(message["ts"]) > float(asked.get("oldest") or 0)
        ]
        if asked.get("include_all_metadata") not in (True, "true", "1"):
            found = [{name: value for name, value in message.items() if name != "metadata"} for message in found]
        return found

    def _page(self, name: str, found: list[dict[str, Any]], asked: dict[str, Any]) -> dict[str, Any]:
        start, size = int(asked.get("cursor") or 0), int(asked.get("limit") or 100)
        if not 1 <= size <= 999:
            raise NoError("invalid_limit")
        following = str(start + size) if start + size < len(found) else ""
        return {name: found[start : start + size], "response_metadata": {"next_cursor": following}}

    def _ts(self) -> str:
        return f"{self.epoch + self._next():.6f}"

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers


def _explained(faults: list[tuple[str, str]]) -> dict[str, Any]:
    told = [f"{what} [json-pointer:{where}]" for where, what in faults]
    return {"errors": told, "response_metadata": {"messages": [f"[ERROR] {one}" for one in told]}}
