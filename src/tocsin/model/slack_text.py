"""Texts as Slack takes them: nothing in them commands anything, and none is longer than it may be. Pure.

In Slack's mrkdwn `<…>` addresses people, channels and links (`<!channel>` rings for everybody), and `&` begins an
entity. Written as `&lt;`, `&gt;` and `&amp;` they are shown and do nothing. The limits are those of Slack's own
reference of Block Kit and of `chat.postMessage`.
"""

import re
from collections.abc import Iterable

SECTION = 3000
HEADER = 150
BUTTON = 75
OPTION = 75
FALLBACK = 3000
"""Of the text that notifications show. Slack takes 4,000 and advises no more."""
ELLIPSIS = "…"

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# Control characters, lone surrogates, and those that turn the writing direction round and so hide what is said.
_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def shown(text: str) -> str:
    """Return `text` without what no screen shows; of an empty one a dash is left, which Slack takes."""
    return _UNSHOWN.sub("", text).strip() or "–"  # noqa: RUF001 - a dash, for people


def plain(text: str, limit: int = SECTION) -> str:
    """Return `text` for a plain_text object, which Slack shows as it stands."""
    clean = shown(text)
    return clean if len(clean) <= limit else clean[: limit - 1].rstrip() + ELLIPSIS


def escaped(text: str, limit: int = SECTION) -> str:
    """Return `text` for mrkdwn, inert, cut at whole characters so that it is no longer than `limit` as written."""
    clean = shown(text)
    if len(clean) * 5 <= limit:
        return "".join(_ENTITIES.get(character, character) for character in clean)
    written: list[str] = []
    length = 0
    for character in clean:
        piece = _ENTITIES.get(character, character)
        if length + len(piece) > limit:
            return _without_end("".join(written), limit)
        written.append(piece)
        length += len(piece)
    return "".join(written)


def in_pieces(text: str, limit: int = SECTION) -> tuple[str, ...]:
    """Return the whole of a text for plain_text objects, in pieces cut at line ends where there are any.

    Put together again they are the text to the letter; nothing is taken out. A piece has at least one character
    that shows: Slack refuses blank ones.
    """
    pieces, rest = [], text
    while len(rest) > limit:
        cut = rest.rfind("\n", 1, limit) + 1 or limit
        pieces.append(rest[:cut])
        rest = rest[cut:]
    return tuple(_joined_blanks([*pieces, rest], limit))


def mention(member: str) -> str:
    """Return what rings for one member. Raises ValueError for what is no member id."""
    if not re.fullmatch(r"[UW][A-Z0-9]{2,20}", member):
        raise ValueError(f"{member!r} is no member id of Slack: it begins with U or W.")
    return f"<@{member}>"


def joined(lines: Iterable[str], limit: int = SECTION, rest: str = "… and {count} more.") -> str:
    """Return as many of these lines, escaped already, as fit; how many are left out is said in a last one."""
    lines = list(lines)
    whole = "\n".join(lines)
    if len(whole) <= limit:
        return whole
    kept, length = [], len(rest.format(count=len(lines)))
    for line in lines:
        if length + len(line) + 1 > limit:
            break
        kept.append(line)
        length += len(line) + 1
    return "\n".join([*kept, rest.format(count=len(lines) - len(kept))])


def _without_end(written: str, limit: int) -> str:
    cut = written[: limit - 1]
    # Never in the middle of an entity.
    if (ampersand := cut.rfind("&")) >= 0 and ";" not in cut[ampersand:]:
        cut = cut[:ampersand]
    return cut.rstrip() + ELLIPSIS


def _joined_blanks(pieces: list[str], limit: int) -> list[str]:
    found: list[str] = []
    for piece in pieces:
        if not piece.strip() and found and len(found[-1]) + len(piece) <= limit:
            found[-1] += piece
        elif piece:
            found.append(piece)
    return found
