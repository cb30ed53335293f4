"""How hard a letter is to read: the Flesch-Kincaid grade, as the reading age it asks for. Pure.

Grade = 0.39 words per sentence + 11.8 syllables per word - 15.59 (Kincaid and others, 1975); the age is five years
more. Headings, ways to reach somebody, dates and numbers are left out: they are looked at, not read. Syllables are
counted by groups of vowels, which is right for nine English words in ten and even over a letter.
"""

import re
from typing import Final

OLDEST = 13
"""The reading age above which a letter to people is put before the approver: most adults read at 9 to 14."""

_FIRST_GRADE_AGE: Final = 5
_FEWEST_WORDS: Final = 30
_LEFT_OUT: Final = (
    re.compile(r"^ {0,3}#{1,6} .*$", re.MULTILINE),
    re.compile(r"^.*(?:\S+@\S+|\+?\d[\d ()-]{6,}\d).*$", re.MULTILINE),
    re.compile(r"\[\[\w+\]\]|\b\w+(?:\.\w+)+\b"),
    re.compile(r"\b(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day )?\d{1,2} [A-Z][a-z]+ \d{4}\b"),
)
_ENDS: Final = re.compile(r"[.!?:]+(?:\s|$)|\n\s*\n|\n\s*[-*] ")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z'\u2019]*")
_VOWELS: Final = re.compile(r"[aeiouy]+")
_SILENT: Final = re.compile(r"(?:[^laeiouy]e|[^aeiouydt]ed|[^aeiouyscxzg]es)$")


def reading_age(text: str) -> float | None:
    """Return the age whose schooling a Markdown text asks for; None where it is too short to say."""
    for pattern in _LEFT_OUT:
        text = pattern.sub(" ", text)
    sentences = [words for piece in _ENDS.split(text) if (words := _WORD.findall(piece))]
    words = [word for sentence in sentences for word in sentence]
    if len(words) < _FEWEST_WORDS:
        return None
    per_word = sum(syllables(word) for word in words) / len(words)
    grade = 0.39 * len(words) / len(sentences) + 11.8 * per_word - 15.59
    return max(grade, 0) + _FIRST_GRADE_AGE


def hardest_sentence(text: str) -> str:
    """Return the longest sentence of a text, its beginning where it is very long."""
    for pattern in _LEFT_OUT:
        text = pattern.sub(" ", text)
    longest = max(_ENDS.split(text), key=lambda piece: len(_WORD.findall(piece)), default="")
    words = " ".join(longest.split())
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"


def syllables(word: str) -> int:
    """Return how many syllables an English word has, nearly."""
    plain = re.sub("['\u2019]", "", word.lower())
    counted = len(_VOWELS.findall(plain)) - bool(_SILENT.search(plain))
    return max(counted, 1)


_SHOWN: Final = 90
