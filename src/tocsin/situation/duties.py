"""The duties of an incident and the decisions on them, as the store keeps them. Reading alone.

A duty goes owed → drafted → approved → discharged; `told` is one that was told in part, or late without its
reasons, and still owes something. `declined` was decided against by a named person; `lapsed` is no longer owed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import Connection, select

from tocsin.errors import UsageError, did_you_mean
from tocsin.law.clocks import Clock, deadline
from tocsin.law.content import owed_words
from tocsin.store.tables import decision
from tocsin.store.tables import duty as duty_table


class Keyed(Protocol):
    """Anything that is called as a duty is."""

    @property
    def key(self) -> str:
        """What a person types."""

    @property
    def toward(self) -> str:
        """Whom it is owed to, in one word."""

    @property
    def controller(self) -> str:
        """Whose data it is about."""


D = TypeVar("D", bound=Keyed)

OPEN = ("owed", "drafted", "approved", "told")
OUTCOMES = ("near_miss", "not_a_breach")
"""Decisions on the incident as a whole; they are kept beside those on its duties."""
LATE = "late_reasons"
FOLLOW_UP = "follow_up"
_SAID = {
    LATE: "the reasons for the delay (Art 33(1))",
    FOLLOW_UP: "a follow-up: what was told has become worse since",
}


@dataclass(frozen=True, slots=True)
class DutyRow:
    """One duty as it stands. `still_owed` are facts of the report, `late_reasons` or `follow_up`."""

    incident: str
    key: str
    toward: str
    controller: str
    addressee: str
    basis: str
    hours: int | None
    how_soon: str
    voluntary: bool
    required: str
    risk: str
    why: tuple[str, ...]
    asks: tuple[str, ...]
    state: str
    opened_at: datetime
    told_at: datetime | None = None
    last_told_at: datetime | None = None
    told_how: str | None = None
    still_owed: tuple[str, ...] = ()
    late_reasons: str | None = None
    settled_at: datetime | None = None
    settled_by: str | None = None
    reopened_at: datetime | None = None
    reopened_why: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names a decision on it may bear: its own, and for the law's three their common one."""
        return (self.key, self.toward) if self.controller else (self.key,)

    @property
    def is_open(self) -> bool:
        """Whether somebody still has something to do for it."""
        return self.state in OPEN

    @property
    def must_be_settled(self) -> bool:
        """Whether the incident cannot close before it is discharged or decided."""
        return self.is_open and not self.voluntary

    def clock(self, aware_at: datetime | None, first_alert_at: datetime) -> Clock | None:
        """Return its clock: the legal one from awareness, else its shadow from the first alert."""
        return deadline(aware_at or first_alert_at, self.hours) if self.hours else None

    def is_late(self, aware_at: datetime | None) -> bool:
        """Tell whether it was told after its legal deadline."""
        return bool(aware_at and self.hours and self.told_at and self.told_at > deadline(aware_at, self.hours).due)

    def owes(self) -> tuple[str, ...]:
        """Return in words what is still owed after the first telling."""
        return tuple(_SAID.get(each) or owed_words((each,))[0] for each in self.still_owed)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a named person decided on a duty (`duty`: its key, or a word for several), and whether it stands."""

    id: str
    duty: str
    proposed: str
    decided: str
    decided_by: str
    decided_at: datetime
    reason: str
    second_asked_at: datetime | None
    second_at: datetime | None
    second_by: str | None
    withdrawn_at: datetime | None

    @property
    def is_pending(self) -> bool:
        """Whether a second person has yet to agree."""
        return self.withdrawn_at is None and self.second_asked_at is not None and self.second_at is None

    @property
    def stands(self) -> bool:
        """Whether it holds now."""
        return self.withdrawn_at is None and not self.is_pending

    @property
    def stood_at(self) -> datetime:
        """The moment from which it held."""
        return self.second_at or self.decided_at


def duties_of(connection: Connection, incident_id: str) -> tuple[DutyRow, ...]:
    """Return an incident's duties in the order they were opened."""
    query = select(duty_table).where(duty_table.c.incident == incident_id)
    rows = connection.execute(query.order_by(duty_table.c.opened_at, duty_table.c.key))
    listed = ("why", "asks", "still_owed")
    return tuple(
        DutyRow(**{**row._mapping, **{name: tuple(row._mapping[name]) for name in listed}})  # noqa: SLF001 - SQLAlchemy's public name for a row as a map
        for row in rows
    )


def decisions_of(connection: Connection, incident_id: str) -> tuple[Decision, ...]:
    """Return every decision of an incident, oldest first, those that no longer hold included."""
    query = select(decision).where(decision.c.incident == incident_id)
    return tuple(
        Decision(**{name: getattr(row, name) for name in Decision.__slots__})
        for row in connection.execute(query.order_by(decision.c.decided_at, decision.c.id))
    )


def standing_on(decisions: Iterable[Decision], *names: str) -> Decision | None:
    """Return the newest decision on any of these names that holds now, or None."""
    found = [each for each in decisions if each.duty in names and each.stands]
    return max(found, key=lambda each: each.stood_at, default=None)


def pending_on(decisions: Iterable[Decision], *names: str) -> Decision | None:
    """Return the decision on one of these names that waits for a second person, or None."""
    return next((each for each in decisions if each.duty in names and each.is_pending), None)


def matching(duties: Iterable[D], name: str) -> tuple[D, ...]:
    """Return the duties a person means by `name`: a key, its beginning, or a word such as `controllers` for all.

    Raises UsageError when there is none, or when a beginning could mean several that are not of one kind.
    """
    listed = tuple(duties)
    found = tuple(each for each in listed if each.key == name)
    found = found or tuple(each for each in listed if each.toward == name and each.controller)
    found = found or tuple(each for each in listed if each.key.startswith(name) or each.controller == name != "")
    if not found:
        keys = [each.key for each in listed]
        raise UsageError(f"There is no duty {name!r} in this incident.{did_you_mean(name, keys)}")
    if len({each.toward for each in found}) > 1:
        raise UsageError(f"{name!r} may mean several duties. Name one: {', '.join(each.key for each in found)}.")
    return found
