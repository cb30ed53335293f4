"""A text on paper: without markup, wrapped, in order."""

from tocsin.notices import Draft
from tocsin.notices.papers import blocks_of, plain_text
from tocsin.notices.sections import sections_of, whole_sections

BODY = """# Title

Some **strong** words and `code`,
over two lines.

## List

- one
- two <b>not bold</b>

> as we said

1. first
"""


def test_a_text_is_told_in_pieces_without_markup() -> None:
    told = [(each.kind, each.text) for each in blocks_of(BODY)]
    assert told == [
        ("heading", "Title"),
        ("paragraph", "Some strong words and code, over two lines."),
        ("heading", "List"),
        ("item", "one"),
        ("item", "two <b>not bold</b>"),
        ("quote", "as we said"),
        ("item", "first"),
    ]


def test_plain_text_reads_as_typed() -> None:
    text = plain_text(Draft("About it", BODY))
    assert text.startswith("About it\n\nTitle\n=====\n\nSome strong words")
    assert "\n- one\n- two" in text
    assert "\n> as we said\n" in text


def test_large_print_leaves_room_between_items() -> None:
    assert "\n- one\n\n- two" in plain_text(Draft("About it", BODY), large_print=True)


def test_a_section_ends_where_the_next_begins() -> None:
    assert [(each.level, each.title) for each in sections_of(BODY)] == [(1, "Title"), (2, "List")]
    title, everything = whole_sections(BODY)[0]
    assert title == "Title"
    assert "one" in everything
    assert sections_of("no heading") == ()
