"""An exercise's file: a breach to be played at the table, what is put in on a timer, and what is expected.

    exercise: ransomware-friday
    playbook: ransomware
    targets: {declare: 30m, contain: 90m}
    injects: [{id: press, after: 45m, to: communications, text: A journalist rings., asks: What do you say?}]
    expects: {duties: {regulator: yes}, facts: {exfiltration: confirmed}}

Texts may hold `{system}`, `{client}`, `{clients}`, `{commander}`, `{dpo}`, `{technical}`, `{communications}` and
`{firm}`: the names of the workspace that plays it.
"""

import re
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from tocsin.errors import did_you_mean
from tocsin.model.fields import Cron, Duration, Id, Line, Text
from tocsin.model.parts import Part, Scheduled
from tocsin.model.vocabulary import Cause

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ROLES = ("commander", "dpo", "technical", "communications")
PLACEHOLDERS = ("system", "client", "clients", "firm", *ROLES)
DECIDED = ("regulator", "people")
"""The duties that a named person decides on; every other is settled by telling whom it is owed to."""
_BEGINS = re.compile(rf"({'|'.join(DAYS)}) ([01]?[0-9]|2[0-3]):([0-5][0-9])")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
Role = Literal["commander", "dpo", "technical", "communications"]
YesNo = Literal["yes", "no"]
Duty = Literal["regulator", "people", "controllers", "insurer", "police"]


def _check_begins(text: str) -> str:
    words = " ".join(text.strip().lower().split())
    if not _BEGINS.fullmatch(words):
        raise ValueError(f"{text!r} is no day and time. Write one such as friday 17:40.")
    return words


def _check_told(text: str) -> str:
    for name in _PLACEHOLDER.findall(text):
        if name not in PLACEHOLDERS:
            raise ValueError(f"{{{name}}} stands for nothing.{did_you_mean(name, PLACEHOLDERS)}")
    return text


Told = Annotated[Text, AfterValidator(_check_told)]
"""A text that is read out, with names in braces."""
Facts = dict[str, str | int | bool | list[str]]
"""Facts by their name, such as `people.count`; whether there is such a fact `tocsin.exercises` checks."""


class ExerciseTargets(Part):
    """How soon, from the first sign on, in the exercise's own time."""

    declare: Duration = Field(default=timedelta(minutes=30))
    contain: Duration = Field(default=timedelta(hours=2))
    decide: Duration = Field(default=timedelta(hours=4))
    draft: Duration = Field(default=timedelta(hours=5))
    notify: Duration = Field(default=timedelta(hours=6))


class Effect(Part):
    """What an inject does: somebody cannot be reached, or is back, or a channel is not to be trusted."""

    away: Role | None = None
    back: Role | None = None
    distrust: Literal["slack", "mail"] | None = None


class Inject(Part):
    """Something that happens at a set time, and what the people it reaches have to make of it."""

    id: Id
    after: Duration
    to: Role
    text: Told
    """What is read out."""
    asks: Told
    """What they are asked, out loud."""
    looks_for: Told | None = None
    """For the facilitator's eyes: what a good answer holds."""
    within: Duration = Field(default=timedelta(minutes=30))
    """How soon somebody should take it up."""
    fact: Facts = Field(default_factory=dict)
    """What is known from now on, and should be stated as a fact."""
    effect: Effect | None = None


class Expects(Part):
    """What a good evening comes to."""

    playbook: Id | None = None
    duties: dict[Duty, YesNo] = Field(default_factory=dict)
    facts: Facts = Field(default_factory=dict)
    """What should stand among the facts at the end; an inject's fact counts as well."""


class Exercise(Scheduled):
    """A breach played at the table with the firm's own playbook, people and clients."""

    exercise: Id
    title: Line
    playbook: Id
    cause: Cause
    system: Id | None = None
    """Which system is hit; left out, or not in this workspace, it is named when the exercise starts."""
    begins: Annotated[Line, AfterValidator(_check_begins)] | None = None
    """What time it is at the table, such as friday 17:40."""
    speed: Annotated[int, Field(strict=True, ge=1, le=240)] = 6
    """How many minutes pass in the exercise for each at the table."""
    schedule: Cron | None = None
    """When it is to be played; left out, whenever somebody likes."""
    read_out: Told
    """The first sign, read out when the clock starts."""
    facilitator: Text | None = None
    """Notes for whoever leads it; the players do not see them."""
    targets: ExerciseTargets = Field(default_factory=ExerciseTargets)
    injects: tuple[Inject, ...] = ()
    expects: Expects = Field(default_factory=Expects)
    owner: Id | None = None
    deputy: Id | None = None

    @model_validator(mode="after")
    def _each_inject_once(self) -> Self:
        seen: set[str] = set()
        for inject in self.injects:
            if inject.id in seen:
                raise ValueError(f"the inject {inject.id!r} is given twice. Name one of them otherwise.")
            seen.add(inject.id)
        return self

    @property
    def id(self) -> str:
        """The exercise's own id."""
        return self.exercise

    @property
    def zone(self) -> str | None:
        """The time zone of the schedule, None without one."""
        return self.zone_of(self.schedule) if self.schedule else None

    @property
    def in_order(self) -> tuple[Inject, ...]:
        """The injects as they come."""
        return tuple(sorted(self.injects, key=lambda inject: inject.after))

    @property
    def expected_facts(self) -> Facts:
        """What should stand among the facts at the end; what an inject says later comes in place of it."""
        found = dict(self.expects.facts)
        for inject in self.in_order:
            found |= inject.fact
        return found
