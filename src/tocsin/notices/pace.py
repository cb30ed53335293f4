"""How fast letters leave, and how a long sending is followed and stopped. Pure but for the sleep it is handed."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

FIRST_PAUSE: Final = timedelta(minutes=5)
LONGEST_PAUSE: Final = timedelta(hours=4)
MOST_TRIES: Final = 24
"""With these pauses some three days: then a mail that is put off counts as refused."""


def _never() -> bool:
    return False


def _tell_nobody(done: int, total: int, counts: Mapping[str, int]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Followed:
    """What a sending is handed: whom to tell how far it is, whether to stop, and how long it may take.

    It stops between two letters, never within one.
    """

    on_progress: Callable[[int, int, Mapping[str, int]], None] = _tell_nobody
    should_stop: Callable[[], bool] = _never
    for_at_most: timedelta | None = None
    sleep: Callable[[float], None] = time.sleep


QUIETLY: Final = Followed()


class Pace:
    """Evenly spaced turns, so many a minute."""

    def __init__(self, per_minute: int, now: float) -> None:
        self._spacing = 60.0 / per_minute
        self._next = now

    def wait(self, now: float) -> float:
        """Take the next turn, and return how many seconds to wait for it. One that was missed is gone."""
        turn = max(self._next, now)
        self._next = turn + self._spacing
        return turn - now


def pause_after(tries: int) -> timedelta:
    """Return how long a mail that was put off `tries` times waits: 5 minutes at first, 4 hours at most."""
    doubled: int = 2 ** max(0, min(tries, 12) - 1)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE)
