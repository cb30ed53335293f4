"""Keep an incident's duties in step with its facts, its decisions and its notices. Loudly, and at any time again.

    owed_now (facts, profile, contracts)  ┐
    decisions that hold                   ├→  next_duty, a pure step per duty  →  rows and journal
    notices drafted, approved, sent       ┘

Nothing here decides. A decision against a duty falls when the facts ask for more than they did when it was
taken; a duty that was discharged comes back when what was told has become worse.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlalchemy import insert, select, update

from tocsin.context import Context
from tocsin.law.content import still_owed
from tocsin.model.workspace import Workspace
from tocsin.situation.blast_radius import OURSELVES
from tocsin.situation.duties import (
    FOLLOW_UP,
    LATE,
    OUTCOMES,
    Decision,
    DutyRow,
    decisions_of,
    duties_of,
    standing_on,
)
from tocsin.situation.facts import document, fact_versions
from tocsin.situation.owing import CORE, Owed, owed_now, weight
from tocsin.situation.reading import STRENGTH, Situation, whole_situation
from tocsin.store.database import Transaction
from tocsin.store.tables import decision, incident, notice
from tocsin.store.tables import duty as duty_table

PHASED = ("regulator", "controllers")
"""Duties whose report may come in phases (UK GDPR Art 33(4), 33(2))."""
_GONE = ("sent", "recorded")


@dataclass(frozen=True, slots=True)
class Told:
    """The notices of one duty: how far the best of them has come, and the last that left the house."""

    furthest: str | None = None
    first_at: datetime | None = None
    at: datetime | None = None
    how: str | None = None
    missing: tuple[str, ...] = ()


def reconcile_duties(ctx: Context, incident_id: str) -> tuple[str, ...]:
    """Bring one incident's duties up to date in a transaction of its own; returns the keys that changed."""
    with ctx.store.write(ctx.actor) as tx:
        changed = reconcile_in(tx, ctx.workspace, incident_id)
    ctx.crash.reach("duties:reconciled")
    return changed


def reconcile_in(tx: Transaction, workspace: Workspace, incident_id: str) -> tuple[str, ...]:
    """Do the same in the caller's transaction. A second call changes nothing."""
    found = whole_situation(tx.connection, workspace, incident_id)
    if found.merged_into is not None:
        return ()
    rows = {row.key: row for row in duties_of(tx.connection, incident_id)}
    owed = {each.key: each for each in owed_now(found, workspace, tx.now.date())}
    decisions = decisions_of(tx.connection, incident_id)
    outcome = _outcome_that_holds(tx, found, decisions, owed)
    changed = []
    for key in dict.fromkeys([*owed, *rows]):
        now, before = owed.get(key), rows.get(key)
        decided = standing_on(decisions, *(now or rows[key]).names)
        if decided and decided.decided == "no" and now and _asks_more(now, decided, before):
            _withdraw(tx, incident_id, decided)
            decided = None
        told = _told(tx, found, now or rows[key])
        after = next_duty(before, now if outcome is None else None, decided, told, found, tx.now)
        if after is not None and after != before:
            _write(tx, before, after)
            changed.append(key)
    _reopen_if_closed(tx, found, changed)
    return tuple(changed)


def next_duty(
    before: DutyRow | None,
    owed: Owed | None,
    decided: Decision | None,
    told: Told,
    found: Situation,
    now: datetime,
) -> DutyRow | None:
    """Return what one duty comes to. Pure; None where there is none and none is needed."""
    wanted = decided is not None and decided.decided == "yes"
    if owed is None or (owed.required == "no" and not wanted):
        return _no_longer(before, owed, decided, now) if before else _only_decided(owed, decided, found, now)
    row = _refreshed(before, owed, found, now)
    row = _reopened(before, row, owed, now)
    if decided is not None and decided.decided == "no":
        return replace(row, state="declined", settled_at=decided.stood_at, settled_by=decided.decided_by)
    if told.at and (row.last_told_at is None or told.at > row.last_told_at):
        first = row.told_at or told.first_at
        row = replace(row, told_at=first, last_told_at=told.at, told_how=told.how, still_owed=told.missing)
    return _standing(row, told, found)


def _standing(row: DutyRow, told: Told, found: Situation) -> DutyRow:
    """Say where a duty that is owed stands, by what was told and what is under way."""
    if row.told_at is None:
        state = {"approved": "approved", "draft": "drafted"}.get(told.furthest or "", "owed")
        return replace(row, state=state, settled_at=None, settled_by=None)
    owes = [each for each in row.still_owed if each not in (LATE, FOLLOW_UP)]
    if row.settled_by is not None:
        owes = []
    if row.reopened_at and row.last_told_at and row.reopened_at > row.last_told_at:
        owes.append(FOLLOW_UP)
    if row.is_late(found.aware_at) and not row.late_reasons:
        owes.append(LATE)
    if owes:
        return replace(row, state="told", still_owed=tuple(owes))
    return replace(row, state="discharged", still_owed=(), settled_at=row.settled_at or row.told_at)


def _refreshed(before: DutyRow | None, owed: Owed, found: Situation, now: datetime) -> DutyRow:
    said = {name: getattr(owed, name) for name in Owed.__slots__}
    if before is None:
        return DutyRow(incident=found.incident, state="owed", opened_at=now, **said)
    return replace(before, **said)


def _reopened(before: DutyRow | None, row: DutyRow, owed: Owed, now: datetime) -> DutyRow:
    """Open what was settled again when the facts ask for more than they did."""
    if before is None or before.state not in ("discharged", "declined", "lapsed"):
        return row
    worse = owed.weight > weight(before.required, before.risk)
    if before.state == "discharged" and not worse:
        return row
    was, now_is = f"{before.required} (risk {before.risk})", f"{owed.required} (risk {owed.risk})"
    why = f"it was {before.state} when the proposal was {was}; the proposal is {now_is} now"
    return replace(row, state="owed", reopened_at=now, reopened_why=why, settled_at=None, settled_by=None)


def _no_longer(before: DutyRow, owed: Owed | None, decided: Decision | None, now: datetime) -> DutyRow:
    """The facts ask for nothing (any more): what is done stays done, what is open lapses."""
    if before.state in ("discharged", "lapsed"):
        return before
    if before.state == "declined" and decided is not None:
        return before
    required = replace(before, required="no", risk=owed.risk if owed else before.risk)
    if before.told_at is not None:
        return replace(required, state="discharged", still_owed=(), settled_at=now)
    return replace(required, state="lapsed", settled_at=now, settled_by=None)


def _only_decided(owed: Owed | None, decided: Decision | None, found: Situation, now: datetime) -> DutyRow | None:
    """Keep a decision that nothing is owed, where a person took one on what was never proposed."""
    if owed is None or decided is None:
        return None
    row = _refreshed(None, owed, found, now)
    return replace(row, state="declined", settled_at=decided.stood_at, settled_by=decided.decided_by)


def _asks_more(now: Owed, decided: Decision, before: DutyRow | None) -> bool:
    if STRENGTH[now.required] > STRENGTH[decided.proposed]:
        return True
    return before is not None and before.state == "declined" and now.weight > weight(before.required, before.risk)


def _told(tx: Transaction, found: Situation, about: Owed | DutyRow) -> Told:
    """Read what notices say of one duty. Their text is not looked at: what was known when it was drafted is."""
    whom = {"regulator": "ico", "people": "people", "controllers": about.controller}.get(about.toward)
    if whom is None or (about.toward != "controllers" and about.controller != OURSELVES):
        return Told()
    rows = tx.execute(
        select(notice.c.id, notice.c.state, notice.c.drafted_at, notice.c.left_at)
        .where(notice.c.incident == found.incident, notice.c.duty == about.toward, notice.c.addressee == whom)
        .order_by(notice.c.drafted_at)
    ).all()
    gone = [row for row in rows if row.state in _GONE]
    states = {row.state for row in rows}
    furthest = next((state for state in ("approved", "draft") if state in states), None)
    if not gone:
        return Told(furthest)
    known = fact_versions(tx.connection, found.incident, at=gone[-1].drafted_at)
    missing = still_owed(document(known, about.controller)) if about.toward in PHASED else ()
    first, last = (gone[position].left_at or tx.now for position in (0, -1))
    return Told(furthest, first, last, f"notice {gone[-1].id[:8]}", missing)


def _outcome_that_holds(
    tx: Transaction, found: Situation, decisions: tuple[Decision, ...], owed: Mapping[str, Owed]
) -> Decision | None:
    """Return the decision that this was a near miss or no breach; it falls when the facts ask for more since."""
    outcome = standing_on(decisions, *OUTCOMES)
    if outcome is None:
        return None
    proposed = strongest(owed)
    if STRENGTH[proposed] <= STRENGTH[outcome.proposed]:
        if found.state not in (outcome.duty, "closed"):
            tx.execute(update(incident).where(incident.c.id == found.incident).values(state=outcome.duty))
            tx.record(f"incident.{outcome.duty}", f"incident:{found.incident}", {"proposed": proposed})
        return outcome
    _withdraw(tx, found.incident, outcome)
    state = "confirmed" if found.aware_at else "suspected"
    tx.execute(update(incident).where(incident.c.id == found.incident).values(state=state, closed_at=None))
    tx.record("incident.reopened", f"incident:{found.incident}", {"was": outcome.duty, "proposed": proposed})
    return None


def withdraw_outcome(tx: Transaction, incident_id: str) -> None:
    """Let go of the decision that it was a near miss or no breach, where there is one."""
    if outcome := standing_on(decisions_of(tx.connection, incident_id), *OUTCOMES):
        _withdraw(tx, incident_id, outcome)


def strongest(owed: Mapping[str, Owed]) -> str:
    """Return the strongest answer the law's own three duties give."""
    answers = [each.required for each in owed.values() if each.toward in CORE and each.key.startswith(each.toward)]
    return max(answers, key=STRENGTH.__getitem__, default="no")


def _withdraw(tx: Transaction, incident_id: str, fallen: Decision) -> None:
    tx.execute(update(decision).where(decision.c.id == fallen.id).values(withdrawn_at=tx.now))
    tx.record("duty.decision_fell", f"incident:{incident_id}", {"duty": fallen.duty, "decided": fallen.decided})


def _write(tx: Transaction, before: DutyRow | None, after: DutyRow) -> None:
    values = {
        **asdict(after),
        "why": list(after.why),
        "asks": list(after.asks),
        "still_owed": list(after.still_owed),
    }
    if before is None:
        tx.execute(insert(duty_table).values(**values))
    else:
        this = (duty_table.c.incident == after.incident) & (duty_table.c.key == after.key)
        tx.execute(update(duty_table).where(this).values(**values))
    reopened = before is not None and after.reopened_at != before.reopened_at
    kind = "duty.reopened" if reopened else "duty.opened" if before is None else "duty.changed"
    if before is not None and not reopened and (before.state, before.required) == (after.state, after.required):
        return
    tx.record(
        kind,
        f"incident:{after.incident}",
        {
            "duty": after.key,
            "state": after.state,
            "was": before.state if before else None,
            "required": after.required,
            "still_owed": list(after.still_owed),
        },
    )


def _reopen_if_closed(tx: Transaction, found: Situation, changed: list[str]) -> None:
    if found.state != "closed" or not changed:
        return
    if any(row.must_be_settled for row in duties_of(tx.connection, found.incident)):
        state = "confirmed" if found.aware_at else "suspected"
        tx.execute(update(incident).where(incident.c.id == found.incident).values(state=state, closed_at=None))
        tx.record("incident.reopened", f"incident:{found.incident}", {"was": "closed", "duties": list(changed)})
