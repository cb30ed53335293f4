"""The four duties as answers: who must be told, given the role and the range the risk lies in."""

from dataclasses import dataclass
from typing import Any, Literal

from tocsin.law.bounds import Bounds, bounds
from tocsin.law.contradictions import Contradiction, contradictions, without
from tocsin.law.known import Known, Possible, possible
from tocsin.law.levels import Level
from tocsin.model.vocabulary import Role, YesNo

Required = Literal["yes", "no", "unclear"]
DUTIES = ("register", "regulator", "people", "controllers")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one document comes to. `known` is what may be believed, contradicted facts left out."""

    known: Known
    contradicted: tuple[Contradiction, ...]
    possible: Possible
    bounds: Bounds | None
    """None where no personal data is concerned."""
    required: dict[str, Required]

    @property
    def levels(self) -> tuple[Level, Level]:
        """The risk at best and at worst."""
        return self.bounds.levels if self.bounds else (Level.NONE, Level.NONE)


def judge(stated: Known) -> Verdict:
    """Return what the stated facts come to (UK GDPR Arts 33(1), 33(2), 33(5), 34(1))."""
    contradicted = contradictions(stated)
    known = without(stated, contradicted)
    choices = possible(known, [found.fact for found in contradicted])
    if known.get("personal_data") is YesNo.NO:
        return Verdict(known, contradicted, choices, None, dict.fromkeys(DUTIES, "no"))
    range_ = bounds(known, choices)
    return Verdict(known, contradicted, choices, range_, _required(known.get("role"), range_.levels))


def _required(role: Role | None, levels: tuple[Level, Level]) -> dict[str, Required]:
    roles: tuple[Any, ...] = tuple(Role) if role is None else (role,)
    processor = {each is Role.PROCESSOR for each in roles}
    return {
        "register": "yes",
        "regulator": _told(processor, levels, Level.RISK),
        "people": _told(processor, levels, Level.HIGH_RISK),
        "controllers": _answer(processor),
    }


def _told(processor: set[bool], levels: tuple[Level, Level], threshold: Level) -> Required:
    return _answer({level >= threshold and not holds for holds in processor for level in levels})


def _answer(answers: set[bool]) -> Required:
    if len(answers) > 1:
        return "unclear"
    return "yes" if True in answers else "no"
