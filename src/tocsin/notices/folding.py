"""Texts compared as a reader's eye compares them: letters and digits only, whatever stands between.

`Har<zero-width space>bour`, `**HAR**BOUR`, `Har-` / `bour` over a line's end and `Ｈａｒｂｏｕｒ` are all the same
name. A name counts as found only where it stands alone: `arbour` is not in `Harbour`.
"""

import html
import re
import unicodedata
from dataclasses import dataclass

_COMMENTS = re.compile(r"<!--.*?-->|</?[a-zA-Z][^<>]*>", re.DOTALL)
_LINK = re.compile(r"\]\([^()\s]*\)")


def visible(text: str) -> str:
    """Return the text without what no reader sees: markup, entities, zero-width and soft hyphens."""
    text = _LINK.sub("]", _COMMENTS.sub("", html.unescape(text)))
    folded = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in folded if unicodedata.category(sign) not in {"Cf", "Cc"} or sign in "\n\t")


def squeezed(text: str) -> str:
    """Return the letters and digits alone, case and accents folded."""
    return Folded(text).letters


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
        letters: list[str] = []
        self._begins: set[int] = set()
        apart = True
        for sign in visible(text):
            for part in unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", sign).casefold()):
                if unicodedata.combining(part):
                    continue
                if not part.isalnum():
                    apart = True
                    continue
                if apart:
                    self._begins.add(len(letters))
                letters.append(part)
                apart = False
        self._begins.add(len(letters))
        self.letters = "".join(letters)

    def find(self, words: str) -> tuple[Span, ...]:
        """Return every place where `words` stand alone, however they are written."""
        wanted = squeezed(words)
        found: list[Span] = []
        at = self.letters.find(wanted) if wanted else -1
        while at >= 0:
            end = at + len(wanted)
            if at in self._begins and end in self._begins:
                found.append(Span(at, end))
            at = self.letters.find(wanted, at + 1)
        return tuple(found)
