"""The rota: who is on call for which role, by week, weekday and hour on the organisation's clock. Pure.

A line covers some days between two times; people take turns by the week. Shifts are laid out on the wall clock and
compared in UTC: in the night the hour is repeated nobody is on call twice, and where one is skipped nobody is
missing. The first line that covers a moment counts; where none does, the role's first holder is on call.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from tocsin.model.fields import Duration, Id
from tocsin.model.parts import Part
from tocsin.model.vocabulary import PersonRole

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_WEEK = 7


class Weekday(StrEnum):
    """A day of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


def _check_time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError(f"{text!r} is not a time of day. Write it with quotes, such as '18:00'.")
    return text


def _check_monday(day: date) -> date:
    if day.weekday() != 0:
        raise ValueError(f"{day} is not a Monday: the turns change with the week.")
    return day


ClockTime = Annotated[
    str, AfterValidator(_check_time), WithJsonSchema({"type": "string", "pattern": f"^{_TIME.pattern}$"})
]
Monday = Annotated[date, AfterValidator(_check_monday)]


class Turn(Part):
    """One line of the rota. People take turns by the week, in this order."""

    role: PersonRole
    people: tuple[Id, ...] = Field(min_length=1)
    days: tuple[Weekday, ...] = tuple(Weekday)
    """The days on which it begins; left out, every day."""
    starts: ClockTime = "00:00"
    """When it begins, on the organisation's clock."""
    ends: ClockTime = "00:00"
    """When it ends; not after the beginning means on the next day."""
    first_week: Monday | None = None
    """The Monday of a week that is the first person's; needed where several take turns."""

    @model_validator(mode="after")
    def _know_whose_week(self) -> Self:
        if len(self.people) > 1 and self.first_week is None:
            raise ValueError(
                "several people take turns here: say with first_week (a Monday) which week is the first one's."
            )
        return self

    def person_in(self, day: date) -> str:
        """Return whose turn it is in the week of a day."""
        if self.first_week is None:
            return self.people[0]
        monday = day - timedelta(days=day.weekday())
        return self.people[(monday - self.first_week).days // _WEEK % len(self.people)]


class Paging(Part):
    """How a page goes up where nobody acknowledges it."""

    acknowledge_within: Duration = Field(default="10m", validate_default=True)
    """How long each rung has: the person on call, then the deputy, then everyone."""
    at_declare: bool = True
    """Whether declaring an incident pages whoever is on call."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's time on call, in UTC; `ends_at` is the first moment that is not theirs."""

    role: str
    person: str
    starts_at: datetime
    ends_at: datetime | None
    why: str = "rota"


def shift_at(turns: Iterable[Turn], role: PersonRole | str, zone: str, moment: datetime) -> Shift | None:
    """Return the shift of a role that covers a moment, or None where no line does."""
    for turn in turns:
        if turn.role == role:
            for shift in _shifts_around(turn, ZoneInfo(zone), moment):
                if shift.starts_at <= moment and shift.ends_at is not None and moment < shift.ends_at:
                    return shift
    return None


def _shifts_around(turn: Turn, zone: ZoneInfo, moment: datetime) -> Iterator[Shift]:
    today = moment.astimezone(zone).date()
    starts, ends = time.fromisoformat(turn.starts), time.fromisoformat(turn.ends)
    for day in (today, today - timedelta(days=1)):
        if list(Weekday)[day.weekday()] in turn.days:
            last = day if ends > starts else day + timedelta(days=1)
            yield Shift(str(turn.role), turn.person_in(day), _utc(day, starts, zone), _utc(last, ends, zone))


def _utc(day: date, clock: time, zone: ZoneInfo) -> datetime:
    # Of an hour that is repeated the first counts, for the end of one shift as for the start of the next.
    return datetime.combine(day, clock, zone).astimezone(UTC)
