"""Who is on call: the workspace's rota, and the overrides that people place with a reason and an end.

override the newest that covers the moment  >  rota the first line that does  >  the role's first holder
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from tocsin.context import Context
from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.law.clocks import show_both
from tocsin.model.rota import Shift, shift_at
from tocsin.model.vocabulary import PersonRole
from tocsin.model.workspace import Workspace
from tocsin.store.tables import rota_override

ROLES: tuple[str, ...] = tuple(
    role.value for role in (PersonRole.COMMANDER, PersonRole.DPO, PersonRole.TECHNICAL, PersonRole.COMMUNICATIONS)
)
"""The roles of an incident, in the order they are asked for."""


@dataclass(frozen=True, slots=True)
class OnCall:
    """One role at one moment. `person` is empty where nobody holds the role; `until` is None without an end.

    `why` is `override`, `rota` or `holder` (no line of the rota covers it).
    """

    role: str
    person: str
    why: str
    until: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """One change of the rota."""

    id: str
    role: str
    person: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    placed_by: str
    placed_at: datetime


def on_call(connection: Connection, workspace: Workspace, moment: datetime) -> tuple[OnCall, ...]:
    """Return who is on call for each role of an incident at a moment."""
    placed = overrides(connection, moment)
    return tuple(_on_call(workspace, role, moment, placed) for role in ROLES)


def _on_call(workspace: Workspace, role: str, moment: datetime, placed: tuple[Override, ...]) -> OnCall:
    here = [each for each in placed if each.role == role and each.starts_at <= moment]
    if here:
        newest = here[-1]
        return OnCall(role, newest.person, "override", newest.ends_at, newest.reason)
    shift: Shift | None = shift_at(workspace.rota, role, workspace.organisation.timezone, moment)
    if shift is not None:
        return OnCall(role, shift.person, "rota", shift.ends_at)
    holder = next(iter(workspace.people_with(role)), None)
    return OnCall(role, holder.id if holder else "", "holder")


def overrides(connection: Connection, moment: datetime) -> tuple[Override, ...]:
    """Return the overrides that have not ended, the newest last."""
    query = (
        select(rota_override)
        .where(rota_override.c.ends_at > moment, rota_override.c.lifted_at.is_(None))
        .order_by(rota_override.c.placed_at, rota_override.c.id)
    )
    return tuple(
        Override(**{name: getattr(row, name) for name in Override.__slots__}) for row in connection.execute(query)
    )


def place_override(
    ctx: Context, role: str, person: str, *, starts_at: datetime | None, ends_at: datetime, reason: str
) -> Override:
    """Put somebody on call until a moment. Raises UsageError for unknown words, Refused for a stranger."""
    _must_be_ours(ctx, "change the rota")
    _check_words(ctx.workspace, role, person)
    if not reason.strip():
        raise UsageError("Say why (--reason TEXT). Nothing was changed.")
    with ctx.store.write(ctx.actor) as tx:
        begins = starts_at or tx.now
        if ends_at <= max(begins, tx.now):
            raise UsageError(
                f"It would end at {show_both(ends_at, ctx.workspace.organisation.timezone)}, which is over or "
                "before it begins. Nothing was changed."
            )
        placed = Override(tx.new_id(), role, person, begins, ends_at, reason.strip(), ctx.actor.person, tx.now)
        tx.execute(insert(rota_override).values({name: getattr(placed, name) for name in Override.__slots__}))
        tx.record(
            "rota.overridden",
            f"rota:{role}",
            {
                "override": placed.id,
                "person": person,
                "starts_at": begins.isoformat(),
                "ends_at": ends_at.isoformat(),
            },
            {"reason": placed.reason},
        )
    ctx.store.sign_head(ctx.actor)
    return placed


def lift_override(ctx: Context, identity: str, reason: str) -> Override:
    """End an override before its time."""
    _must_be_ours(ctx, "change the rota")
    if not reason.strip():
        raise UsageError("Say why (--reason TEXT). Nothing was changed.")
    with ctx.store.write(ctx.actor) as tx:
        standing = overrides(tx.connection, tx.now)
        found = [each for each in standing if identity and each.id.startswith(identity)]
        if len(found) != 1:
            raise UsageError(
                f"No override, or more than one, begins with {identity!r}. `tocsin incident oncall` shows them."
            )
        this = rota_override.c.id == found[0].id
        tx.execute(update(rota_override).where(this).values(lifted_by=ctx.actor.person, lifted_at=tx.now))
        subject = f"rota:{found[0].role}"
        tx.record("rota.override_lifted", subject, {"override": found[0].id}, {"reason": reason.strip()})
    ctx.store.sign_head(ctx.actor)
    return found[0]


def _check_words(workspace: Workspace, role: str, person: str) -> None:
    if role not in ROLES:
        raise UsageError(f"There is no role {role!r} in an incident.{did_you_mean(role, ROLES)}")
    if person not in workspace.people:
        raise UsageError(
            f"There is no person {person!r} in the workspace.{did_you_mean(person, workspace.people)}"
        )


def _must_be_ours(ctx: Context, what: str) -> None:
    if ctx.actor.person not in ctx.workspace.people:
        raise Refused(
            f"{ctx.actor.person} is nobody in the workspace and may not {what}. Nothing was changed. Put their "
            "system user as `login:` beside a person in tocsin.yaml."
        )
