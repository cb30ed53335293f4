"""Answer a regime's conditions from facts, verdict and profile: yes, no, or not known and what to ask."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from tocsin.law.exposure import INTRUSIONS, MALICE
from tocsin.law.known import Known
from tocsin.law.levels import Level
from tocsin.law.regimes.profile import Profile
from tocsin.law.regimes.schema import Conditions
from tocsin.law.verdict import Verdict
from tocsin.model.vocabulary import (
    Cause,
    Exfiltration,
    KeyState,
    Kind,
    ProtectionState,
    RecipientType,
    YesNo,
)

Answer = Literal["yes", "no", "unclear"]

_LEVELS = {"risk": Level.RISK, "high_risk": Level.HIGH_RISK}
_CYBER = (INTRUSIONS - {Cause.IMPERSONATION}) | {Cause.EXPLOITED_VULNERABILITY}


@dataclass(frozen=True, slots=True)
class Case:
    """All that a condition may look at."""

    known: Known
    verdict: Verdict
    profile: Profile


@dataclass(frozen=True, slots=True)
class Answered:
    """One condition's answer, why in words, and what to ask where it is not known (a fact or profile key)."""

    answer: Answer
    why: str
    asks: str | None = None


def answer_all(conditions: Conditions, case: Case) -> Iterator[Answered]:
    """Yield the answer to each condition that is set."""
    for name in type(conditions).model_fields:
        value = getattr(conditions, name)
        if value is not None and value != ():
            yield _ANSWERS[name](value, case)


def _personal_data(_: object, case: Case) -> Answered:
    if case.known.get("personal_data") is YesNo.NO:
        return Answered("no", "no personal data is concerned")
    return Answered("yes", "personal data is concerned")


def _duty(duty: Any, case: Case) -> Answered:  # noqa: ANN401 - each condition has a type of its own
    required = case.verdict.required[duty]
    words = {"yes": "is required", "no": "is not required", "unclear": "is not settled"}
    said = {"regulator": "telling the regulator", "people": "telling people", "controllers": "telling clients"}
    return Answered(
        required, f"{said[duty]} {words[required]}", "open questions" if required == "unclear" else None
    )


def _risk(least: Any, case: Case) -> Answered:  # noqa: ANN401
    best, worst = (level >= _LEVELS[least] for level in case.verdict.levels)
    if best == worst:
        return Answered("yes" if best else "no", f"a {least.replace('_', ' ')} is {'' if best else 'un'}likely")
    return Answered("unclear", f"whether a {least.replace('_', ' ')} is likely is not settled", "open questions")


def _one_of(fact: str) -> Callable[[Any, Case], Answered]:
    def answer(wanted: Any, case: Case) -> Answered:  # noqa: ANN401
        name = fact.replace("_", " ")
        found = case.known.get(fact)
        if found is None:
            return Answered("unclear", f"the {name} is not known", fact)
        return Answered("yes" if found in wanted else "no", f"the {name} is {str(found).replace('_', ' ')}")

    return answer


def _data(wanted: Any, case: Case) -> Answered:  # noqa: ANN401
    words = " or ".join(str(code).replace("_", " ") for code in wanted)
    listed = case.known.get("data")
    if listed and set(listed) & set(wanted):
        return Answered("yes", f"{words} is among the data")
    if not listed or None in listed:
        return Answered("unclear", f"whether {words} is among the data is not known", "data")
    return Answered("no", f"{words} is not among the data")


def _confidentiality(_: object, case: Case) -> Answered:
    listed = case.known.get("kinds")
    if listed and Kind.CONFIDENTIALITY in listed:
        return Answered("yes", "others may have seen the data")
    if listed is None or None in listed:
        return Answered("unclear", "whether others saw the data is not known", "kinds")
    return Answered("no", "the breach is not one of confidentiality")


def _sealed(_: object, case: Case) -> Answered:
    state, key = case.known.get("protection.state"), case.known.get("protection.key")
    if state is ProtectionState.ENCRYPTED and key is KeyState.SAFE:
        return Answered("no", "the data is encrypted and the key safe")
    if state is None or (state is ProtectionState.ENCRYPTED and key is None):
        return Answered("unclear", "whether the data could be read is not known", "protection.state")
    return Answered("yes", "the data could be read")


def _exposed(_: object, case: Case) -> Answered:
    if _sealed(None, case).answer == "no":
        return Answered("no", "the data is encrypted and the key safe")
    left, who = case.known.get("exfiltration"), case.known.get("recipient.type")
    if left is Exfiltration.RULED_OUT or who is RecipientType.NONE:
        return Answered("no", "nobody has read the data")
    if left is None and who is None:
        return Answered("unclear", "whether anybody has the data is not known", "exfiltration")
    return Answered("yes", "somebody may have the data")


def _crime(_: object, case: Case) -> Answered:
    intent, cause = case.known.get("intent"), case.known.get("cause")
    if intent in MALICE or cause in INTRUSIONS | {Cause.STOLEN_DEVICE, Cause.STOLEN_PAPER}:
        return Answered("yes", "somebody did it on purpose")
    if intent is None:
        return Answered("unclear", "whether somebody did it on purpose is not known", "intent")
    return Answered("no", "nobody did it on purpose")


def _cyber(_: object, case: Case) -> Answered:
    cause = case.known.get("cause")
    if cause is None:
        return Answered("unclear", "the cause is not known", "cause")
    return Answered("yes" if cause in _CYBER else "no", f"the cause is {cause.replace('_', ' ')}")


def _danger(_: object, case: Case) -> Answered:
    # Raising facts: as long as nothing says so, nobody is taken to be in danger, and it is asked elsewhere.
    found = {case.known.get("safety_risk"), case.known.get("recipient.hostile")}
    if YesNo.YES in found:
        return Answered("yes", "somebody may come to harm")
    return Answered("no", "nothing known says that somebody may come to physical harm")


def _small(_: object, case: Case) -> Answered:
    if case.profile.small is None:
        return Answered("unclear", "the organisation's size is not known", "profile.small")
    if case.profile.small:
        return Answered("no", "the organisation is below the size limit")
    return Answered("yes", "the organisation is above the size limit")


_ANSWERS: dict[str, Callable[[Any, Case], Answered]] = {
    "personal_data": _personal_data,
    "duty": _duty,
    "risk_at_least": _risk,
    "role": _one_of("role"),
    "cause": _one_of("cause"),
    "data": _data,
    "service_impact": _one_of("service_impact"),
    "confidentiality": _confidentiality,
    "sealed": _sealed,
    "exposed": _exposed,
    "crime": _crime,
    "cyber": _cyber,
    "danger": _danger,
    "small": _small,
}
