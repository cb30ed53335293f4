"""The list of those a letter goes to: read with care, shown before it is kept, bound to the approval."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from simulators.chance import CrashAt
from simulators.time import SimulatedClock
from tocsin.context import Context
from tocsin.errors import ConfigurationError, Refused, UsageError
from tocsin.notices import (
    Notice,
    approve_notice,
    draft_notice,
    edit_notice,
    notice_of,
    retry_due,
    send_notice,
    shown,
)
from tocsin.notices.forgetting import forget_due, forget_recipients
from tocsin.notices.listed import read_file, read_rows
from tocsin.notices.merkle import merkle_root
from tocsin.notices.pace import Followed, Pace
from tocsin.notices.paper_post import record_posted, write_letters
from tocsin.notices.posting import posted
from tocsin.notices.recipient_rows import readers_in
from tocsin.notices.recipients import PlannedList, load_recipients, plan_recipients
from tocsin.ports import Actor, HandedOver
from tocsin.store.tables import journal, journal_private, recipient, recipient_list
from unit.notices.agency import Letterbox, at_work, case, declare, make_workspace

PEOPLE = """\
Name,E-mail,Address_1,Address_2,Postcode,Blood group
Ann Barker,ann@home.example,,,,A+
Bola Adeyemi,bola@home.example,1 Mill Lane,Bristol,BS41 9AB,0-
Ciarán Ó Néill,,2 Mill Lane,Bristol,BS41 9AC,B+
"""


@pytest.fixture
def letterbox() -> Letterbox:
    return Letterbox()


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def ctx(tmp_path: Path, letterbox: Letterbox, clock: SimulatedClock) -> Iterator[Context]:
    workspace = make_workspace(tmp_path, mail_port=25, more="  bulk: {per_minute: 100000}\n")
    with at_work(workspace, letterbox, CrashAt(), clock=clock) as ctx:
        declare(ctx)
        yield ctx


@pytest.fixture
def letter(ctx: Context) -> Notice:
    return draft_notice(ctx, case(), template="people/letter", addressee="people", made_by="step:people")


def listed(ctx: Context, text: str | bytes = PEOPLE) -> Path:
    path = ctx.workspace.root / "people.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def planned(ctx: Context, letter: Notice, text: str | bytes = PEOPLE) -> PlannedList:
    return plan_recipients(ctx, letter.id, read_file(listed(ctx, text), {}))


def loaded(ctx: Context, letter: Notice, text: str = PEOPLE) -> str:
    return load_recipients(ctx, planned(ctx, letter, text)).sha256


def approve(ctx: Context, letter: Notice) -> None:
    approve_notice(ctx.acting_as(Actor("dilys", "cli")), letter.id, shown(ctx, letter.id).sha256)


def counts(ctx: Context, letter: Notice) -> dict[str, int]:
    found = posted(ctx, notice_of(ctx, letter.id))
    assert found is not None
    return dict(found.counts)


def test_only_the_columns_a_letter_needs_are_read(ctx: Context) -> None:
    people = read_file(listed(ctx), {})
    assert [each.name for each in people.entries] == ["Ann Barker", "Bola Adeyemi", "Ciarán Ó Néill"]
    assert people.entries[1].address == ("1 Mill Lane", "Bristol", "BS41 9AB")
    assert people.said == ("Not read, and not kept: 'Blood group'.",)


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        ("\ufeffname,email\nZoë,z@home.example\n".encode(), "Zoë", ()),
        ("name;email\r\nZoë;z@home.example\r\n".encode("cp1252"), "Zoë", ("Windows-1252",)),
        ("name\temail\nZoë\tz@home.example\n".encode("utf-16"), "Zoë", ("UTF-16",)),
    ],
)
def test_whatever_encoding_it_is_in_is_found_and_said(
    ctx: Context, content: bytes, name: str, said: tuple[str, ...]
) -> None:
    people = read_file(listed(ctx, content), {})
    assert [(each.line, each.name, each.email) for each in people.entries] == [(2, name, "z@home.example")]
    assert [word for word in said if not any(word in each for each in people.said)] == []
    assert len(people.said) == len(said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"nane,email\nAnn,a@b.example\n", "people.csv:1:1: there is no column 'name'"),
        (b"name,phone\nAnn,1\n", "neither a column 'email' nor 'address'"),
        (b"name,email,mail\nAnn,a@b.example,c@d.example\n", "two columns are called 'email'"),
        (b"name,email\nAnn,a@b.example\nBola\n", "people.csv:3:2: this line has 1 columns and the head line 2"),
        (b'name,email\nAnn,a@b.example\n"Bola,b@b.example\n', "people.csv:3:1: a quote"),
        (b"name,email\nAnn \x81,a@b.example\n", "people.csv:2:5: this is neither UTF-8 nor Windows-1252"),
    ],
)
def test_a_list_that_is_wrong_is_refused_with_line_and_column(ctx: Context, content: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        read_file(listed(ctx, content), {})
    assert said in str(wrong.value)


def test_a_column_may_be_named_by_hand(ctx: Context) -> None:
    path = listed(ctx, "Who,Work mail,email\nAnn,a@work.example,a@home.example\n")
    people = read_file(path, {"name": "Who", "email": "Work mail"})
    assert (people.entries[0].name, people.entries[0].email) == ("Ann", "a@work.example")
    with pytest.raises(ConfigurationError, match=r"there is no column 'Worc mail'.*Did you mean 'Work mail'"):
        read_file(path, {"name": "Who", "email": "Worc mail"})


def test_rows_of_a_query_are_read_by_the_names_of_their_columns() -> None:
    people = read_rows(
        json.dumps(
            [{"email": "a@b.example", "name": "Ann", "born": 1980}, {"email": None, "name": "Bo", "born": None}]
        )
    )
    assert [(each.name, each.email) for each in people.entries] == [("Ann", "a@b.example"), ("Bo", "")]
    assert people.said == ("Not read, and not kept: 'born'.",)


def test_nobody_is_dropped_and_each_reason_is_named(ctx: Context, letter: Notice) -> None:
    plan = planned(
        ctx,
        letter,
        "name,email,address\n"
        "Ann Barker,ann@home.example,\n"
        "ann  barker,ANN@home.example,\n"
        "Bob Barker,ann@home.example,\n"
        "Cy Dee,cy(at)home.example,\n"
        "Dot Eff,dot@@home.example,3 Mill Lane\n"
        "Eva Gee,,\n"
        "Acme Health,eva@home.example,\n"
        "Fay Wong,fay@home..example,\n",
    )
    assert [(each.entry.line, each.way, each.code) for each in plan.letters] == [
        (2, "mail", ""),
        (3, "held", "duplicate"),
        (4, "mail", ""),
        (5, "held", "bad-address"),
        (6, "paper", ""),
        (7, "held", "no-way"),
        (8, "held", "guard"),
        (9, "held", "bad-address"),
    ]
    assert plan.held[0].why == "the same person stands in line 2"
    assert plan.shared == (("ann@home.example", 2),)
    assert [each.entry.name for each in plan.to_look_at] == ["Dot Eff"]
    assert "Dear Ann Barker" in plan.samples[0][1].body


def test_looking_through_a_list_changes_nothing(ctx: Context, letter: Notice) -> None:
    planned(ctx, letter)
    with ctx.store.read() as connection:
        assert connection.execute(select(recipient_list)).all() == []


def test_an_approval_is_of_this_text_with_this_list(ctx: Context, letter: Notice, letterbox: Letterbox) -> None:
    first = loaded(ctx, letter)
    assert first in shown(ctx, letter.id).text
    approve(ctx, letter)
    assert loaded(ctx, letter) == first
    assert notice_of(ctx, letter.id).state == "approved"
    assert loaded(ctx, letter, PEOPLE + "Dev Patel,dev@home.example,,,,\n") != first
    assert notice_of(ctx, letter.id).state == "draft"
    with pytest.raises(Refused, match="this list of readers"):
        send_notice(ctx, letter.id)
    assert letterbox.mails == []


def test_who_loaded_the_list_does_not_approve_it(ctx: Context, letter: Notice) -> None:
    dilys = ctx.acting_as(Actor("dilys", "cli"))
    load_recipients(dilys, planned(dilys, letter))
    with pytest.raises(Refused, match="dilys loaded the list"):
        approve_notice(dilys, letter.id, shown(ctx, letter.id).sha256)


def test_only_letters_to_people_take_a_list(ctx: Context) -> None:
    client = draft_notice(ctx, case(), template="client/initial", addressee="acme", made_by="step:acme")
    with pytest.raises(UsageError, match="it takes no list"):
        planned(ctx, client)


def test_mails_go_at_once_and_paper_waits_for_the_post(
    ctx: Context, letter: Notice, letterbox: Letterbox, tmp_path: Path
) -> None:
    loaded(ctx, letter)
    with pytest.raises(Refused):
        write_letters(ctx, letter.id, tmp_path / "letters")
    approve(ctx, letter)
    done = send_notice(ctx, letter.id).to_many
    assert done is not None
    assert (dict(done.counts), done.on_paper_to_go, done.notice.state) == (
        {"sent": 2, "intended": 1},
        1,
        "approved",
    )
    assert len(letterbox.mails) == 2
    with pytest.raises(UsageError, match="Write them first"):
        record_posted(ctx, letter.id, reference="RM 1", proof=None)
    written = write_letters(ctx, letter.id, tmp_path / "letters")
    assert written.letters == 1
    (page,) = (tmp_path / "letters").glob("*.html")
    assert "Ciarán Ó Néill<br />\n2 Mill Lane" in page.read_text()
    assert "Our reference: INC-2026-001/" in page.read_text()
    assert "Ciarán Ó Néill" in (tmp_path / "letters/run-sheet.csv").read_text("utf-8-sig")
    assert (tmp_path / "letters").stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError, match="--proof"):
        record_posted(ctx, letter.id, reference=None, proof=None)
    receipt = tmp_path / "receipt.pdf"
    receipt.write_bytes(b"posted")
    assert record_posted(ctx, letter.id, reference=None, proof=receipt) == 1
    assert notice_of(ctx, letter.id).state == "sent"
    assert counts(ctx, letter) == {"sent": 3}


def test_once_letters_have_left_neither_text_nor_list_changes(ctx: Context, letter: Notice) -> None:
    loaded(ctx, letter)
    approve(ctx, letter)
    send_notice(ctx, letter.id)
    with pytest.raises(Refused, match="its list stays as it is"):
        loaded(ctx, letter, PEOPLE + "Dev Patel,dev@home.example,,,,\n")
    with pytest.raises(Refused, match="has been sent"):
        edit_notice(ctx, letter.id, "Another text")


def test_what_is_put_off_waits_longer_each_time_and_a_round_tries_it_again(
    ctx: Context, letter: Notice, letterbox: Letterbox, clock: SimulatedClock
) -> None:
    loaded(ctx, letter, "name,email\nAnn,ann@home.example\nBola,bola@home.example\n")
    approve(ctx, letter)
    assert retry_due(ctx) == ()
    letterbox.answers["ann@home.example"] = HandedOver("put off", "451", "greylisted", "reader")
    send_notice(ctx, letter.id)
    assert counts(ctx, letter) == {"sent": 1, "intended": 1}
    clock.advance(timedelta(minutes=4))
    assert retry_due(ctx) == ()
    clock.advance(timedelta(minutes=2))
    assert [each.notice.state for each in retry_due(ctx)] == ["approved"]
    clock.advance(timedelta(minutes=6))
    assert retry_due(ctx) == ()
    letterbox.answers.clear()
    clock.advance(timedelta(minutes=6))
    assert [each.notice.state for each in retry_due(ctx)] == ["sent"]
    assert len(letterbox.mails) == 2


def test_a_server_that_refuses_everything_is_not_asked_ten_thousand_times(
    ctx: Context, letter: Notice, letterbox: Letterbox
) -> None:
    loaded(
        ctx, letter, "name,email\n" + "".join(f"Ann {c},{c}@home.example\n" for c in "abcdefghijklmnopqrstuvwxyz")
    )
    approve(ctx, letter)
    letterbox.answers = {
        f"{c}@home.example": HandedOver("refused", "554", "no", "text") for c in "abcdefghijklmnopqrstuvwxyz"
    }
    with pytest.raises(Exception, match="refused 20 mails one after the other"):
        send_notice(ctx, letter.id)
    assert counts(ctx, letter) == {"failed": 20, "intended": 6}
    letterbox.answers.clear()
    send_notice(ctx, letter.id, refused_again=True)
    assert counts(ctx, letter) == {"sent": 26}


def test_a_sender_that_is_refused_costs_no_reader_their_letter(
    ctx: Context, letter: Notice, letterbox: Letterbox
) -> None:
    loaded(ctx, letter, "name,email\nAnn,ann@home.example\nBola,bola@home.example\n")
    approve(ctx, letter)
    letterbox.answers["ann@home.example"] = HandedOver("refused", "550", "not yours", "sender")
    with pytest.raises(Exception, match="refuses our sender"):
        send_notice(ctx, letter.id)
    assert counts(ctx, letter) == {"intended": 2}


def test_a_stop_is_between_two_letters(ctx: Context, letter: Notice, letterbox: Letterbox) -> None:
    loaded(ctx, letter, "name,email\nAnn,ann@home.example\nBola,bola@home.example\n")
    approve(ctx, letter)
    send_notice(ctx, letter.id, Followed(should_stop=lambda: bool(letterbox.mails)))
    assert counts(ctx, letter) == {"sent": 1, "intended": 1}


def test_letters_leave_evenly_spaced() -> None:
    pace = Pace(120, 0.0)
    assert [pace.wait(now) for now in (0.0, 0.0, 0.5, 9.0)] == [0.0, 0.5, 0.5, 0.0]


def test_the_journal_holds_no_reader_and_few_entries(ctx: Context, letter: Notice) -> None:
    loaded(ctx, letter)
    approve(ctx, letter)
    send_notice(ctx, letter.id)
    with ctx.store.read() as connection:
        told = [row.payload for row in connection.execute(select(journal))]
        private = [row.text for row in connection.execute(select(journal_private))]
    everything = " ".join([*told, *private])
    assert not [name for name in ("Barker", "ann@", "Adeyemi", "Néill", "Mill Lane") if name in everything]
    assert any('"root"' in payload and '"sent":2' in payload for payload in told)


def test_names_are_forgotten_on_schedule_and_the_proof_stays(
    ctx: Context, letter: Notice, letterbox: Letterbox, clock: SimulatedClock
) -> None:
    loaded(ctx, letter, "name,email\nAnn,ann@home.example\nBola,bola@home.example\n")
    approve(ctx, letter)
    send_notice(ctx, letter.id)
    before = posted(ctx, notice_of(ctx, letter.id))
    assert before is not None
    with ctx.store.read() as connection:
        digests = [reader.sha256 or "" for reader in readers_in(connection, letter.id)]
    clock.advance(timedelta(days=89))
    assert forget_due(ctx) == ()
    clock.advance(timedelta(days=2))
    (gone,) = forget_due(ctx)
    assert gone.root == before.recipients.root == merkle_root(digests)
    assert forget_due(ctx) == ()
    with ctx.store.read() as connection:
        rows = connection.execute(select(recipient)).all()
        salt = connection.execute(select(recipient_list.c.salt)).scalar()
    assert {(row.key, row.name, row.email, row.address, row.detail) for row in rows} == {(None,) * 5}
    assert [row.sha256 for row in rows] == digests
    assert salt is None
    assert b"ann@home.example" not in (ctx.workspace.state_folder / "tocsin.db").read_bytes()
    assert send_notice(ctx, letter.id).notice.state == "sent"


def test_a_list_whose_letters_are_still_to_go_is_not_forgotten(
    ctx: Context, letter: Notice, letterbox: Letterbox
) -> None:
    loaded(ctx, letter, "name,email\nAnn,ann@home.example\nBola,bola@home.example\n")
    approve(ctx, letter)
    letterbox.answers["ann@home.example"] = HandedOver("put off", "451", "greylisted", "reader")
    send_notice(ctx, letter.id)
    with pytest.raises(Refused, match="would never be told"):
        forget_recipients(ctx, letter.id)


def test_a_list_that_was_never_used_is_forgotten_too_and_can_be_loaded_again(
    ctx: Context, letter: Notice, clock: SimulatedClock
) -> None:
    loaded(ctx, letter)
    approve(ctx, letter)
    clock.advance(timedelta(days=91))
    assert len(forget_due(ctx)) == 1
    with pytest.raises(Refused, match="Load it again"):
        send_notice(ctx, letter.id)
    loaded(ctx, letter)
    assert notice_of(ctx, letter.id).state == "draft"
