"""Some notices need two people: the workspace says which, and nothing leaves with one."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from simulators.chance import CrashAt
from simulators.time import SimulatedClock
from tocsin.context import Context
from tocsin.errors import ConfigurationError, Refused
from tocsin.notices import (
    approve_notice,
    draft_notice,
    edit_notice,
    notice_of,
    reject_notice,
    send_notice,
    shown,
    still_needed,
)
from tocsin.ports import Actor
from tocsin.store.tables import journal
from unit.notices.agency import Letterbox, at_work, case, declare, make_workspace


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def ctx(tmp_path: Path, clock: SimulatedClock) -> Iterator[Context]:
    workspace = make_workspace(tmp_path, mail_port=25, more="approvals: {people: 2, controllers: 2}\n")
    with at_work(workspace, Letterbox(), CrashAt(), clock=clock) as ctx:
        declare(ctx)
        yield ctx


def acting(ctx: Context, person: str) -> Context:
    return ctx.acting_as(Actor(person, "cli"))


def letter(ctx: Context) -> str:
    return draft_notice(ctx, case(), template="people/letter", addressee="people", made_by="step:people").id


def approve(ctx: Context, person: str, one: str) -> str:
    return approve_notice(acting(ctx, person), one, shown(ctx, one).sha256).state


def test_it_stands_with_the_second_person(ctx: Context) -> None:
    one = letter(ctx)
    assert approve(ctx, "dilys", one) == "draft"
    with pytest.raises(Refused, match="Nobody has approved"):
        send_notice(ctx, one)
    assert still_needed(ctx, notice_of(ctx, one)) == ("maya", "tom")
    assert approve(ctx, "maya", one) == "approved"
    assert send_notice(ctx, one).by_hand


def test_the_same_person_twice_is_one_person(ctx: Context) -> None:
    one = letter(ctx)
    approve(ctx, "dilys", one)
    with pytest.raises(Refused, match=r"need two people.*maya or tom"):
        approve(ctx, "dilys", one)


def test_an_edit_between_the_two_voids_the_first(ctx: Context, clock: SimulatedClock) -> None:
    one = letter(ctx)
    approve(ctx, "dilys", one)
    body = notice_of(ctx, one).body
    clock.advance(timedelta(minutes=1))
    edit_notice(acting(ctx, "sam"), one, body.replace("We are sorry", "We are very sorry"))
    clock.advance(timedelta(minutes=1))
    edit_notice(acting(ctx, "sam"), one, body)
    assert approve(ctx, "maya", one) == "draft"
    assert approve(ctx, "dilys", one) == "approved"


def test_a_rejection_by_the_second_person_stops_it(ctx: Context) -> None:
    one = letter(ctx)
    approve(ctx, "dilys", one)
    reject_notice(acting(ctx, "maya"), one, shown(ctx, one).sha256, reason="The day is wrong")
    with pytest.raises(Refused, match="rejected exactly this text"):
        approve(ctx, "tom", one)


def test_who_wrote_it_last_is_neither_of_the_two(ctx: Context) -> None:
    one = letter(ctx)
    edit_notice(acting(ctx, "dilys"), one, notice_of(ctx, one).body.replace("We are sorry", "We are very sorry"))
    assert approve(ctx, "maya", one) == "draft"
    with pytest.raises(Refused, match=r"wrote the last version"):
        approve(ctx, "dilys", one)
    assert approve(ctx, "tom", one) == "approved"


def test_other_kinds_still_need_one(ctx: Context) -> None:
    one = draft_notice(ctx, case(), template="ico/initial", addressee="ico", made_by="step:ico").id
    assert approve(ctx, "dilys", one) == "approved"


def test_the_journal_says_which_approval_let_it_leave(ctx: Context) -> None:
    one = letter(ctx)
    approve(ctx, "dilys", one)
    approve(ctx, "maya", one)
    with ctx.store.read() as connection:
        query = journal.select().where(journal.c.kind == "notice.approved").order_by(journal.c.seq)
        said = [json.loads(row.payload)["stands"] for row in connection.execute(query)]
    assert said == [False, True]


@pytest.mark.parametrize(
    ("wrong", "said"), [("{peopel: 2}", "people"), ("{people: 3}", "2"), ("{people: 0}", "1")]
)
def test_a_wrong_setting_is_named(tmp_path: Path, wrong: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        make_workspace(tmp_path, more=f"approvals: {wrong}\n")
