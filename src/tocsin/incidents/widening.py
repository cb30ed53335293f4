"""An incident turns out to be wider: another system was hit.

Its data and clients join at once: the inventory's facts, the duties, and in every open playbook a row for each
client more.
"""

from collections.abc import Iterable

from sqlalchemy import insert, select

from tocsin.context import Context
from tocsin.errors import UsageError, did_you_mean
from tocsin.incidents.open_row import open_row
from tocsin.law.facts import check_patch
from tocsin.model.workspace import Workspace
from tocsin.situation import (
    FROM_INVENTORY,
    OURSELVES,
    add_fact,
    blast_radius,
    facts_from_inventory,
    reconcile_in,
)
from tocsin.situation.facts import document, fact_versions
from tocsin.store.database import Transaction
from tocsin.store.tables import incident_system


def add_systems(ctx: Context, incident_id: str, systems: Iterable[str], reason: str) -> tuple[str, ...]:
    """Add systems that were hit and return those that are new. Raises UsageError for an unknown one."""
    wanted = tuple(dict.fromkeys(systems))
    for system in wanted:
        if system not in ctx.workspace.systems:
            raise UsageError(
                f"There is no system {system!r} in the workspace.{did_you_mean(system, ctx.workspace.systems)}"
            )
    if not reason.strip():
        raise UsageError("Say how you know (--reason TEXT). Nothing was changed.")
    with ctx.store.write(ctx.actor) as tx:
        open_row(tx, incident_id)
        new = add_systems_in(tx, ctx.workspace, incident_id, wanted)
        if new:
            tx.record(
                "incident.widened", f"incident:{incident_id}", {"systems": list(new)}, {"reason": reason.strip()}
            )
            reconcile_in(tx, ctx.workspace, incident_id)
    ctx.crash.reach("incident:widened")
    ctx.store.sign_head(ctx.actor)
    return new


def add_systems_in(
    tx: Transaction, workspace: Workspace, incident_id: str, systems: tuple[str, ...]
) -> tuple[str, ...]:
    """Put them beside those that are there, and state what the inventory knows of their data."""
    query = select(incident_system.c.system).where(incident_system.c.incident == incident_id)
    known = tuple(tx.execute(query.order_by(incident_system.c.added_at)).scalars())
    new = tuple(system for system in systems if system not in known)
    for system in new:
        tx.execute(insert(incident_system).values(incident=incident_id, system=system, added_at=tx.now))
    if new:
        state_inventory(tx, workspace, incident_id, (*known, *new))
    return new


def state_inventory(tx: Transaction, workspace: Workspace, incident_id: str, systems: tuple[str, ...]) -> None:
    """State what the inventory knows of these systems' data, where it is not stated just so already."""
    radius = blast_radius(workspace, systems)
    versions = fact_versions(tx.connection, incident_id)
    said_by_people = {(each.controller, each.path) for each in versions if each.evidence != FROM_INVENTORY}
    for controller in radius.controllers or (OURSELVES,):
        stands = document([each for each in versions if each.controller == controller], controller)
        for path, value in facts_from_inventory(radius, controller).items():
            if (controller, path) in said_by_people or _at(stands, path) == value:
                continue
            add_fact(
                tx, incident_id, path, check_patch(path, value), evidence=FROM_INVENTORY, controller=controller
            )


def _at(stands: object, path: str) -> object:
    found = stands
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
