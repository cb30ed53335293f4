"""Which alarm of a deadline is due at a moment. Pure.

At 50 % of its time the role that answers for a duty is told, at 75 % its deputies too, at 90 % and when the time
is over everyone. Until somebody acknowledges, the alarm is repeated every hour, each time one rung higher. An
acknowledgement ends the repeats of that milestone. It does not stop the clock: the next milestone rings again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.alarms import LADDER, Level
from tocsin.law.clocks import Clock

FIRST_TOLD: dict[int, Level] = {50: "role", 75: "deputy", 90: "everyone", 100: "everyone"}
REPEAT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Rung:
    """One alarm that was raised for this clock: of which milestone, for the how-manieth time."""

    share: int
    turn: int
    raised_at: datetime
    acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class DueAlarm:
    """The alarm to raise now."""

    share: int
    turn: int
    level: Level


def due_alarm(clock: Clock, rung: Iterable[Rung], now: datetime) -> DueAlarm | None:
    """Return the one alarm that is due. Milestones that passed unseen are told as one, the latest."""
    passed = [milestone.share for milestone in clock.milestones if milestone.at <= now]
    if not passed:
        return None
    share = passed[-1]
    mine = sorted((each for each in rung if each.share == share), key=lambda each: each.turn)
    if not mine:
        return DueAlarm(share, 0, FIRST_TOLD[share])
    last = mine[-1]
    if any(each.acknowledged for each in mine) or now - last.raised_at < REPEAT:
        return None
    turn = last.turn + 1
    return DueAlarm(share, turn, LADDER[min(LADDER.index(FIRST_TOLD[share]) + turn, len(LADDER) - 1)])
