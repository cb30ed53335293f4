"""What one check found."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How well it is. A warning can wait until the morning; what failed would fail tonight."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how well it is, what was seen, and what to do next ('' when nothing)."""

    about: str
    outcome: Outcome
    seen: str
    advice: str = ""


def ok(about: str, seen: str) -> Finding:
    """All is well with it."""
    return Finding(about, Outcome.OK, seen)


def warning(about: str, seen: str, advice: str = "") -> Finding:
    """It works, and somebody should see to it."""
    return Finding(about, Outcome.WARNING, seen, advice)


def failed(about: str, seen: str, advice: str = "") -> Finding:
    """It would not work tonight."""
    return Finding(about, Outcome.FAILED, seen, advice)
