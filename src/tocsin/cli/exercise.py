"""`tocsin drill exercise`: lead a tabletop exercise. The players use the ordinary commands, in its room."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from datetime import timedelta

    from tocsin.context import Context
    from tocsin.exercises import Room

_ALL_CAME = "EXERCISE: every inject has come. End it: tocsin drill exercise end"


@click.group()
def command() -> None:
    """Play a breach at the table: nothing is sent, contained or alarmed, and everything says EXERCISE.

    The facilitator leads it with these commands. The players go to the room and use the same commands as
    in a real incident: tocsin incident declare, tocsin run answer, tocsin notice approve …

    \b
    Example:
      tocsin drill exercise start ransomware-friday --with maya --with tom
      tocsin drill exercise next
      tocsin drill exercise end
    """


@contextmanager
def _led(folder: Path | None, name: str | None = None) -> Iterator[tuple["Context", "Context", "Room"]]:
    """Open the house and the room of the exercise that is under way, from wherever somebody stands."""
    from tocsin.exercises import room_to_lead
    from tocsin.wiring import open_context, open_room

    with open_context(_home(folder)) as house:
        room = room_to_lead(house, name)
        with open_room(room) as inside:
            yield house, inside, room


def _home(folder: Path | None) -> Path | None:
    """Return the house: where somebody stands in an exercise's room, the workspace that it belongs to."""
    import os

    from tocsin.exercises import room_at
    from tocsin.workspace import find

    room = room_at(find(folder, os.environ, Path.cwd()))
    return Path(room.home) if room else folder


@command.command("list", epilog="Example: tocsin drill exercise list")
@common_options
def list_exercises(workspace_folder: Path | None, as_json: bool) -> None:
    """List the exercises that can be played, what the last one scored, and when each is due."""
    from tocsin.exercises import exercise_history, house_since, next_time, overdue_since
    from tocsin.wiring import open_context

    with open_context(_home(workspace_folder)) as ctx, ctx.store.read() as connection:
        now, since = ctx.clock.now(), house_since(connection)
        data = []
        for one in ctx.workspace.exercises.values():
            history = exercise_history(connection, one.id)
            scores = [past.score for past in history if past.score is not None]
            overdue = overdue_since(one, history, since, now)
            due = overdue or next_time(one, now)
            data.append(
                {
                    "exercise": one.id,
                    "title": one.title,
                    "playbook": one.playbook,
                    "last": history[0].started_at.isoformat() if history else None,
                    "scores": scores,
                    "due": due.isoformat() if due else None,
                    "overdue": overdue is not None,
                    "under_way": next((past.id for past in history if past.state == "open"), None),
                }
            )
    rows = [
        (
            str(one["exercise"]),
            str(one["title"]),
            str(one["last"] or "never played")[:10] if one["last"] else "never played",
            " ".join(map(str, reversed(one["scores"][:6]))) or "-",  # type: ignore[index]  # a list, as made above
            f"{'OVERDUE ' if one['overdue'] else ''}{str(one['due'])[:10]}" if one["due"] else "when you like",
        )
        for one in data
    ]
    text = table(("EXERCISE", "TITLE", "LAST PLAYED", "SCORES", "DUE"), rows) if rows else ""
    emit(data, text or "The workspace has no exercises. Add one to drills/.", as_json=as_json)


@command.command()
@click.argument("exercise")
@click.option("--with", "participants", multiple=True, metavar="NAME", help="Who sits at the table; repeatable.")
@click.option("--speed", type=click.IntRange(1, 240), help="Minutes of the exercise for each at the table.")
@click.option("--system", metavar="ID", help="The system that is hit, instead of the exercise's own.")
@common_options
def start(
    exercise: str,
    participants: tuple[str, ...],
    speed: int | None,
    system: str | None,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Open a room for an exercise, start its clock, and say what to read out.

    \b
    Example:
      tocsin drill exercise start ransomware-friday --with maya --with tom --with "A guest"
      tocsin drill exercise start phished-mailbox --speed 12
    """
    from tocsin.cli.exercise_words import opening, opening_data
    from tocsin.exercises import Table
    from tocsin.exercises import start as start_exercise
    from tocsin.wiring import open_context, open_room

    with open_context(workspace_folder) as ctx:
        room = start_exercise(ctx, exercise, Table(participants, speed, system))
    with open_room(room) as inside:
        emit(opening_data(inside), opening(inside), as_json=as_json)


@command.command(epilog="Example: tocsin drill exercise status")
@click.option("--notes", is_flag=True, help="For the facilitator: what a good answer holds.")
@common_options
def status(notes: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Show the exercise's clock, what has come, who took it up, what waits, and how it stands."""
    from tocsin.cli.exercise_words import state_of, state_words
    from tocsin.exercises import tick

    with _led(workspace_folder) as (_, inside, _room):
        tick(inside)
        emit(state_of(inside, notes=notes), state_words(inside, notes=notes), as_json=as_json)


@command.command(epilog="Example: tocsin drill exercise run")
@click.option("--notes", is_flag=True, help="For the facilitator: what a good answer holds.")
@common_options
def run(notes: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Stay in the foreground and show each inject when its time comes, until all have come or Ctrl-C.

    The exercise goes on without it: leave and come back as you like.
    """
    import time

    from tocsin.cli.exercise_words import inject_data, inject_words
    from tocsin.exercises import next_inject, tick

    while True:
        with _led(workspace_folder) as (_, inside, _room):
            came = tick(inside)
            for one in came:
                emit(inject_data(one), inject_words(inside, one, notes=notes), as_json=as_json)
            if next_inject(inside) is None:
                emit(
                    {"left": 0},
                    "EXERCISE: every inject has come. End it: tocsin drill exercise end",
                    as_json=as_json,
                )
                return
        time.sleep(2)


@command.command("next")
@click.option("--notes", is_flag=True, help="For the facilitator: what a good answer holds.")
@common_options
def next_one(notes: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Put the clock forward to the next inject and show it.

    \b
    Example:  tocsin drill exercise next --notes
    """
    from tocsin.cli.exercise_words import inject_data, inject_words
    from tocsin.exercises import jump

    with _led(workspace_folder) as (house, inside, _room):
        came = jump(inside, house.clock)
        text = "\n\n".join(inject_words(inside, one, notes=notes) for one in came)
        emit([inject_data(one) for one in came], text or _ALL_CAME, as_json=as_json)


@command.command()
@click.argument("inject")
@click.argument("words", metavar="WHAT_YOU_DO")
@common_options
def answer(inject: str, words: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Say what you make of an inject, by its number or name; in your own words, for the record.

    \b
    Example:
      tocsin drill exercise answer 3 "Telephone only, numbers from the paper list; Slack is marked as compromised"
    """
    from tocsin.cli.exercise_words import inject_data
    from tocsin.exercises import answer_inject

    with _led(workspace_folder) as (_, inside, _room):
        took = answer_inject(inside, inject, words)
    emit(inject_data(took), f"EXERCISE: {took.inject} was taken up by {took.answered_by}.", as_json=as_json)


@command.command()
@click.argument("person")
@common_options
def seat(person: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Say who sits at the keyboard from now on: at the table one laptop serves everybody, in the room alone.

    \b
    Example:  tocsin drill exercise seat tom
    """
    from tocsin.exercises import take_seat

    with _led(workspace_folder) as (_, inside, _room):
        take_seat(inside, person)
    emit({"seat": person}, f"EXERCISE: {person} sits at the keyboard.", as_json=as_json)


@command.command()
@click.option("--pause", is_flag=True, help="Stop the clock.")
@click.option("--resume", is_flag=True, help="Let it go on.")
@click.option("--speed", type=click.IntRange(1, 240), help="Minutes of the exercise for each at the table.")
@click.option("--forward", metavar="SPAN", help="Put it forward, such as 30m.")
@common_options
def clock(
    pause: bool, resume: bool, speed: int | None, forward: str | None, workspace_folder: Path | None, as_json: bool
) -> None:
    """Stop the exercise's clock, let it go on, change its speed, or put it forward.

    \b
    Example:
      tocsin drill exercise clock --pause
      tocsin drill exercise clock --resume --speed 12
      tocsin drill exercise clock --forward 30m
    """
    from tocsin.cli.exercise_words import clock_line
    from tocsin.exercises import jump, set_speed

    if pause and (resume or speed):
        raise UsageError("Either --pause, or --resume and --speed. Nothing was changed.")
    if not (pause or resume or speed or forward):
        raise UsageError("Give --pause, --resume, --speed or --forward. Nothing was changed.")
    ahead = _span(forward) if forward else None
    with _led(workspace_folder) as (house, inside, room):
        if pause or resume or speed:
            set_speed(inside, house.clock, 0 if pause else speed or room.speed)
        if ahead is not None:
            jump(inside, house.clock, inside.clock.now() + ahead)
        emit({"clock": inside.clock.now().isoformat()}, clock_line(inside), as_json=as_json)


def _span(text: str) -> "timedelta":
    from tocsin.model.fields import parse_duration

    try:
        return parse_duration(text)
    except ValueError as wrong:
        raise UsageError(f"--forward: {wrong} Nothing was changed.") from None


@command.command()
@click.option("--give-up", metavar="ID", help="Give one up without a score, with --reason.")
@click.option("--reason", default="", help="Why it is given up.")
@common_options
def end(give_up: str | None, reason: str, workspace_folder: Path | None, as_json: bool) -> None:
    """End the exercise: its score, its report, and what was found wrong. Its room is shut.

    \b
    Example:
      tocsin drill exercise end
      tocsin drill exercise end --give-up EX-2026-001 --reason "The fire alarm went"
    """
    from tocsin.cli.exercise_words import ended_data, ended_words
    from tocsin.exercises import end as end_exercise
    from tocsin.exercises import give_up as give_up_exercise
    from tocsin.wiring import open_context

    if give_up:
        with open_context(_home(workspace_folder)) as ctx:
            past = give_up_exercise(ctx, give_up, reason)
        emit({"exercise": past.id, "state": "abandoned"}, f"EXERCISE {past.id} was given up.", as_json=as_json)
        return
    with _led(workspace_folder) as (house, inside, _room):
        ended = end_exercise(house, inside)
        emit(ended_data(ended), ended_words(house, ended), as_json=as_json)


@command.command(epilog="Example: tocsin drill exercise report EX-2026-001")
@click.argument("exercise", required=False)
@common_options
def report(exercise: str | None, workspace_folder: Path | None, as_json: bool) -> None:
    """Print where the report of an exercise lies, or of the last one; with --json, the report itself."""
    import json

    from tocsin.exercises import exercise_history
    from tocsin.wiring import open_context

    with open_context(_home(workspace_folder)) as ctx, ctx.store.read() as connection:
        past = [one for one in exercise_history(connection) if one.report]
        root = ctx.workspace.root
    found = next((one for one in past if exercise in (None, one.id, one.scenario)), None)
    if found is None or found.report is None:
        raise UsageError(
            f"There is no report{f' of {exercise}' if exercise else ''} yet. Ended exercises have one."
        )
    page = root / found.report
    data = page.with_name("report.json")
    if not page.is_file() or not data.is_file():
        raise UsageError(f"The report should be at {page}, and is not there any more. Look in your copies.")
    emit(json.loads(data.read_text(encoding="utf-8")), str(page), as_json=as_json)
