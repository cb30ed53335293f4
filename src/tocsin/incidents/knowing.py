"""Who may know: an incident for its own people only, and how somebody joins them.

Whoever is not of the circle sees that the incident exists and nothing else of it, at every door. Only somebody of
the circle can let another person in, or open it to everybody.
"""

from collections.abc import Iterable

from sqlalchemy import delete, insert, update

from tocsin.context import Context
from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.incidents.open_row import open_row
from tocsin.model.workspace import Workspace
from tocsin.store.database import Transaction
from tocsin.store.need_to_know import circle_of
from tocsin.store.tables import incident, incident_circle


def restrict_in(tx: Transaction, workspace: Workspace, incident_id: str, people: Iterable[str]) -> tuple[str, ...]:
    """Make a new incident need-to-know for these people and whoever declares it."""
    circle = tuple(dict.fromkeys([*people, *([tx.actor.person] if tx.actor.person in workspace.people else [])]))
    for person in circle:
        if person not in workspace.people:
            known = did_you_mean(person, workspace.people)
            raise UsageError(f"There is no person {person!r} in the workspace.{known} Nothing was recorded.")
    if not circle:
        raise UsageError("Name at least one person who may know (--need-to-know PERSON). Nothing was recorded.")
    tx.execute(update(incident).where(incident.c.id == incident_id).values(need_to_know_at=tx.now))
    for person in circle:
        _let_in(tx, incident_id, person)
    tx.record("incident.restricted", f"incident:{incident_id}", {"people": list(circle)})
    return circle


def restrict(ctx: Context, incident_id: str, people: Iterable[str], reason: str) -> tuple[str, ...]:
    """Make an open incident need-to-know, or let further people in; returns the circle."""
    named = tuple(dict.fromkeys(people))
    for person in named:
        if person not in ctx.workspace.people:
            raise UsageError(
                f"There is no person {person!r} in the workspace.{did_you_mean(person, ctx.workspace.people)}"
            )
    _must_say_why(reason)
    _must_be_ours(ctx)
    with ctx.store.write(ctx.actor) as tx:
        row = open_row(tx, incident_id)
        circle = circle_of(tx.connection, incident_id)
        if circle is None:
            tx.execute(update(incident).where(incident.c.id == row.id).values(need_to_know_at=tx.now))
        wanted = dict.fromkeys([*(circle or (ctx.actor.person,)), *named])
        for person in wanted:
            if circle is None or person not in circle:
                _let_in(tx, incident_id, person)
        subject = f"incident:{incident_id}"
        tx.record("incident.restricted", subject, {"people": [*wanted]}, {"reason": reason.strip()})
    ctx.store.sign_head(ctx.actor)
    return tuple(wanted)


def let_out(ctx: Context, incident_id: str, person: str, reason: str) -> tuple[str, ...]:
    """Take somebody out of the circle; returns who is left. The last one cannot go."""
    _must_say_why(reason)
    with ctx.store.write(ctx.actor) as tx:
        open_row(tx, incident_id)
        circle = circle_of(tx.connection, incident_id) or ()
        if person not in circle:
            raise UsageError(f"{person} is not of the people of {incident_id}. Nothing was changed.")
        if len(circle) == 1:
            raise Refused(f"{person} is the last who may see {incident_id}: let somebody in first.")
        mine = (incident_circle.c.incident == incident_id) & (incident_circle.c.person == person)
        tx.execute(delete(incident_circle).where(mine))
        left = tuple(each for each in circle if each != person)
        tx.record("incident.let_out", f"incident:{incident_id}", {"person": person}, {"reason": reason.strip()})
    ctx.store.sign_head(ctx.actor)
    return left


def open_to_all(ctx: Context, incident_id: str, reason: str) -> None:
    """End need-to-know: everybody may see the incident again."""
    _must_say_why(reason)
    with ctx.store.write(ctx.actor) as tx:
        open_row(tx, incident_id)
        if circle_of(tx.connection, incident_id) is None:
            raise UsageError(f"{incident_id} is not need-to-know. Nothing was changed.")
        tx.execute(update(incident).where(incident.c.id == incident_id).values(need_to_know_at=None))
        tx.execute(delete(incident_circle).where(incident_circle.c.incident == incident_id))
        tx.record("incident.opened_to_all", f"incident:{incident_id}", {}, {"reason": reason.strip()})
    ctx.store.sign_head(ctx.actor)


def join_circles_in(tx: Transaction, gone: str, into: str) -> None:
    """Let the incident that stays be as closed as the closer of two that are merged."""
    theirs, ours = circle_of(tx.connection, gone), circle_of(tx.connection, into)
    if theirs is None and ours is None:
        return
    tx.execute(update(incident).where(incident.c.id.in_((gone, into))).values(need_to_know_at=tx.now))
    wanted = dict.fromkeys([*(ours or ()), *(theirs or ())])
    for identity, circle in ((into, ours), (gone, theirs)):
        for person in wanted:
            if person not in (circle or ()):
                _let_in(tx, identity, person)
    tx.record("incident.restricted", f"incident:{into}", {"people": list(wanted)})


def _let_in(tx: Transaction, incident_id: str, person: str) -> None:
    tx.execute(
        insert(incident_circle).values(
            incident=incident_id, person=person, added_by=tx.actor.person, added_at=tx.now
        )
    )


def _must_say_why(reason: str) -> None:
    if not reason.strip():
        raise UsageError("Say why (--reason TEXT). Nothing was changed.")


def _must_be_ours(ctx: Context) -> None:
    if ctx.actor.person not in ctx.workspace.people:
        raise Refused(f"{ctx.actor.person} is nobody in the workspace, so nothing was changed.")
