"""What a firm writes about its practices: which of ours it keeps, how often, who answers, and its own ones."""

import re
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from tocsin.model.fields import Duration, Id, Line, TrueFalse
from tocsin.model.parts import Named, Part

_RHYTHM = re.compile(r"(\d{1,3}) ?(d|days?|w|weeks?|months?|quarters?|y|years?)")
_RHYTHM_PATTERN = r"^[0-9]{1,3} ?(d|days?|w|weeks?|months?|quarters?|y|years?)$"
_SPAN = re.compile(r"(\d\d):(\d\d) ?- ?(\d\d):(\d\d)")
_MONTHS = {"m": 1, "q": 3, "y": 12}
_HOURS, _MINUTES = 24, 60


class PracticeName(StrEnum):
    """The practices Tocsin knows; `practices/data/catalogue.yaml` says what each is."""

    SOFTWARE_UPDATES = "software-updates"
    DATA_AUDIT = "data-audit"
    ACCESS_REVIEW = "access-review"
    STAFF_TRAINING = "staff-training"
    CONSENT_REVIEW = "consent-review"
    PRIVACY_NOTICE_REVIEW = "privacy-notice-review"
    CONTRACT_REVIEW = "contract-review"
    SUPPLIER_REVIEW = "supplier-review"
    RESTORE_DRILL = "restore-drill"
    EXERCISE = "exercise"
    KEY_RECOVERY = "key-recovery"
    CONTACT_TEST = "contact-test"
    BREACH_BRIEFING = "breach-briefing"
    POLICY_READ = "policy-read"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often, on the calendar: so many days, or so many months. One of the two is zero."""

    days: int = 0
    months: int = 0

    def __str__(self) -> str:
        if self.months and self.months % 12 == 0:
            return _spelled(self.months // 12, "year")
        return _spelled(self.months, "month") if self.months else _spelled(self.days, "day")

    @property
    def each(self) -> str:
        """How a sentence says it: `every month`, `every 6 months`."""
        spelled = str(self)
        return f"every {spelled.removeprefix('1 ')}"

    def after(self, start: date, times: int) -> date:
        """Return the date `times` rhythms after `start`; the 31st of a shorter month is its last day."""
        if self.days:
            return start + timedelta(days=self.days * times)
        months = start.year * 12 + start.month - 1 + self.months * times
        first = date(months // 12, months % 12 + 1, 1)
        following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        return first.replace(day=min(start.day, (following - timedelta(days=1)).day))


def _spelled(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def parse_rhythm(text: object) -> Rhythm:
    """Return `2 weeks`, `1 month`, `1 quarter`, `1 year` as a rhythm. Raises ValueError with a sentence."""
    if isinstance(text, Rhythm):
        return text
    matched = _RHYTHM.fullmatch(text.strip().lower()) if isinstance(text, str) else None
    if not matched or int(matched[1]) == 0:
        raise ValueError(f"{text!r} is not a rhythm. Write one such as 2 weeks, 1 month, 6 months or 1 year.")
    count, unit = int(matched[1]), matched[2][0]
    if unit in _MONTHS:
        return Rhythm(months=count * _MONTHS[unit])
    return Rhythm(days=count * (7 if unit == "w" else 1))


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of each day on the wall clock; `22:00-05:00` goes over midnight."""

    start: time
    end: time

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"

    def hold(self, moment: time) -> bool:
        """Tell whether the wall clock is within them; the end no longer is."""
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


def parse_hours(text: object) -> Hours:
    """Return `22:00-05:00` as hours. Raises ValueError with a sentence."""
    if isinstance(text, Hours):
        return text
    matched = _SPAN.fullmatch(text.strip()) if isinstance(text, str) else None
    numbers = [int(part) for part in matched.groups()] if matched else []
    if not numbers or any(hour >= _HOURS for hour in numbers[::2]) or any(n >= _MINUTES for n in numbers[1::2]):
        raise ValueError(f"{text!r} are no hours of a day. Write them such as '09:00-17:00' or '22:00-05:00'.")
    start, end = time(numbers[0], numbers[1]), time(numbers[2], numbers[3])
    if start == end:
        raise ValueError(f"{text!r} begins and ends at the same minute. Write hours such as '09:00-17:00'.")
    return Hours(start, end)


def _parse_day(text: object) -> date:
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(text) if isinstance(text, str) else _not_a_day(text)
    except ValueError:
        return _not_a_day(text)


def _not_a_day(text: object) -> date:
    raise ValueError(f"{text!r} is not a day. Write it as 2027-01-31.") from None


RhythmText = Annotated[
    Rhythm,
    BeforeValidator(parse_rhythm),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": _RHYTHM_PATTERN, "examples": ["1 month", "6 months", "1 year"]}),
]
HoursText = Annotated[
    Hours,
    BeforeValidator(parse_hours),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^\d\d:\d\d ?- ?\d\d:\d\d$", "examples": ["22:00-05:00"]}),
]
Day = Annotated[date, BeforeValidator(_parse_day), WithJsonSchema({"type": "string", "format": "date"})]
ProofWord = Literal["sheet", "file", "drill", "check"]


class PracticeChoice(Named):
    """A practice the firm keeps. One of ours needs nothing more; one of its own needs title and every."""

    title: Line | None = None
    owner: Id | None = None
    deputy: Id | None = None
    every: RhythmText | None = None
    grace: Duration | None = None
    """How long after its day it counts as overdue and goes to the deputy too."""
    first_due: Day | None = None
    """The day the calendar counts from. Left out: a month after the practice was switched on, at most."""
    people: tuple[Id, ...] = ()
    """Whom it is for, where each person is asked; left out: everybody."""
    each_person: TrueFalse | None = None
    topics: tuple[Line, ...] = ()
    proof: tuple[ProofWord, ...] = ()
    questions: tuple[Line, ...] = ()
    """What its worksheet asks."""
    documents: tuple[Line, ...] = ()
    """Files people read and confirm; relative to the workspace."""
    drills: tuple[Id, ...] = ()
    """Of the restore drill: those that must all have passed; left out: every drill of the workspace."""
    systems: tuple[Id, ...] = ()
    """Of software updates: the systems that are looked at by themselves, each with its `ssh:`."""
    this_machine: Id | None = None
    """Of software updates: the system that is the machine Tocsin runs on."""
    pip: dict[Id, tuple[Line, ...]] = Field(default_factory=dict)
    """Of software updates: by system, the Pythons whose packages are looked at too."""
    window: HoursText | None = None
    """Of software updates: the hours in which machines are looked at."""


def _none_is_all_defaults(value: object) -> object:
    return {} if value is None else value


KeptPractice = Annotated[PracticeChoice, BeforeValidator(_none_is_all_defaults)]


class Reminders(Part):
    """When people are reminded of practices: within these hours, on these days, by the office's clock."""

    hours: HoursText = Hours(time(9), time(17))
    weekends: TrueFalse = False


__all__ = [
    "Hours",
    "KeptPractice",
    "PracticeChoice",
    "PracticeName",
    "Reminders",
    "Rhythm",
    "parse_hours",
    "parse_rhythm",
]
