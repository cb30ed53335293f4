"""Alarms for the deadlines of open incidents: raised by the watch's round, acknowledged; `alarms` sends them.

    raise_due_alarms    reconcile the duties → which alarm is due (escalation) → rows → deliver what is unsent

Every alarm is a row before it is a message: a crash in between leaves it unsent, and the next round sends it. The
text is fixed: ids, kinds of addressee and times. No name of a client and no title is in it, because a mailbox may
be in the attacker's hands.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, select, update

from tocsin import alarms
from tocsin.context import Context
from tocsin.errors import Refused, UsageError
from tocsin.incidents.escalation import DueAlarm, Rung, due_alarm
from tocsin.incidents.paging import escalate_pages
from tocsin.law.clocks import show_both
from tocsin.model.vocabulary import PersonRole
from tocsin.model.workspace import Workspace
from tocsin.situation import DutyRow, duties_of, reconcile_duties
from tocsin.store.database import Transaction
from tocsin.store.need_to_know import circle_of
from tocsin.store.tables import alarm, incident

KIND = "deadline"
_LAST_SHARE = 100
_WHAT = {
    "regulator": "the report to a regulator",
    "people": "the message to the people concerned",
    "controllers": "a notice to a client",
    "insurer": "the notice to an insurer",
    "nis": "a NIS report",
    "sector": "a report to a sector regulator",
    "contract": "a notice under a contract",
}
_DATA_PROTECTION = ("regulator", "people", "controllers")


@dataclass(frozen=True, slots=True)
class DeadlineAlarm:
    """One alarm as raised; `channel` is empty while nothing could deliver it."""

    id: str
    incident: str
    duty: str
    share: int
    level: str
    text: str
    channel: str = ""


def raise_due_alarms(ctx: Context) -> tuple[DeadlineAlarm, ...]:
    """Raise what is due in every open incident, deliver every alarm that is unsent and return the deadlines'.

    Again at once, it does nothing.
    """
    with ctx.store.read() as connection:
        open_ones = connection.execute(select(incident).where(incident.c.closed_at.is_(None))).all()
    for found in open_ones:
        reconcile_duties(ctx, found.id)
        _raise_in(ctx, found)
    ctx.crash.reach("alarms:raised")
    escalate_pages(ctx)
    said = alarms.deliver(ctx)
    with ctx.store.read() as connection:
        told = [_as_told(connection, one) for one in said]
    return tuple(one for one in told if one is not None)


def acknowledge(ctx: Context, incident_id: str) -> int:
    """Say that somebody is on it: the alarms that stand are not repeated. Returns how many there were.

    Raises Refused for somebody who is not in the workspace, UsageError when the incident has no such alarm.
    """
    person = ctx.actor.person
    if person not in ctx.workspace.people:
        raise Refused(f"{person} is nobody in the workspace, so the alarm goes on. Nothing was recorded.")
    with ctx.store.write(ctx.actor) as tx:
        changed = tx.execute(
            update(alarm)
            .where(alarm.c.incident == incident_id, alarm.c.kind == KIND)
            .where(alarm.c.cleared_at.is_(None), alarm.c.acknowledged_at.is_(None))
            .values(acknowledged_by=person, acknowledged_at=tx.now)
        ).rowcount
        if not changed:
            raise UsageError(f"No alarm of {incident_id} waits to be acknowledged. Its clocks run on.")
        tx.record("alarm.acknowledged", f"incident:{incident_id}", {"alarms": changed})
    return changed


@dataclass(frozen=True, slots=True)
class Standing:
    """One alarm that stands, and who said that they are on it."""

    text: str
    level: str
    acknowledged_by: str | None


def standing_alarms(connection: Connection, incident_id: str) -> tuple[Standing, ...]:
    """Return the deadline alarms of an incident that stand, the most pressing first."""
    query = select(alarm).where(
        alarm.c.incident == incident_id, alarm.c.kind == KIND, alarm.c.cleared_at.is_(None)
    )
    rows = connection.execute(query.order_by(alarm.c.share.desc(), alarm.c.due_at, alarm.c.id))
    return tuple(Standing(row.text, row.level, row.acknowledged_by) for row in rows)


def _raise_in(ctx: Context, found: Row[tuple[object, ...]]) -> None:
    with ctx.store.write(ctx.actor) as tx:
        rows = tx.execute(select(alarm).where(alarm.c.incident == found.id, alarm.c.kind == KIND)).all()
        running = {each.key: each for each in duties_of(tx.connection, found.id) if _runs(each)}
        due = {key: each.clock(found.aware_at, found.first_alert_at) for key, each in running.items()}
        for row in rows:
            clock = due.get(row.duty)
            if row.cleared_at is None and (clock is None or clock.due != row.due_at):
                # Whoever told the addressee knows; a moved clock rings anew. Neither needs another message.
                alarms.end(tx, [row.id], say_so=False)
                tx.record("alarm.cleared", row.subject, {"alarm": row.id, "kind": KIND})
        for key, clock in due.items():
            if clock is None:
                continue
            rung = [
                Rung(row.share, row.turn, row.raised_at, row.acknowledged_at is not None)
                for row in rows
                if row.duty == key and row.due_at == clock.due
            ]
            if wanted := due_alarm(clock, rung, tx.now):
                _insert(tx, ctx.workspace, running[key], wanted, clock.due, certain=found.aware_at is not None)


def _runs(duty: DutyRow) -> bool:
    return duty.is_open and duty.told_at is None and duty.hours is not None and not duty.voluntary


def _insert(
    tx: Transaction, workspace: Workspace, duty: DutyRow, wanted: DueAlarm, due: datetime, *, certain: bool
) -> None:
    # What was raised for this clock before is overtaken: one alarm for each clock stands.
    overtaken = select(alarm.c.id).where(
        alarm.c.incident == duty.incident, alarm.c.duty == duty.key, alarm.c.cleared_at.is_(None)
    )
    alarms.end(tx, tx.execute(overtaken).scalars().all(), say_so=False)
    raised = alarms.Alarm(
        KIND,
        f"incident:{duty.incident}",
        alarm_text(workspace, duty, wanted.share, due, certain=certain),
        _within(circle_of(tx.connection, duty.incident), audience(duty.toward, wanted.level)),
        remind_every=None,  # the escalation says when it is said again, and to whom
    )
    alarms.raise_alarm(
        tx, raised, deadline=alarms.Deadline(duty.incident, duty.key, due, wanted.share, wanted.turn)
    )


def alarm_text(workspace: Workspace, duty: DutyRow, share: int, due: datetime, *, certain: bool) -> str:
    """Return the fixed text of one alarm: no client, no title, no fact."""
    what = _WHAT.get(duty.toward, "a duty")
    when = show_both(due, workspace.organisation.timezone)
    run = (
        f"The time for {what} is over: it was due {when}."
        if share >= _LAST_SHARE
        else (f"{share} % of the time for {what} is gone: it is due {when}.")
    )
    shadow = "" if certain else " That counts from the first alert: nobody has said yet since when it was certain."
    return (
        f"{duty.incident}: {run}{shadow} See: tocsin incident show {duty.incident}. "
        f"Say that you are on it: tocsin incident acknowledge {duty.incident}"
    )


def _within(circle: tuple[str, ...] | None, wanted: alarms.Audience) -> alarms.Audience:
    """Keep the alarms of a need-to-know incident among its people."""
    return wanted if circle is None else alarms.Audience(people=circle, roles=())


def audience(toward: str, level: alarms.Level) -> alarms.Audience:
    """Return whom one rung is for: the role that answers for the duty, its deputies too, or everyone."""
    role = PersonRole.DPO if toward in _DATA_PROTECTION else PersonRole.COMMANDER
    return alarms.Audience(roles=(str(role),), level=level)


def _as_told(connection: Connection, delivery: alarms.Delivery) -> DeadlineAlarm | None:
    query = select(alarm).where(alarm.c.id.in_(delivery.alarms), alarm.c.kind == KIND)
    row = connection.execute(query).first()
    if row is None:
        return None
    return DeadlineAlarm(row.id, row.incident, row.duty, row.share, row.level, row.text, delivery.channel)
