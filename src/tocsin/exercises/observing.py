"""Read what happened in a room from its journal and its rows, in the exercise's own time."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from tocsin.context import Context
from tocsin.exercises.playing import injects, room_of, scenario_of
from tocsin.exercises.scoring import Observed, Owed, TakenUp, Waited
from tocsin.incidents import pages_of, roles_of
from tocsin.law.facts import check_patch, value_at
from tocsin.model.document import Data
from tocsin.model.exercise import DECIDED, Exercise
from tocsin.model.roles import who_may
from tocsin.model.workspace import Workspace
from tocsin.runbook.ledger import Run, load_runs
from tocsin.runbook.pinned import pinned_playbook
from tocsin.situation import decisions_of, duties_of
from tocsin.situation.duties import Decision, DutyRow, standing_on
from tocsin.situation.facts import document, fact_versions
from tocsin.store.journal import Told, entries
from tocsin.store.tables import incident, notice

_Draft = tuple[str, str, datetime]
_OVER = ("step.done", "step.failed", "step.skipped")


def observe(ctx: Context) -> Observed:
    """Return what happened so far. The first incident that was declared, and not merged away, counts."""
    room, scenario = room_of(ctx), scenario_of(room_of(ctx))
    within = {inject.id: inject.within for inject in scenario.injects}
    taken = tuple(
        TakenUp(each.inject, each.to, within[each.inject], each.came_at, each.answered_at, each.answered_by)
        for each in injects(ctx)
    )
    with ctx.store.read() as connection:
        told = entries(connection)
        acted = tuple(dict.fromkeys(one.entry.actor for one in told if one.entry.actor in ctx.workspace.people))
        query = select(incident).where(incident.c.merged_into.is_(None)).order_by(incident.c.declared_at)
        row = connection.execute(query.limit(1)).one_or_none()
        if row is None:
            silent = _silent(ctx.workspace, room.participants, (), acted)
            return Observed(room.began_at, ctx.clock.now(), injects=taken, acted=acted, silent=silent)
        runs = load_runs(connection, incident=row.id)
        pages = pages_of(connection, row.id)
        holders = [held.person for held in roles_of(connection, row.id).values()]
        duties = _duties(connection, row.id)
        facts = _facts(connection, row.id)
    return Observed(
        began_at=room.began_at,
        ended_at=ctx.clock.now(),
        incident=row.id,
        declared_at=row.declared_at,
        contained_at=row.contained_at,
        playbooks=tuple(dict.fromkeys(run.playbook for run in runs if run.parent_run is None)),
        duties=duties,
        facts=facts,
        injects=taken,
        waited=_waited(ctx.workspace, runs, told, ctx.clock.now()),
        acted=acted,
        silent=_silent(ctx.workspace, room.participants, holders, acted),
        unanswered_pages=tuple(f"{page.role}: {', '.join(page.paged)}" for page in pages if page.waits),
    )


def expected_facts(scenario: Exercise, seen: Observed) -> dict[str, Data]:
    """Return the facts that should stand after what has come so far, in the law's own words."""
    came = {each.inject for each in seen.injects}
    told = dict(scenario.expects.facts)
    for inject in scenario.in_order:
        told |= inject.fact if inject.id in came else {}
    return {path: check_patch(path, value) for path, value in told.items()}


def _silent(
    workspace: Workspace, participants: Iterable[str], holders: Iterable[str], acted: tuple[str, ...]
) -> tuple[str, ...]:
    """Return who sat at the table, or had a role, and did nothing that the journal knows of."""
    expected = [person for person in (*participants, *holders) if person in workspace.people]
    return tuple(person for person in dict.fromkeys(expected) if person not in acted)


def _duties(connection: Connection, incident_id: str) -> tuple[Owed, ...]:
    decisions = decisions_of(connection, incident_id)
    query = select(notice.c.duty, notice.c.addressee, notice.c.drafted_at).where(notice.c.incident == incident_id)
    drafts = [(row.duty, row.addressee, row.drafted_at) for row in connection.execute(query)]
    # The law's own two duties bear its word; what other laws add beside them (such as the EU's) is not scored.
    return tuple(
        _owed(duty, decisions, drafts)
        for duty in duties_of(connection, incident_id)
        if duty.toward not in DECIDED or duty.key == duty.toward
    )


def _owed(duty: DutyRow, decisions: tuple[Decision, ...], drafts: Iterable[_Draft]) -> Owed:
    decided = standing_on(decisions, *duty.names)
    mine = [at for toward, addressee, at in drafts if _is_about(toward, addressee, duty)]
    return Owed(
        key=duty.key,
        toward=duty.toward,
        required=duty.required,
        decided=decided.decided if decided else "",
        decided_at=decided.stood_at if decided else None,
        told_at=duty.told_at,
        drafted_at=min(mine, default=duty.told_at),
    )


def _is_about(toward: str, addressee: str, duty: DutyRow) -> bool:
    return toward == duty.toward and (toward != "controllers" or addressee == duty.controller)


def _facts(connection: Connection, incident_id: str) -> Mapping[str, tuple[Data, ...]]:
    """Return what stands now for each fact: what is shared, and what holds for one client's data alone."""
    versions = fact_versions(connection, incident_id)
    overlays = {version.controller for version in versions}
    documents = [document(versions, controller) for controller in sorted(overlays | {""})]
    found: dict[str, tuple[Data, ...]] = {}
    for path in {version.path for version in versions}:
        values = [value_at(each, path) for each in documents]
        found[path] = tuple(value for value in values if value is not None)
    return {path: values for path, values in found.items() if values}


def _waited(
    workspace: Workspace,
    runs: Iterable[Run],
    told: Iterable[Told],
    now: datetime,
) -> tuple[Waited, ...]:
    """Return what waited for people, the longest first."""
    known = {f"run:{run.id}": run for run in runs}
    playbooks = {subject: pinned_playbook(run.text, run.playbook) for subject, run in known.items()}
    since: dict[tuple[str, str], datetime] = {}
    over: dict[tuple[str, str], tuple[datetime, str]] = {}
    handed: set[tuple[str, str]] = set()
    for one in told:
        entry, row = one.entry, (one.entry.subject, str(one.payload.get("step", "")))
        if entry.subject not in known:
            continue
        if entry.kind == "step.waiting":
            since.setdefault(row, entry.at)
        elif entry.kind == "step.handed_over":
            handed.add(row)
        elif entry.kind in _OVER and row in since:
            # A notice's step goes on by itself once somebody has approved or recorded it.
            by = entry.actor if entry.actor in workspace.people else "once it was approved"
            over[row] = (entry.at, by)
    found = []
    for (subject, key), began in since.items():
        step = next((each for each in playbooks[subject].steps if each.id == key.partition("[")[0]), None)
        if step is None or step.uses == "playbook":
            continue
        until, answered = over.get((subject, key)) or (None, None)
        who = who_may(workspace, step.assign) if step.assign else "anybody"
        found.append(
            Waited(known[subject].id, key, step.heading, who, began, until, answered, (subject, key) in handed)
        )
    return tuple(sorted(found, key=lambda each: (each.until or now) - each.since, reverse=True))
