"""Exercises that were played, from the house's own store: the newest first, and which one is under way."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select

from tocsin.context import Context
from tocsin.errors import UsageError
from tocsin.exercises.room import Room, room_at
from tocsin.store.tables import exercise as exercises


@dataclass(frozen=True, slots=True)
class PastExercise:
    """One exercise that was started. Times are real ones; `score` is of a hundred, None until it has ended."""

    id: str
    scenario: str
    title: str
    room: str
    state: str
    started_by: str
    started_at: datetime
    participants: list[str]
    ended_at: datetime | None
    score: int | None
    report: str | None


def exercise_history(connection: Connection, scenario: str | None = None) -> tuple[PastExercise, ...]:
    """Return the exercises that were started, newest first; of one scenario if named."""
    query = select(exercises)
    if scenario is not None:
        query = query.where(exercises.c.scenario == scenario)
    rows = connection.execute(query.order_by(exercises.c.started_at.desc(), exercises.c.id.desc())).mappings()
    return tuple(PastExercise(**{name: row[name] for name in PastExercise.__dataclass_fields__}) for row in rows)


def exercise_under_way(connection: Connection) -> tuple[str, str] | None:
    """Return the id and the room of the exercise that is under way, None when there is none."""
    row = connection.execute(select(exercises.c.id, exercises.c.room).where(exercises.c.state == "open")).first()
    return (row.id, row.room) if row else None


def room_to_lead(ctx: Context, name: str | None = None) -> Room:
    """Return the room of an exercise by its id, else of the one that is under way. Raises UsageError."""
    with ctx.store.read() as connection:
        past = exercise_history(connection)
    found = next((one for one in past if (one.id == name if name else one.state == "open")), None)
    if found is None:
        said = f"There is no exercise {name!r}." if name else "No exercise is under way."
        raise UsageError(f"{said} Start one: tocsin drill exercise start SCENARIO")
    room = room_at(Path(found.room))
    if room is None:
        raise UsageError(
            f"The room of {found.id} should be at {found.room}, and is not there any more. "
            f"Give it up: tocsin drill exercise end --give-up {found.id}"
        )
    return room
