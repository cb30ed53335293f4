"""Tabletop exercises: a breach played with the firm's own playbook, people and clients, where nothing is real.

    room = start(ctx, "ransomware-friday", Table())     a room of its own: the same commands work in it
    tick(inside) · jump · set_speed · answer_inject     what happens, and how fast
    end(ctx, inside)                                    the score, the report, findings that become actions
    watch_exercises(ctx)                                an alarm for one that is overdue

The room is a workspace with its own store, clock and tools (`room`, `clock`, `pretence`): no row of the house's
store is touched from it, and none of its tools reaches anything.
"""

from typing import TYPE_CHECKING

from tocsin.lazily import handed_out

if TYPE_CHECKING:
    from tocsin.exercises.alarming import house_since, next_time, overdue_since, watch_exercises
    from tocsin.exercises.cast import check_exercises, exercise_named
    from tocsin.exercises.ending import Ended, end, give_up, standing
    from tocsin.exercises.history import PastExercise, exercise_history, exercise_under_way, room_to_lead
    from tocsin.exercises.playing import (
        Came,
        Table,
        answer_inject,
        injects,
        jump,
        next_inject,
        room_of,
        scenario_of,
        set_speed,
        start,
        take_seat,
        tick,
    )
    from tocsin.exercises.room import Room, room_at

__all__ = [
    "Came",
    "Ended",
    "PastExercise",
    "Room",
    "Table",
    "answer_inject",
    "check_exercises",
    "end",
    "exercise_history",
    "exercise_named",
    "exercise_under_way",
    "give_up",
    "house_since",
    "injects",
    "jump",
    "next_inject",
    "next_time",
    "overdue_since",
    "room_at",
    "room_of",
    "room_to_lead",
    "scenario_of",
    "set_speed",
    "standing",
    "start",
    "take_seat",
    "tick",
    "watch_exercises",
]

# Every command asks whether it is in a room, and must not wait for what an exercise itself needs.
__getattr__ = handed_out(
    __name__,
    {
        "alarming": ("house_since", "next_time", "overdue_since", "watch_exercises"),
        "cast": ("check_exercises", "exercise_named"),
        "ending": ("Ended", "end", "give_up", "standing"),
        "history": ("PastExercise", "exercise_history", "exercise_under_way", "room_to_lead"),
        "playing": (
            "Came",
            "Table",
            "answer_inject",
            "injects",
            "jump",
            "next_inject",
            "room_of",
            "scenario_of",
            "set_speed",
            "start",
            "take_seat",
            "tick",
        ),
        "room": ("Room", "room_at"),
    },
)
