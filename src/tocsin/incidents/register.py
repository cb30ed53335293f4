"""The breach register (UK GDPR Art 33(5)): every incident, near misses too, whole or for one client.

A client's copy is made from that client's overlay alone. What anybody wrote freely is left out of it wherever it
bears a mark of another client; what tells of everybody's data together (how many people, which clients) is not in
it at all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Row, select

from tocsin.context import Context
from tocsin.errors import UsageError, did_you_mean
from tocsin.law.clocks import show_both
from tocsin.model.document import Data
from tocsin.model.workspace import Workspace
from tocsin.notices.strangers import strangers_named
from tocsin.runbook.measures import measures_taken
from tocsin.situation import (
    OURSELVES,
    Decision,
    DutyRow,
    FactVersion,
    Situation,
    decisions_of,
    duties_of,
    situation_of,
)
from tocsin.situation.facts import SHARED, document
from tocsin.store.need_to_know import hidden_incidents, must_be_theirs
from tocsin.store.tables import incident

LEFT_OUT = "[left out: it names somebody else]"
OF_ONE_CONTROLLER = ("role", "people", "data", "clients", "countries", "insight", "identification")
"""Facts that differ from controller to controller: stated for all, they tell of everybody's data together."""
MERGED = "merged"
MOMENTS = ("first_alert", "declared", "aware", "contained", "recovered", "reviewed", "closed")


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement, as the register shows it."""

    path: str
    value: Data
    whose: str
    by: str
    at: datetime
    evidence: str


@dataclass(frozen=True, slots=True)
class DutyTold:
    """One duty, and what became of it."""

    duty: str
    to: str
    basis: str
    proposed: str
    state: str
    due: datetime | None
    told_at: datetime | None
    late: bool
    how: str
    late_reasons: str
    still_owed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecisionTold:
    """One decision, with its reason. `stands` is false once facts or another decision overtook it."""

    duty: str
    proposed: str
    decided: str
    by: str
    second: str
    at: datetime
    reason: str
    stands: bool


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """One incident in the register. `people` is the best estimate over all data shown here."""

    incident: str
    title: str
    state: str
    outcome: str
    cause: str
    kinds: tuple[str, ...]
    systems: tuple[str, ...]
    whose: tuple[str, ...]
    data: tuple[str, ...]
    people: int
    began: datetime | None
    occurred: Mapping[str, str]
    times: Mapping[str, datetime]
    aware_by: str
    aware_reason: str
    effects: str
    remedy: tuple[str, ...]
    risks: Mapping[str, str]
    facts: tuple[Fact, ...]
    duties: tuple[DutyTold, ...]
    decisions: tuple[DecisionTold, ...]


def register(ctx: Context, *, client: str | None = None) -> tuple[RegisterEntry, ...]:
    """Return the register, oldest incident first; with `client`, only what is that client's to know.

    Need-to-know incidents that are not the reader's to know are left out: `hidden_from_register` names them.
    Raises UsageError for a client that the workspace does not have.
    """
    if client is not None and client not in ctx.workspace.clients:
        raise UsageError(f"There is no client {client!r}.{did_you_mean(client, ctx.workspace.clients)}")
    with ctx.store.read() as connection:
        hidden = hidden_incidents(connection)
        query = select(incident).where(incident.c.id.not_in(hidden)) if hidden else select(incident)
        rows = connection.execute(query.order_by(incident.c.declared_at, incident.c.id)).all()
        found = [(row, situation_of(connection, ctx.workspace, row.id)) for row in rows]
        entries = [_entry(ctx, connection, row, seen, client) for row, seen in found if _concerns(seen, client)]
    return tuple(entries)


def hidden_from_register(ctx: Context) -> tuple[str, ...]:
    """Return the incidents that the register leaves out for this reader: need-to-know, and not theirs."""
    with ctx.store.read() as connection:
        return tuple(sorted(hidden_incidents(connection)))


def entry_of(ctx: Context, incident_id: str, *, client: str | None = None) -> RegisterEntry:
    """Return one incident's entry. Raises UsageError when there is none, or it does not concern the client."""
    with ctx.store.read() as connection:
        must_be_theirs(connection, incident_id)
    for entry in register(ctx, client=client):
        if entry.incident == incident_id:
            return entry
    whose = f" that concerns {client}" if client else ""
    raise UsageError(f"There is no incident {incident_id}{whose}. `tocsin register list` shows them.")


def expired(entries: Iterable[RegisterEntry], years: int, now: datetime) -> tuple[RegisterEntry, ...]:
    """Return the closed incidents that were kept long enough. An open one is never among them."""
    return tuple(each for each in entries if (end := keep_until(each, years)) is not None and end < now)


def keep_until(entry: RegisterEntry, years: int) -> datetime | None:
    """Return until when a closed incident is kept; None while it is open."""
    closed = entry.times.get("closed")
    if closed is None:
        return None
    try:
        return closed.replace(year=closed.year + years)
    except ValueError:  # 29 February
        return closed.replace(year=closed.year + years, month=3, day=1)


def _concerns(found: Situation, client: str | None) -> bool:
    if client is None:
        return True
    return client in found.assessments or any(version.controller == client for version in found.versions)


def _entry(
    ctx: Context, connection: Connection, row: Row[tuple[object, ...]], found: Situation, client: str | None
) -> RegisterEntry:
    said = partial(_said, ctx.workspace, client)
    controllers = (client,) if client else (*found.assessments,)
    documents = {each: _document(found, each, client) for each in controllers}
    duties = [each for each in duties_of(connection, row.id) if client is None or each.controller == client]
    decisions = [each for each in decisions_of(connection, row.id) if client is None or _is_of(each, duties)]
    measures = [said(each) for each in measures_taken(ctx, row.id)]
    zone = ctx.workspace.organisation.timezone
    outcome = next(
        (each.duty for each in decisions_of(connection, row.id) if each.stands and each.duty in _OUTCOMES), ""
    )
    return RegisterEntry(
        incident=row.id,
        title=said(row.title),
        state=row.state,
        outcome=MERGED if row.merged_into else outcome or ("breach" if row.aware_at else "open"),
        cause=str(next((value["cause"] for value in documents.values() if "cause" in value), "unknown")),
        kinds=_each_once(documents.values(), "kinds"),
        systems=tuple(said(title) for title in _systems(found, client)),
        whose=tuple(_name(ctx.workspace, each) for each in controllers),
        data=_each_once(documents.values(), "data"),
        people=sum(_count(each) for each in documents.values()),
        began=_began(documents.values()),
        occurred=_occurred(documents.values(), zone),
        times={name: at for name in MOMENTS if (at := getattr(row, f"{name}_at")) is not None},
        aware_by=row.aware_by or "",
        aware_reason=said(row.aware_reason or ""),
        effects=said(row.effects or ""),
        remedy=tuple(each for each in (*measures, said(row.remedy or "")) if each),
        risks={
            _name(ctx.workspace, key): found.assessments[key].risk
            for key in controllers
            if key in found.assessments
        },
        facts=tuple(_fact(ctx.workspace, each, client, said) for each in found.versions if may_know(each, client)),
        duties=tuple(_duty(each, found, said) for each in duties),
        decisions=tuple(_decision(each, said) for each in decisions),
    )


_OUTCOMES = ("near_miss", "not_a_breach")


def _said(workspace: Workspace, client: str | None, text: str) -> str:
    """Return a free text, or that it was left out because it bears the mark of another client."""
    if client is None or not text:
        return text
    return LEFT_OUT if strangers_named(text, workspace, client) else text


def _document(found: Situation, controller: str, client: str | None) -> dict[str, Data]:
    """Return the facts in force for one controller; in a client's copy without what was said of all together."""
    if client is None:
        return found.facts(controller)
    return document([each for each in found.versions if may_know(each, client)], client)


def may_know(version: FactVersion, client: str | None) -> bool:
    """Tell whether a statement belongs into a client's copy; without a client, everything does."""
    if client is None or version.controller == client:
        return True
    return version.controller == SHARED and version.path.split(".")[0] not in OF_ONE_CONTROLLER


def _is_of(decision: Decision, duties: Iterable[DutyRow]) -> bool:
    return any(decision.duty in duty.names for duty in duties)


def _systems(found: Situation, client: str | None) -> tuple[str, ...]:
    if client is None:
        return tuple(system.title for system in found.radius.systems)
    held = {system for dataset in found.radius.datasets_of(client) for system in dataset.systems}
    return tuple(system.title for system in found.radius.systems if system.id in held)


def _name(workspace: Workspace, controller: str) -> str:
    if controller == OURSELVES:
        return workspace.organisation.name
    client = workspace.clients.get(controller)
    return client.name if client else controller


def _each_once(documents: Iterable[Mapping[str, Data]], path: str) -> tuple[str, ...]:
    listed = [each.get(path) for each in documents]
    words = [str(word) for value in listed if isinstance(value, list) for word in value]
    return tuple(dict.fromkeys(word for word in words if word != "unknown"))


def _count(facts: Mapping[str, Data]) -> int:
    people = facts.get("people")
    count = people.get("count") if isinstance(people, dict) else None
    return count if isinstance(count, int) else 0


def _began(documents: Iterable[Mapping[str, Data]]) -> datetime | None:
    starts = [each["occurred"].get("from") for each in documents if isinstance(each.get("occurred"), dict)]  # type: ignore[union-attr]  # a map, as just asked
    return min((datetime.fromisoformat(str(at)) for at in starts if at), default=None)


def _occurred(documents: Iterable[Mapping[str, Data]], zone: str) -> dict[str, str]:
    for each in documents:
        occurred = each.get("occurred")
        if isinstance(occurred, dict):
            return {end: show_both(datetime.fromisoformat(str(at)), zone) for end, at in occurred.items() if at}
    return {}


def _fact(workspace: Workspace, version: FactVersion, client: str | None, said: partial[str]) -> Fact:
    whose = "all" if version.controller == SHARED else _name(workspace, version.controller)
    value = version.value
    if client is not None and version.path == "clients":
        value = [client]  # whoever else was named there is nobody's business
    return Fact(version.path, value, whose, version.stated_by, version.stated_at, said(version.evidence or ""))


def _duty(duty: DutyRow, found: Situation, said: partial[str]) -> DutyTold:
    clock = duty.clock(found.aware_at, found.first_alert_at)
    return DutyTold(
        duty=duty.key,
        to=duty.addressee,
        basis=duty.basis,
        proposed=duty.required,
        state=duty.state,
        due=clock.due if clock else None,
        told_at=duty.told_at,
        late=duty.is_late(found.aware_at),
        how=said(duty.told_how or ""),
        late_reasons=said(duty.late_reasons or ""),
        still_owed=duty.owes(),
    )


def _decision(decision: Decision, said: partial[str]) -> DecisionTold:
    return DecisionTold(
        duty=decision.duty,
        proposed=decision.proposed,
        decided=decision.decided,
        by=decision.decided_by,
        second=decision.second_by or "",
        at=decision.stood_at,
        reason=said(decision.reason),
        stands=decision.stands,
    )
