"""The ENISA severity score (2013), in exact quarters, beside the duties and never deciding them.

SE = DPC x EI + CB. Alone it agrees with 11 of the 18 cases of EDPB Guidelines 01/2021, so it informs and the
rules decide. Where a part is not known, its highest value is taken and the flag `upper_bound` says so.
"""

from dataclasses import dataclass

from tocsin.law.exposure import INTRUSIONS, MALICE
from tocsin.law.known import Known
from tocsin.model.vocabulary import (
    FAMILY_CODES,
    BackupState,
    Cause,
    DataCode,
    DataFamily,
    Identification,
    Insight,
    KeyState,
    Kind,
    ProtectionState,
    RecipientType,
    YesNo,
)

OVER = 100
"""More people than this raise the flag `over_100`."""

_BANDS = ((16, "very high"), (12, "high"), (8, "medium"), (0, "low"))
_INSIGHT = {Insight.NONE: -2, Insight.LITTLE: -1, Insight.ORDINARY: 0, Insight.DETAILED: 1}
_EASE = {
    Identification.DIRECT: 4,
    Identification.INDIRECT: 3,
    Identification.PSEUDONYMOUS: 1,
    Identification.NONE: 1,
}
_RECIPIENT = {
    RecipientType.NONE: 0,
    RecipientType.COLLEAGUE: 1,
    RecipientType.TRUSTED: 1,
    RecipientType.KNOWN: 1,
}
_UNKNOWN = 2
_MEANT = INTRUSIONS | {Cause.STOLEN_DEVICE, Cause.STOLEN_PAPER}


@dataclass(frozen=True, slots=True)
class Severity:
    """The score. `ei`, `cb` and `se` are decimal texts such as "1.50": no floats."""

    dpc: int
    ei: str
    cb: str
    se: str
    band: str
    flags: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Return the score in the contract's shape."""
        return {
            "dpc": self.dpc,
            "ei": self.ei,
            "cb": self.cb,
            "se": self.se,
            "band": self.band,
            "flags": list(self.flags),
        }


def score(dpc: int, ei: int, cb: int) -> tuple[int, str]:
    """Return SE in quarters and its band; `ei` and `cb` are quarters too."""
    quarters = dpc * ei + cb
    return quarters, next(band for least, band in _BANDS if quarters >= least)


def severity(known: Known) -> Severity:
    """Return the ENISA score of what is known, mapped as the facts contract says."""
    parts = [_context(known), _ease(known), _confidentiality(known), _integrity(known), _availability(known)]
    parts.append(_malice(known))
    dpc, ei, *circumstances = (value for value, _ in parts)
    cb = sum(circumstances)
    se, band = score(dpc, ei, cb)
    flags = [
        ("over_100", known.get("people.count", 0) > OVER),
        ("data_unintelligible", _sealed(known)),
        ("upper_bound", not all(sure for _, sure in parts)),
    ]
    return Severity(
        dpc, _quarters(ei), _quarters(cb), _quarters(se), band, tuple(flag for flag, up in flags if up)
    )


def _context(known: Known) -> tuple[int, bool]:
    listed = known.get("data") or (None,)
    classes = [4 if code is None else _class(code) for code in listed]
    moved = max(classes) + _INSIGHT[known.get("insight", Insight.ORDINARY)]
    return min(max(moved, 1), 4), None not in listed


def _class(code: DataCode) -> int:
    if code in FAMILY_CODES[DataFamily.SPECIAL]:
        return 4
    if code in FAMILY_CODES[DataFamily.BEHAVIOUR] or code is DataCode.INSURANCE:
        return 2
    if code in FAMILY_CODES[DataFamily.MONEY]:
        return 3
    return 2 if code in {DataCode.NATIONAL_ID, DataCode.ID_DOCUMENT} else 1


def _ease(known: Known) -> tuple[int, bool]:
    found = known.get("identification")
    return (4, False) if found is None else (_EASE[found], True)


def _confidentiality(known: Known) -> tuple[int, bool]:
    if _sealed(known):
        return 0, True
    recipient = known.get("recipient.type")
    return (_UNKNOWN, False) if recipient is None else (_RECIPIENT.get(recipient, 2), True)


def _integrity(known: Known) -> tuple[int, bool]:
    concerned = _concerns(known, Kind.INTEGRITY)
    if concerned is False:
        return 0, True
    state = known.get("backup.state")
    if concerned is None or state is None:
        return _UNKNOWN, False
    if state in {BackupState.LOST, BackupState.NONE}:
        return 2, True
    return (0 if state is BackupState.INTACT and known.get("misuse_seen") is not YesNo.YES else 1), True


def _availability(known: Known) -> tuple[int, bool]:
    concerned = _concerns(known, Kind.AVAILABILITY)
    if concerned is False:
        return 0, True
    done, hours, state = (known.get(fact) for fact in ("restored.done", "restored.hours", "backup.state"))
    if concerned is None or done is None:
        return _UNKNOWN, False
    if done is YesNo.YES:
        return (1, False) if hours is None else (int(hours > 1), True)
    if state is None:
        return _UNKNOWN, False
    return (2 if state in {BackupState.LOST, BackupState.NONE} else 1), True


def _malice(known: Known) -> tuple[int, bool]:
    intent = known.get("intent")
    if intent is not None:
        return (2 if intent in MALICE else 0), True
    return _UNKNOWN, known.get("cause") in _MEANT


def _concerns(known: Known, kind: Kind) -> bool | None:
    listed = known.get("kinds")
    if listed is None:
        return None
    return True if kind in listed else (None if None in listed else False)


def _sealed(known: Known) -> bool:
    return (
        known.get("protection.state") is ProtectionState.ENCRYPTED and known.get("protection.key") is KeyState.SAFE
    )


def _quarters(value: int) -> str:
    return f"{value // 4}.{25 * (value % 4):02d}"
