"""A house whose response team has a Slack, on loopback; time is simulated, the way to Slack is real."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from simulators.house import FIRM, House
from simulators.slack import APP_TOKEN, BOT_TOKEN, Slack
from tocsin.adapters.slack import SlackChat
from tocsin.chat.desk import Desk
from tocsin.chat.line import Line
from tocsin.chat.rounds import Rounds, Went
from tocsin.context import Context
from tocsin.incidents import Declaration, declare
from tocsin.ports import Actor, Chat, Envelope
from tocsin.runbook.engine import advance

MEMBERS = {"maya": "U0MAYA", "tom": "U0TOM", "priya": "U0PRIYA", "sam": "U0SAM"}
SLACK_KEYS = '{channel: C0RESPONSE, token: "env:BOT", app_token: "env:APP"}'


def firm_with_slack(keys: str = SLACK_KEYS) -> str:
    """Return the firm with a Slack, and the member ids of its people."""
    firm = FIRM
    for person, member in MEMBERS.items():
        firm = firm.replace(f"login: {person}}}", f"login: {person}, slack: {member}}}")
    return f"{firm}  slack: {keys}\n"


SHORT = """\
playbook: short
title: Two questions and an approval
roles: [commander, technical]
steps:
  - id: ask-exfiltration
    uses: human.ask
    assign: technical
    deputy: commander
    with: {question: "Do the firewall logs show data leaving?", fact: exfiltration}
  - id: stop-backups
    title: Stop the scheduled backups
    uses: backup.pause
    approve: {by: technical}
    with: {reason: "good ones must not be pushed out"}
  - id: ring-the-host
    uses: human.task
    assign: technical
    with: {text: "Ring the hosting firm <!channel>"}
"""


@dataclass
class Response:
    """The house, its Slack, and the rounds of the process that serves it."""

    house: House
    slack: Slack
    chat: Chat
    rounds: Rounds

    @property
    def ctx(self) -> Context:
        return machine(self.house, self.chat)

    def go(self, times: int = 1, *, seconds: float = 5) -> Went:
        """Do rounds, five simulated seconds apart."""
        went = Went()
        for _ in range(times):
            self.house.clock.advance(timedelta(seconds=seconds))
            went = self.rounds.go()
        return went

    def go_until_still(self, *, most: int = 60) -> int:
        """Do rounds until nothing more is sent; return how many messages went."""
        sent = quiet = 0
        for _ in range(most):
            delivered = self.go().delivered
            sent += delivered.posted + delivered.updated
            quiet = 0 if delivered.posted + delivered.updated else quiet + 1
            if quiet == 2:
                return sent
        raise AssertionError("it never came to rest")

    def declared(self, title: str = "Files renamed", cause: str = "ransomware") -> str:
        """Declare an incident and let its playbook go as far as it can."""
        found = declare(self.house.ctx, Declaration(title, ("file-share",), cause=cause, playbook="short"))
        advance(self.house.ctx, found.run.id)
        return found.incident

    def status_message(self) -> dict[str, Any]:
        """Return the message that is pinned."""
        return next(message for message in self.slack.posted if message["ts"] in self.slack.room.pins)

    def kinds(self, *kinds: str) -> list[str]:
        return [kind for kind in self.house.journal_kinds() if kind in kinds]


def machine(house: House, chat: Chat) -> Context:
    return replace(house.ctx, chat=chat, actor=Actor("service:tocsin", "slack"))


def chat_with(slack: Slack, *, seconds: int = 1) -> SlackChat:
    return SlackChat(BOT_TOKEN, "C0RESPONSE", app_token=APP_TOKEN, home=slack.home, seconds=seconds)


@contextmanager
def responding(folder: Path, slack: Slack, *, keys: str = SLACK_KEYS) -> Iterator[Response]:
    house = House(folder, firm=firm_with_slack(keys))
    (folder / "playbooks" / "short.yaml").write_text(SHORT)
    chat = chat_with(slack)
    yield Response(house, slack, chat, Rounds(machine(house, chat)))
    house.close()


@contextmanager
def listening(response: Response) -> Iterator[Slack]:
    """Listen through a real line of Socket Mode for as long as the block lasts."""
    line = Line(Desk(response.ctx), response.chat, lambda: None)
    open_line = response.chat.listen(line.take)
    response.slack.socket.wait_for_line()
    try:
        yield response.slack
    finally:
        threading.Timer(0.05, response.slack.socket.cut).start()  # else hanging up waits for a read to time out
        open_line.close()
        line.close()


def pressed(slack: Slack, message: dict[str, Any], action: str, member: str, *, text: str = "") -> Envelope:
    """Return what Slack sends when somebody presses a button, beside which `text` stands."""
    for block in message["blocks"]:
        found = [block.get("accessory"), *block.get("elements", [])]
        for element in found:
            if isinstance(element, dict) and element.get("action_id") == action and text in str(block):
                return Envelope(
                    f"e-{slack.new_trigger()}",
                    "interactive",
                    {
                        "type": "block_actions",
                        "trigger_id": slack.new_trigger(),
                        "user": {"id": member, "team_id": "T0LARK"},
                        "channel": {"id": "C0RESPONSE"},
                        "actions": [{"action_id": action, "value": element["value"]}],
                    },
                )
    raise AssertionError(f"there is no {action} beside {text!r}")


def typed(slack: Slack, text: str, member: str, **more: Any) -> Envelope:
    """Return what Slack sends when somebody types a command."""
    payload = {
        "command": "/tocsin",
        "text": text,
        "user_id": member,
        "team_id": "T0LARK",
        "channel_id": "C0RESPONSE",
    }
    return Envelope(
        f"e-{slack.new_trigger()}", "slash_commands", {**payload, "trigger_id": slack.new_trigger(), **more}
    )


def sent(slack: Slack, view: Any, member: str, **said: Any) -> Envelope:
    """Return what Slack sends when somebody sends a form, filled in with `said` (a text, or a list of choices)."""
    values = {name: {name: _field(value)} for name, value in said.items()}
    form = {**view, "id": view.get("id", f"V-{slack.new_trigger()}"), "state": {"values": values}}
    payload = {"type": "view_submission", "trigger_id": slack.new_trigger(), "view": form}
    return Envelope(
        f"e-{slack.new_trigger()}", "interactive", {**payload, "user": {"id": member, "team_id": "T0LARK"}}
    )


def _field(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"selected_options": [{"value": each} for each in value]}
    if isinstance(value, tuple):
        return {"selected_option": {"value": value[0]}}
    return {"value": value}
