"""A need-to-know incident: whoever is not of its people learns at no door more than that it exists."""

from dataclasses import replace
from datetime import timedelta

import pytest

from simulators.house import House
from tocsin.errors import Refused, UsageError
from tocsin.incidents import (
    Declaration,
    add_systems,
    all_incidents,
    call_it,
    confirm,
    declare,
    let_out,
    open_to_all,
    page,
    raise_due_alarms,
    reach,
    restrict,
    take,
    write_story,
)
from tocsin.incidents.radius import radius_of
from tocsin.incidents.register import entry_of, hidden_from_register, register
from tocsin.notices import notices
from tocsin.runbook.containment import contained
from tocsin.runbook.engine import advance, stand
from tocsin.runbook.ledger import load_runs
from tocsin.situation import decide, situation_of, state_fact
from tocsin.store.journal import entries
from tocsin.tonight import look

OPEN, SECRET = "INC-2026-001", "INC-2026-002"
TITLE = "Priya's own laptop was searched"


@pytest.fixture
def two(house: House) -> House:
    declare(house.ctx, Declaration("A lost phone", ("crm",), "lost_device"))
    run = declare(
        house.ctx, Declaration(TITLE, ("file-share",), "insider", playbook="ransomware", need_to_know=("tom",))
    ).run
    advance(house.ctx, run.id)
    return house


def test_its_own_people_see_all_of_it(two: House) -> None:
    for person in ("maya", "tom"):
        ctx = two.acting(person)
        newest = all_incidents(ctx)[0]
        assert (newest.id, newest.title) == (SECRET, TITLE)
        with ctx.store.read() as connection:
            assert situation_of(connection, ctx.workspace, SECRET).title == TITLE
            assert look(connection, ctx.workspace, ctx.clock.now()).need_to_know == ()


@pytest.mark.parametrize("person", ["priya", "sam", "user:root"])
def test_to_others_a_list_tells_its_id_and_nothing_else(two: House, person: str) -> None:
    found = {each.id: each for each in all_incidents(two.acting(person))}
    hidden = found[SECRET]
    assert (hidden.title, hidden.cause, hidden.state, hidden.declared_at) == ("", None, "need-to-know", None)
    assert found[OPEN].title == "A lost phone"


def test_status_tells_others_that_it_exists_and_no_clock_step_or_alarm_of_it(two: House) -> None:
    page(two.ctx, SECRET, "technical")
    ctx = two.acting("priya")
    with ctx.store.read() as connection:
        seen = look(connection, ctx.workspace, ctx.clock.now())
    assert seen.need_to_know == (SECRET,)
    assert [one.id for one in seen.incidents] == [OPEN]
    shown = repr(replace(seen, need_to_know=()))
    assert SECRET not in shown
    assert TITLE not in shown
    assert {one.incident for one in seen.waiting} <= {OPEN}


def test_no_door_that_reads_one_incident_opens_for_others(two: House) -> None:
    ctx = two.acting("priya")
    with two.store.read() as connection:
        run = load_runs(connection, incident=SECRET)[0].id
    for door in (
        lambda: radius_of(ctx, SECRET),
        lambda: write_story(ctx, SECRET),
        lambda: entry_of(ctx, SECRET),
        lambda: stand(ctx, run),
        lambda: advance(ctx, run),
    ):
        with pytest.raises(Refused, match="is need-to-know: it exists"):
            door()
    assert notices(ctx, incident=SECRET) == ()
    with two.store.read() as connection:
        assert contained(connection, incident=SECRET)
    with ctx.store.read() as connection:
        assert contained(connection) == ()
    with ctx.store.read() as connection:
        assert [each.incident for each in load_runs(connection)] == [OPEN]


def test_no_door_that_changes_one_opens_for_others_and_nothing_is_written(two: House) -> None:
    ctx, before = two.acting("priya"), two.journal_kinds()
    for door in (
        lambda: state_fact(ctx, SECRET, "exfiltration", "possible"),
        lambda: decide(ctx, SECRET, "regulator", "no", "r"),
        lambda: confirm(ctx, SECRET, ctx.clock.now(), "r"),
        lambda: reach(ctx, SECRET, "contained"),
        lambda: call_it(ctx, SECRET, "near_miss", "r"),
        lambda: add_systems(ctx, SECRET, ("crm",), "r"),
        lambda: take(ctx, SECRET, "dpo"),
        lambda: page(ctx, SECRET),
        lambda: restrict(ctx, SECRET, ("priya",), "let me in"),
    ):
        with pytest.raises(Refused, match="is need-to-know"):
            door()
    assert two.journal_kinds() == before


def test_the_register_leaves_it_out_for_others_and_says_so(two: House) -> None:
    ctx = two.acting("priya")
    assert [each.incident for each in register(ctx)] == [OPEN]
    assert hidden_from_register(ctx) == (SECRET,)
    assert [each.incident for each in register(two.acting("tom"))] == [OPEN, SECRET]


def test_the_journal_shows_others_no_entry_of_it(two: House) -> None:
    def told(person: str) -> str:
        with two.acting(person).store.read() as connection:
            return repr(entries(connection))

    assert TITLE in told("tom")
    assert SECRET not in told("priya")
    assert TITLE not in told("priya")


def test_its_clocks_run_and_its_alarms_ring_whoever_does_the_round(two: House) -> None:
    two.clock.advance(timedelta(hours=13))
    raise_due_alarms(two.acting("sam"))
    mails = [mail for mail in two.postbox.sent if SECRET in mail.get_content()]
    assert mails
    assert all(
        set(str(mail["To"]).split(", ")) <= {"maya@larkfield.example", "tom@larkfield.example"} for mail in mails
    )


def test_people_join_and_leave_with_a_reason_and_the_last_one_stays(two: House) -> None:
    assert restrict(two.ctx, SECRET, ("priya",), "She has to decide") == ("maya", "tom", "priya")
    assert all_incidents(two.acting("priya"))[0].title == TITLE
    assert let_out(two.ctx, SECRET, "priya", "Conflict of interest") == ("maya", "tom")
    assert all_incidents(two.acting("priya"))[0].title == ""
    let_out(two.ctx, SECRET, "tom", "r")
    with pytest.raises(Refused, match="is the last"):
        let_out(two.ctx, SECRET, "maya", "r")
    with pytest.raises(UsageError, match="Say why"):
        restrict(two.ctx, SECRET, ("tom",), "")


def test_it_can_be_opened_to_everybody_again(two: House) -> None:
    open_to_all(two.ctx, SECRET, "It was a false alarm")
    assert all_incidents(two.acting("sam"))[0].title == TITLE
    restrict(two.ctx, SECRET, (), "Not for all after all")
    assert all_incidents(two.acting("sam"))[0].title == ""


def test_an_unknown_person_is_named_with_the_nearest_and_nothing_is_declared(house: House) -> None:
    with pytest.raises(UsageError, match="Did you mean 'priya'"):
        declare(house.ctx, Declaration("x", ("crm",), need_to_know=("prija",)))
    assert all_incidents(house.ctx) == ()
