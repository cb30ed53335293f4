"""Letters that come back: read from what mail servers write, matched with whom they went to."""

import mailbox
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.chance import CrashAt
from to_many_ground import FAST, a_list, an_approved_letter
from tocsin.context import Context
from tocsin.errors import UsageError
from tocsin.notices import notice_of, send_notice
from tocsin.notices.bounces import Report, reports_in, reports_of
from tocsin.notices.recipient_rows import Reader, readers_in
from tocsin.notices.unreached import CameBack, read_bounces
from tocsin.ports import HandedOver
from unit.notices.agency import Letterbox, at_work, declare, make_workspace

REPORT = """\
From: MAILER-DAEMON@mx.example
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {reader}
Original-Recipient: rfc822; {reader}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 {reader} no such user

--b
{returned}
--b--
"""
WHOLE = "Content-Type: message/rfc822\n\nFrom: a@b.example\nMessage-ID: {id}\nSubject: x\n\ntext\n"
HEADERS = "Content-Type: text/rfc822-headers\n\nFrom: a@b.example\nMessage-ID: {id}\nSubject: x\n"
NOTHING = "Content-Type: text/plain\n\nnothing is returned\n"


def report(
    reader: str,
    returned: str = NOTHING,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    to: str = "breach@lantern.example",
) -> bytes:
    return REPORT.format(reader=reader, action=action, status=status, to=to, returned=returned).encode()


@pytest.fixture
def letterbox() -> Letterbox:
    return Letterbox()


@pytest.fixture
def ctx(tmp_path: Path, letterbox: Letterbox) -> Iterator[Context]:
    with at_work(make_workspace(tmp_path, mail_port=25, more=FAST), letterbox, CrashAt()) as ctx:
        declare(ctx)
        yield ctx


@pytest.fixture
def letter(ctx: Context) -> str:
    identity = an_approved_letter(ctx, a_list(ctx.workspace.root, 4))
    send_notice(ctx, identity)
    return identity


def readers(ctx: Context, letter: str) -> tuple[Reader, ...]:
    with ctx.store.read() as connection:
        return readers_in(connection, letter)


def told(ctx: Context, letter: str, *mails: bytes) -> CameBack:
    return read_bounces(ctx, letter, [each for mail in mails for each in reports_of(mail)])


@pytest.mark.parametrize("returned", [WHOLE, HEADERS])
def test_a_report_is_matched_by_the_mail_that_it_returns(ctx: Context, letter: str, returned: str) -> None:
    second = readers(ctx, letter)[1]
    found = told(
        ctx, letter, report("forwarded@else.example", returned.format(id=f"<{second.key}@lantern.example>"))
    )
    assert (found.bounced, found.others) == (1, 0)
    assert [each.state for each in readers(ctx, letter)] == ["sent", "bounced", "sent", "sent"]
    assert readers(ctx, letter)[1].code == "5.1.1"
    assert found.now.unreached == 1


def test_a_report_is_matched_by_the_address_it_came_back_to(ctx: Context, letter: str) -> None:
    third = readers(ctx, letter)[2]
    found = told(ctx, letter, report("x@else.example", to=f"breach+{third.key}@lantern.example"))
    assert found.bounced == 1
    assert readers(ctx, letter)[2].state == "bounced"


def test_the_readers_address_is_enough_only_where_no_mail_is_returned(ctx: Context, letter: str) -> None:
    other = WHOLE.format(id="<another-mail@lantern.example>")
    assert told(ctx, letter, report("reader0@home.example", other)).others == 1
    assert told(ctx, letter, report("Reader0@home.example")).bounced == 1


def test_the_same_reports_again_change_nothing(ctx: Context, letter: str) -> None:
    mail = report("reader0@home.example")
    assert told(ctx, letter, mail).bounced == 1
    again = told(ctx, letter, mail)
    assert (again.bounced, again.known, again.now.unreached) == (0, 1, 1)


def test_a_delay_is_no_bounce_and_what_is_no_report_is_counted(ctx: Context, letter: str) -> None:
    found = told(
        ctx,
        letter,
        report("reader0@home.example", action="delayed", status="4.4.1"),
        b"From: ann@home.example\nSubject: Out of office\n\nI am away.\n",
        b"\xff\xfe\x00 not a mail at all",
    )
    assert (found.bounced, found.delayed, found.not_understood) == (0, 1, 2)


def test_a_letter_of_unknown_outcome_that_comes_back_is_known(ctx: Context, letterbox: Letterbox) -> None:
    identity = an_approved_letter(ctx, a_list(ctx.workspace.root, 2))
    letterbox.answers["reader0@home.example"] = HandedOver("unknown", "", "connection lost", "text")
    with pytest.raises(Exception, match="may or may not"):
        send_notice(ctx, identity)
    assert notice_of(ctx, identity).state == "approved"
    told(ctx, identity, report("reader0@home.example"))
    assert notice_of(ctx, identity).state == "sent"


def test_maildir_mbox_folder_and_single_mail_are_read(tmp_path: Path) -> None:
    mails = [report(f"reader{at}@home.example") for at in range(2)]
    maildir = mailbox.Maildir(tmp_path / "maildir")
    mbox = mailbox.mbox(tmp_path / "mbox")
    folder = tmp_path / "folder"
    folder.mkdir()
    for at, mail in enumerate(mails):
        maildir.add(mail)
        mbox.add(mail)
        (folder / f"{at}.eml").write_bytes(mail)
    mbox.close()
    for path in (tmp_path / "maildir", tmp_path / "mbox", folder):
        assert {each.address for each in reports_in(path)} == {"reader0@home.example", "reader1@home.example"}
    assert [each.address for each in reports_in(folder / "0.eml")] == ["reader0@home.example"]
    with pytest.raises(UsageError, match="cannot be read"):
        tuple(reports_in(tmp_path / "nowhere"))


@given(st.binary(max_size=400))
def test_whatever_somebody_sends_us_is_counted_and_never_breaks_anything(noise: bytes) -> None:
    head = b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
    for mail in (noise, head + noise):
        assert all(isinstance(each, Report) for each in reports_of(mail))
