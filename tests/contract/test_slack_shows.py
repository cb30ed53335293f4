"""What stands in the channel, through the real slack-sdk and a Slack on loopback."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from chat_ground import Response, firm_with_slack, responding
from simulators.chance import CrashAt, PowerCut
from simulators.house import House
from simulators.slack import Slack
from simulators.slack_rules import everything_said, rings
from simulators.slack_server import slack_at_work
from tocsin import alarms
from tocsin.adapters.http import SystemHttp
from tocsin.adapters.slack import WebhookChat
from tocsin.chat.rounds import Rounds
from tocsin.incidents import Declaration, confirm, declare
from tocsin.ports import Actor
from tocsin.situation import state_fact
from tocsin.store.tables import incident as incidents


@pytest.fixture
def slack() -> Iterator[Slack]:
    with slack_at_work() as slack:
        yield slack


@pytest.fixture
def response(tmp_path: Path, slack: Slack) -> Iterator[Response]:
    with responding(tmp_path, slack) as response:
        yield response


def test_an_incident_has_one_pinned_message_that_is_kept_true_and_a_timeline_in_its_thread(
    response: Response, slack: Slack
):
    incident = response.declared()
    response.go_until_still()
    pinned = response.status_message()
    said = everything_said(pinned)
    assert incident in said
    assert "Harbour View Dental Practice: due Sat 21 Nov 2026 17:40 GMT (17:40 UTC)" in said
    assert "for Maya Lind (deputy: Tom Reed)" in said
    confirm(response.house.ctx, incident, response.house.clock.now() - timedelta(hours=1), "seen in the log")
    response.go_until_still()
    assert "Certain since" in everything_said(response.status_message())
    assert response.status_message()["ts"] == pinned["ts"]
    assert len(slack.room.pins) == 1
    told = "\n".join(everything_said(message) for message in slack.thread(pinned["ts"]))
    assert "The incident was declared (Files renamed)" in told
    assert "the legal clock runs (seen in the log)" in told


def test_a_round_in_which_nothing_has_happened_asks_slack_nothing(response: Response, slack: Slack):
    response.declared()
    response.go_until_still()
    before = slack.calls.total()
    response.go(3)
    assert slack.calls.total() == before


def test_a_post_without_an_answer_is_looked_for_before_it_is_posted_again(response: Response, slack: Slack):
    response.go_until_still()
    slack.fails("chat.postMessage", "accept-and-drop")
    response.declared()
    assert response.go().faults
    assert len(slack.posted) == 2
    response.go()
    assert slack.calls["conversations.history"] == 0, "it may still be on its way"
    response.go(seconds=40)
    response.go_until_still()
    assert slack.calls["conversations.history"] == 1
    assert len(slack.posted) == 2, "it stood there: it was not posted again"
    assert response.kinds("chat.unknown", "chat.found") == ["chat.unknown", "chat.found"]
    assert response.status_message()["metadata"]["event_type"] == "tocsin_message"


def test_a_post_that_was_lost_is_posted_again_after_the_look(response: Response, slack: Slack):
    response.go_until_still()
    slack.fails("chat.postMessage", "500")
    response.declared()
    response.go()
    assert len(slack.posted) == 1
    response.go(seconds=40)
    response.go_until_still()
    assert len(slack.posted) == 2
    assert response.kinds("chat.unknown", "chat.again") == ["chat.unknown", "chat.again"]


def test_a_process_killed_while_posting_posts_nothing_twice(response: Response, slack: Slack):

    response.go_until_still()
    response.declared()
    dying = Rounds(replace(response.ctx, crash=CrashAt("chat:after-post")))
    with pytest.raises(PowerCut):
        dying.go()
    response.go(seconds=150)
    response.go_until_still()
    assert len(slack.posted) == 2
    assert "chat.found" in response.house.journal_kinds()


def test_what_only_looks_like_our_message_is_not_taken_for_it(response: Response, slack: Slack):
    response.go_until_still()
    slack.fails("chat.postMessage", "accept-and-drop")
    response.declared()
    response.go()
    slack.posted[-1]["bot_id"] = "B0SOMEBODYELSE"
    response.go(seconds=40)
    response.go_until_still()
    assert len(slack.posted) == 3


def test_an_outage_of_an_hour_loses_no_event_and_floods_nobody(response: Response, slack: Slack):
    incident = response.declared()
    response.go_until_still()
    slack.down = True
    before = len(slack.room.messages)
    for minute in range(0, 60, 2):
        if minute % 6 == 0:
            state_fact(response.house.ctx, incident, "exfiltration", "possible", evidence=f"event number {minute}")
        response.go(seconds=120)
    assert len(slack.room.messages) == before
    slack.down = False
    response.go(seconds=300)
    sent = response.go_until_still()
    told = "\n".join(everything_said(message) for message in slack.room.messages[before:])
    assert [minute for minute in range(0, 60, 6) if f"event number {minute})" not in told] == []
    assert len(slack.room.messages) - before <= 4
    assert sent <= 6
    assert response.status_message()["edits"] <= 2


def test_when_slack_asks_to_wait_nothing_is_sent_before_that_time(response: Response, slack: Slack):
    slack.fails("chat.postMessage", "429", seconds=90)
    response.declared()
    response.go()
    asked = slack.calls["chat.postMessage"]
    response.go(10)
    assert slack.calls["chat.postMessage"] == asked
    response.go(seconds=60)
    response.go_until_still()
    assert len(slack.posted) == 2


def test_many_incidents_at_once_keep_within_what_slack_takes(response: Response, slack: Slack):
    slack.clock = lambda: response.house.clock.now().timestamp()
    for number in range(5):
        declare(response.house.ctx, Declaration(f"Number {number}", ("crm",), playbook="short"))
    response.go_until_still()
    assert len(slack.room.pins) == 5
    assert len(slack.room.messages) == 11
    assert slack.too_fast.total() == 0


def test_one_message_that_slack_refuses_holds_up_no_other(response: Response, slack: Slack):
    slack.fails("chat.postMessage", "invalid_blocks")
    incident = response.declared()
    went = response.go()
    assert any("invalid_blocks" in fault for fault in went.faults)
    assert len(slack.posted) == 1
    response.go(seconds=700)
    response.go_until_still()
    assert incident in everything_said(response.status_message())


def test_a_message_that_somebody_deleted_is_posted_anew(response: Response, slack: Slack):
    incident = response.declared()
    response.go_until_still()
    gone = response.status_message()
    slack.room.messages.remove(gone)
    state_fact(response.house.ctx, incident, "exfiltration", "possible", evidence="something new")
    response.go_until_still()
    assert incident in everything_said(response.status_message())
    assert response.status_message()["ts"] != gone["ts"]


def test_while_slack_is_compromised_nothing_goes_there_and_afterwards_what_stands_is_shown(
    response: Response, slack: Slack
):
    incident = response.declared()
    response.go_until_still()
    alarms.mark_compromised(response.house.ctx, "slack", "a stranger in the team")
    before = slack.calls.total()
    state_fact(response.house.ctx, incident, "exfiltration", "possible", evidence="said in secret")
    assert all(response.go().is_compromised for _ in range(3))
    assert slack.calls.total() == before
    alarms.trust_again(response.house.ctx, "slack", "the team was cleaned")
    response.go_until_still()
    assert slack.calls.total() > before


@pytest.mark.parametrize("public", ["by the workspace", "by Slack"])
def test_no_client_and_no_detail_is_named_in_a_channel_with_other_readers(
    tmp_path: Path, slack: Slack, public: str
):
    keys = '{channel: C0RESPONSE, token: "env:BOT", app_token: "env:APP", public: false}'
    if public == "by the workspace":
        keys = keys.replace("false", "true")
    else:
        slack.room.is_private = False  # whatever the workspace says
        slack.scopes |= {"channels:read", "channels:history"}
    with responding(tmp_path, slack, keys=keys) as response:
        incident = response.declared("Ransom note at Harbour View")
        state_fact(response.house.ctx, incident, "exfiltration", "possible", evidence="Anneka Voss rang")
        response.go_until_still()
        said = "\n".join(everything_said(message) for message in slack.room.messages)
    assert incident in said
    assert "fact stated" in said
    for word in ("Harbour", "Northgate", "harbour-dental", "Anneka", "Shared files", "file-share", "Ransom note"):
        assert word not in said


def test_a_channel_that_was_opened_to_others_is_not_told_what_was_written_before(response: Response, slack: Slack):
    incident = response.declared("Ransom note at Harbour View")
    response.go_until_still()
    slack.fails("chat.postMessage", "invalid_blocks")
    state_fact(response.house.ctx, incident, "exfiltration", "possible", evidence="Anneka Voss rang")
    response.go()
    assert "chat.refused" in response.house.journal_kinds()
    slack.room.is_private = False
    slack.scopes |= {"channels:read", "channels:history"}
    response.go(seconds=700)
    response.go_until_still()
    assert "Harbour" not in everything_said(response.status_message())
    told = [everything_said(message) for message in slack.thread(response.status_message()["ts"])]
    assert "This channel has other readers by now" in told[-1]
    assert "Anneka" not in "".join(told)


def test_of_a_need_to_know_incident_a_channel_shows_only_that_it_exists(response: Response, slack: Slack):

    found = declare(response.house.ctx, Declaration("An insider", ("file-share",), need_to_know=("maya", "priya")))
    response.go_until_still()
    shown = "\n".join(everything_said(message) for message in slack.room.messages)
    assert found.incident in shown
    assert "need-to-know" in shown
    assert "insider" not in shown
    assert "Harbour" not in shown


def test_what_people_write_rings_for_nobody(response: Response, slack: Slack):
    incident = response.declared("<!channel> <@U0PRIYA> <https://evil.example|Click> &lt;!here&gt; *bold*")
    state_fact(response.house.ctx, incident, "exfiltration", "possible", evidence="<!everyone> <#C0RESPONSE>")
    response.go_until_still()
    assert [
        found for message in slack.room.messages for found in rings(message["text"], message.get("blocks"))
    ] == []
    assert "&lt;!channel&gt;" in everything_said(response.status_message())


def test_a_closed_incident_is_said_to_be_closed_and_its_pin_is_taken_off(response: Response, slack: Slack):
    incident = response.declared()
    response.go_until_still()
    _close(response, incident)
    response.go_until_still()
    assert slack.room.pins == set()
    assert any("Closed" in everything_said(message) for message in slack.posted)


def _close(response: Response, incident: str) -> None:

    with response.house.store.write(Actor("maya", "cli")) as tx:
        tx.execute(update(incidents).where(incidents.c.id == incident).values(closed_at=tx.now, state="closed"))
        tx.record("incident.closed", f"incident:{incident}", {})


def test_results_at_night_wait_for_the_morning_and_good_ones_are_told_once_a_day(tmp_path: Path, slack: Slack):
    keys = '{channel: C0RESPONSE, token: "env:BOT", quiet: "22:00-07:00", digest: "08:30"}'
    with responding(tmp_path, slack, keys=keys) as response:
        response.go_until_still()
        _result(response, "backup.finished", "plan:file-share", "ok")
        response.go(3)
        assert len(slack.posted) == 1, "good news waits for its hour"
        response.house.clock.advance(timedelta(hours=6))  # 23:40
        _result(response, "drill.finished", "drill:databases", "failed")
        response.go(3)
        assert len(slack.posted) == 1, "at night nothing"
        response.house.clock.advance(timedelta(hours=8))
        response.go_until_still()
        assert len(slack.posted) == 2
        said = everything_said(slack.posted[-1])
    assert "1 did not go well" in said
    assert "Drill databases: failed" in said
    assert "Backup file-share: ok" in said


def _result(response: Response, kind: str, subject: str, verdict: str) -> None:
    with response.house.store.write(Actor("service:tocsin", "prefect")) as tx:
        tx.record(kind, subject, {"verdict": verdict})


def test_with_a_webhook_things_are_posted_and_nothing_else_is_tried(tmp_path: Path, slack: Slack):

    house = House(tmp_path, firm=firm_with_slack('{channel: response, webhook: "env:HOOK"}'))
    hook = slack.home.replace("/api/", "/services/T0/B0/secret")
    ctx = replace(house.acting("maya"), chat=WebhookChat(hook, "response", SystemHttp()))
    declare(ctx, Declaration("Harbour View is hit", ("file-share",)))
    rounds = Rounds(ctx)
    for _ in range(6):
        house.clock.advance(timedelta(seconds=5))
        rounds.go()
    house.close()
    said = "\n".join(everything_said(message) for message in slack.webhooks)
    assert "INC-2026-001" in said
    assert "Harbour" not in said, "who reads a webhook's channel nobody can ask"
    assert len(slack.webhooks) == 3
    assert '"button"' not in str(slack.webhooks)
    assert slack.calls.total() == 0
