"""Which unknown facts matter: found by trying their values, alone first and then together.

Alone: is there a value that changes the answer of some duty? Together: two unknowns can hide each other, so
`pivots` asks whether any completion of all the others lets the fact tip an open duty.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from tocsin.law.facts.paths import RAISING, fact_paths
from tocsin.law.known import DATA_BY_CONSEQUENCE, KINDS, REPRESENTATIVES, Known
from tocsin.law.pivots import pivots
from tocsin.law.verdict import DUTIES, Required, Verdict, judge
from tocsin.model.vocabulary import DataCode, Insight, Kind, PeopleGroup, Role, YesNo

_YES_NO = (YesNo.YES, YesNo.NO)
_TRIALS: dict[str, tuple[Any, ...]] = {
    "role": tuple(Role),
    **REPRESENTATIVES,
    "kinds": tuple(
        tuple(kind for kind, there in zip(Kind, flags, strict=True) if there)
        for flags in product((True, False), repeat=3)
        if any(flags)
    ),
    "data": tuple(tuple(sorted(codes)) for codes in DATA_BY_CONSEQUENCE),
    "people.groups": ((PeopleGroup.CUSTOMER,), (PeopleGroup.CHILD,)),
    "insight": tuple(Insight),
    "people.vulnerable": _YES_NO,
    "personal_data": _YES_NO,
    "exploited": _YES_NO,
    "recipient.hostile": _YES_NO,
    "misuse_seen": _YES_NO,
    "safety_risk": _YES_NO,
}


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """An unknown fact that could change a duty. `why` asks it and says what hangs on it."""

    fact: str
    why: str
    could_change: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Return the question in the contract's shape."""
        return {"fact": self.fact, "why": self.why, "could_change": list(self.could_change)}


@dataclass(frozen=True, slots=True)
class _Finding:
    """What trying a fact's values showed. `settles`: the most open duties that one value settles."""

    fact: str
    changes: frozenset[str] = frozenset()
    settles: int = 0
    answers: tuple[tuple[str, tuple[str, ...]], ...] = ()


def open_questions(stated: Known, verdict: Verdict) -> tuple[OpenQuestion, ...]:
    """Return every unknown fact that could change a duty, the most decisive first."""
    tipping = pivots(verdict)
    found = [
        (finding, finding.changes | tipping.get(fact, frozenset()))
        for fact in _unknown(verdict)
        for finding in (_tried(fact, stated, verdict),)
    ]
    unclear = {duty for duty, required in verdict.required.items() if required == "unclear"}
    order = list(fact_paths())

    def decisiveness(finding: _Finding, changes: frozenset[str]) -> tuple[Any, ...]:
        raising = finding.fact in RAISING
        return -len(unclear & changes), raising, -finding.settles, -len(changes), order.index(finding.fact)

    return tuple(
        OpenQuestion(finding.fact, _why(finding), tuple(duty for duty in DUTIES if duty in changes))
        for finding, changes in sorted(found, key=lambda each: decisiveness(*each))
        if changes
    )


def _unknown(verdict: Verdict) -> Iterator[str]:
    doubted = any(found.fact in KINDS for found in verdict.contradicted)
    for fact in _TRIALS:
        value = verdict.known.get(fact)
        open_list = isinstance(value, tuple) and None in value
        if value is None or open_list or (fact == "kinds" and doubted):
            yield fact


def _tried(fact: str, stated: Known, verdict: Verdict) -> _Finding:
    changes: set[str] = set()
    settles = 0
    answers: dict[str, list[str]] = {}
    for value in _values(fact, verdict.known):
        required = judge({**stated, fact: value}).required
        changed = [duty for duty in DUTIES if required[duty] != verdict.required[duty]]
        if changed:
            changes.update(changed)
            settles = max(settles, sum(required[duty] != "unclear" for duty in changed))
            answers.setdefault(_effect(changed, required), []).append(_spelled(value))
    said = tuple((effect, tuple(values)) for effect, values in answers.items())
    return _Finding(fact, frozenset(changes), settles, said)


def _values(fact: str, known: Known) -> Iterable[Any]:
    listed = known.get(fact)
    if not isinstance(listed, tuple) or None not in listed:
        return _TRIALS[fact]
    # An open list keeps what it has: the answer is either "no more than that" or "this as well".
    there = tuple(item for item in listed if item is not None)
    more: Iterable[Any] = {"data": DataCode, "kinds": Kind}.get(fact, (PeopleGroup.CHILD,))
    longer = ((*there, item) for item in more if item not in there)
    return tuple(longer) if not there else (there, *longer)


def _why(finding: _Finding) -> str:
    question = fact_paths()[finding.fact].question
    if not finding.answers:
        return f"{question} It matters together with other facts that are not known yet."
    said = "; ".join(f"{_listed(values)}: {effect}" for effect, values in finding.answers)
    return f"{question} If {said}."


def _effect(changed: list[str], required: dict[str, Required]) -> str:
    return ", ".join(f"{duty} {required[duty]}" for duty in changed)


def _spelled(value: Any) -> str:  # noqa: ANN401 - one value of any fact
    return " and ".join(str(item) for item in value) if isinstance(value, tuple) else str(value)


def _listed(values: tuple[str, ...]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"
