"""Declare an incident: the clocks start, the inventory gives the first facts, the right playbook opens.

Works with nothing but the workspace and the store: no server, no Slack, no network.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, func, insert, select, update

from tocsin.context import Context
from tocsin.errors import UsageError, did_you_mean, nearest
from tocsin.incidents.knowing import restrict_in
from tocsin.incidents.open_row import known_row, open_row
from tocsin.incidents.paging import Page, page_at_declare
from tocsin.incidents.playbooks import choose_playbook
from tocsin.incidents.reports import settle_in
from tocsin.incidents.roles import assign_in
from tocsin.law.facts import check_patch
from tocsin.model.vocabulary import Cause
from tocsin.runbook.checks import inputs_for, parse_playbook
from tocsin.runbook.engine import Prepared, prepare, start, start_in
from tocsin.runbook.language import Mode
from tocsin.runbook.ledger import Run
from tocsin.runbook.library import PlaybookFile
from tocsin.situation import (
    FROM_INVENTORY,
    OURSELVES,
    add_fact,
    blast_radius,
    facts_from_inventory,
    reconcile_in,
    situation_of,
)
from tocsin.situation.reconciling import withdraw_outcome
from tocsin.store.database import Transaction
from tocsin.store.tables import incident, incident_system

_NOT_CERTAIN = ("suspected", "near_miss", "not_a_breach")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is said at first. `aware_at` is given only when it is already certain that personal data is hit.

    `need_to_know` names who alone may see it; `report` is what it began with.
    """

    title: str
    systems: tuple[str, ...]
    cause: str | None = None
    first_alert_at: datetime | None = None
    aware_at: datetime | None = None
    playbook: str | None = None
    need_to_know: tuple[str, ...] = ()
    report: str | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """The new incident, the run of its playbook, and who was paged (None: nobody had to be)."""

    incident: str
    run: Run
    page: Page | None = None


def declare(ctx: Context, said: Declaration) -> Declared:
    """Open an incident and start its playbook. Raises UsageError for unknown words; nothing is kept then."""
    _check(ctx, said)
    prepared = _prepared(ctx, choose_playbook(ctx, said.cause, said.playbook), said.systems[0])
    now = ctx.clock.now()
    with ctx.store.write(ctx.actor) as tx:
        identity = _next_id(tx, now, "EXERCISE" if ctx.workspace.exercise else "INC")
        _open(tx, identity, said, now)
        circle = restrict_in(tx, ctx.workspace, identity, said.need_to_know) if said.need_to_know else None
        if said.report is not None:
            settle_in(tx, said.report, identity)
        assign_in(tx, ctx.workspace, identity, circle)
        _state_what_we_know(ctx, tx, identity, said)
        run = start_in(tx, prepared, incident=identity)
        reconcile_in(tx, ctx.workspace, identity)
        paged = page_at_declare(tx, ctx.workspace, identity)
    ctx.crash.reach("incident:declared")
    ctx.store.sign_head(ctx.actor)
    return Declared(identity, run, paged)


def add_playbook(ctx: Context, incident_id: str, playbook: PlaybookFile) -> Run:
    """Start a further playbook in an open incident, while others run. Raises UsageError once it is closed."""
    with ctx.store.read() as connection:
        situation = situation_of(connection, ctx.workspace, incident_id)
    system = next((system.id for system in situation.radius.systems), None)
    prepared = _prepared(ctx, playbook, system)
    with ctx.store.write(ctx.actor) as tx:
        open_row(tx, incident_id)
        run = start_in(tx, prepared, incident=incident_id)
    ctx.store.sign_head(ctx.actor)
    return run


def simulate_playbook(ctx: Context, playbook: PlaybookFile, system: str | None) -> Run:
    """Start a playbook that touches nothing outside: each of its steps only says what it would do."""
    return start(ctx, _prepared(ctx, playbook, system, mode=Mode.SIMULATE))


def _prepared(ctx: Context, playbook: PlaybookFile, system: str | None, *, mode: Mode = Mode.LIVE) -> Prepared:
    parsed = parse_playbook(playbook.text, playbook.name)
    return prepare(ctx, playbook.text, playbook.name, inputs=dict(inputs_for(parsed, system)), mode=mode)


def confirm(ctx: Context, incident_id: str, aware_at: datetime, reason: str) -> None:
    """Say from when it was reasonably certain that personal data is hit: the legal clock runs from there.

    Source: UK GDPR Art 33(1). Moving the moment later needs a reason and shows as a change in the journal.
    """
    _no_future(ctx, aware_at, "It was certain")
    with ctx.store.write(ctx.actor) as tx:
        row = known_row(tx, incident_id)
        if row.aware_at is not None and not reason:
            raise UsageError("Moving the moment of awareness needs a reason (--reason TEXT). Nothing was changed.")
        tx.execute(
            update(incident)
            .where(incident.c.id == incident_id)
            .values(
                aware_at=aware_at,
                aware_reason=reason,
                aware_by=tx.actor.person,
                state=_how_far(row) if row.state in _NOT_CERTAIN else row.state,
            )
        )
        tx.record(
            "incident.confirmed",
            f"incident:{incident_id}",
            {"aware_at": aware_at.isoformat(), "moved": row.aware_at is not None},
            {"reason": reason} if reason else None,
        )
        withdraw_outcome(tx, incident_id)
        reconcile_in(tx, ctx.workspace, incident_id)


def _how_far(row: Row[tuple[object, ...]]) -> str:
    """Return how far a breach has come that turns out to be one: it may have been stopped before."""
    return "recovered" if row.recovered_at else "contained" if row.contained_at else "confirmed"


def _check(ctx: Context, said: Declaration) -> None:
    if not said.systems:
        raise UsageError("Say which system was hit (--system ID). `tocsin inventory show` lists them.")
    for system in said.systems:
        if system not in ctx.workspace.systems:
            raise UsageError(
                f"There is no system {system!r} in the workspace.{did_you_mean(system, ctx.workspace.systems)}"
            )
    causes = [cause.value for cause in Cause]
    if said.cause is not None and said.cause not in causes:
        near = nearest(said.cause, causes)
        raise UsageError(f"There is no cause {said.cause!r}.{f' Did you mean {near!r}?' if near else ''}")
    for moment, what in ((said.first_alert_at, "The first alert came"), (said.aware_at, "It was certain")):
        if moment is not None:
            _no_future(ctx, moment, what)


def _no_future(ctx: Context, moment: datetime, what: str) -> None:
    if moment > ctx.clock.now():
        raise UsageError(f"{what} at {moment.isoformat()}, which lies in the future. Nothing was recorded.")


def _next_id(tx: Transaction, now: datetime, word: str) -> str:
    prefix = f"{word}-{now.year}-"
    number = 1 + (
        tx.execute(select(func.count()).select_from(incident).where(incident.c.id.startswith(prefix))).scalar()
        or 0
    )
    return f"{prefix}{number:03}"


def _open(tx: Transaction, identity: str, said: Declaration, now: datetime) -> None:
    tx.execute(
        insert(incident).values(
            id=identity,
            title=said.title,
            cause=said.cause,
            state="confirmed" if said.aware_at else "suspected",
            declared_by=tx.actor.person,
            declared_at=now,
            first_alert_at=said.first_alert_at or now,
            aware_at=said.aware_at,
            aware_by=tx.actor.person if said.aware_at else None,
        )
    )
    for system in dict.fromkeys(said.systems):
        tx.execute(insert(incident_system).values(incident=identity, system=system, added_at=now))
    tx.record(
        "incident.declared",
        f"incident:{identity}",
        {
            "systems": list(dict.fromkeys(said.systems)),
            "cause": said.cause,
            "first_alert_at": (said.first_alert_at or now).isoformat(),
            "aware_at": said.aware_at.isoformat() if said.aware_at else None,
        },
        {"title": said.title},
    )


def _state_what_we_know(ctx: Context, tx: Transaction, identity: str, said: Declaration) -> None:
    """Give the incident the facts that nobody needs to be asked for."""
    if said.cause is not None:
        add_fact(tx, identity, "cause", said.cause)
    radius = blast_radius(ctx.workspace, said.systems)
    for controller in radius.controllers or (OURSELVES,):
        for path, value in facts_from_inventory(radius, controller).items():
            add_fact(tx, identity, path, check_patch(path, value), evidence=FROM_INVENTORY, controller=controller)
