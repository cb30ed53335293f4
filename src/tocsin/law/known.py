"""What is known, laid flat, and everything that the unknown rest could turn out to be.

`Known` maps a fact's path to its value; what is not known is not in it. `Possible` maps every fact the
evaluation looks at to the values it may have: one when known, representatives of each distinct consequence
when not. `kinds` is looked at as three questions, one for each kind.
"""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, TypeAlias

from pydantic import BaseModel

from tocsin.law.exposure import LOSSES, MISDIRECTIONS, SIGNS_OF_ACCESS, SMALL_GROUP
from tocsin.law.facts.document import Facts
from tocsin.law.harm import LARGE_COUNT, VERY_LARGE_COUNT
from tocsin.model.vocabulary import (
    BackupState,
    Cause,
    DataCode,
    Deletion,
    Exfiltration,
    Identification,
    Insight,
    Intent,
    KeyState,
    Kind,
    Logs,
    PeopleGroup,
    ProtectionState,
    RecipientType,
    ServiceImpact,
    YesNo,
)

Known: TypeAlias = Mapping[str, Any]
Choices: TypeAlias = tuple[Any, ...]
Possible: TypeAlias = Mapping[str, Choices]

KINDS = ("kinds.confidentiality", "kinds.integrity", "kinds.availability")
VULNERABLE_GROUPS = frozenset({PeopleGroup.CHILD, PeopleGroup.VULNERABLE_ADULT})

DATA_BY_CONSEQUENCE: tuple[frozenset[DataCode], ...] = (
    frozenset({DataCode.CONTACT}),
    frozenset({DataCode.LOCATION}),
    frozenset({DataCode.NAME, DataCode.DATE_OF_BIRTH}),
    frozenset({DataCode.BANK_ACCOUNT}),
    frozenset({DataCode.CREDENTIALS}),
    frozenset({DataCode.HEALTH}),
    frozenset({DataCode.HEALTH, DataCode.CREDENTIALS}),
)

# One value for each distinct consequence, mildest first where there is an order.
REPRESENTATIVES: dict[str, Choices] = {
    "cause": (
        Cause.VULNERABILITY,
        Cause.MISDIRECTED_EMAIL,
        Cause.LOST_DEVICE,
        Cause.DELETION,
        Cause.INSIDER,
        Cause.EXPLOITED_VULNERABILITY,
        Cause.RANSOMWARE,
    ),
    "intent": (Intent.ACCIDENTAL, Intent.MALICIOUS_INTERNAL),
    "exfiltration": (
        Exfiltration.RULED_OUT,
        Exfiltration.UNLIKELY,
        Exfiltration.POSSIBLE,
        Exfiltration.CONFIRMED,
        Exfiltration.PUBLISHED,
        Exfiltration.NOT_APPLICABLE,
    ),
    "logs": (Logs.COMPLETE, Logs.PARTIAL, Logs.MISSING),
    "recipient.type": tuple(RecipientType),
    "recipient.count": (1, SMALL_GROUP),
    "recipient.duty_of_secrecy": (YesNo.YES, YesNo.NO),
    "recipient.deletion": tuple(Deletion),
    "recipient.opened": (YesNo.NO, YesNo.YES),
    "protection.state": (
        ProtectionState.ENCRYPTED,
        ProtectionState.HASHED_STRONG,
        ProtectionState.PSEUDONYMISED,
        ProtectionState.NONE,
    ),
    "protection.key": tuple(KeyState),
    "identification": (Identification.NONE, Identification.PSEUDONYMOUS, Identification.DIRECT),
    "people.count": (1, LARGE_COUNT, VERY_LARGE_COUNT),
    "backup.state": (BackupState.INTACT, BackupState.PARTIAL, BackupState.PAPER_ONLY, BackupState.NONE),
    "restored.done": (YesNo.YES, YesNo.NO),
    "restored.hours": (0, 24, 72),
    "service_impact": tuple(ServiceImpact),
}


def flatten(facts: Facts) -> dict[str, Any]:
    """Return what is known, by path."""
    return dict(_flat(facts, ""))


def possible(known: Known, doubted: Iterable[str] = ()) -> Possible:
    """Return what each fact may be, given what is known and free of contradictions.

    `doubted` names kinds (`kinds.confidentiality`) whose absence from the list is not believed.
    """
    choices = {fact: (known[fact],) if fact in known else values for fact, values in REPRESENTATIVES.items()}
    choices["data"] = _data(known.get("data"))
    choices["insight"] = (known.get("insight", Insight.ORDINARY),)
    choices["people.groups"] = _vulnerable(known)
    choices["kinds"] = kind_sets(known.get("kinds"), doubted)
    choices["cause"], choices["exfiltration"] = _near_miss(known, choices)
    if (
        known.get("exfiltration") in SIGNS_OF_ACCESS
        and known.get("cause", Cause.OPEN_RECIPIENTS) not in MISDIRECTIONS
    ):
        choices["recipient.type"] = tuple(
            who for who in choices["recipient.type"] if who is not RecipientType.NONE
        )
    return choices


def was_used(known: Known) -> bool:
    """Tell whether anything known says that a weakness was made use of."""
    return (
        known.get("exploited") is YesNo.YES
        or known.get("misuse_seen") is YesNo.YES
        or known.get("exfiltration") in SIGNS_OF_ACCESS
    )


def kind_sets(listed: tuple[Kind | None, ...] | None, doubted: Iterable[str] = ()) -> Choices:
    """Return every set of kinds this may be, each as (confidentiality, integrity, availability)."""
    open_list = listed is None or None in listed
    doubted = set(doubted)
    choices = []
    for kind, name in zip((Kind.CONFIDENTIALITY, Kind.INTEGRITY, Kind.AVAILABILITY), KINDS, strict=True):
        present = kind in (listed or ())
        choices.append((False, True) if (open_list or name in doubted) and not present else (present,))
    return tuple(kinds for kinds in product(*choices) if any(kinds))


def _logs_speak(known: Known) -> bool:
    return known.get("cause") not in MISDIRECTIONS | LOSSES | {Cause.VULNERABILITY}


def _near_miss(known: Known, choices: Mapping[str, Choices]) -> tuple[Choices, Choices]:
    """Return the causes and exfiltrations that agree with what is known of an unused weakness.

    Whether a weakness was used is a raising fact: as long as nothing says so, it was not.
    """
    causes, exfiltrations = choices["cause"], choices["exfiltration"]
    used = was_used(known)
    if known.get("cause") is Cause.VULNERABILITY:
        if used:
            return (Cause.EXPLOITED_VULNERABILITY,), exfiltrations
        if known.get("exploited") is YesNo.NO:
            exfiltrations = tuple(value for value in exfiltrations if value not in SIGNS_OF_ACCESS)
        return causes, exfiltrations
    if used and "cause" not in known:
        return tuple(cause for cause in causes if cause is not Cause.VULNERABILITY), exfiltrations
    return causes, exfiltrations


def _data(listed: tuple[DataCode | None, ...] | None) -> Choices:
    if not listed:
        return DATA_BY_CONSEQUENCE
    known = frozenset(code for code in listed if code is not None)
    if None not in listed:
        return (known,)
    if not known:
        return DATA_BY_CONSEQUENCE
    more = (known | extra for extra in DATA_BY_CONSEQUENCE)
    return tuple(dict.fromkeys((known, *more, known | {DataCode.DATE_OF_BIRTH}, known | {DataCode.NAME})))


def _vulnerable(known: Known) -> Choices:
    groups = known.get("people.groups")
    if known.get("people.vulnerable") is YesNo.YES or VULNERABLE_GROUPS & set(groups or ()):
        return (True,)
    closed = groups is not None and None not in groups
    return (False,) if closed or known.get("people.vulnerable") is YesNo.NO else (False, True)


def _flat(model: BaseModel, prefix: str) -> Iterable[tuple[str, Any]]:
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        path = f"{prefix}{info.alias or name}"
        if isinstance(value, BaseModel):
            yield from _flat(value, f"{path}.")
        elif value is not None:
            yield path, value
