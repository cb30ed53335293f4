"""Columns of boxes with lines between them: the geometry of our pictures, in the units of an SVG. Pure.

    laid_out(boxes, links, heads)     plain data that a page's template only has to place

The blast radius and the map of the inventory are drawn with it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

WIDTH, HEIGHT, GAP = 210, 46, 14
PITCH = 260
TOP = 34
_HEAD_LONGEST, _FOOT_LONGEST = 27, 33


@dataclass(frozen=True, slots=True)
class Box:
    """One thing: `kind` is the class the page draws it in; `head` and `foot` are its two lines."""

    key: str
    column: int
    kind: str
    head: str
    foot: str
    y: int = 0

    @property
    def x(self) -> int:
        """Where it begins, from the left."""
        return self.column * PITCH


def laid_out(boxes: Sequence[Box], links: Iterable[tuple[str, str]], heads: Sequence[str]) -> dict[str, object]:
    """Return the boxes, each once and stacked in its column, the lines between them, and how much room they take.

    A link to a box that is not there is left out.
    """
    placed = _stacked(boxes, len(heads))
    lines = [
        _line(placed[one], placed[other])
        for one, other in dict.fromkeys(links)
        if one in placed and other in placed
    ]
    return {
        "boxes": [asdict(each) | {"x": each.x} for each in placed.values()],
        "lines": lines,
        "width": (len(heads) - 1) * PITCH + WIDTH,
        "height": max((each.y + HEIGHT for each in placed.values()), default=TOP) + GAP,
        "box_width": WIDTH,
        "box_height": HEIGHT,
        "heads": [{"x": column * PITCH, "text": text} for column, text in enumerate(heads)],
    }


def _stacked(boxes: Sequence[Box], columns: int) -> dict[str, Box]:
    filled = [TOP] * columns
    placed: dict[str, Box] = {}
    for box in boxes:
        if box.key in placed:
            continue
        head, foot = _short(box.head, _HEAD_LONGEST), _short(box.foot, _FOOT_LONGEST)
        placed[box.key] = Box(box.key, box.column, box.kind, head, foot, filled[box.column])
        filled[box.column] += HEIGHT + GAP
    return placed


def _line(one: Box, other: Box) -> str:
    """Return an SVG path: out of one box to the right, into the next."""
    x1, y1, x2, y2 = one.x + WIDTH, one.y + HEIGHT // 2, other.x, other.y + HEIGHT // 2
    middle = (x1 + x2) // 2
    return f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}"


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
