"""Count a legal clock: from awareness to deadline, in UTC, and show it in local time.

Seventy-two hours are seventy-two hours of the clock on the wall of the world: nights, weekends, holidays and
the change to winter time are inside them (a period given in hours does not roll over to a working day,
Regulation 1182/71 Art 3(4)). Local time is only ever for showing. Pure: nothing here asks what time it is.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from tocsin.errors import UsageError

LOCAL_ZONE = "Europe/London"
SHARES = (50, 75, 90, 100)
LONGEST_HOURS = 10 * 366 * 24

_TIME = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?([Zz]|[+-]\d{2}:?\d{2})?", re.ASCII
)
_EXAMPLE = "Write it as 2026-10-23T16:30+01:00, or in UTC as 2026-10-23T15:30Z."


@dataclass(frozen=True, slots=True)
class Milestone:
    """A point of the clock: `share` in per cent of the whole, `at` in UTC."""

    share: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """One legal clock. All times are UTC."""

    aware: datetime
    due: datetime
    milestones: tuple[Milestone, ...]

    def to_json(self, zone: str = LOCAL_ZONE) -> dict[str, object]:
        """Return the clock as `tocsin clock --json` prints it; `due_local` is the same moment in `zone`."""
        return {
            "aware": show_utc(self.aware),
            "due": show_utc(self.due),
            "due_local": show_local(self.due, zone),
            "milestones": [{"share": point.share, "at": show_utc(point.at)} for point in self.milestones],
        }


def deadline(aware: datetime, hours: int = 72) -> Clock:
    """Return the clock that runs for `hours` from the moment somebody was aware (UK GDPR Art 33(1): 72).

    Raises UsageError for a time without an offset, or hours that no clock can run.
    """
    if aware.tzinfo is None or aware.utcoffset() is None:
        raise UsageError(f"The time {aware.isoformat()} does not say its offset from UTC. {_EXAMPLE}")
    if not 1 <= hours <= LONGEST_HOURS:
        raise UsageError(f"A clock cannot run for {hours} hours. Give whole hours, at least 1.")
    start = aware.astimezone(UTC)
    # 36 seconds are one per cent of an hour, so every milestone falls on a whole second.
    try:
        points = tuple(Milestone(share, start + timedelta(seconds=36 * hours * share)) for share in SHARES)
    except OverflowError:
        raise UsageError(f"The time {aware.isoformat()} is too far away to count from.") from None
    return Clock(start, points[-1].at, points)


def parse_time(text: str) -> datetime:
    """Return a time written with its offset (RFC 3339; seconds may be left out).

    Raises UsageError with a sentence; a time without an offset is never guessed at.
    """
    matched = _TIME.fullmatch(text.strip())
    if not matched:
        raise UsageError(f"{text!r} is not a time. {_EXAMPLE}")
    if matched[8] is None:
        raise UsageError(
            f"{text!r} does not say its offset from UTC, so it may be off by an hour or more. {_EXAMPLE}"
        )
    try:
        return datetime.fromisoformat(text.strip().upper())
    except ValueError:
        raise UsageError(f"There is no such time as {text!r}. {_EXAMPLE}") from None


def show_utc(moment: datetime) -> str:
    """Return a moment as `2026-10-26T15:30:00Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def show_local(moment: datetime, zone: str = LOCAL_ZONE) -> str:
    """Return a moment in local time with its offset, `2026-10-26T15:30:00+00:00`."""
    return moment.astimezone(_zone(zone)).isoformat()


def show_both(moment: datetime, zone: str = LOCAL_ZONE) -> str:
    """Return a moment for people: `Mon 26 Oct 2026 15:30 GMT (15:30 UTC)`; the UTC day where it differs."""
    local, world = moment.astimezone(_zone(zone)), moment.astimezone(UTC)
    there = world.strftime("%H:%M UTC") if world.date() == local.date() else world.strftime("%a %d %b %H:%M UTC")
    return f"{local.strftime('%a %d %b %Y %H:%M %Z')} ({there})"


@lru_cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(f"{name!r} is not a time zone. Write one such as Europe/London or UTC.") from None
