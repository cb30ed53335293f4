"""A month of one plan's backups, a mark for each day: what was taken, is it good, what is missing. Pure."""

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from tocsin.backups.ledger import LedgerEntry
from tocsin.model.schedule import due_between
from tocsin.model.workspace import BackupPlan

# A run that is due before midnight and saved after it counts for the day it was due.
_LATE_AT_MOST = timedelta(hours=6)


class Mark(StrEnum):
    """What one day looks like; of several, the one somebody should see first."""

    FLAGGED = "flagged"
    MISSING = "missing"
    INCOMPLETE = "incomplete"
    HELD = "held"
    GOOD = "good"
    REMOVED = "removed"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Month:
    """One plan's month: `days[0]` is the first of it."""

    plan: str
    first: date
    days: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What a calendar is drawn from: the plan's ledger, the holds that stand, and the moment it is drawn."""

    entries: Sequence[LedgerEntry]
    held: Collection[tuple[str, str]]
    now: datetime


def month_of(plan: BackupPlan, known: Known, first: date) -> Month:
    """Return the month that begins on `first`, by the clock the plan's schedule is meant in.

    A day is good when every repository has a good snapshot of every series (the files, each dump). Missing is a
    day on which a run was due, after the first snapshot there ever was.
    """
    zone = ZoneInfo(plan.zone)
    length = monthrange(first.year, first.month)[1]
    begin = datetime(first.year, first.month, 1, tzinfo=zone)
    end = min(begin + timedelta(days=length), known.now)
    dues = list(due_between(plan.schedule, plan.zone, begin - _LATE_AT_MOST, end))
    taken: dict[date, list[LedgerEntry]] = {}
    for entry in known.entries:
        if begin - _LATE_AT_MOST <= entry.time < begin + timedelta(days=length + 1):
            taken.setdefault(_day_of(entry.time, dues, zone), []).append(entry)
    since = min((entry.time.astimezone(zone).date() for entry in known.entries), default=None)
    expected = {due.astimezone(zone).date() for due in dues} if since else set()
    days = (first + timedelta(days=number) for number in range(length))
    marks = (
        _mark(plan, known.held, taken.get(day, ()), is_due=day in expected and since is not None and day > since)
        for day in days
    )
    return Month(plan.id, first, tuple(marks))


def _day_of(moment: datetime, dues: Sequence[datetime], zone: ZoneInfo) -> date:
    last = bisect_right(dues, moment) - 1
    if last >= 0 and moment - dues[last] < _LATE_AT_MOST:
        return dues[last].astimezone(zone).date()
    return moment.astimezone(zone).date()


def _mark(
    plan: BackupPlan, held: Collection[tuple[str, str]], taken: Iterable[LedgerEntry], *, is_due: bool
) -> Mark:
    found = [entry for entry in taken if entry.verdict != "scratch"]
    standing = [entry for entry in found if entry.gone_at is None]
    if any(entry.plausibility == "flagged" for entry in standing):
        return Mark.FLAGGED
    if not found:
        return Mark.MISSING if is_due else Mark.NONE
    if not standing:
        return Mark.REMOVED
    good = {(entry.repository, entry.dump) for entry in found if entry.verdict == "ok"}
    wanted = {(repository, series) for repository in plan.repositories for series in plan.series}
    if not wanted <= good:
        return Mark.INCOMPLETE
    return Mark.HELD if any((entry.repository, entry.id) in held for entry in standing) else Mark.GOOD
