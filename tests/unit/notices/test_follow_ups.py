"""A follow-up says what is new, keeps what a person wrote, and follows only what has left."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.chance import CrashAt
from tocsin.context import Context
from tocsin.errors import UsageError
from tocsin.notices import approve_notice, draft_notice, edit_notice, record_sent, shown
from tocsin.notices.following import changed_sections, merged_answer
from tocsin.notices.sheet import Answer
from tocsin.ports import Actor
from unit.notices.agency import Letterbox, at_work, case, declare, make_workspace

ASKED = "### How did you find out about the breach?\n\n"


@pytest.fixture
def ctx(tmp_path: Path) -> Iterator[Context]:
    with at_work(make_workspace(tmp_path), Letterbox(), CrashAt()) as ctx:
        declare(ctx)
        yield ctx


def filed(ctx: Context, reference: str = "IC-123456") -> None:
    first = draft_notice(ctx, case(), template="ico/initial", addressee="ico", made_by="step:ico")
    body = first.body.replace(f"{ASKED}Not yet known.", f"{ASKED}A member of staff noticed.")
    edit_notice(ctx.acting_as(Actor("sam", "cli")), first.id, body)
    approve_notice(ctx.acting_as(Actor("dilys", "cli")), first.id, shown(ctx, first.id).sha256)
    record_sent(ctx, first.id, reference=reference)


def test_there_is_nothing_to_follow_before_something_left(ctx: Context) -> None:
    draft_notice(ctx, case(), template="ico/initial", addressee="ico", made_by="step:ico")
    with pytest.raises(UsageError, match="nothing to follow up"):
        draft_notice(ctx, case(), template="ico/follow-up", addressee="ico", made_by="step:2")


def test_it_bears_the_case_reference_and_keeps_what_a_person_wrote(ctx: Context) -> None:
    filed(ctx)
    learned = case({"exfiltration": "confirmed"})
    second = draft_notice(ctx, learned, template="ico/follow-up", addressee="ico", made_by="step:2")
    assert "ICO case reference IC-123456" in second.subject
    assert f"{ASKED}A member of staff noticed." in second.body
    news = second.body.partition("## About this report")[0]
    assert "Data was copied or taken." in news
    assert "A member of staff noticed." not in news
    owed = second.body.partition("## What will follow")[2]
    assert "How did you find out" not in owed
    assert "whether data was copied" not in owed
    assert not [each for each in shown(ctx, second.id).findings if each.blocking]


def test_a_follow_up_of_a_follow_up_compares_with_the_last(ctx: Context) -> None:
    filed(ctx)
    learned = case({"exfiltration": "confirmed"})
    second = draft_notice(ctx, learned, template="ico/follow-up", addressee="ico", made_by="step:2")
    approve_notice(ctx.acting_as(Actor("dilys", "cli")), second.id, shown(ctx, second.id).sha256)
    record_sent(ctx, second.id, reference="IC-123456")
    third = draft_notice(ctx, learned, template="ico/follow-up", addressee="ico", made_by="step:3")
    assert "Nothing that we reported has changed." in third.body


def answer(text: str) -> Answer:
    return Answer("k", "Q", text, text == "Not yet known.", "copy")


@pytest.mark.parametrize(
    ("drafted", "sent", "now", "said", "changed"),
    [
        ("A", "A", "A", "A", False),
        ("A", "A", "B", "B", True),
        ("Not yet known.", "By hand", "Not yet known.", "By hand", False),
        ("Not yet known.", "Not yet known.", "B", "B", True),
        ("A", "By hand", "B", "B", True),
        ("A", "By hand", "Not yet known.", "By hand", False),
        ("", "", "B", "B", True),
        ("", "", "Not yet known.", "Not yet known.", False),
    ],
)
def test_answers_are_merged(drafted: str, sent: str, now: str, said: str, *, changed: bool) -> None:
    merged, change = merged_answer(answer(now), {"Q": drafted}, {"Q": sent})
    assert (merged.text, change is not None) == (said, changed)


def test_lines_that_moved_are_no_news() -> None:
    assert changed_sections("# A\n\n- one\n- two\n", "# A\n\n- two\n- one\n") == ()
    (change,) = changed_sections("# A\n\n- one\n", "# A\n\n- one\n- two\n")
    assert (change.before, change.now) == ("", "- two")


def test_a_follow_up_in_time_is_not_late_because_time_has_passed(ctx: Context) -> None:
    filed(ctx)
    second = draft_notice(ctx, case(), template="ico/follow-up", addressee="ico", made_by="step:2")
    assert "The report is made within 72 hours" in second.body
