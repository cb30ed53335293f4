"""Is this what the business had, or what an attacker made of it? A pure score with named reasons.

Each reason has a weight in hundredths; a backup whose reasons reach 100 is flagged. What names an attack by
itself (files turned into noise, a canary touched, an emptied source) weighs 100. What a busy day shows too
(much added, hard to compress, much churn) weighs 25 and can only confirm. What is usual is learned from the
plan's own quiet days: medians and median deviations, never means, and no flagged day is ever among them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from statistics import median

from tocsin.backups.signs import Signs

ALARM_AT = 100

# Fewer files than these could be anybody's afternoon. The promise is 2 % and 20 files; half of both is looked
# at, because a file too short to tell does not count.
LEAST_FILES, LEAST_SHARE = 12, 0.01
MANY_FILES = 200
LEAST_DAYS = 5
LEAST_WEEKDAYS = 6
DEVIATIONS = 6
_NORMAL = 1.4826  # makes the median deviation comparable with a standard one
_BUSY_SHARE = 0.10
_BUSY_BYTES = 50_000_000
_INCOMPRESSIBLE = 0.95
_HALF = 0.5
_TINY = 0.2


class Plausibility(StrEnum):
    """What a backup's content is taken for."""

    CLEAN = "clean"
    FLAGGED = "flagged"


class Sign(StrEnum):
    """Why a backup is doubted."""

    CANARY = "canary"
    ENCRYPTED = "encrypted"
    REWRITTEN_NOISE = "rewritten-noise"
    MISFITS = "misfits"
    RENAMED = "renamed"
    RANSOM_NAMES = "ransom-names"
    RANSOM_NOTE = "ransom-note"
    SHRUNK = "shrunk"
    CHURN = "churn"
    MUCH_ADDED = "much-added"
    INCOMPRESSIBLE = "incompressible"


@dataclass(frozen=True, slots=True)
class Day:
    """One quiet day of a plan: the largest of each number among its clean backups."""

    day: date
    churn: float = 0.0
    added_bytes: int = 0
    packed_share: float = 0.0
    encrypted: int = 0
    rewritten_noise: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """The score, and each reason as a code and a sentence."""

    score: int
    reasons: tuple[tuple[Sign, str], ...] = ()

    @property
    def state(self) -> Plausibility:
        """`flagged` from a score of 100."""
        return Plausibility.FLAGGED if self.score >= ALARM_AT else Plausibility.CLEAN


def judge_plausibility(signs: Signs, history: Sequence[Day], today: date) -> Judged:
    """Judge one backup against the plan's quiet days, the newest of them last or not: order means nothing."""
    found = [
        *_plain(signs),
        *_encrypted(signs, history),
        *_names(signs),
        *_shrunk(signs),
        *_busy(signs, history, today),
    ]
    return Judged(
        score=sum(weight for weight, _, _ in found), reasons=tuple((code, said) for _, code, said in found)
    )


Found = list[tuple[int, Sign, str]]


def _plain(signs: Signs) -> Found:
    if not signs.canaries:
        return []
    named = ", ".join(signs.canaries[:3])
    return [(100, Sign.CANARY, f"The canary {named}, which nobody has a reason to touch, was changed or removed.")]


def _encrypted(signs: Signs, history: Sequence[Day]) -> Found:
    """Weigh files that turned into noise; a plan where some do every week is given twice as many."""
    found: Found = []
    usual = 2 * max((day.encrypted for day in history), default=0)
    # Where some files were noise before, an attack shows in the others and in more noise than any quiet day's.
    more = max(0, signs.rewritten_noise - max((day.rewritten_noise for day in history), default=0))
    count = signs.encrypted + (more if signs.encrypted >= _A_FEW and len(history) >= LEAST_DAYS else 0)
    if _is_wave(count, signs.files_before, usual):
        how = f"{signs.encrypted_in_place} in place, {signs.encrypted_renamed} under new names"
        said = f"{signs.encrypted} of {signs.files_before} files look encrypted and did not before ({how})."
        found.append((100, Sign.ENCRYPTED, said))
    noise = signs.rewritten_noise
    usual = 3 * max((day.rewritten_noise for day in history), default=0)
    if _is_wave(noise, signs.files_before, usual):
        said = f"{noise} of {signs.files_before} files that nobody can look into were rewritten at once."
        found.append((100 if len(history) >= LEAST_DAYS else 60, Sign.REWRITTEN_NOISE, said))
    if _is_wave(signs.misfits, signs.files_now, 0):
        said = f"{signs.misfits} of {signs.files_now} files are not what their names say; they look encrypted."
        found.append((100, Sign.MISFITS, said))
    return found


_A_FEW = 5


def _is_wave(count: int, among: int, usual: int) -> bool:
    enough = count >= MANY_FILES or (count >= LEAST_FILES and count >= LEAST_SHARE * among)
    return enough and count > usual


def _names(signs: Signs) -> Found:
    found: Found = []
    ending = signs.strange_extension
    arrived = signs.added + signs.moved
    if signs.appended and _is_wave(signs.appended, signs.files_before, 0):
        said = f"{signs.appended} files were given the strange ending .{ending}."
        found.append((100, Sign.RENAMED, said))
    elif _is_wave(signs.strange, signs.files_before, 0) and signs.strange > _HALF * arrived and signs.removed:
        said = f"{signs.strange} of {arrived} new names end in .{ending}, which no known program writes."
        found.append((50, Sign.RENAMED, said))
    if signs.ransom_named:
        said = f"{signs.ransom_named} new names end as ransomware ends them (.{signs.ransom_extension})."
        found.append((100 if signs.ransom_named >= LEAST_FILES else 50, Sign.RANSOM_NAMES, said))
    if signs.notes:
        said = f"{signs.notes} new files are named like a ransom note ({signs.note})."
        found.append((100 if signs.notes >= _MANY_NOTES else 50, Sign.RANSOM_NOTE, said))
    return found


_MANY_NOTES = 5
_LEAST_LOST = 20


def _shrunk(signs: Signs) -> Found:
    """Weigh what vanished; what merely moved has not."""
    if signs.is_first or not signs.files_before:
        return []
    lost = signs.files_before - signs.files_now
    if signs.files_now == 0 or (lost >= _LEAST_LOST and signs.files_now < _HALF * signs.files_before):
        said = f"The source shrank from {signs.files_before} files to {signs.files_now}."
        return [(100, Sign.SHRUNK, said)]
    if signs.bytes_now < _TINY * signs.bytes_before and signs.bytes_before >= _LEAST_BYTES:
        said = f"The source shrank to {100 * signs.bytes_now // signs.bytes_before} % of its size."
        return [(100, Sign.SHRUNK, said)]
    return []


_LEAST_BYTES = 100_000


def _busy(signs: Signs, history: Sequence[Day], today: date) -> Found:
    """Weigh what is unusual and no more; without some days of history nothing is."""
    if signs.is_first or len(history) < LEAST_DAYS:
        return []
    found: Found = []
    if signs.churn > max(_BUSY_SHARE, _usual(history, today, lambda day: day.churn)):
        said = f"{100 * signs.churn:.0f} % of the files came, went or changed, more than on other days."
        found.append((25, Sign.CHURN, said))
    if signs.added_bytes > max(_BUSY_BYTES, _usual(history, today, lambda day: day.added_bytes)):
        said = f"{signs.added_bytes / 1e6:.0f} MB were added, more than on other days."
        found.append((25, Sign.MUCH_ADDED, said))
    share = signs.packed_bytes / signs.added_bytes if signs.added_bytes else 0.0
    usual = _usual(history, today, lambda day: day.packed_share)
    if signs.added_bytes > _BUSY_BYTES and share > max(_INCOMPRESSIBLE, usual):
        found.append((25, Sign.INCOMPRESSIBLE, "What was added can hardly be compressed."))
    return found


def _usual(history: Sequence[Day], today: date, number: Callable[[Day], float]) -> float:
    """Return the most that is still usual: of all days, or of this day of the week where that is more."""
    weekdays = [day for day in history if day.day.weekday() == today.weekday()]
    groups = [history, *([weekdays] if len(weekdays) >= LEAST_WEEKDAYS else [])]
    return max(_limit([number(day) for day in group]) for group in groups)


def _limit(values: Sequence[float]) -> float:
    middle = median(values)
    deviation = median(abs(value - middle) for value in values)
    return middle + DEVIATIONS * max(_NORMAL * deviation, 0.1 * middle)
