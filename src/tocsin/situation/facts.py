"""What is known of an incident, as versions: who stated it, when, on what evidence.

Facts are only ever added. The document in force is their fold, shared by all, with an overlay for each
controller (ourselves, each client) where it differs. Nothing here turns "not known yet" into "no".
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, func, insert, select

from tocsin.errors import UsageError
from tocsin.law import Assessment, assess
from tocsin.law.facts import FactPatch, fold, parse_facts
from tocsin.model.document import Data
from tocsin.store.database import JsonValue, Transaction
from tocsin.store.need_to_know import must_be_theirs
from tocsin.store.tables import fact, incident

SHARED = ""


@dataclass(frozen=True, slots=True)
class FactVersion:
    """One statement. `controller` is '' where it holds for everybody's data."""

    version: int
    controller: str
    path: str
    value: Data
    stated_by: str
    stated_at: datetime
    evidence: str | None


def add_fact(
    tx: Transaction,
    incident_id: str,
    path: str,
    value: Data,
    *,
    evidence: str | None = None,
    controller: str = SHARED,
) -> FactVersion:
    """Add one already checked statement inside a transaction, with its journal entry."""
    known = tx.execute(select(incident.c.merged_into).where(incident.c.id == incident_id)).first()
    if known is None:
        raise UsageError(f"There is no incident {incident_id}. `tocsin incident list` shows them.")
    if known.merged_into is not None:
        raise UsageError(f"{incident_id} was merged into {known.merged_into}: say it there. Nothing was recorded.")
    must_be_theirs(tx.connection, incident_id)
    version = 1 + (
        tx.execute(select(func.max(fact.c.version)).where(fact.c.incident == incident_id)).scalar() or 0
    )
    row = FactVersion(version, controller, path, value, tx.actor.person, tx.now, evidence)
    tx.execute(
        insert(fact).values(
            incident=incident_id,
            version=version,
            controller=controller,
            path=path,
            value=value,
            stated_by=row.stated_by,
            stated_at=row.stated_at,
            evidence=evidence,
        )
    )
    tx.record(
        "fact.stated",
        f"incident:{incident_id}",
        {"version": version, "path": path, "controller": controller, "value": _for_journal(value)},
        {"evidence": evidence} if evidence else None,
    )
    return row


def _for_journal(value: Data) -> JsonValue:
    """The journal takes codes, counts and yes or no; a number of days with a fraction becomes text."""
    if isinstance(value, float):
        return str(value)
    if isinstance(value, list):
        return [_for_journal(member) for member in value]
    if isinstance(value, dict):
        return {name: _for_journal(member) for name, member in value.items()}
    return value


def fact_versions(
    connection: Connection, incident_id: str, *, at: datetime | None = None
) -> tuple[FactVersion, ...]:
    """Return every statement in order, or those that stood at a moment."""
    query = select(fact).where(fact.c.incident == incident_id).order_by(fact.c.version)
    if at is not None:
        query = query.where(fact.c.stated_at <= at)
    return tuple(
        FactVersion(row.version, row.controller, row.path, row.value, row.stated_by, row.stated_at, row.evidence)
        for row in connection.execute(query)
    )


def document(versions: Sequence[FactVersion], controller: str = SHARED) -> dict[str, Data]:
    """Return the facts document in force for one controller: what is shared, and its own overlay above."""
    shared = [version for version in versions if version.controller == SHARED]
    overlay = [version for version in versions if version.controller == controller != SHARED]
    return fold(
        FactPatch(version.path, version.value, version.stated_by, version.stated_at, version.evidence)
        for version in (*shared, *overlay)
    )


def assess_for(versions: Sequence[FactVersion], controller: str) -> Assessment:
    """Assess the breach for one controller's data."""
    return _assessed(json.dumps(document(versions, controller), sort_keys=True))


@lru_cache(maxsize=64)
def _assessed(facts: str) -> Assessment:
    """Assess a facts document once: a run looks at its situation dozens of times between two statements."""
    return assess(parse_facts(json.loads(facts)))
