"""Reports: by anybody, without blame, without a name; looked at by a data protection lead or commander."""

import getpass
import socket
from datetime import timedelta

import pytest
from sqlalchemy import text

from simulators.chance import PowerCut
from simulators.house import House
from tocsin import alarms
from tocsin.errors import Refused, UsageError
from tocsin.incidents import (
    Declaration,
    Said,
    accept_report,
    acknowledge_page,
    all_incidents,
    close_report,
    make_report,
    raise_due_alarms,
    report_of,
    reports,
)
from tocsin.store.journal import entries

REP = "REP-2026-001"
WHAT = "Somebody forwarded the recall list to a private address"


def everything(house: House) -> str:
    """Return every value of every table as text."""
    with house.store.read() as connection:
        names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        return "\n".join(repr(connection.execute(text(f'SELECT * FROM "{name}"')).all()) for name in names)  # noqa: S608 - its own tables


def test_somebody_who_is_nobody_in_the_workspace_may_report_and_is_named_as_they_like(house: House) -> None:
    kept = make_report(house.acting("user:temp"), Said(WHAT, name="Jo from reception"))
    assert (kept.id, kept.state, kept.reported_by) == (REP, "waiting", "Jo from reception")
    assert make_report(house.acting("user:temp"), Said("And another")).reported_by == "user:temp"


def test_without_a_name_nothing_that_identifies_is_kept_anywhere(house: House) -> None:
    make_report(house.acting("sam"), Said("first, with a name"))  # the journal exists before
    before = everything(house)
    heads = house.store.head_file.read_bytes()
    make_report(house.acting("user:whistle", "slack"), Said(WHAT, anonymous=True, name="Jo"))
    after = everything(house)
    for mark in ("whistle", "slack", "Jo", getpass.getuser(), socket.gethostname()):
        assert after.count(mark) == before.count(mark), mark
    assert house.store.head_file.read_bytes() == heads
    with house.store.read() as connection:
        made = [told.entry for told in entries(connection) if told.entry.subject == "report:REP-2026-002"]
    assert {(entry.actor, entry.door) for entry in made} == {("anonymous", "report")}


def test_the_journal_binds_what_was_said_and_does_not_tell_it(house: House) -> None:
    make_report(house.acting("sam"), Said(WHAT))
    with house.store.read() as connection:
        assert WHAT not in repr(entries(connection))


def test_whoever_is_on_call_is_told_that_one_waits_and_not_what(house: House) -> None:
    make_report(house.acting("sam"), Said(WHAT, anonymous=True))
    alarms.deliver(house.ctx)
    assert [str(mail["To"]) for mail in house.postbox.sent] == ["priya@larkfield.example"]
    assert WHAT not in house.postbox.sent[0].get_content()
    house.clock.advance(timedelta(minutes=10))
    raise_due_alarms(house.ctx)
    assert str(house.postbox.sent[1]["To"]) == "priya@larkfield.example, maya@larkfield.example"
    assert len(acknowledge_page(house.ctx, REP)) == 1


def test_only_those_who_decide_may_look_at_it(house: House) -> None:
    make_report(house.acting("sam"), Said(WHAT))
    for person in ("sam", "user:root"):
        with pytest.raises(Refused, match="may not look at reports"):
            reports(house.acting(person))
        with pytest.raises(Refused):
            report_of(house.acting(person), REP)
    assert [each.what for each in reports(house.acting("priya"))] == [WHAT]


def test_it_becomes_an_incident_whose_first_alert_is_when_it_was_noticed(house: House) -> None:
    noticed = house.clock.now() - timedelta(hours=5)
    make_report(house.acting("sam"), Said(WHAT, system="file-share", noticed_at=noticed))
    house.clock.advance(timedelta(hours=1))
    declared = accept_report(house.acting("priya"), REP, Declaration("", (), "misdirected_email"))
    found = all_incidents(house.ctx)[0]
    assert (found.id, found.title, found.state, found.first_alert_at) == (
        declared.incident,
        WHAT,
        "suspected",
        noticed,
    )
    assert reports(house.acting("priya")) == ()
    assert report_of(house.acting("priya"), REP).incident == declared.incident
    with pytest.raises(UsageError, match="was looked at already: it became INC-2026-001"):
        accept_report(house.acting("priya"), REP, Declaration("", ("crm",)))
    assert acknowledge_page(house.ctx, REP) == ()


def test_one_about_a_colleague_becomes_need_to_know(house: House) -> None:
    make_report(house.acting("sam"), Said(WHAT, system="file-share"))
    accept_report(house.acting("priya"), REP, Declaration("", (), "insider", need_to_know=("priya",)))
    assert all_incidents(house.acting("maya"))[0].title == ""
    with pytest.raises(Refused, match="need-to-know"):
        report_of(house.acting("maya"), REP)
    assert reports(house.acting("maya"), waiting_only=False) == ()


def test_or_it_is_closed_with_a_reason_and_kept(house: House) -> None:
    make_report(house.acting("sam"), Said("It nearly went to the wrong client", kind="near_miss"))
    with pytest.raises(UsageError, match="Say why nothing follows"):
        close_report(house.acting("priya"), REP, " ")
    close_report(house.acting("priya"), REP, "Caught by the second reader")
    kept = report_of(house.ctx, REP)
    assert (kept.state, kept.reason, kept.settled_by) == ("closed", "Caught by the second reader", "priya")
    with pytest.raises(UsageError, match="it was closed"):
        close_report(house.ctx, REP, "again")


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (Said("  "), "Say in a sentence"),
        (Said(WHAT, system="filez"), "no system 'filez'"),
        (Said(WHAT, kind="breach"), "no kind of report"),
    ],
)
def test_bad_words_keep_nothing(house: House, said: Said, wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong):
        make_report(house.acting("sam"), said)
    assert house.journal_kinds() == []


def test_a_crash_after_it_was_kept_leaves_it_waiting(house: House) -> None:
    with pytest.raises(PowerCut, match="report:made"):
        make_report(house.crashing_at("report:made"), Said(WHAT))
    assert [each.id for each in reports(house.ctx)] == [REP]
