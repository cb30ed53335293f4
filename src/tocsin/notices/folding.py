"""Texts compared as a reader's eye compares them: letters and digits only, whatever stands between.

`Har<zero-width space>bour`, `**HAR**BOUR`, `Har-` / `bour` over a line's end and its full-width twin are all
the same name. A name counts as found only where it stands alone: `arbour` is not in `Harbour`.
"""

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

_COMMENTS = re.compile(r"<!--.*?-->|</?[a-zA-Z][^<>]*>", re.DOTALL)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_WORD = re.compile(r"[^\W_]+")
_LINK = re.compile(r"\]\([^()\s]*\)")


def visible(text: str) -> str:
    """Return the text without what no reader sees: markup, entities, zero-width and soft hyphens."""
    text = _LINK.sub("]", _COMMENTS.sub("", html.unescape(text)))
    if text.isascii():
        return _CONTROLS.sub("", text)
    folded = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in folded if unicodedata.category(sign) not in {"Cf", "Cc"} or sign in "\n\t")


@lru_cache(maxsize=2_000)
def squeezed(text: str) -> str:
    """Return the letters and digits alone, case and accents folded."""
    return "".join(_words(text))


def _words(text: str) -> list[str]:
    folded = visible(text).casefold()
    if not folded.isascii():
        parts = unicodedata.normalize("NFKD", folded)
        folded = "".join(sign for sign in parts if not unicodedata.combining(sign))
    return _WORD.findall(folded)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a folded text, by positions in its letters."""

    start: int
    end: int

    def lies_in(self, other: "Span") -> bool:
        """Tell whether this stretch is wholly part of the other."""
        return other.start <= self.start and self.end <= other.end


class Folded:
    """A text folded once, to be searched many times."""

    def __init__(self, text: str) -> None:
        words = _words(text)
        self.letters = "".join(words)
        self._edges = {0, *accumulate(len(word) for word in words)}

    def find(self, words: str) -> tuple[Span, ...]:
        """Return every place where `words` stand alone, however they are written."""
        wanted = squeezed(words)
        found: list[Span] = []
        at = self.letters.find(wanted) if wanted else -1
        while at >= 0:
            end = at + len(wanted)
            if at in self._edges and end in self._edges:
                found.append(Span(at, end))
            at = self.letters.find(wanted, at + 1)
        return tuple(found)
