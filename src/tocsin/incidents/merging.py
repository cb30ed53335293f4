"""Two incidents turn out to be one: everything of the first moves into the second, and nothing is lost.

Systems, facts, decisions to tell, what was told by hand, notices, runs, holds and evidence go along; the clocks
keep the earliest moments. The first stays as it was written, closed as merged, and says where to look. Facts that
were stated earlier than the second's own on the same thing are not carried over: they can be read in the first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, func, insert, select, update

from tocsin.context import Context
from tocsin.errors import Refused, UsageError
from tocsin.incidents.knowing import join_circles_in
from tocsin.incidents.open_row import open_row
from tocsin.incidents.paging import end_pages_in
from tocsin.incidents.widening import add_systems_in
from tocsin.situation import FROM_INVENTORY, deciders, decisions_of, duties_of, reconcile_in
from tocsin.situation.facts import FactVersion, fact_versions
from tocsin.store.database import Transaction
from tocsin.store.tables import (
    alarm,
    decision,
    duty,
    evidence_item,
    fact,
    hold,
    incident,
    incident_system,
    notice,
    run,
)

_MOVED: tuple[tuple[str, Table], ...] = (
    ("notices", notice),
    ("runs", run),
    ("holds", hold),
    ("evidence", evidence_item),
)


@dataclass(frozen=True, slots=True)
class Merged:
    """What went into the incident that stays."""

    gone: str
    into: str
    systems: tuple[str, ...]
    facts: int
    moved: dict[str, int]
    aware_at: datetime | None


def merge(ctx: Context, gone: str, into: str, reason: str) -> Merged:
    """Merge `gone` into `into`. Raises Refused for who may not decide, UsageError for what cannot be merged."""
    if gone == into:
        raise UsageError(f"{gone} cannot be merged into itself. Nothing was changed.")
    if ctx.actor.person not in deciders(ctx.workspace):
        raise Refused(
            f"{ctx.actor.person} may not merge incidents. It waits for {' or '.join(deciders(ctx.workspace))}."
        )
    if not reason.strip():
        raise UsageError("Say why they are one (--reason TEXT). Nothing was changed.")
    with ctx.store.write(ctx.actor) as tx:
        first, second = open_row(tx, gone), open_row(tx, into)
        join_circles_in(tx, gone, into)
        systems = add_systems_in(tx, ctx.workspace, into, _systems(tx, gone))
        facts = _carry_facts(tx, gone, into)
        _carry_decisions(tx, gone, into)
        moved = {name: _move(tx, table, gone, into) for name, table in _MOVED}
        aware_at = _carry_moments(tx, first, second)
        end_pages_in(tx, gone)
        reconcile_in(tx, ctx.workspace, into)
        _carry_told(tx, gone, into)
        reconcile_in(tx, ctx.workspace, into)
        _end(tx, gone, into, reason.strip(), {"systems": list(systems), "facts": facts, **moved})
    ctx.crash.reach("incident:merged")
    ctx.store.sign_head(ctx.actor)
    return Merged(gone, into, systems, facts, moved, aware_at)


def _systems(tx: Transaction, incident_id: str) -> tuple[str, ...]:
    query = select(incident_system.c.system).where(incident_system.c.incident == incident_id)
    return tuple(tx.execute(query.order_by(incident_system.c.added_at, incident_system.c.system)).scalars())


def _carry_facts(tx: Transaction, gone: str, into: str) -> int:
    ours = fact_versions(tx.connection, into)
    newest: dict[tuple[str, str], datetime] = {}
    for each in ours:
        if each.evidence != FROM_INVENTORY:
            newest[each.controller, each.path] = each.stated_at
    version = max((each.version for each in ours), default=0)
    carried = list(_worth_carrying(fact_versions(tx.connection, gone), newest))
    for number, each in enumerate(carried, start=version + 1):
        tx.execute(
            insert(fact).values(
                incident=into,
                version=number,
                controller=each.controller,
                path=each.path,
                value=each.value,
                stated_by=each.stated_by,
                stated_at=each.stated_at,
                evidence=f"{each.evidence} (from {gone})" if each.evidence else f"from {gone}",
            )
        )
        tx.record(
            "fact.carried",
            f"incident:{into}",
            {"version": number, "from": gone, "from_version": each.version, "path": each.path},
        )
    return len(carried)


def _worth_carrying(
    theirs: Iterable[FactVersion], newest: dict[tuple[str, str], datetime]
) -> Iterable[FactVersion]:
    """Yield what people stated there, unless it is older than what was stated here on the same thing."""
    for each in theirs:
        stands = newest.get((each.controller, each.path))
        if each.evidence != FROM_INVENTORY and (stands is None or each.stated_at >= stands):
            yield each


def _carry_decisions(tx: Transaction, gone: str, into: str) -> None:
    """Carry decisions to tell. One not to tell was taken on other facts: here it has to be taken anew."""
    here = {each.duty for each in decisions_of(tx.connection, into) if each.withdrawn_at is None}
    for each in decisions_of(tx.connection, gone):
        if each.stands and each.decided == "yes" and each.duty not in here:
            values = {name: getattr(each, name) for name in type(each).__slots__}
            tx.execute(insert(decision).values(**values | {"id": tx.new_id(), "incident": into}))
            tx.record("duty.decision_carried", f"incident:{into}", {"duty": each.duty, "from": gone})


def _move(tx: Transaction, table: Table, gone: str, into: str) -> int:
    count = tx.execute(select(func.count()).select_from(table).where(table.c.incident == gone)).scalar_one()
    tx.execute(update(table).where(table.c.incident == gone).values(incident=into))
    return int(count)


def _carry_moments(tx: Transaction, first: Row[Any], second: Row[Any]) -> datetime | None:
    """Keep the earliest first alert, and the earliest awareness with who said so and why."""
    aware = [row for row in (first, second) if row.aware_at is not None]
    earliest = min(aware, key=lambda row: row.aware_at, default=None)
    values: dict[str, object] = {"first_alert_at": min(first.first_alert_at, second.first_alert_at)}
    if second.cause is None and first.cause is not None:
        values["cause"] = first.cause
    if earliest is not None:
        values |= {name: getattr(earliest, name) for name in ("aware_at", "aware_by", "aware_reason")}
    # What is contained, or back, for one of the two is not yet so for both.
    for moment in ("contained_at", "recovered_at", "reviewed_at"):
        both = (getattr(first, moment), getattr(second, moment))
        values[moment] = max(both) if all(both) else None
    reached = [name for name in ("contained", "recovered", "reviewed") if values[f"{name}_at"] is not None]
    values["state"] = (reached[-1] if reached else "confirmed") if earliest is not None else "suspected"
    tx.execute(update(incident).where(incident.c.id == second.id).values(**values))
    return earliest.aware_at if earliest is not None else None


def _carry_told(tx: Transaction, gone: str, into: str) -> None:
    """What was told by hand stays told."""
    here = {each.key: each for each in duties_of(tx.connection, into)}
    for each in duties_of(tx.connection, gone):
        mine = here.get(each.key)
        if each.told_at is None or mine is None or mine.told_at is not None:
            continue
        told = ("told_at", "last_told_at", "told_how", "late_reasons", "still_owed")
        values = {name: getattr(each, name) for name in told} | {"still_owed": list(each.still_owed)}
        this = (duty.c.incident == into) & (duty.c.key == each.key)
        tx.execute(update(duty).where(this).values(state="told", **values))
        tx.record("duty.told_before", f"incident:{into}", {"duty": each.key, "from": gone})


def _end(tx: Transaction, gone: str, into: str, reason: str, payload: dict[str, Any]) -> None:
    tx.execute(
        update(incident).where(incident.c.id == gone).values(state="closed", closed_at=tx.now, merged_into=into)
    )
    open_duties = (duty.c.incident == gone) & duty.c.state.in_(("owed", "drafted", "approved", "told"))
    tx.execute(update(duty).where(open_duties).values(state="lapsed", settled_at=tx.now))
    standing = (alarm.c.incident == gone) & alarm.c.cleared_at.is_(None)
    tx.execute(update(alarm).where(standing).values(cleared_at=tx.now))
    tx.record("incident.merged", f"incident:{gone}", {"into": into, **payload}, {"reason": reason})
    tx.record("incident.took_in", f"incident:{into}", {"from": gone}, {"reason": reason})
