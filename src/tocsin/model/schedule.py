"""When a schedule was last due and will next be: cron, right where the clocks change.

A daily 01:30 in London runs once on the night the hour is skipped (as soon as it is over) and once on the
night it is repeated. Hourly schedules belong in UTC, where no hour is ever lost or repeated.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

# Wall clocks are put back by an hour at most today, by two in the past: look from beyond any repeated hour.
_BEYOND_REPEATED_HOURS = timedelta(hours=3)


def latest_due(cron: str, timezone: str, now: datetime) -> datetime | None:
    """Return the last moment at or before `now` that the schedule fell due, in UTC; None if it never did.

    `cron` is a checked five-field expression read on the wall clock of `timezone` (an IANA name). Raises
    ValueError for a `now` without a zone.
    """
    _refuse_naive(now)
    start = now.replace(microsecond=0) + _BEYOND_REPEATED_HOURS
    ticks = _in_utc(CronSim(cron, start.astimezone(ZoneInfo(timezone)), reverse=True))
    return next((tick for tick in ticks if tick <= now), None)


def next_due(cron: str, timezone: str, now: datetime) -> datetime | None:
    """Return the first moment after `now` that the schedule falls due, in UTC; None if it never will.

    Raises ValueError for a `now` without a zone.
    """
    _refuse_naive(now)
    start = now.replace(microsecond=0) - _BEYOND_REPEATED_HOURS
    ticks = _in_utc(CronSim(cron, start.astimezone(ZoneInfo(timezone))))
    return next((tick for tick in ticks if tick > now), None)


def due_between(cron: str, timezone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield every moment after `start` and up to `end` at which the schedule falls due, in UTC and in order."""
    _refuse_naive(start)
    before = start.replace(microsecond=0) - _BEYOND_REPEATED_HOURS
    for tick in _in_utc(CronSim(cron, before.astimezone(ZoneInfo(timezone)))):
        if tick > end:
            return
        if tick > start:
            yield tick


def _in_utc(ticks: Iterator[datetime]) -> Iterator[datetime]:
    return (tick.astimezone(UTC) for tick in ticks)


def _refuse_naive(now: datetime) -> None:
    if now.tzinfo is None:
        raise ValueError("a time without a zone cannot be compared with a schedule")
