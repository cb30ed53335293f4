"""What stands of the practices: read from the rows, judged by the calendar. Nothing is changed here.

Who was asked since when is a row (`practice`); what was done, and by what it is proven, are rows that never
change (`practice_done`). How a practice stands now, or stood on the night of a breach, is worked out from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, select

from tocsin.model.workspace import Workspace
from tocsin.practices.due import DueDay, State, due_day, first_due
from tocsin.practices.practice import Practice, practices_of
from tocsin.store.tables import practice as practices_table
from tocsin.store.tables import practice_done

SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Done:
    """One time a practice was done, or skipped (`proof` is `skipped`) by a named person for a reason."""

    id: str
    practice: str
    about: str
    due_on: date
    done_at: datetime
    signed_by: str
    proof: str
    sheet: str | None
    sha256: str | None
    path: str | None
    participants: tuple[str, ...]
    reason: str | None

    @property
    def is_skipped(self) -> bool:
        """Tell whether it was passed over rather than done."""
        return self.proof == SKIPPED


@dataclass(frozen=True, slots=True)
class Standing:
    """How one obligation stands. `last` is when it was really done, `settled` what settled its calendar last."""

    practice: Practice
    about: str
    day: DueDay
    last: Done | None
    settled: Done | None
    since: datetime | None

    @property
    def due_on(self) -> date:
        """The day that waits."""
        return self.day.due_on

    @property
    def state(self) -> State:
        """Settled, due or overdue."""
        return self.day.state

    @property
    def never_done(self) -> bool:
        """Tell whether it was never done at all."""
        return self.last is None

    @property
    def name(self) -> str:
        """The practice, with the person it is about: `staff-training sam/phishing`."""
        return f"{self.practice.name} {self.about}".rstrip()


def today_of(workspace: Workspace, now: datetime) -> date:
    """Return the day it is in the office."""
    return now.astimezone(ZoneInfo(workspace.organisation.timezone)).date()


def standing(connection: Connection, workspace: Workspace, now: datetime) -> tuple[Standing, ...]:
    """Return how every practice stands at `now`: one for each, or one for each person and topic it asks."""
    since, done = _since(connection), _done_by_key(connection)
    return tuple(
        _standing(workspace, practice, about, since, done, now)
        for practice in practices_of(workspace).values()
        for about in practice.abouts
    )


def standing_of(
    connection: Connection, workspace: Workspace, practice: Practice, now: datetime
) -> tuple[Standing, ...]:
    """Return how one practice stands."""
    since, done = _since(connection), _done_by_key(connection, practice.name)
    return tuple(_standing(workspace, practice, about, since, done, now) for about in practice.abouts)


def state_at(connection: Connection, workspace: Workspace, name: str, moment: datetime) -> str:
    """Return what a practice was worth at `moment`: `done`, `overdue` or `never`.

    `never` also where it was not switched on, or never done for somebody it asks. What was skipped does not count.
    """
    found = [one for one in standing(connection, workspace, moment) if one.practice.name == name]
    if not found or any(one.never_done for one in found):
        return "never"
    return "overdue" if any(one.state is State.OVERDUE or _lapsed(one) for one in found) else "done"


def overdue_at(connection: Connection, workspace: Workspace, moment: datetime) -> tuple[Standing, ...]:
    """Return what was overdue at `moment`."""
    return tuple(one for one in standing(connection, workspace, moment) if one.state is State.OVERDUE)


def history_of(connection: Connection, name: str, *, limit: int = 500) -> tuple[Done, ...]:
    """Return every time a practice was done or skipped, the newest first."""
    query = select(practice_done).where(practice_done.c.practice == name)
    rows = connection.execute(query.order_by(practice_done.c.done_at.desc(), practice_done.c.id).limit(limit))
    return tuple(_done(row) for row in rows.mappings())


def done_since(connection: Connection, name: str, moment: datetime) -> tuple[Done, ...]:
    """Return the times a practice was really done at or after `moment`, the newest first."""
    return tuple(one for one in history_of(connection, name) if one.done_at >= moment and not one.is_skipped)


def _lapsed(one: Standing) -> bool:
    """Tell whether what settled the calendar last was a skip: on the night it was not in place."""
    return one.settled is not None and one.settled.is_skipped


def _standing(
    workspace: Workspace,
    practice: Practice,
    about: str,
    since: Mapping[tuple[str, str], datetime],
    done: Mapping[tuple[str, str], list[Done]],
    now: datetime,
) -> Standing:
    began = since.get((practice.name, about))
    kept = since.get((practice.name, ""), began)
    is_new = bool(about) and began is not None and kept is not None and began > kept
    start = today_of(workspace, min(began or now, now))
    first = first_due(practice.every, start, practice.first_due, is_new=is_new)
    past = [one for one in done.get((practice.name, about), ()) if one.done_at <= now]
    settled = max(past, key=lambda one: one.due_on, default=None)
    day = due_day(
        first, practice.every, settled.due_on if settled else None, practice.grace, today_of(workspace, now)
    )
    last = next((one for one in past if not one.is_skipped), None)
    return Standing(practice, about, day, last, settled, began)


def _since(connection: Connection) -> dict[tuple[str, str], datetime]:
    rows = connection.execute(select(practices_table))
    return {(row.name, row.about): row.since for row in rows}


def _done_by_key(connection: Connection, name: str | None = None) -> dict[tuple[str, str], list[Done]]:
    query = select(practice_done).order_by(practice_done.c.done_at.desc(), practice_done.c.id)
    if name is not None:
        query = query.where(practice_done.c.practice == name)
    found: dict[tuple[str, str], list[Done]] = {}
    for row in connection.execute(query).mappings():
        one = _done(row)
        found.setdefault((one.practice, one.about), []).append(one)
    return found


def _done(row: RowMapping) -> Done:
    values = {name: row[name] for name in Done.__dataclass_fields__}
    values |= {"due_on": date.fromisoformat(row["due_on"]), "participants": tuple(row["participants"])}
    return Done(**values)
