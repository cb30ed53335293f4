"""The exercise's own time: it runs as fast as the facilitator likes, stands still, or jumps ahead. Never back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tocsin.exercises.room import MARK, Hands, Room, keep_room, room_named
from tocsin.ports import Clock


class ExerciseClock:
    """Implements `ports.Clock` for a room. What another terminal does to the clock is seen at the next look."""

    def __init__(self, folder: Path, real: Clock) -> None:
        self._mark = folder / MARK
        self._real = real
        self._seen = -1
        self._hands = room_named(folder).hands

    def now(self) -> datetime:
        """Return the exercise's present as an aware UTC time."""
        written = self._mark.stat().st_mtime_ns
        if written != self._seen:
            self._hands, self._seen = room_named(self._mark.parent).hands, written
        return played(self._hands, self._real.now())

    def monotonic(self) -> float:
        """Return the machine's own seconds: how long something took is not played."""
        return self._real.monotonic()


def played(hands: Hands, real: datetime) -> datetime:
    """Return what time it is in an exercise whose clock stands so, at a real moment; pure."""
    gone = max(real - datetime.fromisoformat(hands.real), timedelta(0))
    return (datetime.fromisoformat(hands.played) + gone * hands.speed).astimezone(UTC)


def set_hands(room: Room, real: datetime, *, speed: int | None = None, to: datetime | None = None) -> Room:
    """Let the clock go on from now at another speed (0: it stands), or from a later moment. It never goes back."""
    now = played(room.hands, real)
    at = max(now, to) if to else now
    hands = Hands(real.isoformat(), at.isoformat(), room.hands.speed if speed is None else speed)
    return keep_room(replace(room, hands=hands))
