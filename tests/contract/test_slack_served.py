"""Slack served as a process of its own, examined by the doctor, and wired from a workspace's references."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from chat_ground import chat_with, firm_with_slack
from simulators.house import House
from simulators.slack import APP_TOKEN, BOT_TOKEN, LEAST_SCOPES, Slack
from simulators.slack_rules import everything_said
from simulators.slack_server import slack_at_work
from tocsin.adapters.slack import ChatMessenger, SlackChat
from tocsin.cli import carry_out
from tocsin.doctor import slack as examined
from tocsin.doctor.slack import check_slack
from tocsin.errors import AskedToWait, OperationFailed, OutcomeUnknown, Temporary, UsageError
from tocsin.incidents import Declaration, declare
from tocsin.ports import ChatMessage, Post
from tocsin.wiring import open_context

MANIFEST = Path(__file__).parents[2] / "templates" / "slack" / "manifest.yaml"


@pytest.fixture(scope="module")
def slack() -> Iterator[Slack]:
    with slack_at_work() as slack:
        yield slack


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[House]:
    """A house whose tokens lie in the environment of whoever serves it."""
    house = House(tmp_path, firm=firm_with_slack('{channel: response, token: "env:BOT", app_token: "env:APP"}'))
    yield house
    house.close()


def test_it_is_served_alone_without_prefect_until_a_signal_comes(workspace: House, slack: Slack):
    declare(workspace.ctx, Declaration("Files renamed", ("file-share",)))
    program = (
        "import sys; sys.modules['prefect'] = None; from tocsin.cli import main; "
        "main(['serve', '--slack-only', '--workspace', sys.argv[1]])"
    )
    environment = {**os.environ, "TOCSIN_SLACK_API": slack.home, "BOT": BOT_TOKEN, "APP": APP_TOKEN}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(workspace.folder)], env=environment, stderr=subprocess.PIPE, text=True
    ) as serving:
        try:
            slack.socket.wait_for_line(60)
            answer = slack.socket.command("status", member="U0MAYA").answer()
            assert "INC-2026-001" in str(answer)
            deadline = time.monotonic() + 60
            while not slack.room.pins and time.monotonic() < deadline:
                time.sleep(0.05)
        finally:
            serving.send_signal(signal.SIGTERM)
            slack.socket.cut()
            said = serving.communicate(timeout=60)[1]
    assert serving.returncode == 0, said
    assert "Stopped." in said
    assert "INC-2026-001" in everything_said(slack.posted[0]), "an incident comes before everything else"
    assert BOT_TOKEN not in said


def test_without_a_slack_there_is_nothing_to_serve(house: House, capsys: pytest.CaptureFixture[str]):
    assert carry_out(["serve", "--slack-only", "--workspace", str(house.folder)]) == 2
    assert "There is no Slack to serve" in capsys.readouterr().err


def test_a_token_goes_to_slack_and_to_nobody_else(workspace: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BOT", BOT_TOKEN)
    monkeypatch.setenv("APP", APP_TOKEN)
    for address in ("https://slack.com.evil.example/api/", "http://slack.com/api/", "https://10.0.0.1/api/"):
        monkeypatch.setenv("TOCSIN_SLACK_API", address)
        with open_context(workspace.folder) as ctx:
            chat = ctx.chat
            assert chat is not None
            with pytest.raises(UsageError, match="is not Slack"):
                chat.identity()


def test_the_doctor_finds_what_would_fail_tonight(workspace: House, slack: Slack):
    ctx = replace(workspace.ctx, chat=chat_with(slack))
    found = {one.about: one for one in check_slack(ctx)}
    assert {one.outcome.value for one in found.values()} == {"ok"}
    assert found["slack channel response"].seen == "private"
    slack.scopes -= {"pins:write", "users:read"}
    slack.scopes |= {"channels:read", "channels:history"}
    slack.room.is_private = False
    try:
        worse = {one.about: one for one in check_slack(replace(ctx, chat=chat_with(slack)))}
    finally:
        slack.scopes = set(LEAST_SCOPES)
        slack.room.is_private = True
    assert "pins:write (to pin the message of an incident)" in worse["slack scopes"].seen
    assert worse["slack members"].outcome.value == "failed"
    assert "no client and no detail is named" in worse["slack channel response"].seen


def test_the_doctor_names_a_member_who_is_gone_and_a_token_that_is_not_taken(workspace: House, slack: Slack):
    slack.users["U0TOM"] = {"deleted": True}
    try:
        found = {one.about: one for one in check_slack(replace(workspace.ctx, chat=chat_with(slack)))}
    finally:
        slack.users["U0TOM"] = {}
    assert "tom (gone)" in found["slack members"].seen
    slack.fails("apps.connections.open", "invalid_auth")
    found = {one.about: one for one in check_slack(replace(workspace.ctx, chat=chat_with(slack)))}
    assert "does not take the app's token (invalid_auth)" in found["slack app token"].seen
    slack.fails("auth.test", "token_revoked")
    (only,) = check_slack(replace(workspace.ctx, chat=chat_with(slack)))
    assert "does not take the bot's token (token_revoked)" in only.seen
    assert BOT_TOKEN not in only.seen


def test_the_manifest_asks_for_what_the_doctor_needs_and_no_more():
    manifest = yaml.safe_load(MANIFEST.read_text())
    needed = {*examined.NEEDED, *examined.IN_PRIVATE, *examined.WITH_HANDS}
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == needed
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["settings"]["interactivity"]["is_enabled"] is True
    assert [each["command"] for each in manifest["features"]["slash_commands"]] == ["/tocsin"]


def test_an_alarm_is_posted_once_however_often_it_is_handed_over(workspace: House, slack: Slack):
    slack.room.messages.clear()
    messenger = ChatMessenger(chat_with(slack), workspace.clock)
    post = Post("alarm-1", "INC-2026-001: 90 % is gone <!channel>", mention=("U0MAYA", "not an id"))
    slack.fails("chat.postMessage", "accept-and-drop")
    with pytest.raises(OutcomeUnknown):
        messenger.post(post)
    ts = messenger.post(post)
    assert [message["ts"] for message in slack.posted] == [ts]
    assert slack.posted[0]["text"] == "<@U0MAYA> INC-2026-001: 90 % is gone &lt;!channel&gt;"


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("429", AskedToWait),
        ("500", OutcomeUnknown),
        ("accept-and-500", OutcomeUnknown),
        ("accept-and-drop", OutcomeUnknown),
        ("fatal_error", OutcomeUnknown),
        ("not_in_channel", OperationFailed),
        ("missing_scope", OperationFailed),
        ("invalid_auth", OperationFailed),
    ],
)
def test_each_fault_says_what_is_certain(slack: Slack, how: str, error: type[Exception]):
    slack.fails("chat.postMessage", how, seconds=7)
    with pytest.raises(error) as told:
        chat_with(slack).post("C0RESPONSE", ChatMessage("key", "text"))
    assert type(told.value) is error
    if isinstance(told.value, AskedToWait):
        assert told.value.seconds == 7


def test_nobody_at_the_other_end_is_a_fault_that_may_be_tried_again(slack: Slack):

    with pytest.raises(Temporary, match="out of reach"):
        SlackChat(BOT_TOKEN, "C0RESPONSE", home="http://127.0.0.1:9/api/", seconds=1).room()


def test_the_simulator_refuses_what_slack_refuses(slack: Slack):
    chat = chat_with(slack)
    long = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    with pytest.raises(OperationFailed, match="invalid_blocks"):
        chat.post("C0RESPONSE", ChatMessage("key", "text", (long,)))
    with pytest.raises(OperationFailed, match="There is no such channel"):
        chat.post("C0NOWHERE", ChatMessage("key", "text"))
    form = {"type": "modal", "title": {"type": "plain_text", "text": "t" * 25}, "blocks": []}
    with pytest.raises(OperationFailed, match="invalid_arguments"):
        chat.open_form(slack.new_trigger(), form)
    with pytest.raises(OperationFailed, match="three seconds"):
        chat.open_form("used-up", {**form, "title": {"type": "plain_text", "text": "t"}})
    assert chat.post("C0RESPONSE", ChatMessage("key", "text", thread="1.000000")) is None
