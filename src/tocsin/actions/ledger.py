"""Actions as they are kept: read from rows, obeying need-to-know."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, Select, select

from tocsin.actions.proof import Proof, kept_proof
from tocsin.errors import UsageError, did_you_mean
from tocsin.model.workspace import Workspace
from tocsin.store.need_to_know import hidden_incidents, must_be_theirs
from tocsin.store.tables import action, action_check, action_document


@dataclass(frozen=True, slots=True)
class Checked:
    """One time its check was made. `unknown`: nobody could look."""

    id: str
    at: datetime
    by: str
    verdict: str
    seen: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """A document attached to an action: our own copy, by its hash."""

    name: str
    path: str
    sha256: str
    attached_by: str
    attached_at: datetime
    approved_by: str | None
    approved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Action:
    """One prevention action. `last` is the newest check of it, None while there is none."""

    id: str
    title: str
    risk: str
    owner: str
    deputy: str | None
    due_on: date
    source: str
    source_id: str
    incident: str | None
    causes: tuple[str, ...]
    proof: Proof
    state: str
    opened_by: str
    opened_at: datetime
    closed_by: str | None
    closed_at: datetime | None
    reopened_at: datetime | None
    reopened: int
    drop_by: str | None
    drop_reason: str | None
    drop_second: str | None
    last: Checked | None

    @property
    def is_open(self) -> bool:
        """Whether it still has to be done."""
        return self.state == "open"

    def is_overdue(self, today: date) -> bool:
        """Whether its day has passed and it is not done."""
        return self.is_open and self.due_on < today

    @property
    def came_from(self) -> str:
        """Say where it came from, the incident before all."""
        if self.incident:
            return self.incident
        return f"{self.source} {self.source_id}".strip()


def today(workspace: Workspace, now: datetime) -> date:
    """Return the day on the office's calendar."""
    return now.astimezone(ZoneInfo(workspace.organisation.timezone)).date()


def actions(connection: Connection, *, open_only: bool = False, whole: bool = False) -> tuple[Action, ...]:
    """Return the actions, the one due first first. Those of need-to-know incidents only to their people.

    With `whole` all of them, for machinery that must not forget one and shows nobody more than its id.
    """
    query = select(action)
    if not whole and (hidden := hidden_incidents(connection)):
        query = query.where(action.c.incident.is_(None) | action.c.incident.not_in(hidden))
    if open_only:
        query = query.where(action.c.state == "open")
    return _read(connection, query)


def action_named(connection: Connection, identity: str) -> Action:
    """Return one action. Raises UsageError with the nearest for none, Refused for what is not theirs to know."""
    wanted = identity.strip().upper()
    found = _read(connection, select(action).where(action.c.id == wanted))
    if not found:
        known = [each.id for each in actions(connection)]
        raise UsageError(f"There is no action {identity!r}.{did_you_mean(wanted, known)} See: tocsin action list")
    must_be_theirs(connection, found[0].incident)
    return found[0]


def checks_of(connection: Connection, identity: str) -> tuple[Checked, ...]:
    """Return every check of an action, the newest first."""
    query = select(action_check).where(action_check.c.action == identity)
    rows = connection.execute(query.order_by(action_check.c.at.desc(), action_check.c.id)).all()
    return tuple(_checked(row) for row in rows)


def documents_of(connection: Connection, identity: str) -> tuple[Document, ...]:
    """Return what was attached to an action, the oldest first."""
    query = select(action_document).where(action_document.c.action == identity)
    return tuple(
        Document(
            row.name, row.path, row.sha256, row.attached_by, row.attached_at, row.approved_by, row.approved_at
        )
        for row in connection.execute(query.order_by(action_document.c.attached_at, action_document.c.id))
    )


def overdue(connection: Connection, workspace: Workspace, now: datetime) -> tuple[Action, ...]:
    """Return the actions whose day has passed, the longest overdue first."""
    day = today(workspace, now)
    return tuple(each for each in actions(connection, open_only=True) if each.is_overdue(day))


def promised_against(
    connection: Connection, workspace: Workspace, cause: str | None, now: datetime, *, besides: str = ""
) -> tuple[Action, ...]:
    """Return the overdue actions that were to prevent this cause; `besides` is the incident that asks."""
    if not cause:
        return ()
    found = overdue(connection, workspace, now)
    return tuple(each for each in found if cause in each.causes and each.incident != besides)


def _read(connection: Connection, query: Select[Any]) -> tuple[Action, ...]:
    rows = connection.execute(query.order_by(action.c.due_on, action.c.id)).all()
    if not rows:
        return ()
    newest: dict[str, Checked] = {}
    checks = select(action_check).where(action_check.c.action.in_([row.id for row in rows]))
    for row in connection.execute(checks.order_by(action_check.c.at)):
        newest[row.action] = _checked(row)
    return tuple(_action(row, newest.get(row.id)) for row in rows)


def _checked(row: Row[Any]) -> Checked:
    return Checked(row.id, row.at, row.by, row.verdict, row.seen, row.evidence)


def _action(row: Row[Any], last: Checked | None) -> Action:
    values = {name: getattr(row, name) for name in Action.__slots__ if name != "last"}
    values |= {
        "due_on": date.fromisoformat(row.due_on),
        "causes": tuple(row.causes),
        "proof": kept_proof(row.proof),
    }
    return Action(**values, last=last)
