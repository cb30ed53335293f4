"""The watch over the exercises: one whose time has come, and that nobody played, raises an alarm."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from tocsin import alarms
from tocsin.context import Context
from tocsin.exercises.history import PastExercise, exercise_history
from tocsin.model.exercise import Exercise
from tocsin.model.schedule import latest_due, next_due
from tocsin.store.tables import journal

OVERDUE = "exercise.overdue"
# People have to find a common hour: two weeks, then it is owed.
GRACE = timedelta(days=14)


def watch_exercises(ctx: Context) -> tuple[str, ...]:
    """Raise what is overdue, clear what no longer is; return what stands, in words."""
    now = ctx.clock.now()
    with ctx.store.read() as connection:
        since_when = house_since(connection)
        found = {
            exercise.id: since
            for exercise in ctx.workspace.exercises.values()
            if (since := overdue_since(exercise, exercise_history(connection, exercise.id), since_when, now))
        }
    said = {name: _sentence(name, since) for name, since in found.items()}
    with ctx.store.write(ctx.actor) as tx:
        standing = {row.subject.removeprefix("exercise:") for row in alarms.standing(tx.connection, (OVERDUE,))}
        for name in standing - set(said):
            alarms.clear(tx, kind=OVERDUE, subject=f"exercise:{name}")
        for name, text in said.items():
            exercise = ctx.workspace.exercises[name]
            people = tuple(person for person in (exercise.owner, exercise.deputy) if person)
            audience = alarms.Audience(people=people, roles=("commander",))
            alarms.raise_alarm(tx, alarms.Alarm(OVERDUE, f"exercise:{name}", text, audience))
    return tuple(said.values())


def overdue_since(
    exercise: Exercise, history: tuple[PastExercise, ...], house_since: datetime | None, now: datetime
) -> datetime | None:
    """Return since when an exercise is overdue, None when it is not; pure.

    One that was never played is owed from the first date of its schedule since the house began to keep a journal.
    """
    if exercise.schedule is None or exercise.zone is None or house_since is None:
        return None
    due = latest_due(exercise.schedule, exercise.zone, now)
    played = next((past.started_at for past in history if past.state == "ended"), None)
    if due is None or now - due < GRACE or max(filter(None, (played, house_since))) >= due:
        return None
    return due


def next_time(exercise: Exercise, now: datetime) -> datetime | None:
    """Return when an exercise is next due, None without a schedule."""
    if exercise.schedule is None or exercise.zone is None:
        return None
    return next_due(exercise.schedule, exercise.zone, now)


def house_since(connection: Connection) -> datetime | None:
    """Return when the journal begins, None while it is empty."""
    found: datetime | None = connection.execute(select(func.min(journal.c.at, type_=journal.c.at.type))).scalar()
    return found


def _sentence(name: str, since: datetime) -> str:
    return f"The exercise {name} is overdue since {since:%Y-%m-%d}. Play it: tocsin drill exercise start {name}"
