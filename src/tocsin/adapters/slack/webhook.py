"""`ports.Chat` of a firm without an app: an incoming webhook, by which things are posted and nothing else."""

import json
from datetime import datetime, timedelta
from typing import NoReturn

from tocsin.adapters.slack.faults import answer_fault
from tocsin.errors import OperationFailed
from tocsin.ports import Block, ChatIdentity, ChatMessage, Http, HttpRequest, Listening, Room, Take

_SECONDS = 10
_OK = 200


class WebhookChat:
    """Posts to one channel. Slack gives no name back, so nothing can be found, changed or pinned."""

    posts_only = True
    may_listen = False

    def __init__(self, address: str, channel: str, http: Http) -> None:
        self._address = address
        self._channel = channel
        self._http = http

    def room(self) -> Room:
        """Return the channel as it is written in the workspace; whether it is private nobody can ask."""
        return Room(id=self._channel, name=self._channel, is_private=False, is_member=True)

    def post(self, room: str, message: ChatMessage) -> str:
        """Post one message."""
        body = json.dumps(
            {"text": message.text, "blocks": list(message.blocks)} if message.blocks else {"text": message.text}
        )
        answer = self._http.request(
            HttpRequest(
                "POST",
                self._address,
                timedelta(seconds=_SECONDS),
                headers={"Content-Type": "application/json"},
                body=body,
                hide=(self._address,),
            )
        )
        if answer.status != _OK:
            raise answer_fault("the webhook", answer.status, {"error": answer.body[:60]}, {}, posts=True)
        return ""

    def identity(self) -> ChatIdentity:
        """Refuse."""
        return self._refuse()

    def find(self, room: str, key: str, *, since: datetime, thread: str | None = None) -> str | None:
        """Refuse."""
        return self._refuse()

    def update(self, room: str, ts: str, message: ChatMessage) -> bool:
        """Refuse."""
        return self._refuse()

    def pin(self, room: str, ts: str, *, pinned: bool) -> None:
        """Refuse."""
        self._refuse()

    def whisper(self, room: str, member: str, text: str) -> None:
        """Refuse."""
        self._refuse()

    def open_form(self, trigger: str, form: Block) -> None:
        """Refuse."""
        self._refuse()

    def replace_form(self, view: str, form: Block) -> None:
        """Refuse."""
        self._refuse()

    def member(self, member: str) -> str:
        """Refuse."""
        return self._refuse()

    def try_line(self) -> None:
        """Refuse."""
        self._refuse()

    def listen(self, take: Take) -> Listening:
        """Refuse."""
        return self._refuse()

    def _refuse(self) -> NoReturn:
        raise OperationFailed(
            "A webhook can post and nothing else. For the rest Slack needs an app: docs/slack.md."
        )
