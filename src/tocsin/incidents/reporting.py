"""Anyone may report a suspicion or a near miss: without blame, and if they like without a name.

Without a name nothing about the person is kept: not the login, not the door, not the machine (the journal's head
is not signed then, for each machine signs with a key of its own). A report waits until a data protection lead or a
commander looks at it, who makes an incident of it or closes it with a reason.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, func, insert, select, update

from tocsin.context import Context
from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.incidents.declaring import Declaration, Declared, declare
from tocsin.incidents.oncall import on_call
from tocsin.incidents.paging import page_for_report
from tocsin.incidents.reports import Report, end_alarms_in, report_in, report_row
from tocsin.model.vocabulary import PersonRole
from tocsin.ports import Actor
from tocsin.situation import deciders
from tocsin.store.database import Transaction
from tocsin.store.need_to_know import hidden_incidents
from tocsin.store.tables import report

NOBODY = Actor("anonymous", "report")
SUSPICION, NEAR_MISS = "suspicion", "near_miss"
TRIAGE = (PersonRole.DPO, PersonRole.COMMANDER)


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody noticed. `name` is how they wish to be called, for whoever is nobody in the workspace."""

    what: str
    kind: str = SUSPICION
    system: str | None = None
    noticed_at: datetime | None = None
    anonymous: bool = False
    name: str = ""


def make_report(ctx: Context, said: Said) -> Report:
    """Keep a report and page whoever is on call for it. Raises UsageError where nothing is said."""
    if not said.what.strip():
        raise UsageError("Say in a sentence what you noticed. Nothing was recorded.")
    if said.kind not in (SUSPICION, NEAR_MISS):
        raise UsageError(
            f"There is no kind of report {said.kind!r}.{did_you_mean(said.kind, (SUSPICION, NEAR_MISS))}"
        )
    if said.system is not None and said.system not in ctx.workspace.systems:
        raise UsageError(f"There is no system {said.system!r}.{did_you_mean(said.system, ctx.workspace.systems)}")
    if said.noticed_at is not None and said.noticed_at > ctx.clock.now():
        raise UsageError(f"{said.noticed_at.isoformat()} lies in the future. Nothing was recorded.")
    actor = NOBODY if said.anonymous else ctx.actor
    by = None if said.anonymous else said.name.strip() or ctx.actor.person
    with ctx.store.write(actor) as tx:
        identity = _next_id(tx)
        tx.execute(
            insert(report).values(
                id=identity,
                kind=said.kind,
                what=said.what.strip(),
                salt=(salt := tx.new_id()),
                system=said.system,
                noticed_at=said.noticed_at,
                reported_by=by,
                reported_at=tx.now,
                state="waiting",
            )
        )
        # Only a digest: the journal is read by more people than reports are for.
        digest = sha256(f"{salt}{said.what.strip()}".encode()).hexdigest()
        payload = {"kind": said.kind, "system": said.system, "named": by is not None, "sha256": digest}
        tx.record("report.made", f"report:{identity}", payload)
        _page(ctx, tx, identity)
        kept = report_in(tx.connection, identity)
    ctx.crash.reach("report:made")
    if not said.anonymous:
        ctx.store.sign_head(ctx.actor)
    return kept


def _page(ctx: Context, tx: Transaction, identity: str) -> None:
    by_role = {each.role: each.person for each in on_call(tx.connection, ctx.workspace, tx.now)}
    role = next((role for role in TRIAGE if by_role.get(role)), None)
    if role is not None:
        page_for_report(tx, ctx.workspace, identity, by_role[role], str(role))


def reports(ctx: Context, *, waiting_only: bool = True) -> tuple[Report, ...]:
    """Return the reports, oldest first. Raises Refused for whoever may not look at them."""
    _must_triage(ctx)
    query = select(report).order_by(report.c.reported_at, report.c.id)
    if waiting_only:
        query = query.where(report.c.state == "waiting")
    with ctx.store.read() as connection:
        hidden = hidden_incidents(connection)
        return tuple(report_row(row) for row in connection.execute(query) if row.incident not in hidden)


def report_of(ctx: Context, identity: str) -> Report:
    """Return one report. Raises UsageError where there is none, Refused for whoever may not look at it."""
    _must_triage(ctx)
    with ctx.store.read() as connection:
        return report_in(connection, identity)


def accept_report(ctx: Context, identity: str, said: Declaration) -> Declared:
    """Make an incident of a report: what was noticed becomes its title where none is given."""
    found = _to_triage(ctx, identity)
    systems = said.systems or ((found.system,) if found.system else ())
    if not systems:
        raise UsageError("Say which system it is about (--system ID). `tocsin inventory show` lists them.")
    whole = Declaration(
        title=said.title or " ".join(found.what.split())[:120],
        systems=systems,
        cause=said.cause,
        first_alert_at=said.first_alert_at or found.noticed_at or found.reported_at,
        aware_at=said.aware_at,
        playbook=said.playbook,
        need_to_know=said.need_to_know,
        report=identity,
    )
    return declare(ctx, whole)


def close_report(ctx: Context, identity: str, reason: str) -> Report:
    """Close a report that is no incident, with the reason."""
    if not reason.strip():
        raise UsageError("Say why nothing follows (--reason TEXT): the record keeps it. Nothing was changed.")
    _to_triage(ctx, identity)
    with ctx.store.write(ctx.actor) as tx:
        waits = (report.c.id == identity) & (report.c.state == "waiting")
        changed = tx.execute(
            update(report)
            .where(waits)
            .values(state="closed", settled_by=ctx.actor.person, settled_at=tx.now, reason=reason.strip())
        )
        if not changed.rowcount:
            raise UsageError(f"{identity} was looked at already. Nothing was changed.")
        end_alarms_in(tx, identity)
        tx.record("report.closed", f"report:{identity}", {}, {"reason": reason.strip()})
        kept = report_in(tx.connection, identity)
    ctx.store.sign_head(ctx.actor)
    return kept


def waiting_reports(connection: Connection) -> int:
    """Return how many reports nobody has looked at."""
    query = select(func.count()).select_from(report).where(report.c.state == "waiting")
    return connection.execute(query).scalar_one()


def _to_triage(ctx: Context, identity: str) -> Report:
    found = report_of(ctx, identity)
    if found.state != "waiting":
        became = f"it became {found.incident}" if found.incident else f"it was closed: {found.reason}"
        raise UsageError(f"{identity} was looked at already: {became}. Nothing was changed.")
    return found


def _must_triage(ctx: Context) -> None:
    able = deciders(ctx.workspace)
    if ctx.actor.person not in able:
        raise Refused(
            f"{ctx.actor.person} may not look at reports. They wait for {' or '.join(able) or 'nobody'}."
        )


def _next_id(tx: Transaction) -> str:
    prefix = f"REP-{tx.now.year}-"
    counted = select(func.count()).select_from(report).where(report.c.id.startswith(prefix))
    return f"{prefix}{1 + tx.execute(counted).scalar_one():03}"
