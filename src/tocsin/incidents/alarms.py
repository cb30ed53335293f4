"""Alarms for the deadlines of open incidents: raised by the watch's round, told to our own people, acknowledged.

    raise_due_alarms    reconcile the duties → which alarm is due (escalation) → rows → deliver what is unsent

Every alarm is a row before it is a message: a crash in between leaves it unsent, and the next round sends it. The
text is fixed: ids, kinds of addressee and times. No name of a client and no title is in it, because a mailbox may
be in the attacker's hands.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from sqlalchemy import Connection, Row, insert, select, update

from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.errors import Interrupted, Refused, TocsinError, UsageError
from tocsin.incidents.escalation import DueAlarm, Rung, due_alarm
from tocsin.law.clocks import show_both
from tocsin.model.vocabulary import PersonRole
from tocsin.model.workspace import Workspace
from tocsin.situation import DutyRow, duties_of, reconcile_duties
from tocsin.store.database import Transaction
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
    """Raise what is due in every open incident and deliver what is unsent; again at once, it does nothing."""
    with ctx.store.read() as connection:
        open_ones = connection.execute(select(incident).where(incident.c.closed_at.is_(None))).all()
    for found in open_ones:
        reconcile_duties(ctx, found.id)
        _raise_in(ctx, found)
    ctx.crash.reach("alarms:raised")
    return _deliver(ctx)


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
                tx.execute(update(alarm).where(alarm.c.id == row.id).values(cleared_at=tx.now))
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
    tx.execute(
        update(alarm)
        .where(alarm.c.incident == duty.incident, alarm.c.duty == duty.key, alarm.c.cleared_at.is_(None))
        .values(cleared_at=tx.now)
    )
    identity = tx.new_id()
    tx.execute(
        insert(alarm).values(
            id=identity,
            kind=KIND,
            subject=f"incident:{duty.incident}",
            text=alarm_text(workspace, duty, wanted.share, due, certain=certain),
            raised_at=tx.now,
            incident=duty.incident,
            duty=duty.key,
            due_at=due,
            share=wanted.share,
            turn=wanted.turn,
            level=wanted.level,
        )
    )
    tx.record(
        "alarm.raised",
        f"incident:{duty.incident}",
        {"alarm": identity, "kind": KIND, "duty": duty.key, "share": wanted.share, "level": wanted.level},
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


def recipients(workspace: Workspace, toward: str, level: str) -> tuple[str, ...]:
    """Return the mail addresses of one rung: the role, its deputies too, or everyone."""
    role = PersonRole.DPO if toward in _DATA_PROTECTION else PersonRole.COMMANDER
    holders = workspace.people_with(role)
    deputies = [deputy for holder in holders if (deputy := workspace.deputy_of(holder.id))]
    everyone = tuple(workspace.people.values())
    ladder = {"role": holders, "deputy": (*holders, *deputies), "everyone": everyone}
    found = [person.email for person in ladder[level] if person.email]
    # Nobody to be reached there: better too many than none.
    return tuple(dict.fromkeys(found or [person.email for person in everyone if person.email]))


def _deliver(ctx: Context) -> tuple[DeadlineAlarm, ...]:
    query = select(alarm).where(alarm.c.kind == KIND, alarm.c.sent_at.is_(None), alarm.c.cleared_at.is_(None))
    with ctx.store.read() as connection:
        unsent = connection.execute(query.order_by(alarm.c.raised_at, alarm.c.id)).all()
        toward = {
            (duty.incident, duty.key): duty.toward
            for name in {row.incident for row in unsent}
            for duty in duties_of(connection, name)
        }
    told = []
    for row in unsent:
        whom = recipients(ctx.workspace, toward.get((row.incident, row.duty), ""), row.level)
        channel = _first_that_works(ctx, row, whom)
        told.append(DeadlineAlarm(row.id, row.incident, row.duty, row.share, row.level, row.text, channel))
        if channel:
            with ctx.store.write(ctx.actor) as tx:
                tx.execute(update(alarm).where(alarm.c.id == row.id).values(sent_at=tx.now, channel=channel))
                tx.record("alarm.sent", row.subject, {"alarm": row.id, "channel": channel})
    return tuple(told)


def _first_that_works(ctx: Context, row: Row[tuple[object, ...]], whom: Sequence[str]) -> str:
    """Try the channels in order, each failing quietly to the next. Empty when none worked: it is tried again."""
    for channel in _channels(ctx.workspace):
        try:
            _by_mail(ctx, row, whom) if channel == "mail" else _by_file(ctx, row, whom)
        except Interrupted:
            raise
        except TocsinError:
            continue
        return channel
    return ""


def _channels(workspace: Workspace) -> Iterable[str]:
    wanted = [channel for channel in workspace.alarms or ("mail",) if channel != "mail" or workspace.channels.mail]
    return dict.fromkeys([*(channel for channel in wanted if channel in ("mail", "outbox")), "outbox"])


def _by_mail(ctx: Context, row: Row[tuple[object, ...]], whom: Sequence[str]) -> None:
    mail = ctx.workspace.channels.mail
    if mail is None or not whom:
        raise UsageError("There is no mail channel, or nobody with an address.")
    message = EmailMessage(policy=SMTP)
    message["From"] = str(mail.sender)
    message["To"] = ", ".join(whom)
    message["Subject"] = f"[Tocsin] {row.incident}: {row.share} % of a deadline is gone"
    message["Date"] = format_datetime(row.raised_at)
    message["Message-ID"] = f"<alarm-{row.id}@{parseaddr(str(mail.sender))[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(f"{row.text}\n", cte="quoted-printable")
    ctx.mailer.send(message)


def _by_file(ctx: Context, row: Row[tuple[object, ...]], whom: Sequence[str]) -> None:
    folder = private_folder(ctx.workspace.outbox / "alarms")
    text = f"To: {', '.join(whom)}\n\n{row.text}\n"
    write_durably(folder / f"{row.incident}-{row.share}-{row.id[:8]}.txt", text.encode())
