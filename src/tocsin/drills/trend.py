"""The small picture of past recovery times against the target, drawn as SVG for the page and the paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape

from tocsin.drills.history import PastDrill
from tocsin.recovery.amounts import spell_span

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
    target_ms: int | None = None

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
    return Trend(WIDTH, HEIGHT, points, _y(target, top) if shown and isinstance(target, int) else None, target)


def drawn(picture: Trend) -> str:
    """Return the picture as SVG; empty when there are fewer than two drills to join."""
    if len(picture.points) < 2:  # noqa: PLR2004 - one point shows no trend
        return ""
    width, height, floor = picture.width, picture.height, picture.height - EDGE
    count = len(picture.points)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="Time to recover in the last {count} drills" font-family="sans-serif" font-size="11">'
        ),
        f'<line x1="0" x2="{width}" y1="{floor}" y2="{floor}" stroke="#888" stroke-opacity="0.4"/>',
    ]
    if picture.target_y is not None and picture.target_ms is not None:
        target = spell_span(timedelta(milliseconds=picture.target_ms))
        parts.append(
            f'<line x1="0" x2="{width}" y1="{picture.target_y}" y2="{picture.target_y}" stroke="#9a6700" '
            f'stroke-dasharray="6 4"/><text x="{width}" y="{picture.target_y - 4}" text-anchor="end" '
            f'fill="#9a6700">target {target}</text>'
        )
    parts.append(f'<polyline points="{picture.line}" fill="none" stroke="#4a7ebb" stroke-width="2"/>')
    for point in picture.points:
        took = spell_span(timedelta(milliseconds=point.milliseconds))
        colour = "#1f7a45" if point.verdict == "passed" else "#b3261e"
        parts.append(
            f'<circle cx="{point.x}" cy="{point.y}" r="4" fill="{colour}">'
            f"<title>{point.day}: {took}, {escape(point.verdict)}</title></circle>"
            f'<text x="{point.x}" y="{point.y - 9}" text-anchor="{_anchor(point.x)}" fill="#737981">{took}</text>'
        )
    for point, anchor in ((picture.points[0], "start"), (picture.points[-1], "end")):
        x = 0 if anchor == "start" else width
        parts.append(f'<text x="{x}" y="{height - 6}" text-anchor="{anchor}" fill="#737981">{point.day}</text>')
    return "".join((*parts, "</svg>"))


def _anchor(x: float) -> str:
    return "start" if x <= EDGE else "end" if x >= WIDTH - EDGE else "middle"


def _y(milliseconds: int, top: float) -> float:
    return round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * milliseconds / top, 1)


def _ms(span: timedelta | None) -> int:
    return round(span.total_seconds() * 1000) if span else 0
