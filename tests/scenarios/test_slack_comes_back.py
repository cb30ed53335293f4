"""The same night, seen from the telephone: Slack is away for thirty hours, and comes back in the wrong hands.

Time is simulated; the way to Slack is the real slack-sdk to a strict Slack on loopback. Meanwhile mail carries the
alarms. When Slack answers again somebody has marked it compromised: nothing goes there, and nothing that comes from
there is obeyed. Two clients get two different notices, and the power fails between the two.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from chat_ground import MEMBERS, SLACK_KEYS, chat_with, firm_with_slack, machine, typed
from simulators.chance import CrashAt, PowerCut
from simulators.house import House
from simulators.slack import Slack
from simulators.slack_server import slack_at_work
from tocsin import alarms
from tocsin.adapters.slack import ChatMessenger
from tocsin.chat.desk import Desk
from tocsin.chat.rounds import Rounds
from tocsin.context import Context
from tocsin.errors import OutcomeUnknown
from tocsin.incidents import Declaration, all_incidents, confirm, declare, raise_due_alarms
from tocsin.notices import (
    approve_notice,
    notice_of,
    notices,
    resolve_delivery,
    send_notice,
    shown,
    unknown_deliveries,
)
from tocsin.runbook import decisions
from tocsin.runbook.engine import advance
from tocsin.store.tables import operation

OURS = "@larkfield.example"


class Telephone:
    """The house, its Slack, and the hours of the weekend."""

    def __init__(self, house: House, slack: Slack) -> None:
        self.house = house
        self.slack = slack
        self.chat = chat_with(slack)
        self.rounds = Rounds(machine(house, self.chat))
        self.began = house.clock.now()

    @property
    def ctx(self) -> Context:
        return replace(self.house.ctx, chat=self.chat, messenger=ChatMessenger(self.chat, self.house.clock))

    def until(self, hour: float) -> None:
        """Let the hours pass; the watch goes round, and so does what keeps Slack true."""
        while (passed := (self.house.clock.now() - self.began) / timedelta(hours=1)) < hour:
            self.house.clock.advance(timedelta(hours=min(1.0, hour - passed)))
            raise_due_alarms(self.ctx)
            alarms.deliver(self.ctx)
            self.rounds.go()

    def mailed(self, *, to_us: bool) -> list[str]:
        letters = self.house.postbox.sent
        return [mail["Subject"] for mail in letters if all(OURS in to for to in mail["To"].split(",")) is to_us]


@pytest.fixture
def telephone(tmp_path: Path) -> Iterator[Telephone]:
    with slack_at_work() as slack:
        house = House(tmp_path, firm=f"{firm_with_slack(SLACK_KEYS)}alarms: [slack, mail]\n")
        yield Telephone(house, slack)
        house.close()


def test_slack_is_away_for_thirty_hours_and_comes_back_in_the_wrong_hands(telephone: Telephone) -> None:
    ctx, slack = telephone.ctx, telephone.slack
    slack.down = True
    declared = declare(ctx, Declaration("Files end in .locked", ("file-share",), cause="ransomware"))
    assert declared.run is not None
    confirm(ctx, declared.incident, telephone.house.clock.now(), "The note names our folders")
    for step in ("ask-kinds", "ask-exfiltration", "ask-backup"):
        advance(ctx, declared.run.id)
        decisions.answer(ctx, declared.run.id, step, "unknown")
    advance(ctx, declared.run.id)

    # Thirty hours: every deadline's alarm reached somebody, by mail, and none of them names a client.
    telephone.until(30)
    by_mail = telephone.mailed(to_us=True)
    assert len(by_mail) >= 6
    assert slack.room.messages == []
    for mail in telephone.house.postbox.sent:
        assert "Harbour" not in mail.as_string()

    # It answers again, but a stranger is in the team. Nothing goes there, and nothing from there is obeyed.
    slack.down = False
    alarms.mark_compromised(ctx, "slack", "A stranger took over an administrator's account")
    telephone.until(37)
    assert slack.room.messages == []
    assert len(telephone.mailed(to_us=True)) > len(by_mail)
    assert "compromised" in str(telephone.house.postbox.sent[-1]).casefold()
    before = len(all_incidents(ctx))
    desk = Desk(machine(telephone.house, telephone.chat))
    reply = desk.take(typed(slack, "declare", MEMBERS["maya"]))
    assert reply.form is None
    assert len(all_incidents(ctx)) == before

    two_notices_and_a_power_cut(telephone, declared.incident)

    # The team is cleaned: what stands now is shown, in a few messages and not in one for each missed hour.
    alarms.trust_again(ctx, "slack", "Everybody was signed out, the stranger is gone")
    for _ in range(20):
        telephone.house.clock.advance(timedelta(seconds=5))
        telephone.rounds.go()
    assert 1 <= len(slack.room.messages) <= 6
    assert slack.room.pins


def two_notices_and_a_power_cut(telephone: Telephone, incident: str) -> None:
    ctx, house = telephone.ctx, telephone.house
    letters = {
        each.addressee: each for each in notices(ctx, incident=incident) if each.template == "client/initial"
    }
    harbour, northgate = letters["harbour-dental"], letters["northgate-homes"]
    for letter in (harbour, northgate):
        approve_notice(
            house.acting("priya"), letter.id, shown(ctx, letter.id).sha256, reason="Read over the telephone"
        )
    send_notice(ctx, harbour.id)
    with pytest.raises(PowerCut):
        send_notice(replace(ctx, crash=CrashAt("notice:after-smtp")), northgate.id)
    with house.store.write(ctx.actor) as tx:  # the process that was sending is gone
        tx.execute(update(operation).where(operation.c.state == "started").values(process="999999999:1"))

    # Nobody knows whether the second one left: it is said aloud, not sent again, and a person who asked resolves it.
    sent = telephone.mailed(to_us=False)
    house.clock.advance(timedelta(hours=1))
    with pytest.raises(OutcomeUnknown, match="may or may not have been delivered"):
        send_notice(ctx, northgate.id)
    (unknown,) = unknown_deliveries(ctx)
    assert unknown.notice == northgate.id
    assert telephone.mailed(to_us=False) == sent
    resolve_delivery(ctx, unknown.id, happened=True)
    assert {notice_of(ctx, each.id).state for each in (harbour, northgate)} == {"sent"}
    bodies = [mail.get_body(("plain",)).get_content() for mail in house.postbox.sent if OURS not in mail["To"]]
    assert len(bodies) == 2
    assert "Harbour View" in bodies[0]
    assert "Northgate" not in bodies[0]
    assert "Northgate" in bodies[1]
    assert "Harbour View" not in bodies[1]
