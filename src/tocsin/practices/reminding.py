"""Tell people what is due: never twice a day, never at night, nothing lost.

    remind(ctx)     any bell may ring it as often as it likes

1. Within the reminders' hours alone (`reminders:` in tocsin.yaml), by the office's clock.
2. On the day something falls due, whoever has to do it is told once. When its grace is over, the deputy (or, where
   each person is asked, the owner) is told as well, once.
3. After that the Monday digest repeats it each week: one message for each person with all that waits, and what
   comes in the next fortnight. A week whose Monday was slept through gets it on its next working day.
4. Who was told today hears no more before tomorrow.

What was said is a row, written with the alarm that carries it: a crash in between loses both or neither.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, insert, select

from tocsin import alarms
from tocsin.context import Context
from tocsin.model.workspace import Workspace
from tocsin.practices.due import State
from tocsin.practices.ledger import Standing, standing, today_of
from tocsin.practices.practice import Practice, practices_of
from tocsin.store.database import JsonValue, Transaction
from tocsin.store.tables import alarm, practice_told
from tocsin.store.tables import practice as practices_table

REMINDER, DIGEST, LATE_UPDATES = "practice.reminder", "practice.digest", "practice.update-late"
KINDS = (REMINDER, DIGEST)
AHEAD = timedelta(days=14)
SATURDAY = 5
MOST_LINES = 15
_DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Told:
    """One message: to whom, whether it is the week's digest, and its lines."""

    person: str
    is_digest: bool
    text: str


@dataclass(frozen=True, slots=True)
class _Word:
    """One thing to tell one person, at one stage: `due`, `overdue`."""

    person: str
    stage: str
    one: Standing

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What is told once: this obligation, for this day, at this stage."""
        return (self.one.practice.name, self.one.about, self.one.due_on.isoformat(), self.stage)


@dataclass(frozen=True, slots=True)
class _Message:
    """What one person is told today: about what, what is marked as told, and of which week it is the digest."""

    person: str
    today: date
    things: tuple[Standing, ...]
    marks: tuple[_Word, ...]
    monday: str = ""


def remind(ctx: Context) -> tuple[Told, ...]:
    """Write what is to be said now as alarms, for `alarms.deliver` to send; return it."""
    with ctx.store.read() as connection:
        # Most rounds find nothing: they only look.
        if not (_unkept(ctx, connection) or _sent(connection) or _planned(ctx, connection, ctx.clock.now())):
            return ()
    with ctx.store.write(ctx.actor) as tx:
        _begin(ctx, tx)
        _forget_sent(tx)
        planned = _planned(ctx, tx.connection, tx.now)
        said = [_tell(ctx, tx, one) for one in planned]
    return tuple(one for one in said if one)


def line_of(one: Standing, today: date) -> str:
    """Say how one obligation stands, in a line a person reads without knowing Tocsin."""
    name = one.practice.name + (f" ({one.about.replace('/', ', ')})" if one.about else "")
    if one.state is State.SETTLED:
        return f"{name}: comes due on {one.due_on:%d %B %Y}."
    days = (today - one.due_on).days
    if one.state is State.OVERDUE:
        return f"{name}: OVERDUE, it was due {days} days ago, on {one.due_on:%d %B %Y}."
    return f"{name}: due {'today' if days == 0 else f'since {one.due_on:%d %B %Y}'}."


def _unkept(ctx: Context, connection: Connection) -> list[tuple[Practice, str]]:
    """Return the practices, and the people of one, whose calendar nobody has begun yet."""
    known = {(row.name, row.about) for row in connection.execute(select(practices_table))}
    return [
        (practice, about)
        for practice in practices_of(ctx.workspace).values()
        for about in dict.fromkeys(["", *practice.abouts])
        if (practice.name, about) not in known
    ]


def _begin(ctx: Context, tx: Transaction) -> None:
    """Write down since when each practice, and each person of one, is kept; the calendar counts from there."""
    new = _unkept(ctx, tx.connection)
    for practice, about in new:
        tx.execute(insert(practices_table).values(name=practice.name, about=about, since=tx.now))
    for practice in [practice for practice, about in new if not about]:
        told: dict[str, JsonValue] = {"practice": practice.name, "every": str(practice.every)}
        tx.record("practice.started", f"practice:{practice.name}", {**told, "asked": len(practice.people)})


def _sent(connection: Connection) -> tuple[Row[Any], ...]:
    query = select(alarm).where(
        alarm.c.kind.in_(KINDS), alarm.c.cleared_at.is_(None), alarm.c.sent_at.is_not(None)
    )
    return tuple(connection.execute(query))


def _forget_sent(tx: Transaction) -> None:
    """End the messages that are on their way: they tell of a moment, and nobody waits for their end."""
    rows = _sent(tx.connection)
    alarms.end(tx, [row.id for row in rows], say_so=False)
    for row in rows:
        tx.record("alarm.cleared", row.subject, {"alarm": row.id, "kind": row.kind})


def may_speak(workspace: Workspace, now: datetime) -> bool:
    """Tell whether people may be written to now: within the hours and days of `reminders:`."""
    local = now.astimezone(ZoneInfo(workspace.organisation.timezone))
    if local.weekday() >= SATURDAY and not workspace.reminders.weekends:
        return False
    return workspace.reminders.hours.hold(local.time())


def _planned(ctx: Context, connection: Connection, now: datetime) -> tuple[_Message, ...]:
    """Return what is to be said now, a message for each person at most."""
    if not may_speak(ctx.workspace, now):
        return ()
    today = today_of(ctx.workspace, now)
    heard: dict[str, list[Row[Any]]] = {person: [] for person in ctx.workspace.people}
    for row in connection.execute(select(practice_told)):
        heard.setdefault(row.person, []).append(row)
    free = [who for who in ctx.workspace.people if all(row.told_on != today.isoformat() for row in heard[who])]
    if not free:
        return ()
    found = standing(connection, ctx.workspace, now)
    return tuple(one for who in free if (one := _message(who, heard[who], found, today)))


def _message(person: str, heard: Iterable[Row[Any]], found: Iterable[Standing], today: date) -> _Message | None:
    known = {(row.practice, row.about, row.due_on, row.stage) for row in heard}
    waits = [word for one in found for word in _words(one) if word.person == person]
    new = tuple(word for word in waits if word.key not in known)
    monday = (today - timedelta(days=today.weekday())).isoformat()
    if ("", "", monday, _DIGEST) not in known:
        # Written also where there is nothing to say: what falls due later this week is a reminder, not a digest.
        ahead = [one for one in found if _is_near(one, today) and one.practice.asked(one.about) == person]
        return _Message(person, today, (*_once(waits), *ahead), new, monday)
    return _Message(person, today, _once(new), new) if new else None


def _tell(ctx: Context, tx: Transaction, message: _Message) -> Told | None:
    keys = [word.key for word in message.marks]
    if message.monday:
        keys.append(("", "", message.monday, _DIGEST))
    for name, about, due_on, stage in keys:
        tx.execute(
            insert(practice_told).values(
                id=tx.new_id(),
                person=message.person,
                practice=name,
                about=about,
                due_on=due_on,
                stage=stage,
                told_at=tx.now,
                told_on=message.today.isoformat(),
            )
        )
    return _raised(ctx, tx, message) if message.things else None


def _words(one: Standing) -> Iterable[_Word]:
    """Yield who is to hear of it: who has to act, and once it is overdue who stands behind them."""
    if one.state is State.SETTLED:
        return
    asked, practice = one.practice.asked(one.about), one.practice
    yield _Word(asked, "due", one)
    if one.state is State.OVERDUE:
        yield _Word(asked, "overdue", one)
        behind = practice.owner if one.about else practice.deputy
        if behind and behind != asked:
            yield _Word(behind, "overdue", one)


def _is_near(one: Standing, today: date) -> bool:
    return one.state is State.SETTLED and today < one.due_on <= today + AHEAD


def _once(words: Iterable[_Word]) -> tuple[Standing, ...]:
    """Return what the words are about, each thing once."""
    return tuple({(word.one.practice.name, word.one.about): word.one for word in words}.values())


def _raised(ctx: Context, tx: Transaction, message: _Message) -> Told:
    lines = [line_of(one, message.today) for one in message.things]
    shown = lines[:MOST_LINES] + ([f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else [])
    is_digest, person = bool(message.monday), message.person
    head = "Good practice this week:" if is_digest else "Good practice, due now:"
    text = "\n".join([head, *(f"- {line}" for line in shown), f"See them: tocsin practice due --person {person}"])
    kind = DIGEST if is_digest else REMINDER
    known = ctx.workspace.people[person]
    # Who has no address is not a reason to write to everybody: the data protection lead passes it on.
    audience = alarms.Audience(people=(person,), roles=() if known.email or known.slack else ("dpo",))
    subject = f"practices:{person}:{message.today.isoformat()}"
    alarms.raise_alarm(tx, alarms.Alarm(kind, subject, text, audience, remind_every=None))
    tx.record("practice.told", subject, {"person": person, "count": len(lines), "digest": is_digest})
    return Told(person, is_digest, text)
