"""Who has which role in an incident: from the rota when it is declared, then taken or handed over.

A deputy takes a role over by herself: nobody has to be awake to give it to her. What is handed over comes with a
note, so that whoever is next knows how things stand.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from tocsin.context import Context
from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.incidents.oncall import ROLES, on_call
from tocsin.incidents.open_row import open_row
from tocsin.model.roles import may_act_as, who_may
from tocsin.model.workspace import Workspace
from tocsin.store.database import Transaction
from tocsin.store.tables import incident_role


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has, or had, a role: `how` is `rota`, `named`, `taken` or `handed_over`; `until` is None for now."""

    role: str
    person: str
    how: str
    by: str
    since: datetime
    until: datetime | None
    note: str | None


def role_history(connection: Connection, incident_id: str) -> tuple[Holder, ...]:
    """Return everyone who has had a role in an incident, oldest first."""
    query = select(incident_role).where(incident_role.c.incident == incident_id)
    oldest_first = (incident_role.c.since, incident_role.c.until.is_(None), incident_role.c.until)
    return tuple(
        Holder(**{name: getattr(row, name) for name in Holder.__slots__})
        for row in connection.execute(query.order_by(*oldest_first))
    )


def roles_of(connection: Connection, incident_id: str) -> dict[str, Holder]:
    """Return who has each role of an incident now; a role nobody has is not in it."""
    return {each.role: each for each in role_history(connection, incident_id) if each.until is None}


def assign_in(tx: Transaction, workspace: Workspace, incident_id: str, circle: Iterable[str] | None) -> None:
    """Give each role to whoever is on call; in a need-to-know incident to somebody of its circle."""
    known = None if circle is None else tuple(circle)
    for found in on_call(tx.connection, workspace, tx.now):
        person = found.person if known is None or found.person in known else _within(workspace, found.role, known)
        if person:
            _give(tx, incident_id, found.role, person, "rota" if person == found.person else "named", None)


def _within(workspace: Workspace, role: str, circle: tuple[str, ...]) -> str:
    return next((each for each in circle if may_act_as(workspace, each, role)), "")


def take(ctx: Context, incident_id: str, role: str, note: str = "") -> Holder:
    """Take a role over oneself. Raises Refused for somebody who neither holds it nor deputises."""
    _check_role(role)
    person = ctx.actor.person
    with ctx.store.write(ctx.actor) as tx:
        open_row(tx, incident_id)
        _may_have(ctx.workspace, tx.connection, incident_id, role, person)
        before = roles_of(tx.connection, incident_id).get(role)
        if before is not None and before.person == person:
            raise UsageError(f"{person} has the role {role} in {incident_id} already. Nothing was changed.")
        _give(tx, incident_id, role, person, "taken", note.strip() or None)
        now_is = roles_of(tx.connection, incident_id)[role]
        _tell(tx, "incident.role_taken", incident_id, before, now_is)
    ctx.crash.reach("incident:role-taken")
    ctx.store.sign_head(ctx.actor)
    return now_is


def hand_over(ctx: Context, incident_id: str, role: str, to: str, note: str) -> Holder:
    """Give a role to another person, with a note on how things stand.

    Whoever has the role may give it away, and so may a commander. Raises Refused for others, and for somebody who
    could not act in that role; UsageError without a note.
    """
    _check_role(role)
    if to not in ctx.workspace.people:
        raise UsageError(f"There is no person {to!r} in the workspace.{did_you_mean(to, ctx.workspace.people)}")
    if not note.strip():
        raise UsageError("Say how things stand (--note TEXT): what is done, what waits, what to watch.")
    person = ctx.actor.person
    with ctx.store.write(ctx.actor) as tx:
        open_row(tx, incident_id)
        before = roles_of(tx.connection, incident_id).get(role)
        holds = before is not None and before.person == person
        if not holds and not may_act_as(ctx.workspace, person, "commander"):
            has = f"{before.person} has it" if before else "nobody has it"
            raise Refused(
                f"{person} does not have the role {role} in {incident_id} ({has}) and is no commander. Nothing "
                f"was changed. A deputy may take it: tocsin incident take {incident_id} {role}"
            )
        _may_have(ctx.workspace, tx.connection, incident_id, role, to)
        if before is not None and before.person == to:
            raise UsageError(f"{to} has the role {role} in {incident_id} already. Nothing was changed.")
        _give(tx, incident_id, role, to, "handed_over", note.strip())
        now_is = roles_of(tx.connection, incident_id)[role]
        _tell(tx, "incident.handed_over", incident_id, before, now_is)
    ctx.crash.reach("incident:handed-over")
    ctx.store.sign_head(ctx.actor)
    return now_is


def _give(tx: Transaction, incident_id: str, role: str, person: str, how: str, note: str | None) -> None:
    standing = (incident_role.c.incident == incident_id) & (incident_role.c.role == role)
    tx.execute(update(incident_role).where(standing, incident_role.c.until.is_(None)).values(until=tx.now))
    tx.execute(
        insert(incident_role).values(
            id=tx.new_id(),
            incident=incident_id,
            role=role,
            person=person,
            how=how,
            by=tx.actor.person,
            since=tx.now,
            note=note,
        )
    )


def _tell(tx: Transaction, kind: str, incident_id: str, before: Holder | None, now_is: Holder) -> None:
    tx.record(
        kind,
        f"incident:{incident_id}",
        {"role": now_is.role, "from": before.person if before else None, "to": now_is.person},
        {"note": now_is.note} if now_is.note else None,
    )


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise UsageError(f"There is no role {role!r} in an incident.{did_you_mean(role, ROLES)}")


def _may_have(workspace: Workspace, connection: Connection, incident_id: str, role: str, person: str) -> None:
    before = roles_of(connection, incident_id).get(role)
    deputises = before is not None and (deputy := workspace.deputy_of(before.person)) and deputy.id == person
    rostered = any(each.role == role and person in each.people for each in workspace.rota)
    if not (may_act_as(workspace, person, role) or deputises or rostered):
        raise Refused(
            f"{person} can not have the role {role}: it is for {who_may(workspace, role)}. Nothing was changed."
        )
