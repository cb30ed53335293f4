"""Whatever is put into them, messages and forms stay within Block Kit's limits and ring for nobody."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.slack_rules import links, message_faults, rings, view_faults
from tocsin.chat import forms
from tocsin.chat.blocks import Content
from tocsin.chat.status import View, as_message
from tocsin.chat.timeline import Told, one_message
from tocsin.chat.waiting import Item
from tocsin.errors import UsageError
from tocsin.model.slack_text import escaped, in_pieces, joined, plain
from tocsin.situation import DutyRow

NOW = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)
PROVOKING = st.sampled_from(
    ["<!channel>", "<@U0PRIYA>", "&", "<", ">", "&amp;", "\n", "\0", "\ud800", "\u202e", "`", "é"]
)
PIECES = st.one_of(PROVOKING, st.text(max_size=12))
TEXTS = st.builds(
    lambda pieces, times: "".join(pieces) * times, st.lists(PIECES, max_size=5), st.sampled_from([1, 3, 400])
)
FEW = settings(max_examples=40, deadline=None)


def duty(text: str, number: int) -> DutyRow:
    return DutyRow(
        incident="INC-2026-001",
        key=f"controllers:{number}",
        toward="controllers",
        controller=f"client-{number}",
        addressee=text,
        basis=text,
        hours=(24, None)[number % 2],
        how_soon=text,
        voluntary=False,
        required=("yes", "unclear", "no")[number % 3],
        risk="high",
        why=(),
        asks=(),
        state=("owed", "discharged")[number % 5 == 4],
        opened_at=NOW,
    )


@st.composite
def views(draw: Any) -> View:
    text = draw(TEXTS)
    names = [f"{number:032x}" for number in range(draw(st.integers(0, 70)))]
    kinds = ["approve", "ask", "task", "failed", "notice", "unknown"]
    items = [
        Item(
            name,
            kinds[number % 6],
            "INC-2026-001",
            run="r",
            step=text,
            notice=name,
            question=draw(TEXTS),
            who=text,
        )
        for number, name in enumerate(names)
    ]
    row = SimpleNamespace(
        id="INC-2026-001",
        title=text,
        state="suspected",
        cause=None,
        closed_at=draw(st.sampled_from([None, NOW])),
        first_alert_at=NOW,
        aware_at=draw(st.sampled_from([None, NOW - timedelta(hours=1)])),
    )
    return View(
        row=row,  # type: ignore[arg-type] # the columns of a row, without a database
        duties=tuple(duty(draw(TEXTS), number) for number in range(draw(st.integers(0, 30)))),
        items=tuple(items),
        roles=dict.fromkeys(draw(st.lists(TEXTS, max_size=8)), text),
        systems=tuple(draw(st.lists(TEXTS, max_size=12))),
        rings=draw(st.booleans()),
        is_public=draw(st.booleans()),
        can_act=draw(st.booleans()),
        zone="Europe/London",
    )


def stands(message: Content) -> None:
    """Hold a message against the rules; nothing in it may be read as a command."""
    blocks = [dict(block) for block in message.blocks]
    assert message_faults(message.text, blocks) == []
    assert message.text.strip()
    assert len(message.text) <= 4000
    assert rings(message.text, blocks) == []
    assert links(message.text, blocks) == []
    message.text.encode()


@FEW
@given(views())
def test_an_incidents_message_fits_with_any_title_any_names_and_any_number_of_duties(view: View):
    stands(as_message(view))


@FEW
@given(st.lists(TEXTS, min_size=1, max_size=80))
def test_a_timelines_message_fits_and_leaves_out_no_line_that_it_says_it_tells(texts: list[str]):
    lines = [Told(number, escaped(f"{number}: {text}", 600), "f" * 64) for number, text in enumerate(texts)]
    message, last = one_message(lines)
    stands(message)
    shown = "\n".join(str(block["text"]["text"]) for block in message.blocks[:-1])  # type: ignore[index]
    assert "f" * 64 in str(message.blocks[-1])
    assert shown.split("\n") == "\n".join(line.written for line in lines[: last + 1]).split("\n")


@FEW
@given(TEXTS, TEXTS, st.lists(TEXTS, max_size=3), st.sampled_from([1, 40]))
def test_a_form_to_decide_shows_the_text_to_the_letter_or_does_not_open(
    title: str, text: str, remarks: list[str], times: int
):
    text = "".join(character for character in text if character.isprintable() or character == "\n") * times or "x"
    try:
        view = forms.decide_form("0" * 32, title, text, "a" * 64, remarks)
    except UsageError:
        return  # too long for Slack: that is said, and tested below
    assert view_faults(view) == []
    after = 2 + len(remarks) + 1
    pieces = [block["text"]["text"] for block in view["blocks"][after:-3]]  # type: ignore[index]
    assert "".join(pieces).split() == text.split()
    confirm = forms.confirm_form(
        {"item": "0" * 32, "sha": "a" * 64, "decision": "reject", "reason": title[:1000]}, title
    )
    assert view_faults(confirm) == []


@FEW
@given(TEXTS, st.lists(TEXTS, max_size=99), st.booleans())
def test_a_form_to_answer_fits_whatever_is_asked(question: str, choices: list[str], several: bool):  # noqa: FBT001 - drawn
    view = forms.answer_form("0" * 32, question, "a" * 64, choices, several=several)
    assert view_faults(view) == []
    assert forms.unpacked(view) == {"item": "0" * 32, "sha": "a" * 64}


@FEW
@given(TEXTS, st.integers(10, 3000))
def test_an_escaped_text_is_inert_and_never_cut_within_a_character(text: str, limit: int):
    found = escaped(text, limit)
    assert 1 <= len(found) <= limit
    assert "<" not in found
    assert ">" not in found
    assert all(piece.split(";")[0] in ("amp", "lt", "gt") for piece in found.split("&")[1:])
    assert 1 <= len(plain(text, limit)) <= limit


@FEW
@given(TEXTS, st.integers(10, 3000))
def test_a_text_in_pieces_is_the_text_and_every_piece_fits(text: str, limit: int):
    pieces = in_pieces(text, limit)
    assert "".join(pieces) == text
    assert all(1 <= len(piece) <= limit for piece in pieces)


def test_what_is_left_out_of_a_list_is_counted():
    said = joined([f"line {number}" for number in range(1000)], 300)
    assert len(said) <= 300
    kept = said.splitlines()
    assert kept[-1] == f"… and {1000 - len(kept) + 1} more."


def test_a_text_too_long_for_slack_is_sent_to_the_command_line():
    with pytest.raises(UsageError, match="on the command line"):
        forms.decide_form("0" * 32, "A notice", "word " * 60_000, "a" * 64)
