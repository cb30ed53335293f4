"""The small picture of past recovery times against the target: numbers for the template to draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tocsin.drills.history import PastDrill

WIDTH, HEIGHT, EDGE = 640, 160, 24
MOST = 12


@dataclass(frozen=True, slots=True)
class Point:
    """One drill in the picture."""

    x: float
    y: float
    milliseconds: int
    verdict: str
    day: str


@dataclass(frozen=True, slots=True)
class Trend:
    """The picture; `target_y` is where the target's line lies, None when it is far above every point."""

    width: int
    height: int
    points: tuple[Point, ...]
    target_y: float | None

    @property
    def line(self) -> str:
        """The points as SVG writes a polyline."""
        return " ".join(f"{point.x:g},{point.y:g}" for point in self.points)


def trend(history: Sequence[PastDrill], facts: Mapping[str, object]) -> Trend:
    """Return the picture of the drills in `history` (newest first) and of the one that `facts` tell of."""
    measured = [
        (_ms(past.rto), past.verdict or "", f"{past.started_at:%Y-%m-%d}")
        for past in reversed(history[: MOST - 1])
        if past.rto is not None
    ]
    rto = facts["rto"]
    target = rto["target_ms"] if isinstance(rto, dict) else None
    if isinstance(rto, dict) and rto["measured_ms"] is not None:
        measured.append((rto["measured_ms"], str(facts["verdict"]), str(facts["began_at"])[:10]))
    top = max((milliseconds for milliseconds, _, _ in measured), default=1) * 1.15 or 1
    # A target of hours would press drills of seconds flat onto the floor: then only the numbers tell.
    shown = isinstance(target, int) and target <= top * 5
    top = max(top, target * 1.15) if shown and isinstance(target, int) else top
    step = (WIDTH - 2 * EDGE) / max(len(measured) - 1, 1)
    points = tuple(
        Point(round(EDGE + index * step, 1), _y(milliseconds, top), milliseconds, verdict, day)
        for index, (milliseconds, verdict, day) in enumerate(measured)
    )
    return Trend(WIDTH, HEIGHT, points, _y(target, top) if shown and isinstance(target, int) else None)


def _y(milliseconds: int, top: float) -> float:
    return round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * milliseconds / top, 1)


def _ms(span: timedelta | None) -> int:
    return round(span.total_seconds() * 1000) if span else 0
