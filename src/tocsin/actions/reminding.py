"""The round over the actions: check again what is due, open again what fails, remind whoever owes one.

A reminder has stages: a week before the day, on it, the day after, then every week; from the second week of
silence on the deputy hears of it too. Each stage is said once to each person, and no person is told twice on one
day of the office's calendar, however often the round comes. What fell into a downtime is said once, as it stands
then. The alarm that carries it names ids and days alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select

from tocsin import alarms
from tocsin.actions.checking import look
from tocsin.actions.ledger import Action, actions, today
from tocsin.actions.settling import keep_in
from tocsin.context import Context
from tocsin.model.workspace import Workspace
from tocsin.store.database import Transaction
from tocsin.store.tables import action_told

KIND = "action.reminder"
CHECK_EVERY = timedelta(days=1)
BEFORE = timedelta(days=7)
WEEK = 7
SATURDAY = 5

Owed = dict[str, list[tuple[Action, str]]]
"""What each person owes, with the stage it has reached."""


@dataclass(frozen=True, slots=True)
class ActionRound:
    """What one round did: which actions it checked, which it opened again, whom it reminded of how many."""

    checked: tuple[str, ...] = ()
    reopened: tuple[str, ...] = ()
    reminded: tuple[tuple[str, int], ...] = ()


def go_action_round(ctx: Context) -> ActionRound:
    """Check again what is due and remind people; `alarms.deliver` then says it."""
    with ctx.store.read() as connection:
        found = actions(connection, whole=True)
    now = ctx.clock.now()
    due = [one for one in found if _is_due_for_a_check(one, now)]
    reopened = []
    for one in due:
        seen = look(ctx, one)
        with ctx.store.write(ctx.actor) as tx:
            if keep_in(tx, one, seen):
                reopened.append(one.id)
    reminded = _remind(ctx)
    return ActionRound(tuple(one.id for one in due), tuple(reopened), reminded)


def stage(one: Action, day: date) -> str | None:
    """Return which reminder an open action has reached on that day; None while it is early. Pure."""
    if day < one.due_on - BEFORE:
        return f"again-{one.reopened}" if one.reopened_at else None
    if day < one.due_on:
        return "soon"
    if day == one.due_on:
        return "due"
    weeks = (day - one.due_on).days // WEEK
    return f"week-{weeks}" if weeks else "overdue"


def whom(workspace: Workspace, one: Action, day: date) -> tuple[str, ...]:
    """Return who is reminded: the owner; the deputy too from a week overdue, or where the owner has left. Pure."""
    people = [one.owner] if one.owner in workspace.people else []
    if (not people or (day - one.due_on).days >= WEEK) and one.deputy in workspace.people:
        people.append(str(one.deputy))
    if not people:
        people = [holder.id for role in ("dpo", "commander") for holder in workspace.people_with(role)][:1]
    return tuple(people)


def _is_due_for_a_check(one: Action, now: datetime) -> bool:
    if one.state == "dropped":
        return False
    return one.last is None or now - one.last.at >= CHECK_EVERY


def _remind(ctx: Context) -> tuple[tuple[str, int], ...]:
    now = ctx.clock.now()
    day = today(ctx.workspace, now)
    with ctx.store.read() as connection:
        # Most rounds find nothing new: they only look.
        owed = _owed(ctx.workspace, actions(connection, open_only=True, whole=True), day)
        if not _is_anything_new(connection, ctx.workspace, owed, now):
            return ()
    with ctx.store.write(ctx.actor) as tx:
        owed = _owed(ctx.workspace, actions(tx.connection, open_only=True, whole=True), day)
        _end_what_is_done(tx, owed)
        if not _is_the_hour(ctx.workspace, now):
            return ()
        return tuple((person, count) for person, those in owed.items() if (count := _tell(tx, person, those, day)))


def _is_anything_new(connection: Connection, workspace: Workspace, owed: Owed, now: datetime) -> bool:
    if any(row.subject.removeprefix("person:") not in owed for row in alarms.standing(connection, (KIND,))):
        return True
    if not owed or not _is_the_hour(workspace, now):
        return False
    query = select(action_told.c.action, action_told.c.person, action_told.c.stage)
    said = {tuple(row) for row in connection.execute(query)}
    return any((one.id, person, reached) not in said for person, those in owed.items() for one, reached in those)


def _owed(workspace: Workspace, found: Iterable[Action], day: date) -> Owed:
    owed: Owed = {}
    for one in found:
        reached = stage(one, day)
        for person in whom(workspace, one, day) if reached else ():
            owed.setdefault(person, []).append((one, str(reached)))
    return owed


def _tell(tx: Transaction, person: str, owed: list[tuple[Action, str]], day: date) -> int:
    """Write one message for a person if a stage is new and nothing was said today; return how many it names."""
    told = select(action_told.c.action, action_told.c.stage, action_told.c.told_on).where(
        action_told.c.person == person
    )
    before = tx.execute(told).all()
    if any(row.told_on == day.isoformat() for row in before):
        return 0
    said = {(row.action, row.stage) for row in before}
    if all((one.id, reached) in said for one, reached in owed):
        return 0
    _end(tx, person)
    text = wording(person, [one for one, _ in owed], day)
    subject = f"person:{person}"
    raised = alarms.Alarm(KIND, subject, text, alarms.Audience(people=(person,), roles=()), remind_every=None)
    alarms.raise_alarm(tx, raised)
    for one, reached in owed:
        if (one.id, reached) not in said:
            row = {"id": tx.new_id(), "action": one.id, "person": person, "stage": reached}
            tx.execute(insert(action_told).values(**row, told_on=day.isoformat()))
    tx.record("action.told", subject, {"actions": [one.id for one, _ in owed]})
    return len(owed)


def wording(person: str, owed: list[Action], day: date) -> str:
    """Return the reminder: ids, days and incidents alone, the longest overdue first. Pure."""
    lines = [f"  {_line(person, one, day)}" for one in owed]
    count = "1 prevention action waits" if len(owed) == 1 else f"{len(owed)} prevention actions wait"
    how = "See 'tocsin action show ID', close it with its proof: 'tocsin action close ID'."
    return "\n".join([f"{count} for you:", *lines, how])


def _line(person: str, one: Action, day: date) -> str:
    days = (day - one.due_on).days
    when = f"due on {one.due_on}" if days < 0 else "due today" if not days else f"overdue since {one.due_on}"
    again = " OPEN AGAIN, its check fails," if one.reopened_at else ""
    whose = "" if one.owner == person else f", owner {one.owner}"
    return f"{one.id}{again} {when} (from {one.came_from}{whose})"


def _end_what_is_done(tx: Transaction, owed: Owed) -> None:
    for row in alarms.standing(tx.connection, (KIND,)):
        if row.subject.removeprefix("person:") not in owed:
            alarms.end(tx, [row.id], say_so=False)


def _end(tx: Transaction, person: str) -> None:
    mine = [row.id for row in alarms.standing(tx.connection, (KIND,)) if row.subject == f"person:{person}"]
    alarms.end(tx, mine, say_so=False)


def _is_the_hour(workspace: Workspace, now: datetime) -> bool:
    local = now.astimezone(ZoneInfo(workspace.organisation.timezone))
    wanted = workspace.reminders
    return wanted.hours.hold(local.time()) and (wanted.weekends or local.weekday() < SATURDAY)
