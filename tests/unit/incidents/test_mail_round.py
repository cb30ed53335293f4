"""The mail's part of a round: an hour without a mail server loses nothing, and nobody has to remember it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from simulators.chance import CrashAt
from simulators.time import SimulatedClock
from to_many_ground import FAST, a_list, an_approved_letter
from tocsin.context import Context
from tocsin.errors import OutcomeUnknown, Temporary
from tocsin.incidents.mail_round import go_mail_round
from tocsin.notices import approve_notice, draft_notice, notice_of, send_notice, shown
from tocsin.ports import Actor, HandedOver
from unit.notices.agency import Letterbox, at_work, case, declare, make_workspace

AWAY = Temporary("The mail server mail.example:587 could not be reached.")


@pytest.fixture
def letterbox() -> Letterbox:
    return Letterbox()


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def ctx(tmp_path: Path, letterbox: Letterbox, clock: SimulatedClock) -> Iterator[Context]:
    with at_work(make_workspace(tmp_path, mail_port=25, more=FAST), letterbox, CrashAt(), clock=clock) as ctx:
        declare(ctx)
        yield ctx.acting_as(Actor("maya", "cli"))


def by_service(ctx: Context) -> Context:
    return ctx.acting_as(Actor("service:tocsin", "prefect"))


def an_approved_notice(ctx: Context) -> str:
    drafted = draft_notice(ctx, case(), template="client/initial", addressee="harbour", made_by="step:harbour")
    approve_notice(ctx.acting_as(Actor("dilys", "cli")), drafted.id, shown(ctx, drafted.id).sha256)
    return drafted.id


def test_a_notice_that_was_put_off_is_sent_by_a_later_round(
    ctx: Context, letterbox: Letterbox, clock: SimulatedClock
) -> None:
    identity = an_approved_notice(ctx)
    assert go_mail_round(by_service(ctx)).retried == ()
    letterbox.faults = [AWAY] * 13
    with pytest.raises(Temporary):
        send_notice(ctx, identity)
    for _ in range(12):
        clock.advance(timedelta(minutes=5))
        (tried,) = go_mail_round(by_service(ctx)).retried
        assert tried.notice.state == "approved"
        assert "mail.example" not in tried.trouble
    clock.advance(timedelta(minutes=5))
    assert [each.notice.state for each in go_mail_round(by_service(ctx)).retried] == ["sent"]
    assert len(letterbox.taken) == 1


def test_an_unknown_outcome_is_never_tried_again_by_a_round(
    ctx: Context, letterbox: Letterbox, clock: SimulatedClock
) -> None:
    identity = an_approved_notice(ctx)
    letterbox.faults = [OutcomeUnknown("broke off")]
    with pytest.raises(OutcomeUnknown):
        send_notice(ctx, identity)
    clock.advance(timedelta(hours=1))
    assert go_mail_round(by_service(ctx)).retried == ()
    assert letterbox.taken == []


def test_a_round_goes_on_with_a_letter_to_many_and_forgets_its_list_in_time(
    ctx: Context, letterbox: Letterbox, clock: SimulatedClock
) -> None:
    identity = an_approved_letter(ctx, a_list(ctx.workspace.root, 3))
    letterbox.answers["reader1@home.example"] = HandedOver("put off", "451", "later", "reader")
    send_notice(ctx, identity)
    letterbox.answers.clear()
    clock.advance(timedelta(minutes=10))
    done = go_mail_round(by_service(ctx))
    assert done.sentences == (f"Notice {identity[:8]} is sent.",)
    assert notice_of(ctx, identity).state == "sent"
    clock.advance(timedelta(days=91))
    assert go_mail_round(by_service(ctx)).sentences == (
        f"Whom notice {identity[:8]} went to was forgotten, as planned: 3 people.",
    )
