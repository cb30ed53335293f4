"""Facts that cannot both be so. Each is reported, and the weaker of the two then counts as not known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tocsin.law.exposure import MISDIRECTIONS, SIGNS_OF_ACCESS, is_intruder
from tocsin.law.known import KINDS, Known, was_used
from tocsin.model.vocabulary import (
    Cause,
    Exfiltration,
    KeyState,
    Kind,
    Logs,
    PeopleGroup,
    ProtectionState,
    RecipientType,
    ServiceImpact,
    YesNo,
)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A fact that other facts contradict. `holds` tells whether they do."""

    fact: str
    says: str
    holds: Callable[[Known], bool]


def contradictions(known: Known) -> tuple[Contradiction, ...]:
    """Return the contradictions in what is said, in a fixed order."""
    return tuple(found for found in _ALL if (found.fact in known or found.fact in KINDS) and found.holds(known))


def without(known: Known, found: tuple[Contradiction, ...]) -> Known:
    """Return what may still be believed once the contradicted facts count as not known."""
    dropped = {each.fact for each in found}
    return {fact: value for fact, value in known.items() if fact not in dropped} if dropped else known


def _intruded(known: Known) -> bool:
    cause = known.get("cause")
    unused = cause is Cause.VULNERABILITY and not was_used(known)
    return cause is not None and not unused and is_intruder(cause, known.get("intent"))


def _left(known: Mapping[str, object]) -> bool:
    return known.get("exfiltration") in {Exfiltration.CONFIRMED, Exfiltration.PUBLISHED}


def _lacks(known: Known, kind: Kind) -> bool:
    listed = known.get("kinds", ())
    return bool(listed) and kind not in listed and None not in listed


_ALL = (
    Contradiction(
        "data",
        "No kind of data is named, yet personal data is concerned. The data counts as not known.",
        lambda known: not known["data"] and known.get("personal_data") is not YesNo.NO,
    ),
    Contradiction(
        "exfiltration",
        "The data is said not to have left, but the logs that would show it are missing. "
        "Whether data left counts as not known.",
        lambda known: known["exfiltration"] is Exfiltration.RULED_OUT and known.get("logs") is Logs.MISSING,
    ),
    Contradiction(
        "exfiltration",
        "The data is said not to have left, yet it has been misused. Whether data left counts as not known.",
        lambda known: known["exfiltration"] is Exfiltration.RULED_OUT and known.get("misuse_seen") is YesNo.YES,
    ),
    Contradiction(
        "exfiltration",
        "An intruder was inside, so whether data left always has an answer; 'not applicable' is none. "
        "It counts as not known.",
        lambda known: known["exfiltration"] is Exfiltration.NOT_APPLICABLE and _intruded(known),
    ),
    Contradiction(
        "exploited",
        "The weakness is said not to have been used, yet data may have left or has been misused. "
        "Whether it was used counts as not known, and this as more than a near miss.",
        lambda known: (
            known["exploited"] is YesNo.NO
            and known.get("cause") is Cause.VULNERABILITY
            and (known.get("exfiltration") in SIGNS_OF_ACCESS or known.get("misuse_seen") is YesNo.YES)
        ),
    ),
    Contradiction(
        "kinds.confidentiality",
        "Data is known to have left, but confidentiality is not among the kinds of breach. "
        "Whether others saw it counts as not known.",
        lambda known: _lacks(known, Kind.CONFIDENTIALITY) and _left(known),
    ),
    Contradiction(
        "kinds.availability",
        "Care or safety suffered, but availability is not among the kinds of breach. "
        "Whether data was out of reach counts as not known.",
        lambda known: (
            _lacks(known, Kind.AVAILABILITY)
            and _lacks(known, Kind.INTEGRITY)
            and known.get("service_impact") is ServiceImpact.CARE_OR_SAFETY
        ),
    ),
    Contradiction(
        "recipient.type",
        "Nobody is said to have received the data, yet it may have left. Who has it counts as not known.",
        lambda known: (
            known["recipient.type"] is RecipientType.NONE
            and known.get("exfiltration") in SIGNS_OF_ACCESS
            and known.get("cause") not in MISDIRECTIONS
        ),
    ),
    Contradiction(
        "protection.key",
        "The data is said to be encrypted with a safe key, yet it has been misused. "
        "Whether the key is safe counts as not known.",
        lambda known: (
            known["protection.key"] is KeyState.SAFE
            and known.get("protection.state") is ProtectionState.ENCRYPTED
            and known.get("misuse_seen") is YesNo.YES
        ),
    ),
    Contradiction(
        "people.vulnerable",
        "Nobody vulnerable is said to be concerned, yet children or vulnerable adults are listed. "
        "The list is taken as it stands.",
        lambda known: (
            known["people.vulnerable"] is YesNo.NO
            and bool({PeopleGroup.CHILD, PeopleGroup.VULNERABLE_ADULT} & set(known.get("people.groups") or ()))
        ),
    ),
)
