"""A notice's text by its headings: for the guard, the page of fields, and to compare versions. Pure."""

import re
from dataclasses import dataclass
from typing import Final

_HEADING: Final = re.compile(r"^ {0,3}(?P<level>#{1,6})[ \t]+(?P<title>.*?)[ \t]*#*[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """One heading and what is written under it, up to the next heading."""

    level: int
    title: str
    text: str


def sections_of(body: str) -> tuple[Section, ...]:
    """Return every heading with the text that stands right under it, in order."""
    marks = list(_HEADING.finditer(body))
    ends = [*(mark.start() for mark in marks[1:]), len(body)][: len(marks)]
    return tuple(
        Section(len(mark["level"]), mark["title"], body[mark.end() : end].strip())
        for mark, end in zip(marks, ends, strict=True)
    )


def whole_sections(body: str) -> tuple[tuple[str, str], ...]:
    """Return each heading with everything under it, lower headings included."""
    found = sections_of(body)
    whole = []
    for at, section in enumerate(found):
        below = list[str]()
        for later in found[at + 1 :]:
            if later.level <= section.level:
                break
            below += (later.title, later.text)
        whole.append((section.title, "\n".join((section.text, *below))))
    return tuple(whole)
