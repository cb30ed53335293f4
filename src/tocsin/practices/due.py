"""When a practice is due, overdue or settled: dates of the office's calendar, counted from one first day. Pure.

What was done late settles every day that has passed and moves none that is to come: the calendar does not drift.
A day needs no clock to strike at it, so downtime over a month's end, or a changed clock, loses nothing: whoever
looks next sees the same.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from tocsin.model.practice import Rhythm

FIRST_WITHIN = timedelta(days=30)


class State(StrEnum):
    """How a practice stands."""

    SETTLED = "settled"
    DUE = "due"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class DueDay:
    """The day that waits: the oldest that nothing settled. `missed` counts those that have passed, with it."""

    due_on: date
    state: State
    missed: int
    settles: date


def first_due(every: Rhythm, since: date, written: date | None, *, is_new: bool = False) -> date:
    """Return the day a calendar counts from.

    As `written`, or the first day of that calendar once it was kept at all; where nothing is written, one rhythm
    after the start, within 30 days. `is_new` is for a person who joined later: within 30 days in any case.
    """
    soon = min(every.after(since, 1), since + FIRST_WITHIN)
    if written is None:
        return soon
    times = 0
    while (day := every.after(written, times)) < since:
        times += 1
    return min(day, soon) if is_new else day


def due_day(first: date, every: Rhythm, settled: date | None, grace: timedelta, today: date) -> DueDay:
    """Return what is owed of a calendar that starts at `first` and was last settled for the day `settled`.

    `settles` is the day that doing it today would settle: the last that has passed, else the one to come.
    """
    times = 0 if settled is None or settled < first else _index_after(first, every, settled)
    oldest = every.after(first, times)
    last, missed = oldest, 0
    while (day := every.after(first, times + missed)) <= today:
        last, missed = day, missed + 1
    state = State.SETTLED
    if missed:
        state = State.OVERDUE if today > oldest + grace else State.DUE
    return DueDay(oldest, state, missed, last)


def _index_after(first: date, every: Rhythm, day: date) -> int:
    """Return how many rhythms after `first` the first day beyond `day` comes."""
    if every.days:
        return max((day - first).days // every.days + 1, 0)
    months = (day.year - first.year) * 12 + day.month - first.month
    times = max(months // every.months - 1, 0)
    while every.after(first, times) <= day:
        times += 1
    return times
