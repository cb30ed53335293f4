"""What an import has to say about a file: how much it matters, where, and in one sentence what."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

JsonPath: TypeAlias = tuple[str | int, ...]

MOST_SHOWN = 200
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}")
_LONGEST_KEY = 120
# Control characters move the cursor, and the marks of writing direction turn a line round: neither is shown.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")


class Grade(StrEnum):
    """How much a finding matters."""

    REJECT = "reject"
    """It cannot be a playbook: nothing is imported."""
    DRAFT = "draft to complete"
    """It is imported, and a person must fill something in before it is whole."""
    NOTE = "note"
    """Worth knowing; nothing has to be done."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found at one place."""

    grade: Grade
    path: str
    message: str

    def as_json(self) -> dict[str, str]:
        """Return it as plain data."""
        return {"grade": self.grade.value, "path": self.path, "message": self.message}


def reject(path: JsonPath, message: str) -> Finding:
    """Return what stops an import."""
    return Finding(Grade.REJECT, spelled(path), message)


def draft(path: JsonPath, message: str) -> Finding:
    """Return what a person must fill in."""
    return Finding(Grade.DRAFT, spelled(path), message)


def note(path: JsonPath, message: str) -> Finding:
    """Return what is worth knowing."""
    return Finding(Grade.NOTE, spelled(path), message)


def spelled(path: JsonPath) -> str:
    """Return a path as people write it: `$.workflow["end--…"].name`."""
    parts = ["$"]
    for key in path:
        if isinstance(key, int):
            parts.append(f"[{key}]")
        else:
            parts.append(f".{key}" if _PLAIN.fullmatch(key) else f'["{quoted(key)}"]')
    return "".join(parts)


def quoted(text: str) -> str:
    """Return foreign text fit to stand in one line of ours."""
    plain = " ".join(seen(text).split()).replace('"', "'")
    return plain if len(plain) <= _LONGEST_KEY else f"{plain[: _LONGEST_KEY - 1]}…"


def seen(text: str) -> str:
    """Return foreign text without what a terminal would obey rather than show."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n"))


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings, the gravest first, each once, and no more than a person can read."""
    grades = list(Grade)
    unique = sorted(dict.fromkeys(findings), key=lambda one: grades.index(one.grade))
    if len(unique) <= MOST_SHOWN:
        return tuple(unique)
    rest = len(unique) - MOST_SHOWN
    more = Finding(unique[MOST_SHOWN].grade, "$", f"{rest} further findings are not listed.")
    return (*unique[:MOST_SHOWN], more)


def is_rejected(findings: Iterable[Finding]) -> bool:
    """Tell whether one of them stops the import."""
    return any(one.grade is Grade.REJECT for one in findings)
