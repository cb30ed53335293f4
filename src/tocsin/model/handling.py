"""The label decides the handling: what each label asks of whatever holds the data, and the agreed departures.

The defaults are data (`data/handling.yaml`), each with its reason. A firm's own `handling:` changes single rules
of single labels; `departures:` lists where a rule is knowingly not kept, who answers for it, why, and until when.
"""

from dataclasses import dataclass, fields
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import yaml
from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from tocsin.model.fields import Id, Text, TrueFalse, parse_duration, spell_duration
from tocsin.model.parts import Part
from tocsin.model.vocabulary import Label, PersonRole, SystemKind

if TYPE_CHECKING:
    from tocsin.model.workspace import Workspace

NO_LIMIT = timedelta(0)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Rule(StrEnum):
    """What a label can ask, in the order a person reads the matrix."""

    ACCESS = "access"
    REASONS = "reasons"
    ROLES = "roles"
    ACCESS_REVIEW = "access_review"
    SHARED_LOGINS = "shared_logins"
    SECOND_FACTOR = "second_factor"
    ENCRYPTED = "encrypted"
    ACCESS_LOG = "access_log"
    NEVER_ON = "never_on"
    RETENTION = "retention"
    RPO = "rpo"
    DRILL_EVERY = "drill_every"
    COPIES = "copies"
    OFFSITE = "offsite"
    APPEND_ONLY = "append_only"


def _limit(value: object) -> object:
    return NO_LIMIT if value in {"no", False} else parse_duration(value)


def _spell_limit(limit: timedelta) -> str:
    return spell_duration(limit) if limit else "no"


Limit = Annotated[
    timedelta,
    BeforeValidator(_limit),
    PlainSerializer(_spell_limit),
    WithJsonSchema({"type": ["string", "boolean"], "examples": ["6 months", "26h", "no"]}),
]


class Handling(Part):
    """What one label asks. Whatever is left out stays as Tocsin's defaults have it."""

    access: Literal["anyone", "named"] | None = None
    """`named`: there is a list of who may use it; `anyone` of our people may."""
    reasons: TrueFalse | None = None
    """Whether each entry of that list says why."""
    roles: tuple[PersonRole, ...] | None = None
    """Only people with one of these roles may be on it; [] lets any of our people be."""
    access_review: Limit | None = None
    """How often somebody asks of each person whether they still need it."""
    shared_logins: TrueFalse | None = None
    """Whether several people may use one login."""
    second_factor: TrueFalse | None = None
    """Whether a password alone must not be enough."""
    encrypted: TrueFalse | None = None
    access_log: Limit | None = None
    """How long a log of who looked at what is kept, at least."""
    never_on: tuple[SystemKind, ...] | None = None
    """Kinds of systems this data must not be kept on."""
    retention: Limit | None = None
    """How long a dataset may be kept, at most."""
    rpo: Limit | None = None
    """The most work that may be lost."""
    drill_every: Limit | None = None
    """How often bringing it back is drilled, at least."""
    copies: Annotated[int, Field(strict=True, ge=1, le=9)] | None = None
    """In how many repositories a backup lies, at least."""
    offsite: TrueFalse | None = None
    """Whether one of them is off-site."""
    append_only: TrueFalse | None = None
    """Whether one of them only grows."""


@dataclass(frozen=True, slots=True)
class Rules:
    """One label's rules in force, every one settled. A limit of None asks for nothing."""

    access: str
    reasons: bool
    roles: tuple[PersonRole, ...]
    access_review: timedelta | None
    shared_logins: bool
    second_factor: bool
    encrypted: bool
    access_log: timedelta | None
    never_on: tuple[SystemKind, ...]
    retention: timedelta | None
    rpo: timedelta | None
    drill_every: timedelta | None
    copies: int
    offsite: bool
    append_only: bool

    def spoken(self, rule: Rule) -> str:
        """Return what one rule asks, in a word or two: `yes`, `12 months`, `-`."""
        value = getattr(self, rule.value)
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, timedelta):
            return spell_duration(value)
        if isinstance(value, tuple):
            return ", ".join(str(each) for each in value) or "-"
        return "-" if value is None else str(value)


class Departure(Part):
    """A rule that is knowingly not kept somewhere: who answers for it, why, and until when."""

    rule: Rule
    """Which rule of the matrix."""
    system: Id | None = None
    dataset: Id | None = None
    backup_plan: Id | None = None
    owner: Id
    """Who of us answers for it."""
    reason: Text
    until: date
    """The last day on which it holds; afterwards the rule is asked for again."""

    @model_validator(mode="after")
    def _of_one_thing(self) -> Self:
        if sum(bool(each) for each in (self.system, self.dataset, self.backup_plan)) != 1:
            raise ValueError("a departure is of one thing: write either system, dataset or backup_plan.")
        return self

    @property
    def subject(self) -> str:
        """What departs, as findings name it: `system:crm`."""
        kinds = {"system": self.system, "dataset": self.dataset, "backup_plan": self.backup_plan}
        return next(f"{kind}:{key}" for kind, key in kinds.items() if key)

    def holds(self, today: date) -> bool:
        """Tell whether it is still in force."""
        return today <= self.until


def rules_of(workspace: "Workspace", label: Label) -> Rules:
    """Return what a label asks in this workspace: its own rules over the defaults."""
    return _merged(workspace.handling.get(label), label)


def default_rules(label: Label) -> Rules:
    """Return what a label asks where a workspace says nothing."""
    return _merged(None, label)


def reason_for(rule: Rule) -> str:
    """Return why the defaults ask for it."""
    return str(_data()[rule.value]["because"])


def _merged(own: Handling | None, label: Label) -> Rules:
    given = {name: getattr(own, name) for name in own.model_fields_set} if own else {}
    defaults = _defaults(label)
    chosen: dict[str, Any] = {}
    for each in fields(Rules):
        value = given.get(each.name, getattr(defaults, each.name))
        chosen[each.name] = None if value == NO_LIMIT else value
    return Rules(**chosen)


@lru_cache
def _defaults(label: Label) -> Handling:
    return Handling.model_validate({rule.value: _data()[rule.value][label.value] for rule in Rule})


@lru_cache
def _data() -> dict[str, Any]:
    text = files("tocsin.model").joinpath("data", "handling.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, chosen for its speed
    return loaded
