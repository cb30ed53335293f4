"""Messages and forms in Slack's Block Kit, within its limits whatever they are made of. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tocsin.model.slack_text import BUTTON, FALLBACK, HEADER, OPTION, SECTION, escaped, in_pieces, plain
from tocsin.ports import Block

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MOST_OPTIONS = 100
TITLE = 24
_CONTEXT = 2000
_INPUT = 3000


@dataclass(frozen=True, slots=True)
class Content:
    """What a message shows: `text` in notifications and to screen readers, `blocks` to everybody else."""

    text: str
    blocks: tuple[Block, ...]


def content(text: str, blocks: Iterable[Block]) -> Content:
    """Return a message. `text` is escaped here; blocks beyond what a message may have are cut off."""
    return Content(escaped(text, FALLBACK), tuple(blocks)[:MESSAGE_BLOCKS])


def header(text: str) -> Block:
    """Return a heading."""
    return {"type": "header", "text": _plain(text, HEADER)}


def section(written: str, *, button: Block | None = None, identity: str = "") -> Block:
    """Return a paragraph of mrkdwn that is escaped already and fits."""
    block: dict[str, object] = {"type": "section", "text": _mrkdwn(written)}
    if identity:
        block["block_id"] = identity
    if button is not None:
        block["accessory"] = button
    return block


def paragraph(text: str) -> Block:
    """Return a paragraph of plain text, cut where it is too long."""
    return {"type": "section", "text": _plain(text, SECTION)}


def exact(text: str) -> tuple[Block, ...]:
    """Return the whole of a text to the letter, in as many paragraphs as it takes."""
    return tuple(
        {"type": "section", "text": {"type": "plain_text", "text": piece, "emoji": False}}
        for piece in in_pieces(text, SECTION)
        if piece.strip()
    )


def small(text: str) -> Block:
    """Return a line in small print."""
    return {"type": "context", "elements": [_mrkdwn(escaped(text, _CONTEXT))]}


def divider() -> Block:
    """Return a rule."""
    return {"type": "divider"}


def button(label: str, action: str, value: str, *, style: str = "") -> Block:
    """Return a button. `value` is a name of ours without meaning to anybody else."""
    found: dict[str, object] = {
        "type": "button",
        "action_id": action,
        "text": _plain(label, BUTTON),
        "value": value,
    }
    return {**found, "style": style} if style else found


def buttons(found: Sequence[Block]) -> tuple[Block, ...]:
    """Return a row of buttons; none where there are none."""
    return ({"type": "actions", "elements": list(found)},) if found else ()


def form(title: str, blocks: Iterable[Block], *, sends: str = "", callback: str = "", private: str = "") -> Block:
    """Return a modal; `sends` labels its button, without which it can only be closed."""
    view: dict[str, object] = {
        "type": "modal",
        "title": _plain(title, TITLE),
        "close": _plain("Cancel" if sends else "Close", TITLE),
        "blocks": list(blocks)[:VIEW_BLOCKS],
    }
    if sends:
        view |= {"submit": _plain(sends, TITLE), "callback_id": callback, "private_metadata": private}
    return view


def told(title: str, text: str) -> Block:
    """Return a modal that only says something."""
    return form(title, [paragraph(text)])


def entry(
    name: str,
    label: str,
    *,
    many_lines: bool = False,
    optional: bool = False,
    hint: str = "",
    limit: int = _INPUT,
) -> Block:
    """Return a field to write in; `name` is how its answer is found."""
    element: dict[str, object] = {
        "type": "plain_text_input",
        "action_id": name,
        "multiline": many_lines,
        "max_length": limit,
    }
    return _input(name, label, element, optional=optional, hint=hint)


def filled(field: Block, text: str) -> Block:
    """Return a field to write in with something in it already."""
    element = field["element"]
    if not text.strip() or not isinstance(element, dict):
        return field
    return {**field, "element": {**element, "initial_value": plain(text, element["max_length"])}}


def choice(
    name: str, label: str, options: Sequence[tuple[str, str]], *, several: bool = False, optional: bool = False
) -> Block:
    """Return a menu of (value, text); of more than a hundred only the first are offered."""
    element = {
        "type": "multi_static_select" if several else "static_select",
        "action_id": name,
        "options": [_option(value, text) for value, text in options[:MOST_OPTIONS]],
    }
    return _input(name, label, element, optional=optional)


def radio(name: str, label: str, options: Sequence[tuple[str, str]]) -> Block:
    """Return up to ten choices that stand open."""
    element = {
        "type": "radio_buttons",
        "action_id": name,
        "options": [_option(value, text) for value, text in options],
    }
    return _input(name, label, element, optional=False)


def _input(name: str, label: str, element: Block, *, optional: bool, hint: str = "") -> Block:
    block: dict[str, object] = {
        "type": "input",
        "block_id": name,
        "label": _plain(label, _CONTEXT),
        "element": element,
        "optional": optional,
    }
    return {**block, "hint": _plain(hint, _CONTEXT)} if hint else block


def _option(value: str, text: str) -> Block:
    return {"text": _plain(text, OPTION), "value": value}


def _plain(text: str, limit: int) -> Block:
    return {"type": "plain_text", "text": plain(text, limit), "emoji": False}


def _mrkdwn(written: str) -> Block:
    # verbatim: Slack makes no links of names and addresses in it.
    return {"type": "mrkdwn", "text": written, "verbatim": True}
