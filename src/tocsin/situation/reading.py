"""One incident as it stands, read in one view of the store.

Playbooks see it in their expressions (`values`), notices in their fact sheets, a person in `tocsin incident show`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from tocsin.errors import UsageError
from tocsin.law import Assessment
from tocsin.law.facts import fact_paths
from tocsin.model.document import Data
from tocsin.model.workspace import Workspace
from tocsin.situation.blast_radius import OURSELVES, BlastRadius, blast_radius
from tocsin.situation.facts import FactVersion, assess_for, document, fact_versions
from tocsin.store.tables import incident, incident_system

STRENGTH = {"no": 0, "unclear": 1, "yes": 2}
"""How strongly an answer asks for something to be done."""


@dataclass(frozen=True)
class Situation:
    """One incident as it stands. `assessments` holds one per controller; the others' never mix into it."""

    incident: str
    title: str
    cause: str | None
    state: str
    declared_at: datetime
    first_alert_at: datetime
    aware_at: datetime | None
    radius: BlastRadius
    versions: tuple[FactVersion, ...]
    assessments: dict[str, Assessment]
    aware_by: str | None = None
    aware_reason: str | None = None

    def required(self, duty: str) -> str:
        """Return `yes`, `unclear` or `no`: the strongest answer over all controllers."""
        answers = [assessment.duty(duty).required for assessment in self.assessments.values()]
        return max(answers, key=STRENGTH.__getitem__, default="unclear")

    def facts(self, controller: str = "") -> dict[str, Data]:
        """Return the facts document in force for one controller."""
        return document(self.versions, controller)

    def values(self) -> dict[str, object]:
        """Return what a playbook's expressions may read of it. A fact not yet known reads `unknown`."""
        return {
            "incident": {
                "id": self.incident,
                "title": self.title,
                "cause": self.cause or "unknown",
                "state": self.state,
                "aware": self.aware_at is not None,
                "systems": [system.id for system in self.radius.systems],
                "affected_clients": [client.id for client in self.radius.clients],
                "backup_plans": list(self.radius.backup_plans),
            },
            "facts": _with_unknowns(self.facts()),
            "duties": {
                duty: {"required": self.required(duty)}
                for duty in ("register", "regulator", "people", "controllers")
            },
        }


def situation_of(connection: Connection, workspace: Workspace, incident_id: str) -> Situation:
    """Read one incident. Raises UsageError when there is none of that id."""
    row = connection.execute(select(incident).where(incident.c.id == incident_id)).first()
    if row is None:
        raise UsageError(f"There is no incident {incident_id}. `tocsin incident list` shows them.")
    systems = connection.execute(
        select(incident_system.c.system)
        .where(incident_system.c.incident == incident_id)
        .order_by(incident_system.c.added_at, incident_system.c.system)
    ).scalars()
    radius = blast_radius(workspace, tuple(systems))
    versions = fact_versions(connection, incident_id)
    controllers = radius.controllers or (OURSELVES,)
    return Situation(
        incident=row.id,
        title=row.title,
        cause=row.cause,
        state=row.state,
        declared_at=row.declared_at,
        first_alert_at=row.first_alert_at,
        aware_at=row.aware_at,
        radius=radius,
        versions=versions,
        assessments={controller: assess_for(versions, controller) for controller in controllers},
        aware_by=row.aware_by,
        aware_reason=row.aware_reason,
    )


def first_alert_of(connection: Connection, incident_id: str | None) -> datetime | None:
    """Return when an incident was first suspected; None outside an incident."""
    return connection.execute(
        select(incident.c.first_alert_at).where(incident.c.id == incident_id)
    ).scalar_one_or_none()


def _with_unknowns(facts: Mapping[str, object]) -> dict[str, object]:
    """Give every fact that has no value yet the word `unknown`, so that expressions can ask for it."""
    filled: dict[str, object] = {}
    for path in fact_paths():
        found: object = facts
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        target = filled
        *parents, leaf = path.split(".")
        for name in parents:
            target = target.setdefault(name, {})  # type: ignore[assignment]
        target[leaf] = "unknown" if found is None else _readable(found)
    return filled


def _readable(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
