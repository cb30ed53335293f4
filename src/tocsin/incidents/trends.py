"""What the register tells over time, by quarter: kinds, causes, how long things took, how many people. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from zoneinfo import ZoneInfo

from tocsin.incidents.register import MERGED, RegisterEntry

SPANS = ("detect", "contain", "decide", "notify")
_CORE = ("regulator", "people", "controllers")


@dataclass(frozen=True, slots=True)
class Quarter:
    """One quarter, by the first alert's local day. `hours` holds medians in whole hours where there are any."""

    quarter: str
    incidents: int
    near_misses: int
    kinds: Mapping[str, int]
    causes: Mapping[str, int]
    hours: Mapping[str, int]
    people: int


def trends(entries: Iterable[RegisterEntry], zone: str) -> tuple[Quarter, ...]:
    """Return the quarters that have an incident, oldest first.

    Detect: occurred to first alert. Contain: first alert to contained. Decide: aware to the first decision that
    stood. Notify: aware to the first that was told.
    """
    grouped: dict[str, list[RegisterEntry]] = {}
    for entry in entries:
        if entry.outcome == MERGED:
            continue  # counted once, in the incident it went into
        day = entry.times["first_alert"].astimezone(ZoneInfo(zone))
        grouped.setdefault(f"{day.year} Q{(day.month + 2) // 3}", []).append(entry)
    return tuple(_quarter(name, found) for name, found in sorted(grouped.items()))


def _quarter(name: str, entries: list[RegisterEntry]) -> Quarter:
    spans = {span: [hours for entry in entries if (hours := _hours(entry, span)) is not None] for span in SPANS}
    return Quarter(
        quarter=name,
        incidents=len(entries),
        near_misses=sum(entry.outcome == "near_miss" for entry in entries),
        kinds=Counter(kind for entry in entries for kind in entry.kinds),
        causes=Counter(entry.cause for entry in entries),
        hours={span: round(median(found)) for span, found in spans.items() if found},
        people=sum(entry.people for entry in entries if entry.outcome not in ("near_miss", "not_a_breach")),
    )


def _hours(entry: RegisterEntry, span: str) -> int | None:
    times = entry.times
    decided = [each.at for each in entry.decisions if each.stands]
    told = [each.told_at for each in entry.duties if each.told_at and each.duty.startswith(_CORE)]
    ends: dict[str, tuple[datetime | None, datetime | None]] = {
        "detect": (entry.began, times.get("first_alert")),
        "contain": (times.get("first_alert"), times.get("contained")),
        "decide": (times.get("aware"), min(decided, default=None)),
        "notify": (times.get("aware"), min(told, default=None)),
    }
    start, end = ends[span]
    if start is None or end is None or end < start:
        return None
    return round((end - start).total_seconds() / 3600)
