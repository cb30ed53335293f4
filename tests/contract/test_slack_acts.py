"""What people do in Slack, through the real slack-sdk and a Slack on loopback."""

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from chat_ground import Response, firm_with_slack, listening, pressed, responding, sent, typed
from simulators.house import House
from simulators.slack import Slack
from simulators.slack_rules import everything_said
from simulators.slack_server import slack_at_work
from tocsin import alarms, notices
from tocsin.chat import line
from tocsin.chat.acts import Reply
from tocsin.chat.desk import Desk
from tocsin.chat.people import person_of, sender_of
from tocsin.chat.status import ACKNOWLEDGE, OPEN, TAKE_ROLE
from tocsin.chat.waiting import waiting_for
from tocsin.incidents import Declaration, all_incidents, declare, page, pages_of, reports, roles_of
from tocsin.notices import approvals_of
from tocsin.ports import Envelope
from tocsin.runbook import decisions
from tocsin.runbook.engine import advance
from tocsin.runbook.ledger import load_row, load_runs
from tocsin.runbook.steps.notice import case_of
from tocsin.situation import situation_of
from tocsin.store.tables import approval, journal, journal_private


@pytest.fixture(scope="module")
def slack() -> Iterator[Slack]:
    with slack_at_work() as slack:
        yield slack


@pytest.fixture
def response(tmp_path: Path, slack: Slack) -> Iterator[Response]:
    slack.room.messages.clear()
    slack.room.pins.clear()
    slack.whispered.clear()
    with responding(tmp_path, slack) as response:
        yield response


def do(response: Response, envelope: Envelope) -> Reply:
    """Take an envelope and do what comes after it too."""
    reply = Desk(response.ctx).take(envelope)
    if reply.later is not None:
        reply.later()
    return reply


def shown(reply: Reply) -> str:
    """Return all a reply says, wherever it says it."""
    return f"{reply.text} {json.dumps(reply.form or {}, ensure_ascii=False)} {dict(reply.errors)}"


def a_draft(response: Response, addressee: str = "harbour-dental") -> tuple[str, notices.Notice]:
    """Declare an incident and draft a notice to a client."""
    ctx = response.house.ctx
    incident = declare(ctx, Declaration("Files renamed", ("file-share",), cause="ransomware")).incident
    with ctx.store.read() as connection:
        situation = situation_of(connection, ctx.workspace, incident)
    case = case_of(ctx, situation, addressee)
    draft = notices.draft_notice(ctx, case, template="client/initial", addressee=addressee, made_by="test")
    response.go_until_still()
    return incident, draft


def opened(response: Response, member: str, text: str) -> Any:
    """Press the button beside a text and return the form it opens."""
    reply = do(response, pressed(response.slack, response.status_message(), OPEN, member, text=text))
    assert reply.form is not None, reply.text
    response.chat.open_form(response.slack.new_trigger(), reply.form)  # as strict as Slack about it
    return reply.form


def test_a_notice_is_approved_by_button_after_reading_it_and_saying_so_twice(response: Response, slack: Slack):
    _, draft = a_draft(response)
    form = opened(response, "U0PRIYA", "The notice to Harbour View")
    seen = notices.shown(response.house.ctx, draft.id)
    assert "".join(block["text"]["text"] for block in form["blocks"] if block["type"] == "section").count(
        seen.text.strip()[:200]
    )
    assert seen.sha256 in json.dumps(form)
    first = do(response, sent(slack, form, "U0PRIYA", decision=("approve",), reason="read twice"))
    assert approvals_of(response.house.ctx, draft.id) == (), "the first word decides nothing"
    assert "are you sure" in shown(first)
    last = do(response, sent(slack, first.form, "U0PRIYA"))
    assert "Approved" in last.text
    (given,) = approvals_of(response.house.ctx, draft.id)
    assert (given.person, given.door, given.shown_sha256) == ("priya", "slack", seen.sha256)


def test_a_step_is_approved_by_button_and_carried_out(response: Response, slack: Slack):
    incident = response.declared()
    response.go_until_still()
    form = opened(response, "U0MAYA", "stop-backups")
    assert "Stop the scheduled backups" in json.dumps(form)
    first = do(response, sent(slack, form, "U0MAYA", decision=("approve",)))
    assert do(response, sent(slack, first.form, "U0MAYA")).text.startswith("Approved, by you: stop-backups")
    with response.house.store.read() as connection:
        (run,) = load_runs(connection, incident=incident)
        assert load_row(connection, run.id, "stop-backups").state == "done"
        given = connection.execute(select(approval)).one()
    assert (given.person, given.door) == ("maya", "slack")
    response.go_until_still()
    told = "\n".join(everything_said(message) for message in slack.room.messages)
    assert "Approved" in told
    assert "stop-backups`, for" not in everything_said(response.status_message())


def test_what_was_edited_after_it_was_shown_is_not_approved_and_it_says_why(response: Response, slack: Slack):
    _, draft = a_draft(response)
    form = opened(response, "U0PRIYA", "The notice to Harbour View")
    notices.edit_notice(response.house.acting("tom"), draft.id, draft.body + "\nOne more line.\n")
    first = do(response, sent(slack, form, "U0PRIYA", decision=("approve",)))
    refused = do(response, sent(slack, first.form, "U0PRIYA"))
    assert "is not the one you were shown" in shown(refused)
    assert "Nothing was decided" in shown(refused)
    assert approvals_of(response.house.ctx, draft.id) == ()


def test_a_rejection_needs_a_reason_and_keeps_it(response: Response, slack: Slack):
    _, draft = a_draft(response)
    form = opened(response, "U0PRIYA", "The notice to Harbour View")
    asked = do(response, sent(slack, form, "U0PRIYA", decision=("reject",)))
    assert "needs a reason" in asked.errors["reason"]
    confirm = do(response, sent(slack, form, "U0PRIYA", decision=("reject",), reason="wrong times"))
    do(response, sent(slack, confirm.form, "U0PRIYA"))
    (decided,) = approvals_of(response.house.ctx, draft.id)
    assert (decided.decision, decided.reason) == ("rejected", "wrong times")


def test_whoever_may_not_approve_is_refused_in_slack_as_everywhere(response: Response, slack: Slack):
    _, draft = a_draft(response)
    form = opened(response, "U0SAM", "The notice to Harbour View")
    first = do(response, sent(slack, form, "U0SAM", decision=("approve",)))
    assert "Not done. sam may not decide on a notice" in shown(do(response, sent(slack, first.form, "U0SAM")))
    assert approvals_of(response.house.ctx, draft.id) == ()


def test_a_question_is_answered_and_the_playbook_goes_on(response: Response, slack: Slack):
    incident = response.declared()
    response.go_until_still()
    form = opened(response, "U0MAYA", "ask-exfiltration")
    choices = [option["text"]["text"] for option in form["blocks"][1]["element"]["options"]]
    assert "unknown" in choices
    place = str(choices.index("possible"))
    reply = do(response, sent(slack, form, "U0MAYA", answer=(place,), reason="2 GB left at 17:30"))
    assert reply.text == "Answered: ask-exfiltration."
    with response.house.store.read() as connection:
        (run,) = load_runs(connection, incident=incident)
        assert load_row(connection, run.id, "ask-exfiltration").state == "done"
        facts = situation_of(connection, response.house.workspace, incident)
    assert facts.facts()["exfiltration"] == "possible"
    assert [version.stated_by for version in facts.versions if version.path == "exfiltration"] == ["maya"]


def test_a_question_that_somebody_else_answered_is_not_answered_again(response: Response, slack: Slack):
    incident = response.declared()
    response.go_until_still()
    form = opened(response, "U0MAYA", "ask-exfiltration")
    with response.house.store.read() as connection:
        (run,) = load_runs(connection, incident=incident)
    decisions.answer(response.house.ctx, run.id, "ask-exfiltration", "unlikely")
    reply = do(response, sent(slack, form, "U0MAYA", answer=("0",)))
    assert "does not wait any more" in shown(reply)


def test_unknown_people_can_do_nothing_and_are_told_so(response: Response, slack: Slack):
    response.declared()
    response.go_until_still()
    before = len(response.house.journal_kinds())
    for envelope in (
        typed(slack, "declare", "U0NOBODY"),
        typed(slack, "status", "U0NOBODY"),
        pressed(slack, response.status_message(), OPEN, "U0NOBODY", text="ask-exfiltration"),
        pressed(slack, response.status_message(), TAKE_ROLE, "U0NOBODY"),
        typed(slack, "status", "U0MAYA", team_id="T0ANOTHERFIRM"),
    ):
        reply = do(response, envelope)
        assert "does not know you" in reply.text
        assert reply.form is None
    assert len(response.house.journal_kinds()) == before


def test_two_people_with_one_member_id_are_nobody(tmp_path: Path, slack: Slack):
    house = House(tmp_path, firm=firm_with_slack().replace("slack: U0TOM", "slack: U0MAYA"))
    sender = sender_of(typed(slack, "status", "U0MAYA"))
    assert person_of(house.workspace, sender, team="T0LARK") is None
    house.close()


def test_an_envelope_handed_over_twice_is_done_once(response: Response, slack: Slack):
    form = do(response, typed(slack, "declare", "U0MAYA")).form
    envelope = sent(slack, form, "U0MAYA", title="Strange logins", system=["crm"], cause=("phishing",))
    first, second = do(response, envelope), do(response, envelope)
    again = do(response, Envelope("another-envelope", envelope.kind, envelope.payload, retry=1))
    assert "INC-2026-001 is declared" in first.text
    assert second == again == Reply()
    assert [each.id for each in all_incidents(response.house.ctx)] == ["INC-2026-001"]


def test_a_form_with_a_mistake_says_so_beside_the_field_and_can_be_sent_again(response: Response, slack: Slack):
    form = {**(do(response, typed(slack, "declare", "U0MAYA")).form or {}), "id": "V0SAME"}
    wrong = do(response, sent(slack, form, "U0MAYA", title="Strange logins"))
    assert "which system was hit" in dict(wrong.errors)["title"]
    right = do(response, sent(slack, form, "U0MAYA", title="Strange logins", system=["crm"]))
    assert "is declared" in right.text


def test_while_slack_is_compromised_nothing_that_comes_from_there_is_obeyed(response: Response, slack: Slack):
    incident = response.declared()
    response.go_until_still()
    button = pressed(slack, response.status_message(), OPEN, "U0MAYA", text="ask-exfiltration")
    form = do(response, typed(slack, "declare", "U0MAYA")).form
    alarms.mark_compromised(response.house.ctx, "slack", "a stranger in the team")
    before = len(response.house.journal_kinds())
    for envelope in (
        button,
        typed(slack, "status", "U0MAYA"),
        sent(slack, form, "U0MAYA", title="x", system=["crm"]),
    ):
        assert do(response, envelope) == Reply()
    assert len(response.house.journal_kinds()) == before
    assert len(all_incidents(response.house.ctx)) == 1
    assert incident


def test_a_page_is_acknowledged_and_a_role_is_taken_by_button(response: Response, slack: Slack):
    incident = response.declared()
    page(response.house.acting("priya"), incident, "commander")
    response.go_until_still()
    reply = do(response, pressed(slack, response.status_message(), ACKNOWLEDGE, "U0MAYA"))
    assert f"You are on {incident}" in reply.text
    response.go_until_still()
    assert "I am on it" not in json.dumps(response.status_message())
    form = do(response, pressed(slack, response.status_message(), TAKE_ROLE, "U0TOM")).form
    taken = do(response, sent(slack, form, "U0TOM", role=("commander",), note="Maya sleeps"))
    assert f"You are commander of {incident} now" in taken.text
    with response.house.store.read() as connection:
        assert roles_of(connection, incident)["commander"].person == "tom"
    response.go_until_still()
    assert "commander: Tom Reed" in json.dumps(response.status_message())


def test_somebody_is_paged_by_command(response: Response, slack: Slack):
    incident = response.declared()
    form = do(response, typed(slack, "page", "U0PRIYA")).form
    reply = do(response, sent(slack, form, "U0PRIYA", incident=(incident,), role=("technical",), person=("tom",)))
    assert reply.text == f"Paged for technical of {incident}: Tom Reed."
    with response.house.store.read() as connection:
        assert [each.paged for each in pages_of(connection, incident)] == [("tom",)]


def test_of_a_report_nothing_is_kept_of_who_made_it(response: Response, slack: Slack, caplog: Any):
    caplog.set_level(logging.DEBUG)
    form = do(response, typed(slack, "report", "U0TOM")).form
    reply = do(
        response,
        sent(slack, form, "U0TOM", what="A list lies in the printer", kind=("near_miss",), system=("crm",)),
    )
    assert "without your name" in reply.text
    (kept,) = reports(response.house.acting("priya"))
    assert (kept.what, kept.reported_by) == ("A list lies in the printer", None)
    with response.house.store.read() as connection:
        rows = connection.execute(select(journal)).all()
        texts = connection.execute(select(journal_private)).all()
    assert all(row.actor in ("anonymous", "service:tocsin", "tocsin") for row in rows)
    dump = "\n".join(response.house.store.engine.raw_connection().driver_connection.iterdump())
    told = [line for line in dump.splitlines() if "tom" in line.casefold().split("'")]
    assert told == []
    assert "U0TOM" not in dump + str(rows) + str(texts) + caplog.text


def test_status_says_what_is_open_and_what_waits(response: Response, slack: Slack):
    assert "No incident is open" in do(response, typed(slack, "status", "U0MAYA")).text
    incident = response.declared()
    text = do(response, typed(slack, "status", "U0MAYA")).text
    assert incident in text
    assert "next due Sat 21 Nov 2026 17:40" in text
    assert "waiting for a person" in text


def test_a_misspelt_word_is_answered_with_the_nearest(response: Response, slack: Slack):
    assert "Did you mean 'declare'?" in do(response, typed(slack, "declair", "U0MAYA")).text
    assert "/tocsin declare" in do(response, typed(slack, "", "U0MAYA")).text


def test_through_the_real_line_all_is_acknowledged_in_time_and_it_comes_back(response: Response):
    incident = response.declared("Files & <renamed>")
    response.go_until_still()
    with listening(response) as slack:
        told = slack.socket.command("status", member="U0MAYA").answer()
        assert incident in str(told)
        assert "&lt;renamed&gt;" in str(told)
        assert "does not know you" in str(slack.socket.command("status", member="U0NOBODY").answer())

        before = len(slack.forms)
        press = slack.socket.press(response.status_message(), OPEN, member="U0MAYA")
        press.answer()
        _until(lambda: len(slack.forms) > before)
        view = list(slack.forms)[-1]
        answered = slack.socket.submit(
            view, {"answer": {"answer": {"selected_option": {"value": "0"}}}}, member="U0MAYA"
        )
        assert "Answered" in str(answered.answer())

        slack.socket.again(press).answer()
        before = slack.socket.opened
        slack.socket.refresh()
        slack.socket.wait_for_line(opened=before + 1)
        _until(lambda: len(slack.socket._lines) == 1)
        assert incident in str(slack.socket.command("status", member="U0PRIYA").answer())
        assert slack.socket.late == []


def test_an_act_that_takes_long_is_acknowledged_in_time_and_answered_when_it_is_done(
    response: Response, slack: Slack, monkeypatch: pytest.MonkeyPatch
):
    # The figure alone is made smaller: the act below takes longer than it.
    monkeypatch.setattr(line, "IN_TIME_SECONDS", 0.05)
    acknowledged: list[Any] = []

    class SlowDesk(Desk):
        def take(self, envelope: Envelope) -> Reply:
            assert _until(lambda: bool(acknowledged))
            return super().take(envelope)

    slow = line.Line(SlowDesk(response.ctx), response.chat, lambda: None)
    slow.take(typed(slack, "status", "U0MAYA"), acknowledged.append)
    slow.close()
    assert acknowledged == [None]
    _until(lambda: bool(slack.whispered))
    assert slack.whispered[0][0] == "U0MAYA"
    assert "No incident is open" in slack.whispered[0][1]


def _until(holds: Any, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return True


def test_a_notice_that_nobody_can_mail_is_shown_as_waiting_to_be_sent_by_hand(response: Response, slack: Slack):
    (response.house.folder / "playbooks" / "short.yaml").write_text(BY_HAND)
    incident = response.declared()
    (draft,) = notices.notices(response.house.ctx, incident=incident)
    with response.house.store.read() as connection:
        kinds = [item.kind for item in waiting_for(connection, response.house.workspace, incident)]
    assert kinds == ["notice"], "the draft alone waits, not the step that waits for it too"
    seen = notices.shown(response.house.ctx, draft.id)
    notices.approve_notice(response.house.acting("priya"), draft.id, seen.sha256, reason="read")
    with response.house.store.read() as connection:
        (run,) = load_runs(connection, incident=incident)
    advance(response.house.ctx, run.id)
    response.go_until_still()
    said = everything_said(response.status_message())
    assert "Send by hand" in said
    assert f"tocsin notice record {draft.id[:8]}" in said


BY_HAND = """\
playbook: short
title: A report to the ICO
roles: [dpo]
steps:
  - id: draft-report
    uses: notice.draft
    with: {template: ico/initial, addressee: ico}
  - id: send-report
    uses: notice.send
    needs: [draft-report]
    with: {template: ico/initial, addressee: ico}
"""
