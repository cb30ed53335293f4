"""The step `notice.send` with a list of readers: it sends for a while, and waits for what cannot go yet."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from simulators.chance import CrashAt
from to_many_ground import FAST, an_approved_letter
from tocsin.context import Context
from tocsin.notices import resolve_delivery
from tocsin.notices.paper_post import record_posted, write_letters
from tocsin.notices.recipient_rows import readers_in
from tocsin.ports import HandedOver
from tocsin.runbook.kinds import Done, Place, Waits
from tocsin.runbook.language import Step
from tocsin.runbook.steps.notice import NoticeParameters, Send
from unit.notices.agency import INCIDENT, Letterbox, at_work, declare, make_workspace

PEOPLE = NoticeParameters(template="people/letter", addressee="people")


@pytest.fixture
def letterbox() -> Letterbox:
    return Letterbox()


@pytest.fixture
def ctx(tmp_path: Path, letterbox: Letterbox) -> Iterator[Context]:
    with at_work(make_workspace(tmp_path, mail_port=25, more=FAST), letterbox, CrashAt()) as ctx:
        declare(ctx)
        yield ctx


def place() -> Place:
    return Place("RUN-1", "tell", cast("Step", None), INCIDENT)


def test_it_waits_for_the_post_and_for_an_answer_and_is_then_done(
    ctx: Context, letterbox: Letterbox, tmp_path: Path
) -> None:
    people = tmp_path / "people.csv"
    people.write_text("name,email,address\nAnn,ann@home.example,\nBola,,1 Mill Lane\n")
    identity = an_approved_letter(ctx, people)
    letterbox.answers["ann@home.example"] = HandedOver("unknown", "", "connection lost", "text")
    asked = Send().run(ctx, place(), PEOPLE)
    assert isinstance(asked, Waits)
    assert asked.asked["state"] == "unknown"
    assert not Send().has_settled(ctx, place(), asked.asked)
    with ctx.store.read() as connection:
        (unknown,) = readers_in(connection, identity, states=("unknown",))
    resolve_delivery(ctx, unknown.key or "", happened=True)
    assert Send().has_settled(ctx, place(), asked.asked)
    asked = Send().run(ctx, place(), PEOPLE)
    assert isinstance(asked, Waits)
    assert "Still to go by post: 1." in str(asked.asked["question"])
    write_letters(ctx, identity, tmp_path / "letters")
    record_posted(ctx, identity, reference="RM 1", proof=None)
    assert Send().has_settled(ctx, place(), asked.asked)
    assert isinstance(Send().run(ctx, place(), PEOPLE), Done)
