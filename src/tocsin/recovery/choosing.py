"""Which snapshot: the words a person may use for it, the same in plans, drills and on the command line.

    latest                     the newest whole one that nobody doubts
    last clean                 the same, and plausible, checked, from before whatever was noticed
    before 2026-11-20T17:00Z   the newest good one taken at or before a time: from before an intrusion
    last clean before TIME     both
    oldest kept                whether what was kept longest can still be brought back
    random, random over 90d    any good one of the last so many days
    3f9a2c11                   the one with this id, whatever its verdict

What is "clean" the backups know: whoever calls passes their judgement in.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from tocsin.errors import OperationFailed, UsageError, did_you_mean
from tocsin.model.fields import parse_duration, spell_duration
from tocsin.recovery.ledger import (
    SHORTEST_PREFIX,
    LedgerSnapshot,
    Where,
    good_snapshots,
    named_snapshot,
    newest_snapshot,
)

DEFAULT_WINDOW = timedelta(days=90)
_ID = re.compile(rf"[0-9a-f]{{{SHORTEST_PREFIX},64}}")
_RANDOM = re.compile(r"random(?: over (.+))?")


class Which(StrEnum):
    """The ways to name a snapshot."""

    LATEST = "latest"
    LAST_CLEAN = "last clean"
    BEFORE = "before"
    OLDEST_KEPT = "oldest kept"
    RANDOM = "random"
    NAMED = "id"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which snapshot is wanted. `before` bounds the time, `window` is for `random`."""

    which: Which = Which.LATEST
    before: datetime | None = None
    window: timedelta | None = None
    snapshot_id: str | None = None

    @property
    def spelled(self) -> str:
        """The words a person would write."""
        if self.which is Which.NAMED:
            return str(self.snapshot_id)
        if self.which is Which.RANDOM and self.window:
            return f"random over {spell_duration(self.window)}"
        moment = self.before.astimezone(UTC).isoformat().replace("+00:00", "Z") if self.before else ""
        if self.which is Which.BEFORE:
            return f"before {moment}"
        return f"{self.which.value} before {moment}" if moment else self.which.value


LATEST = Choice()
# The id of the last clean snapshot, taken at or before a time where one is given; None when there is none.
LastClean = Callable[[Connection, Where, datetime | None], str | None]


def parse_choice(text: str) -> Choice:
    """Return what a person wrote. Raises UsageError with the nearest words, or for a time without its zone."""
    words = re.sub(r"[\s_]+", " ", text.strip())
    lower = words.lower()
    if _ID.fullmatch(lower):
        return Choice(Which.NAMED, snapshot_id=lower)
    if found := _RANDOM.fullmatch(lower):
        return Choice(Which.RANDOM, window=_span(found[1]) if found[1] else None)
    head, found_before, moment = re.sub(r"before:? ?", "before ", lower).partition("before ")
    if found_before:
        which = {"": Which.BEFORE, "last clean": Which.LAST_CLEAN, "latest": Which.BEFORE}.get(
            head.replace("-", " ").strip()
        )
        if which is not None:
            return Choice(which, before=parse_moment(moment.strip(), text))
    for which in (Which.LATEST, Which.LAST_CLEAN, Which.OLDEST_KEPT):
        if lower.replace("-", " ") == which.value:
            return Choice(which)
    known = [each.value for each in Which if each is not Which.NAMED]
    raise UsageError(
        f"{text!r} names no snapshot.{did_you_mean(lower, known)} Or write 'before 2026-11-20T17:00Z', or a "
        f"snapshot's id (at least {SHORTEST_PREFIX} digits)."
    )


def parse_moment(text: str, shown: str) -> datetime:
    """Return a time with its zone, as UTC. Raises UsageError naming `shown`, what the person wrote."""
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise UsageError(f"{shown!r} is not a time. Write one such as 2026-11-20T17:00Z.") from None
    if moment.tzinfo is None:
        raise UsageError(
            f"{shown!r} does not say its time zone. Write {moment:%Y-%m-%dT%H:%M}Z for UTC, or "
            f"{moment:%Y-%m-%dT%H:%M}+01:00 for British Summer Time."
        )
    return moment.astimezone(UTC)


def _span(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as fault:
        raise UsageError(str(fault)) from None


def choose(
    connection: Connection,
    where: Where,
    choice: Choice,
    *,
    last_clean: LastClean | None = None,
    token: bytes = b"",
) -> LedgerSnapshot:
    """Return the snapshot that `choice` means, from our own ledger.

    Args:
        connection: the store, for reading.
        where: the backup plan, and which repositories count.
        choice: what a person wished.
        last_clean: the backups' judgement; without it, `last clean` cannot be asked for.
        token: random bytes, for `random`.

    Raises:
        UsageError: it names none, or several.
        OperationFailed: there is no such snapshot.
    """
    if choice.which is Which.NAMED:
        return named_snapshot(connection, where, str(choice.snapshot_id))
    if choice.which is Which.LAST_CLEAN:
        return _clean(connection, where, choice, last_clean)
    if choice.which in (Which.OLDEST_KEPT, Which.RANDOM) and (among := good_snapshots(connection, where)):
        if choice.which is Which.OLDEST_KEPT:
            return among[0]
        since = among[-1].time - (choice.window or DEFAULT_WINDOW)
        among = tuple(each for each in among if each.time >= since)
        return among[int.from_bytes(token, "big") % len(among)]
    return newest_snapshot(connection, where, choice.before)


def _clean(connection: Connection, where: Where, choice: Choice, last_clean: LastClean | None) -> LedgerSnapshot:
    if last_clean is None:
        raise UsageError("Which snapshot is clean cannot be told from here. Name one by its id, or by a time.")
    found = last_clean(connection, where, choice.before)
    if found is None:
        raise OperationFailed(
            f"No snapshot of {where.backup_plan} is whole, plausible and early enough to be called clean. "
            f"'tocsin backup last-clean' says why each was passed over."
        )
    clean = named_snapshot(connection, Where(where.backup_plan, where.dump), found)
    if where.repository in (None, clean.repository) and clean.repository not in where.without:
        return clean
    # The same backup lies in several repositories, under ids of their own.
    same = [each for each in good_snapshots(connection, where) if _is_same(each, clean)]
    if not same:
        places = where.repository or f"any repository but {', '.join(sorted(where.without))}"
        raise OperationFailed(
            f"The last clean snapshot of {where.backup_plan} lies in {clean.repository}, and not in {places}."
        )
    return same[-1]


def _is_same(one: LedgerSnapshot, other: LedgerSnapshot) -> bool:
    if one.dump_sha256 or other.dump_sha256:
        return one.dump_sha256 == other.dump_sha256
    return one.manifest_sha256 is not None and one.manifest_sha256 == other.manifest_sha256
