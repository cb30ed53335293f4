"""Timers as rows: when a question goes to the deputy too, when nobody has answered for too long. Pure."""

from datetime import datetime
from enum import StrEnum

from tocsin.runbook.language import Step
from tocsin.runbook.readiness import EXPIRED, FOR_RUN, FOR_TIME, Row

# What these ask for is not a deputy's to give: approvals have the role's own deputies, the others no person.
_NOT_HANDED_OVER = ("approve", EXPIRED, FOR_RUN, FOR_TIME)


class Timer(StrEnum):
    """What a passed moment means for a row that waits."""

    HAND_OVER = "hand_over"
    TIME_OUT = "time_out"


def next_timer(row: Row, step: Step) -> tuple[datetime, Timer] | None:
    """Return the next moment at which something becomes of a waiting row by itself, and what."""
    if row.state != "waiting" or row.waiting_since is None or row.undoes is not None:
        return None
    if step.deputy is not None and row.handed_over_at is None and row.kind_asked not in _NOT_HANDED_OVER:
        return row.waiting_since + step.deputy_after, Timer.HAND_OVER
    if step.timeout is not None:
        return (row.handed_over_at or row.waiting_since) + step.timeout, Timer.TIME_OUT
    return None


def due(row: Row, step: Step, now: datetime) -> Timer | None:
    """Return what has become of a waiting row by the time alone, None for nothing."""
    found = next_timer(row, step)
    return found[1] if found and found[0] <= now else None


def next_moment(row: Row, step: Step) -> datetime | None:
    """Return when a row has to be looked at again, None when only a person or another step moves it."""
    if row.state == "pending":
        return row.not_before
    if row.state == "waiting":
        moments = [row.not_before] if row.not_before else []
        if found := next_timer(row, step):
            moments.append(found[0])
        return min(moments, default=None)
    return row.expires_at if row.state == "done" and row.is_contained else None
