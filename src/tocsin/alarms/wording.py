"""What one message says: the alarms of a batch, what became of them, and why it comes by this channel. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

MOST_NAMED = 20
# Nothing is wrong: what people are reminded of is no alarm, and must not look like one.
ROUTINE = {"practice.digest": "Good practice this week", "practice.reminder": "Good practice, due now"}


@dataclass(frozen=True, slots=True)
class Line:
    """One alarm as its message needs it. `share` is that of a deadline's alarm."""

    alarm: str
    kind: str
    subject: str
    text: str
    raised_at: datetime
    incident: str | None = None
    share: int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Alarms that go out as one message. `what` is `raised`, `reminder` or `over`."""

    id: str
    what: str
    lines: tuple[Line, ...]

    @property
    def subject(self) -> str:
        """The line a mail is found by."""
        first = self.lines[0]
        if first.share is not None:
            return f"[Tocsin] {first.incident}: {first.share} % of a deadline is gone"
        if len({line.kind for line in self.lines}) == 1 and first.kind in ROUTINE:
            return f"[Tocsin] {ROUTINE[first.kind]}"
        about = f"{first.kind} {first.subject}" if len(self.lines) == 1 else f"{len(self.lines)} alarms"
        lead = {"raised": "Alarm: ", "reminder": "Still: ", "over": "Over: "}[self.what]
        return f"[Tocsin] {lead}{about}"

    @property
    def text(self) -> str:
        """What it says, without a word on the way it takes."""
        said = [_said(self.what, line) for line in _of_each_kind(self.lines)[:MOST_NAMED]]
        if len(self.lines) == 1:
            return said[0]
        rest = len(self.lines) - len(said)
        more = [f"and {rest} more. See: tocsin status"] if rest else []
        return "\n".join([f"{len(self.lines)} alarms:", *(f"- {one}" for one in [*said, *more])])


def on_the_way(channel: str, failed: Iterable[str], passed_over: Sequence[tuple[str, datetime]]) -> str:
    """Return why this comes by `channel` and not by an earlier one; empty when it was the first."""
    said = [
        f"{name} is marked compromised since {_moment(since)}: do not trust or answer what comes by it."
        for name, since in passed_over
    ]
    said += [f"{name} did not work just now." for name in failed]
    return " ".join([*said, f"So this comes by {channel}."]) if said else ""


def _of_each_kind(lines: Sequence[Line]) -> list[Line]:
    """Return the first of each kind, then the second of each…: five hundred late plans hide no lost snapshot."""
    seen: Counter[str] = Counter()
    ranked = []
    for line in lines:
        ranked.append((seen[line.kind], line))
        seen[line.kind] += 1
    return [line for _, line in sorted(ranked, key=lambda pair: pair[0])]


def _said(what: str, line: Line) -> str:
    if what == "raised":
        return line.text
    if what == "reminder":
        return f"Since {_moment(line.raised_at)} and still so: {line.text}"
    return f"It is over, since {_moment(line.raised_at)} it was so: {line.text}"


def _moment(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
