"""Socket Mode on loopback: envelopes go out to the app, and each has to be acknowledged within three seconds."""

import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

if TYPE_CHECKING:
    from simulators.slack import Slack

ACK_SECONDS = 3.0
CHANNEL = "C0RESPONSE"


@dataclass
class Sent:
    """One envelope: when it went out, and what it was answered."""

    id: str
    body: dict[str, Any]
    at: float = field(default_factory=time.monotonic)
    answered: threading.Event = field(default_factory=threading.Event)
    answers: list[dict[str, Any] | None] = field(default_factory=list)

    def answer(self, timeout: float = 10.0) -> dict[str, Any] | None:
        """Return what came with the acknowledgement; an envelope that nobody took in time is a failed test."""
        assert self.answered.wait(timeout), "the envelope was never acknowledged"
        return self.answers[0]


class SlackSocket:
    """The other end of the app's line."""

    def __init__(self, slack: "Slack") -> None:
        self._slack = slack
        self._server: Server | None = None
        self._lines: list[ServerConnection] = []
        self._tickets: set[str] = set()
        self._sent: dict[str, Sent] = {}
        self.opened = 0
        self.late: list[str] = []
        self._changed = threading.Condition()

    def new_address(self) -> str:
        """Return an address that is good for one connection, as apps.connections.open does."""
        if self._server is None:
            self._server = serve(self._line, "127.0.0.1", 0, compression=None)
            threading.Thread(target=self._server.serve_forever, daemon=True).start()
        ticket = f"ticket-{len(self._tickets)}"
        self._tickets.add(ticket)
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/link/?ticket={ticket}"

    def wait_for_line(self, timeout: float = 10.0, *, opened: int = 1) -> None:
        """Wait until the app has connected (for the `opened`-th time)."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._lines and self.opened >= opened, timeout), (
                "nobody connected"
            )

    def command(self, text: str, *, member: str, command: str = "/tocsin", team: str = "T0LARK") -> Sent:
        """Somebody types a slash command."""
        return self.send("slash_commands", {
            "command": command, "text": text, "user_id": member, "team_id": team, "channel_id": CHANNEL,
            "trigger_id": self._slack.new_trigger(), "response_url": "https://hooks.slack.com/commands/x",
        })  # fmt: skip

    def press(self, message: dict[str, Any], action: str, *, member: str, value: str | None = None) -> Sent:
        """Somebody presses the first button of this action in a message as it stands."""
        button = next(
            element
            for block in message["blocks"]
            for element in [block.get("accessory"), *block.get("elements", [])]
            if isinstance(element, dict) and element.get("action_id", "").startswith(action)
            and value in (None, element.get("value"))
        )  # fmt: skip
        return self.send("interactive", {
            "type": "block_actions", "trigger_id": self._slack.new_trigger(),
            "user": {"id": member, "team_id": "T0LARK"}, "team": {"id": "T0LARK"},
            "channel": {"id": CHANNEL}, "container": {"type": "message", "message_ts": message["ts"]},
            "actions": [{"type": "button", "action_id": button["action_id"], "value": button["value"]}],
        })  # fmt: skip

    def submit(self, view: str, values: dict[str, dict[str, Any]], *, member: str) -> Sent:
        """Somebody sends an open form; the answer may put another in its place."""
        form = self._slack.forms[view]
        sent = self.send("interactive", {
            "type": "view_submission", "trigger_id": self._slack.new_trigger(),
            "user": {"id": member, "team_id": "T0LARK"}, "team": {"id": "T0LARK"},
            "view": {**form, "id": view, "state": {"values": values}},
        })  # fmt: skip
        answer = sent.answer()
        if answer and answer.get("response_action") in ("update", "push"):
            self._slack._check_view(answer["view"])
            self._slack.forms[view] = answer["view"]
        elif answer and answer.get("response_action") == "errors":
            known = {block.get("block_id") for block in form["blocks"] if block["type"] == "input"}
            assert set(answer["errors"]) <= known, "errors must name input blocks of the form"
        elif not answer:
            self._slack.forms.pop(view, None)
        return sent

    def send(self, kind: str, payload: dict[str, Any], *, retry: int = 0) -> Sent:
        """Hand one envelope over."""
        with self._changed:
            sent = Sent(f"envelope-{len(self._sent):06}", {})
            sent.body = {
                "envelope_id": sent.id,
                "type": kind,
                "payload": payload,
                "accepts_response_payload": True,
            }
            if retry:
                sent.body |= {"retry_attempt": retry, "retry_reason": "timeout"}
            self._sent[sent.id] = sent
        self._hand_over(sent)
        return sent

    def again(self, sent: Sent) -> Sent:
        """Hand the same envelope over once more, as after a line that broke."""
        copy = Sent(sent.id, {**sent.body, "retry_attempt": 1, "retry_reason": "timeout"})
        with self._changed:
            self._sent[sent.id] = copy
        self._hand_over(copy)
        return copy

    def refresh(self) -> None:
        """Tell the app to connect anew, as Slack does every few hours."""
        old = self._lines[-1]
        self._write(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))
        threading.Timer(0.3, old.close).start()

    def cut(self) -> None:
        """Break every line."""
        for line in list(self._lines):
            line.close()

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()

    def _hand_over(self, sent: Sent) -> None:
        self._write(json.dumps(sent.body))

    def _write(self, text: str) -> None:
        self.wait_for_line()
        self._lines[-1].send(text)

    def _line(self, line: ServerConnection) -> None:
        ticket = (line.request.path if line.request else "").partition("ticket=")[2]
        if ticket not in self._tickets:
            line.close(1008, "ticket")
            return
        self._tickets.discard(ticket)
        self._tickets.add(f"{ticket}-used")
        line.send(json.dumps({"type": "hello", "num_connections": len(self._lines) + 1}))
        with self._changed:
            self._lines.append(line)
            self.opened += 1
            self._changed.notify_all()
        try:
            for text in line:
                self._taken(json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            with self._changed:
                self._lines.remove(line)

    def _taken(self, answer: dict[str, Any]) -> None:
        sent = self._sent[answer["envelope_id"]]
        payload = answer.get("payload")
        assert payload is None or sent.body["accepts_response_payload"]
        if time.monotonic() - sent.at > ACK_SECONDS:
            self.late.append(sent.id)
        sent.answers.append(payload)
        sent.answered.set()
