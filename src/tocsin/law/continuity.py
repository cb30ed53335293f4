"""Availability and integrity: what it means for people that data was lost, out of reach or changed."""

from functools import lru_cache
from typing import NamedTuple

from tocsin.law.levels import Level
from tocsin.model.vocabulary import BackupState, ServiceImpact, YesNo

A_DAY = 24
"""Hours without the data after which its loss is felt (cases 02 and 03 of the guidelines took days)."""
DAYS = 72

NOTHING = ""
"""The name of no rule: nothing was lost or changed."""

_NOTHING_LEFT = frozenset({BackupState.LOST, BackupState.NONE})
_NO_WORKING_BACKUP = _NOTHING_LEFT | {BackupState.PAPER_ONLY}


class Continuity(NamedTuple):
    """The risk of loss or change, and by which rule."""

    level: Level
    rule: str


@lru_cache(maxsize=4096)
def continuity(
    altered: bool,  # noqa: FBT001
    unavailable: bool,  # noqa: FBT001
    backup: BackupState,
    restored: YesNo,
    hours: int,
    impact: ServiceImpact,
) -> Continuity:
    """Return the worse of what the loss and what the change of data means for people."""
    lost = _lost(backup, restored, hours, impact) if unavailable else None
    changed = _altered(backup, hours, impact) if altered else None
    found = [each for each in (lost, changed) if each]
    return max(found, key=lambda each: each.level, default=Continuity(Level.UNLIKELY, NOTHING))


def _lost(backup: BackupState, restored: YesNo, hours: int, impact: ServiceImpact) -> Continuity:
    gone = backup in _NOTHING_LEFT and restored is YesNo.NO
    long = hours >= A_DAY or (restored is YesNo.NO and backup in _NO_WORKING_BACKUP)
    if impact is ServiceImpact.CARE_OR_SAFETY:
        lasting = hours >= A_DAY or restored is YesNo.NO
        return Continuity(Level.HIGH_RISK if lasting else Level.RISK, "care-or-safety")
    if gone:
        return Continuity(Level.HIGH_RISK if impact is ServiceImpact.MAJOR else Level.RISK, "gone-for-good")
    if impact is ServiceImpact.MAJOR:
        return Continuity(Level.RISK, "service-badly-hit")
    if backup in _NOTHING_LEFT or (long and backup is BackupState.PAPER_ONLY):
        return Continuity(Level.RISK, "no-working-backup")
    if impact is ServiceImpact.MINOR and (hours >= DAYS or (long and backup is not BackupState.INTACT)):
        return Continuity(Level.RISK, "long-outage")
    return Continuity(Level.UNLIKELY, "restored-in-time")


def _altered(backup: BackupState, hours: int, impact: ServiceImpact) -> Continuity:
    if impact is ServiceImpact.CARE_OR_SAFETY:
        lasting = hours >= A_DAY or backup in _NOTHING_LEFT
        return Continuity(Level.HIGH_RISK if lasting else Level.RISK, "care-or-safety")
    if backup in _NOTHING_LEFT:
        return Continuity(Level.HIGH_RISK if impact is ServiceImpact.MAJOR else Level.RISK, "altered-for-good")
    if impact is ServiceImpact.MAJOR:
        return Continuity(Level.RISK, "service-badly-hit")
    if backup is not BackupState.INTACT and impact is ServiceImpact.MINOR:
        return Continuity(Level.RISK, "altered-for-good")
    return Continuity(Level.UNLIKELY, "altered-and-put-right")
