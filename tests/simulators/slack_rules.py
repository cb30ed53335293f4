"""What Slack's reference of Block Kit allows, as far as Tocsin uses it; whatever it does not use is refused.

Figures as documented in the references of blocks, block elements, composition objects, views and chat.postMessage.
Nothing here was compared with Slack itself.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

Fault = tuple[str, str]
MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
VIEW_BYTES = 250_000
MESSAGE_TEXT = 40_000
METADATA_BYTES = 8_000

ELEMENTS = {"button", "static_select", "multi_static_select", "radio_buttons", "plain_text_input", "checkboxes"}
IN_SECTION = {"button", "static_select", "multi_static_select", "radio_buttons", "checkboxes"}
IN_ACTIONS = {"button", "static_select", "radio_buttons", "checkboxes"}
IN_INPUT = ELEMENTS - {"button"}


def message_faults(text: str, blocks: Any) -> list[Fault]:
    """Return (json pointer, what is wrong) of everything wrong with a message's blocks."""
    return list(_blocks(blocks, MESSAGE_BLOCKS, {"section", "header", "divider", "context", "actions"}))


def view_faults(view: Any) -> list[Fault]:
    """Return everything wrong with a modal."""
    return list(_view(view))


def _view(view: Any) -> Iterator[Fault]:
    if not isinstance(view, dict) or view.get("type") != "modal":
        yield "/type", "must be modal"
        return
    known = {"type", "title", "submit", "close", "blocks", "private_metadata", "callback_id", "external_id",
             "clear_on_close", "notify_on_close"}  # fmt: skip
    yield from _unknown(view, known, "")
    yield from _plain(view.get("title"), 24, "/title")
    for name in ("submit", "close"):
        if name in view:
            yield from _plain(view[name], 24, f"/{name}")
    if len(view.get("private_metadata", "")) > 3000:
        yield "/private_metadata", "must be less than 3001 characters"
    for name in ("callback_id", "external_id"):
        if len(view.get(name, "")) > 255:
            yield f"/{name}", "must be less than 256 characters"
    yield from _blocks(
        view.get("blocks"), VIEW_BLOCKS, {"section", "header", "divider", "context", "actions", "input"}
    )
    has_input = any(isinstance(block, dict) and block.get("type") == "input" for block in view.get("blocks") or [])
    if has_input and "submit" not in view:
        yield "/submit", "submit is required when an input block is within the blocks array"
    if len(json.dumps(view).encode()) > VIEW_BYTES:
        yield "", "view_too_large"


def _blocks(blocks: Any, most: int, kinds: set[str]) -> Iterator[Fault]:
    if not isinstance(blocks, list):
        yield "/blocks", "must be a list"
        return
    if len(blocks) > most:
        yield "/blocks", f"no more than {most} items allowed"
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        where = f"/blocks/{number}"
        if not isinstance(block, dict) or block.get("type") not in kinds:
            yield where, "unsupported type of block"
            continue
        if identity := block.get("block_id"):
            if len(identity) > 255:
                yield f"{where}/block_id", "must be less than 256 characters"
            if identity in seen:
                yield f"{where}/block_id", "block_id already exists"
            seen.add(identity)
        yield from _BLOCKS[block["type"]](block, where)


def _section(block: dict[str, Any], where: str) -> Iterator[Fault]:
    yield from _unknown(block, {"type", "block_id", "text", "fields", "accessory", "expand"}, where)
    if "text" not in block and "fields" not in block:
        yield where, "must provide text or fields"
    if "text" in block:
        yield from _text(block["text"], 3000, f"{where}/text")
    fields = block.get("fields", [])
    if "fields" in block and not 1 <= len(fields) <= 10:
        yield f"{where}/fields", "1 to 10 items allowed"
    for number, field in enumerate(fields):
        yield from _text(field, 2000, f"{where}/fields/{number}")
    if "accessory" in block:
        yield from _element(block["accessory"], IN_SECTION, f"{where}/accessory")


def _header(block: dict[str, Any], where: str) -> Iterator[Fault]:
    yield from _unknown(block, {"type", "block_id", "text"}, where)
    yield from _plain(block.get("text"), 150, f"{where}/text")


def _divider(block: dict[str, Any], where: str) -> Iterator[Fault]:
    yield from _unknown(block, {"type", "block_id"}, where)


def _context(block: dict[str, Any], where: str) -> Iterator[Fault]:
    yield from _unknown(block, {"type", "block_id", "elements"}, where)
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 10:
        yield f"{where}/elements", "1 to 10 items allowed"
    for number, element in enumerate(elements):
        yield from _text(element, 2000, f"{where}/elements/{number}")


def _actions(block: dict[str, Any], where: str) -> Iterator[Fault]:
    yield from _unknown(block, {"type", "block_id", "elements"}, where)
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 25:
        yield f"{where}/elements", "1 to 25 items allowed"
    known = [element.get("action_id") for element in elements if isinstance(element, dict)]
    if len(set(known)) != len(known):
        yield f"{where}/elements", "action_id already exists in the block"
    for number, element in enumerate(elements):
        yield from _element(element, IN_ACTIONS, f"{where}/elements/{number}")


def _input(block: dict[str, Any], where: str) -> Iterator[Fault]:
    yield from _unknown(
        block, {"type", "block_id", "label", "element", "hint", "optional", "dispatch_action"}, where
    )
    yield from _plain(block.get("label"), 2000, f"{where}/label")
    if "hint" in block:
        yield from _plain(block["hint"], 2000, f"{where}/hint")
    yield from _element(block.get("element"), IN_INPUT, f"{where}/element")


_BLOCKS = {
    "section": _section,
    "header": _header,
    "divider": _divider,
    "context": _context,
    "actions": _actions,
    "input": _input,
}


def _element(element: Any, kinds: set[str], where: str) -> Iterator[Fault]:
    if not isinstance(element, dict) or element.get("type") not in kinds:
        yield where, "unsupported type of element"
        return
    if len(element.get("action_id", "")) > 255:
        yield f"{where}/action_id", "must be less than 256 characters"
    yield from _OF_ELEMENT.get(element["type"], _menu)(element, where)


def _button(element: dict[str, Any], where: str) -> Iterator[Fault]:
    known = {"type", "action_id", "text", "value", "style", "confirm", "url", "accessibility_label"}
    yield from _unknown(element, known, where)
    yield from _plain(element.get("text"), 75, f"{where}/text")
    if len(element.get("value", "")) > 2000:
        yield f"{where}/value", "must be less than 2001 characters"
    if element.get("style", "primary") not in ("primary", "danger"):
        yield f"{where}/style", "must be primary or danger"


def _entry(element: dict[str, Any], where: str) -> Iterator[Fault]:
    known = {"type", "action_id", "initial_value", "multiline", "min_length", "max_length", "placeholder"}
    yield from _unknown(element, known, where)
    if not 1 <= element.get("max_length", 3000) <= 3000:
        yield f"{where}/max_length", "must be between 1 and 3000"
    if len(element.get("initial_value", "")) > element.get("max_length", 3000):
        yield f"{where}/initial_value", "must be no longer than max_length"
    if "placeholder" in element:
        yield from _plain(element["placeholder"], 150, f"{where}/placeholder")


def _menu(element: dict[str, Any], where: str) -> Iterator[Fault]:
    most = 10 if element["type"] in ("radio_buttons", "checkboxes") else 100
    yield from _unknown(
        element, {"type", "action_id", "options", "placeholder", "initial_option", "confirm"}, where
    )
    options = element.get("options") or []
    if not 1 <= len(options) <= most:
        yield f"{where}/options", f"1 to {most} items allowed"
    for number, option in enumerate(options):
        # The texts of radio buttons and checkboxes may be mrkdwn; those of menus are plain.
        check = _text if most == 10 else _plain
        yield from check(option.get("text"), 75, f"{where}/options/{number}/text")
        if not 1 <= len(option.get("value", "")) <= 150:
            yield f"{where}/options/{number}/value", "must be 1 to 150 characters"
    if len({option.get("value") for option in options}) != len(options):
        yield f"{where}/options", "values must be unique"
    if "placeholder" in element:
        yield from _plain(element["placeholder"], 150, f"{where}/placeholder")


_OF_ELEMENT = {"button": _button, "plain_text_input": _entry}


def _plain(text: Any, most: int, where: str) -> Iterator[Fault]:
    if not isinstance(text, dict) or text.get("type") != "plain_text":
        yield where, "must be a plain_text object"
        return
    yield from _text(text, most, where)


def _text(text: Any, most: int, where: str) -> Iterator[Fault]:
    if not isinstance(text, dict) or text.get("type") not in ("plain_text", "mrkdwn"):
        yield where, "must be a text object"
        return
    yield from _unknown(
        text, {"type", "text", "emoji"} if text["type"] == "plain_text" else {"type", "text", "verbatim"}, where
    )
    said = text.get("text")
    if not isinstance(said, str) or not said.strip():
        yield f"{where}/text", "must be more than 0 characters"
    elif len(said) > most:
        yield f"{where}/text", f"must be less than {most + 1} characters"


def _unknown(found: dict[str, Any], known: set[str], where: str) -> Iterator[Fault]:
    for name in found.keys() - known:
        yield f"{where}/{name}", "unexpected property"


_RINGS = re.compile(r"<(!(?:channel|here|everyone)[^>]*|!subteam[^>]*|@[^>]*|#[^>]*)>")


def rings(text: str, blocks: Any) -> list[str]:
    """Return what in a message addresses people or channels: `!channel`, `@U123`; raw `<` of any other kind too."""
    return [found for said in _parsed(text, blocks) for found in _RINGS.findall(said)]


def links(text: str, blocks: Any) -> list[str]:
    """Return whatever in a message Slack would read as a command in angle brackets."""
    return [found for said in _parsed(text, blocks) for found in re.findall(r"<[^>]*>", said)]


def everything_said(message: dict[str, Any]) -> str:
    """Return all that a message shows, as one text."""
    return "\n".join([message.get("text", ""), *_all_texts(message.get("blocks") or [])])


def _parsed(text: str, blocks: Any) -> Iterator[str]:
    yield text
    yield from _all_texts(blocks or [], only="mrkdwn")


def _all_texts(found: Any, only: str = "") -> Iterator[str]:
    if isinstance(found, dict):
        if isinstance(found.get("text"), str) and found.get("type") in ("plain_text", "mrkdwn"):
            if not only or found["type"] == only:
                yield found["text"]
            return
        for value in found.values():
            yield from _all_texts(value, only)
    elif isinstance(found, list):
        for value in found:
            yield from _all_texts(value, only)
