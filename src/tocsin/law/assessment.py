"""Assess a breach: the risk to people, every duty with its reasons, and what is still worth asking.

1. Contradictory facts are reported and set aside.
2. The rest is judged at its best and at its worst; where both agree a duty is settled, else it is unclear.
3. Unknown facts are tried out: those that could change a duty are the open questions.

The result is a proposal. A person decides.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tocsin.law.facts.document import Facts
from tocsin.law.inquiry import OpenQuestion, open_questions
from tocsin.law.known import flatten
from tocsin.law.levels import Level
from tocsin.law.reasons import reasons
from tocsin.law.severity import Severity, severity
from tocsin.law.verdict import Required, Verdict, judge

Risk = Literal["none", "unlikely", "risk", "high_risk", "unclear"]
To = Literal["register", "regulator", "people", "controllers"]

REGULATOR_HOURS = 72
_BASES: dict[To, tuple[str, int | None]] = {
    "register": ("UK GDPR Art 33(5)", None),
    "regulator": ("UK GDPR Art 33(1)", REGULATOR_HOURS),
    "people": ("UK GDPR Art 34(1)", None),
    "controllers": ("UK GDPR Art 33(2)", None),
}
_RISKS: dict[Level, Risk] = {
    Level.NONE: "none",
    Level.UNLIKELY: "unlikely",
    Level.RISK: "risk",
    Level.HIGH_RISK: "high_risk",
}


@dataclass(frozen=True, slots=True)
class Duty:
    """Something owed to somebody. Without `within_hours` it is owed without undue delay."""

    to: str
    required: Required
    basis: str
    why: tuple[str, ...]
    within_hours: int | None = None
    addressee: str | None = None

    def to_json(self) -> dict[str, object]:
        """Return the duty in the contract's shape."""
        said: dict[str, object] = {"to": self.to, "required": self.required, "basis": self.basis}
        if self.addressee is not None:
            said["addressee"] = self.addressee
        if self.within_hours is not None:
            said["within_hours"] = self.within_hours
        return {**said, "why": list(self.why)}


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one facts document comes to. Nothing in it is a float."""

    risk: Risk
    duties: tuple[Duty, ...]
    severity: Severity
    open_questions: tuple[OpenQuestion, ...]
    contradictions: tuple[str, ...]

    def duty(self, to: str) -> Duty:
        """Return the duty towards `register`, `regulator`, `people` or `controllers`."""
        return next(duty for duty in self.duties if duty.to == to)

    def to_json(self) -> dict[str, object]:
        """Return the whole in the contract's shape."""
        return {
            "risk": self.risk,
            "duties": [duty.to_json() for duty in self.duties],
            "severity": self.severity.to_json(),
            "open_questions": [question.to_json() for question in self.open_questions],
            "contradictions": list(self.contradictions),
        }


def assess(facts: Facts) -> Assessment:
    """Return what these facts come to. Pure: the same facts always come to the same."""
    stated = flatten(facts)
    verdict = judge(stated)
    return Assessment(
        risk=_risk(verdict),
        duties=tuple(_duties(verdict)),
        severity=severity(verdict.known),
        open_questions=open_questions(stated, verdict),
        contradictions=tuple(found.says for found in verdict.contradicted),
    )


def _risk(verdict: Verdict) -> Risk:
    best, worst = verdict.levels
    return _RISKS[best] if best == worst else "unclear"


def _duties(verdict: Verdict) -> Iterable[Duty]:
    why = reasons(verdict)
    for to, (basis, hours) in _BASES.items():
        yield Duty(to, verdict.required[to], basis, why[to], hours)
