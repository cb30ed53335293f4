"""Discharge a duty by hand: somebody was called, written to, or told through a form that Tocsin does not fill.

A first report that leaves something out keeps its duty open with what is still owed (UK GDPR Art 33(4)); a late
one is not discharged before the reasons for the delay are written down (Art 33(1)).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update

from tocsin.context import Context
from tocsin.errors import Refused, UsageError
from tocsin.law.clocks import show_both
from tocsin.law.content import owed_words, still_owed
from tocsin.model.workspace import Workspace
from tocsin.situation.duties import DutyRow, duties_of, matching
from tocsin.situation.reading import Situation, situation_of
from tocsin.situation.reconciling import PHASED, reconcile_in
from tocsin.store.database import JsonValue, Transaction
from tocsin.store.tables import duty as duty_table


@dataclass(frozen=True, slots=True)
class Discharge:
    """What a person says: how and when it was told, why late, whether more will follow, or why nothing will."""

    how: str = ""
    at: datetime | None = None
    late_reasons: str = ""
    first_report: bool = False
    nothing_more: str = ""


def discharge(ctx: Context, incident_id: str, name: str, said: Discharge) -> DutyRow:
    """Record that a duty was discharged, or told in part. Raises UsageError where the law wants more words."""
    _must_be_ours(ctx.workspace, ctx.actor.person)
    with ctx.store.write(ctx.actor) as tx:
        found = situation_of(tx.connection, ctx.workspace, incident_id)
        row = _the_one(tx, incident_id, name)
        told_at, last_told_at = _times(ctx, found, row, said)
        reasons = _late_reasons(ctx, found, row, told_at, said)
        missing = _missing(found, row, said)
        done = not said.first_report
        this = (duty_table.c.incident == incident_id) & (duty_table.c.key == row.key)
        tx.execute(
            update(duty_table)
            .where(this)
            .values(
                told_at=told_at,
                last_told_at=last_told_at,
                told_how=said.how.strip() or row.told_how,
                late_reasons=reasons,
                still_owed=list(missing) if said.first_report else [],
                settled_by=ctx.actor.person if done else None,
                settled_at=tx.now if done else None,
            )
        )
        payload: dict[str, JsonValue] = {"duty": row.key, "told_at": told_at.isoformat(), "first_report": not done}
        private = {"how": said.how, "late_reasons": reasons or "", "nothing_more": said.nothing_more}
        kept = {word: text for word, text in private.items() if text.strip()}
        tx.record("duty.told", f"incident:{incident_id}", payload, kept or None)
        reconcile_in(tx, ctx.workspace, incident_id)
        after = next(each for each in duties_of(tx.connection, incident_id) if each.key == row.key)
    ctx.crash.reach("duty:told")
    return after


def _must_be_ours(workspace: Workspace, person: str) -> None:
    if person not in workspace.people:
        raise Refused(
            f"Only a person of the workspace may say that a duty was discharged, and {person} is none. Nothing "
            "was recorded. Add `login:` to that person in tocsin.yaml."
        )


def _the_one(tx: Transaction, incident_id: str, name: str) -> DutyRow:
    found = matching(duties_of(tx.connection, incident_id), name)
    if len(found) > 1:
        raise UsageError(f"{name!r} means several duties. Name one: {', '.join(each.key for each in found)}.")
    row = found[0]
    if not row.is_open:
        raise UsageError(f"The duty {row.key} is {row.state} already; there is nothing to discharge.")
    return row


def _times(ctx: Context, found: Situation, row: DutyRow, said: Discharge) -> tuple[datetime, datetime]:
    """Return when it was told first and last."""
    follow_up = row.reopened_at and row.last_told_at and row.reopened_at > row.last_told_at
    if not said.how.strip() and (row.told_at is None or follow_up):
        raise UsageError(
            f"Say how {row.addressee} was told (--how TEXT): by whom, which number. Nothing was recorded."
        )
    now = ctx.clock.now()
    moment = said.at or now
    if moment > now:
        raise UsageError(f"{moment.isoformat()} lies in the future. Nothing was recorded.")
    if moment < found.first_alert_at:
        raise UsageError(f"{moment.isoformat()} is before the first alert. Nothing was recorded.")
    first = row.told_at or moment
    return first, (max(moment, row.last_told_at or moment) if said.how.strip() else row.last_told_at or first)


def _late_reasons(ctx: Context, found: Situation, row: DutyRow, told_at: datetime, said: Discharge) -> str | None:
    given = said.late_reasons.strip() or row.late_reasons
    clock = row.clock(found.aware_at, found.first_alert_at)
    if found.aware_at and clock and told_at > clock.due and not given:
        zone = ctx.workspace.organisation.timezone
        raise UsageError(
            f"{row.addressee} was to be told by {show_both(clock.due, zone)} and was told at "
            f"{show_both(told_at, zone)}: say why so late (--late-reasons TEXT). Nothing was recorded."
        )
    return given


def _missing(found: Situation, row: DutyRow, said: Discharge) -> tuple[str, ...]:
    if row.toward not in PHASED:
        return ()
    missing = still_owed(found.facts(row.controller))
    if missing and not said.first_report and not said.nothing_more.strip():
        raise UsageError(
            f"Not known yet, and so not told: {'; '.join(owed_words(missing))}. Say that this was the first "
            "report (--first-report), or why nothing more will follow (--nothing-more TEXT). Nothing was recorded."
        )
    return missing
