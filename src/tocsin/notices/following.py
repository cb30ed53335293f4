"""A follow-up: what is new and what has changed since the last notice to this addressee left the house. Pure.

Three texts are compared, field by field: what we drafted then, what was sent then (a person may have edited it),
and what we would say now. What a person wrote stays, unless the facts behind it have changed since.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from tocsin.notices.sections import sections_of
from tocsin.notices.sheet import Answer, Change

NOT_KNOWN_ANSWER = "Not yet known."


@dataclass(frozen=True, slots=True)
class Earlier:
    """The last notice to the same addressee: as drafted, as sent, when, and the reference it was given.

    `first_sent_at` is when the first one left: whether we were late is judged by that.
    """

    drafted: str
    sent: str
    sent_at: datetime
    reference: str = ""
    first_sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Prevention:
    """One step against a repeat, and the day by which it will be complete, where that is settled."""

    step: str
    by: date | None = None


def answers_then(body: str) -> dict[str, str]:
    """Return a notice's text by field: its headings."""
    return {section.title: section.text for section in sections_of(body)}


def merged_answer(
    now: Answer, drafted: Mapping[str, str], sent: Mapping[str, str]
) -> tuple[Answer, Change | None]:
    """Return the answer to give now, and what changed about it since it was last sent."""
    then, base = sent.get(now.question, ""), drafted.get(now.question, "")
    kept_by_hand = then not in ("", NOT_KNOWN_ANSWER) and now.text == base
    text = then if kept_by_hand or (now.owed and then not in ("", NOT_KNOWN_ANSWER)) else now.text
    answer = Answer(now.key, now.question, text, text == NOT_KNOWN_ANSWER, now.status)
    if text == then or answer.owed:
        return answer, None
    return answer, Change(now.question, "" if then in ("", NOT_KNOWN_ANSWER) else then, text)


def changed_sections(sent: str, now: str) -> tuple[Change, ...]:
    """Return, for each section of a text in prose, the lines that are new and those that no longer stand."""
    then = answers_then(sent)
    found = []
    for section in sections_of(now):
        before = [line for line in then.get(section.title, "").splitlines() if line.strip()]
        after = [line for line in section.text.splitlines() if line.strip()]
        new = [line for line in after if line not in before]
        gone = [line for line in before if line not in after]
        if new or gone:
            found.append(Change(section.title, "\n".join(gone), "\n".join(new)))
    return tuple(found)
