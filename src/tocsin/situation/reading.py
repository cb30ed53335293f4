"""One incident as it stands, read in one view of the store.

Playbooks see it in their expressions (`values`), notices in their fact sheets, a person in `tocsin incident show`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from tocsin.errors import UsageError
from tocsin.law import Assessment
from tocsin.law.facts import fact_paths
from tocsin.model.document import Data
from tocsin.model.workspace import Workspace
from tocsin.situation.blast_radius import OURSELVES, BlastRadius, blast_radius
from tocsin.situation.facts import FactVersion, assess_for, document, fact_versions
from tocsin.store.need_to_know import must_be_theirs
from tocsin.store.tables import duty as duties
from tocsin.store.tables import incident, incident_system

STRENGTH = {"no": 0, "unclear": 1, "yes": 2}
"""How strongly an answer asks for something to be done."""

MOST_QUESTIONS = 3
"""How many open questions are asked at once: nobody reads nine of them at three in the morning."""

FURTHER = ("insurer", "police", "ncsc", "sector")
"""Towards whom else there may be a duty, beside those that the law of data protection itself knows."""


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
    merged_into: str | None = None
    further: Mapping[str, str] = field(default_factory=dict)
    """What the duties beside data protection come to (insurer, police…), as last reconciled."""

    def required(self, duty: str) -> str:
        """Return `yes`, `unclear` or `no`: the strongest answer over all controllers."""
        if duty in FURTHER:
            return self.further.get(duty, "no")
        answers = [assessment.duty(duty).required for assessment in self.assessments.values()]
        return max(answers, key=STRENGTH.__getitem__, default="unclear")

    def questions(self) -> tuple[str, ...]:
        """Return the facts worth asking for next: the most decisive, as long as a duty of ours is unclear.

        What somebody has answered before is not asked again, be the answer `unknown`: so the questions end.
        """
        answered = {version.path for version in self.versions}
        found = (
            question.fact
            for assessment in self.assessments.values()
            for question in assessment.open_questions
            if any(assessment.duty(to).required == "unclear" for to in ("regulator", "people"))
            and {"regulator", "people"} & set(question.could_change)
            and question.fact not in answered
        )
        return tuple(dict.fromkeys(found))[:MOST_QUESTIONS]

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
                "questions": list(self.questions()),
            },
            "facts": _with_unknowns(self.facts()),
            "duties": {
                duty: {"required": self.required(duty)}
                for duty in ("register", "regulator", "people", "controllers", *FURTHER)
            },
        }


def situation_of(connection: Connection, workspace: Workspace, incident_id: str) -> Situation:
    """Read one incident. Raises UsageError when there is none of that id, Refused when not theirs to know."""
    must_be_theirs(connection, incident_id)
    return whole_situation(connection, workspace, incident_id)


def whole_situation(connection: Connection, workspace: Workspace, incident_id: str) -> Situation:
    """Read one incident whoever asks: for what follows from it by itself, and is shown to nobody."""
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
        merged_into=row.merged_into,
        further=_further(connection, incident_id),
    )


def first_alert_of(connection: Connection, incident_id: str | None) -> datetime | None:
    """Return when an incident was first suspected; None outside an incident."""
    return connection.execute(
        select(incident.c.first_alert_at).where(incident.c.id == incident_id)
    ).scalar_one_or_none()


def _further(connection: Connection, incident_id: str) -> dict[str, str]:
    rows = connection.execute(
        select(duties.c.toward, duties.c.required)
        .where(duties.c.incident == incident_id)
        .where(duties.c.toward.in_(FURTHER), duties.c.state != "lapsed")
    )
    strongest: dict[str, str] = {}
    for row in rows:
        strongest[row.toward] = max(strongest.get(row.toward, "no"), row.required, key=STRENGTH.__getitem__)
    return strongest


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
