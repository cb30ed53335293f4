"""What can go wrong, typed by what the caller can do about it.

Every message says what happened, what state things are in and what to do next. Only the command line
exits; it takes the code from the class. Adapters translate foreign errors here with `from`.

| class            | exit | the caller can                       |
|------------------|------|--------------------------------------|
| OperationFailed  | 1    | look at the thing itself: it failed  |
| UsageError       | 2    | correct the command                  |
| ConfigurationError | 2  | correct the file, at the line named  |
| Refused          | 3    | ask a person to decide               |
| Temporary        | 4    | try again                            |
| Interrupted      | 130  | start again when ready               |
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar


class TocsinError(Exception):
    """Base of every error a person may see: one clear sentence, and the exit code it ends with."""

    exit_code: ClassVar[int] = 1


class OperationFailed(TocsinError):  # noqa: N818 - the name is what the person reads
    """The thing itself failed: an incomplete backup, a failed drill, a full disk."""


class UsageError(TocsinError):
    """The command's words are wrong; nothing was changed."""

    exit_code = 2


class Refused(TocsinError):  # noqa: N818
    """Not done, on purpose: a person with the right role must decide first."""

    exit_code = 3


class Temporary(TocsinError):  # noqa: N818
    """Not done because something is busy or out of reach; trying again may work."""

    exit_code = 4


class AskedToWait(Temporary):
    """Not done because the other side wants to be asked less often: not before `seconds` have passed."""

    def __init__(self, message: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(message)


class OutcomeUnknown(Refused):
    """The act may or may not have happened outside; a person must look before it is tried again."""


class Interrupted(TocsinError):  # noqa: N818
    """Stopped by a signal after passing it on and waiting for the work to end."""

    exit_code = 130


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in a file: `name` as the person wrote it, 1-based `line` and `column` (0: the file as a whole)."""

    name: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.name}:{self.line}:{self.column}" if self.line else self.name


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a file: where, what is wrong in a sentence, and the nearest right word if there is one."""

    place: Place
    message: str
    nearest: str | None = None

    def __str__(self) -> str:
        hint = f" Did you mean {self.nearest!r}?" if self.nearest else ""
        return f"{self.place}: {self.message}{hint}"


class ConfigurationError(TocsinError):
    """A file a person wrote is wrong. Carries every problem found, not just the first."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem] | Problem) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` was most likely meant to be, or None."""
    folded = {candidate.casefold().replace("-", "_"): candidate for candidate in known}
    matches = get_close_matches(word.casefold().replace("-", "_"), list(folded), n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the nearest known word, or the known words when none is near."""
    known = list(known)
    if match := nearest(word, known):
        return f" Did you mean {match!r}?"
    return f" Known: {', '.join(sorted(known))}." if known else ""
