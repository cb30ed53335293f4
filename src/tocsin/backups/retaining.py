"""Which snapshots of one plan in one repository may go: a pure policy over our own ledger.

The choice is ours and restic is given ids, so that a forged snapshot or a future date can push nothing out. Only
good snapshots fill the buckets of `last`, `daily`, `weekly`, `monthly` and `yearly`; each bucket keeps its newest.
Whatever the policy says, these stay: what is held, what nobody has explained, and the newest good one.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from tocsin.backups.ledger import LedgerEntry
from tocsin.backups.plausibility import Plausibility
from tocsin.model.protection import Retention

_Bucket = Callable[[datetime], object]
_BUCKETS: dict[str, _Bucket] = {
    "daily": lambda time: time.date(),
    "weekly": lambda time: time.isocalendar()[:2],
    "monthly": lambda time: (time.year, time.month),
    "yearly": lambda time: time.year,
}


@dataclass(frozen=True, slots=True)
class Kept:
    """A snapshot that stays, and why."""

    entry: LedgerEntry
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Thinning:
    """What stays and what may go, both newest first."""

    kept: tuple[Kept, ...]
    removed: tuple[LedgerEntry, ...]


def thin_out(
    entries: Iterable[LedgerEntry],
    retention: Retention,
    *,
    held: Collection[tuple[str, str]],
    timezone: str = "UTC",
) -> Thinning:
    """Apply a retention to the snapshots of one plan in one repository: to its files, and to each dump."""
    series: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        series.setdefault(entry.dump, []).append(entry)
    thinned = [_thin_out(found, retention, held, timezone) for found in series.values()]
    return Thinning(
        tuple(sorted((one for each in thinned for one in each.kept), key=_time_of_kept, reverse=True)),
        tuple(sorted((one for each in thinned for one in each.removed), key=lambda one: one.time, reverse=True)),
    )


def _time_of_kept(kept: Kept) -> datetime:
    return kept.entry.time


def _thin_out(
    entries: Iterable[LedgerEntry], retention: Retention, held: Collection[tuple[str, str]], timezone: str
) -> Thinning:
    ordered = sorted(entries, key=lambda entry: entry.time, reverse=True)
    good = [entry for entry in ordered if entry.verdict == "ok" and entry.plausibility != Plausibility.FLAGGED]
    reasons: dict[str, list[str]] = {}
    for entry in good[: retention.last or 0]:
        reasons.setdefault(entry.id, []).append("last")
    for name, bucket in _BUCKETS.items():
        for entry in _newest_of_each(good, bucket, ZoneInfo(timezone), getattr(retention, name)):
            reasons.setdefault(entry.id, []).append(name)
    newest = good[0] if good else None
    for entry in ordered:
        if (entry.repository, entry.id) in held:
            reasons.setdefault(entry.id, []).append("held")
        if entry.plausibility == Plausibility.FLAGGED:
            reasons.setdefault(entry.id, []).append("not explained")
        if newest is None or entry.time > newest.time:
            reasons.setdefault(entry.id, []).append("newer than the last good one")
        elif entry is newest and entry.id not in reasons:
            reasons[entry.id] = ["the newest good one"]
    return Thinning(
        tuple(Kept(entry, tuple(reasons[entry.id])) for entry in ordered if entry.id in reasons),
        tuple(entry for entry in ordered if entry.id not in reasons),
    )


def _newest_of_each(
    entries: list[LedgerEntry], bucket: _Bucket, zone: ZoneInfo, count: int | None
) -> list[LedgerEntry]:
    chosen: dict[object, LedgerEntry] = {}
    for entry in entries:
        chosen.setdefault(bucket(entry.time.astimezone(zone)), entry)
    return list(chosen.values())[: count or 0]
