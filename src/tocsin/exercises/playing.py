"""Play an exercise: open its room, let things happen in it when their time comes, take what the players say.

    room = start(ctx, "ransomware-friday", Table(...))      in the house: a row, a journal entry, a room
    tick(inside)                                            in the room: injects, pages, deputies, deadlines
    answer_inject(inside, "press-calls", "No comment …")    in the room: somebody took it up
    set_speed, jump, take_seat                              the facilitator's hands

Everything but `start` is given the room's own context: its clock is the exercise's, its tools reach nothing.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from tocsin import alarms
from tocsin.context import Context
from tocsin.durable import write_durably
from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.exercises.cast import (
    begin_at,
    check_exercises,
    exercise_named,
    filled,
    holder_of,
    names_for,
    players,
    system_of,
)
from tocsin.exercises.clock import set_hands
from tocsin.exercises.room import ROOMS, Hands, Room, keep_room, make_room, room_named
from tocsin.incidents import raise_due_alarms
from tocsin.model.exercise import Exercise, Inject
from tocsin.ports import Actor, Clock
from tocsin.runbook.engine import advance
from tocsin.runbook.ledger import load_runs
from tocsin.store.database import JsonValue
from tocsin.store.tables import exercise as exercises
from tocsin.store.tables import exercise_inject, incident

SCENARIO = "scenario.json"
CLOCK = Actor("service:exercise", "exercise")


@dataclass(frozen=True, slots=True)
class Table:
    """How it is played: who sits there, how fast the clock runs (None: as the scenario says), what is hit."""

    participants: tuple[str, ...] = ()
    speed: int | None = None
    system: str | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """One inject as it was put in; `text`, `asks` and `looks_for` have the firm's own names."""

    inject: str
    number: int
    to: str
    text: str
    asks: str
    looks_for: str
    due_at: datetime
    came_at: datetime
    answered_at: datetime | None = None
    answered_by: str | None = None
    answer: str | None = None


def start(ctx: Context, name: str, table: Table) -> Room:
    """Open a room for the exercise and begin. Raises UsageError, Refused inside a room or while one is open.

    The room stands before the house's row tells of it: what is cut off in between is a folder that nobody uses.
    """
    if ctx.workspace.exercise:
        raise Refused("This is the room of an exercise already. Go back to your own workspace to start another.")
    scenario = exercise_named(ctx.workspace, name)
    wrong = [each for each in check_exercises(ctx.workspace) if f"exercise {scenario.id})" in str(each.place)]
    if wrong:
        raise UsageError(f"The exercise {name} cannot be played: {wrong[0].message} Nothing was started.")
    with ctx.store.read() as connection:
        open_one = connection.execute(select(exercises.c.id).where(exercises.c.state == "open")).scalar()
    if open_one:
        raise Refused(f"{open_one} is under way. End it first: tocsin drill exercise end")
    room = make_room(ctx.workspace, _room(ctx, scenario, table))
    write_durably(room.folder / SCENARIO, scenario.model_dump_json(indent=2).encode() + b"\n")
    ctx.crash.reach("exercise:room-made")
    with ctx.store.write(ctx.actor) as tx:
        tx.execute(
            insert(exercises).values(
                id=room.exercise,
                scenario=scenario.id,
                title=scenario.title,
                room=str(room.folder),
                state="open",
                started_by=tx.actor.person,
                started_at=tx.now,
                participants=list(room.participants),
            )
        )
        told: dict[str, JsonValue] = {
            "scenario": scenario.id,
            "participants": list(room.participants),
            "speed": room.speed,
        }
        tx.record("exercise.started", f"exercise:{room.exercise}", told)
    ctx.store.sign_head(ctx.actor)
    return room


def _room(ctx: Context, scenario: Exercise, table: Table) -> Room:
    now = ctx.clock.now()
    began = begin_at(ctx.workspace, scenario, now)
    speed = scenario.speed if table.speed is None else table.speed
    identity = _next_id(ctx, now)
    return Room(
        folder=ctx.workspace.root / ROOMS / identity,
        exercise=identity,
        scenario=scenario.id,
        title=scenario.title,
        system=system_of(ctx.workspace, scenario, table.system),
        home=str(ctx.workspace.root),
        began=began.isoformat(),
        speed=speed,
        hands=Hands(now.isoformat(), began.isoformat(), speed),
        participants=table.participants,
    )


def _next_id(ctx: Context, now: datetime) -> str:
    with ctx.store.read() as connection:
        number = 1 + (connection.execute(select(func.count()).select_from(exercises)).scalar() or 0)
    while (ctx.workspace.root / ROOMS / f"EX-{now.year}-{number:03}").exists():
        number += 1
    return f"EX-{now.year}-{number:03}"


def room_of(ctx: Context) -> Room:
    """Return the room a context works in."""
    return room_named(ctx.workspace.root)


def scenario_of(room: Room) -> Exercise:
    """Return what is played, as it was written when the exercise started."""
    return Exercise.model_validate_json((room.folder / SCENARIO).read_bytes())


def tick(ctx: Context) -> tuple[Came, ...]:
    """Let happen what is due by the exercise's clock, and return the injects that came just now.

    Pages go up, deadlines ring inside the room, questions go to deputies. Again at once, it does nothing.
    """
    room, scenario = room_of(ctx), scenario_of(room_of(ctx))
    inside = ctx.acting_as(CLOCK)
    now = ctx.clock.now()
    with inside.store.read() as connection:
        there = set(connection.execute(select(exercise_inject.c.inject)).scalars())
    fresh = []
    for number, inject in enumerate(scenario.in_order, 1):
        if inject.id not in there and room.began_at + inject.after <= now:
            _take_effect(inside, inject)
            _put_in(inside, room, inject, number)
            fresh.append(inject.id)
    raise_due_alarms(inside)
    with inside.store.read() as connection:
        runs = load_runs(connection, open_only=True)
    for run in runs:
        if run.parent_run is None:
            advance(inside, run.id)
    return tuple(each for each in injects(ctx) if each.inject in fresh)


def _take_effect(ctx: Context, inject: Inject) -> None:
    """Make true what an inject does; doing so again is no harm."""
    effect = inject.effect
    if effect is None:
        return
    if effect.distrust:
        with ctx.store.read() as connection:
            marked = effect.distrust in alarms.compromised(connection)
        if not marked:
            alarms.mark_compromised(ctx, effect.distrust, "EXERCISE: it cannot be trusted tonight")
    room, now = room_of(ctx), ctx.clock.now()
    away = dict(room.away)
    with ctx.store.read() as connection:
        known = _incident(connection)
        for role in filter(None, (effect.away,)):
            person = holder_of(connection, ctx.workspace, known, role, now)
            if person:
                away[person] = now.isoformat()
        for role in filter(None, (effect.back,)):
            away.pop(holder_of(connection, ctx.workspace, known, role, now), None)
    if away != room.away:
        seat = None if room.seat in away else room.seat
        keep_room(replace(room, away=away, seat=seat))


def _put_in(ctx: Context, room: Room, inject: Inject, number: int) -> None:
    with ctx.store.write(ctx.actor) as tx:
        tx.execute(
            insert(exercise_inject).values(
                inject=inject.id, position=number, due_at=room.began_at + inject.after, came_at=tx.now
            )
        )
        tx.record("exercise.inject", f"exercise:{room.exercise}", {"inject": inject.id, "to": inject.to})


def _incident(connection: Connection) -> str | None:
    query = select(incident.c.id).where(incident.c.merged_into.is_(None)).order_by(incident.c.declared_at)
    return connection.execute(query.limit(1)).scalar()


def injects(ctx: Context) -> tuple[Came, ...]:
    """Return the injects that have come, in their order."""
    room = room_of(ctx)
    known = {inject.id: inject for inject in scenario_of(room).injects}
    with ctx.store.read() as connection:
        names = names_for(ctx.workspace, room.system, players(connection, ctx.workspace, ctx.clock.now()))
        rows = connection.execute(select(exercise_inject).order_by(exercise_inject.c.position)).all()
    return tuple(
        Came(
            inject=row.inject,
            number=row.position,
            to=known[row.inject].to,
            text=filled(known[row.inject].text, names),
            asks=filled(known[row.inject].asks, names),
            looks_for=filled(known[row.inject].looks_for or "", names),
            due_at=row.due_at,
            came_at=row.came_at,
            answered_at=row.answered_at,
            answered_by=row.answered_by,
            answer=row.answer,
        )
        for row in rows
    )


def answer_inject(ctx: Context, name: str, said: str) -> Came:
    """Keep what somebody made of an inject, by its name or number. Raises UsageError, Refused once answered."""
    if not said.strip():
        raise UsageError("EXERCISE: say what you do about it, in a sentence. Nothing was kept.")
    came = {each.inject: each for each in injects(ctx)}
    wanted = next((each for each in came.values() if name in (each.inject, str(each.number))), None)
    if wanted is None:
        near = did_you_mean(name, came)
        raise UsageError(
            f"EXERCISE: nothing called {name!r} has come yet.{near} See: tocsin drill exercise status"
        )
    if wanted.answered_at:
        raise Refused(f"EXERCISE: {wanted.inject} was taken up by {wanted.answered_by} already.")
    with ctx.store.write(ctx.actor) as tx:
        tx.execute(
            update(exercise_inject)
            .where(exercise_inject.c.inject == wanted.inject, exercise_inject.c.answered_at.is_(None))
            .values(answered_at=tx.now, answered_by=tx.actor.person, answer=said.strip())
        )
        told = {"inject": wanted.inject}
        tx.record("exercise.answered", f"exercise:{room_of(ctx).exercise}", dict(told), {"answer": said.strip()})
    return next(each for each in injects(ctx) if each.inject == wanted.inject)


def next_inject(ctx: Context) -> datetime | None:
    """Return when the next inject is due by the exercise's clock, None when all have come."""
    room = room_of(ctx)
    there = {each.inject for each in injects(ctx)}
    left = [inject.after for inject in scenario_of(room).injects if inject.id not in there]
    return room.began_at + min(left) if left else None


def set_speed(ctx: Context, real: Clock, speed: int) -> Room:
    """Let the exercise's clock run at another speed from now on; 0 stops it."""
    room = set_hands(room_of(ctx), real.now(), speed=speed)
    _journal(ctx, "exercise.clock", {"speed": speed})
    return room


def jump(ctx: Context, real: Clock, to: datetime | None = None) -> tuple[Came, ...]:
    """Put the clock forward, to the next inject where no time is given, and let happen what is due then."""
    target = to or next_inject(ctx)
    if target is not None:
        set_hands(room_of(ctx), real.now(), to=target)
        _journal(ctx, "exercise.clock", {"to": target.isoformat()})
    return tick(ctx)


def take_seat(ctx: Context, person: str) -> Room:
    """Say who sits at the keyboard from now on. UsageError for nobody, Refused for who cannot be reached."""
    room = room_of(ctx)
    if person not in ctx.workspace.people:
        raise UsageError(
            f"There is no person {person!r} in the workspace.{did_you_mean(person, ctx.workspace.people)}"
        )
    must_be_reachable(room, person)
    _journal(ctx, "exercise.seat", {"person": person})
    return keep_room(replace(room_of(ctx), seat=person))


def must_be_reachable(room: Room, person: str) -> None:
    """Raise Refused for somebody whom nobody can reach in this exercise."""
    if person in room.away:
        raise Refused(
            f"EXERCISE: {person} cannot be reached since {room.away[person][11:16]} UTC of the exercise. Somebody "
            "else takes over: tocsin drill exercise seat PERSON, then tocsin incident take INCIDENT ROLE."
        )


def _journal(ctx: Context, kind: str, payload: dict[str, str | int]) -> None:
    with ctx.store.write(ctx.actor) as tx:
        tx.record(kind, f"exercise:{room_of(ctx).exercise}", json.loads(json.dumps(payload)))
