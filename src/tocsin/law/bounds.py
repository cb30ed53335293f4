"""The verdict at its best and at its worst: every way the unknown facts may turn out, without trying each.

The risk is the worse of what was disclosed and what was lost or changed, and each of those is built from
parts that share no fact: how far the data got, who holds it, what protects it, what it says, how many people.
So each part is tried on its own, exhaustively, and the outcomes are put together. The part's outcomes are
remembered: trying out another value of one fact costs one part only.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

from tocsin.law.continuity import Continuity, continuity
from tocsin.law.disclosure import Row, Shield, level_row, shield
from tocsin.law.exposure import Held, held_by, meet, reach
from tocsin.law.harm import Harm, scale, weigh
from tocsin.law.known import KINDS, Choices, Known, Possible
from tocsin.law.levels import Exposure, Level
from tocsin.model.vocabulary import YesNo

REACH = ("cause", "intent", "disclosed", "exfiltration", "logs")
HOLDER = (
    "recipient.type",
    "recipient.count",
    "recipient.duty_of_secrecy",
    "recipient.deletion",
    "recipient.opened",
)
SHIELD = ("protection.state", "protection.key", "identification")
HARM = ("data", "insight", "people.groups")
SCALE = ("people.count",)
LASTING = ("backup.state", "restored.done", "restored.hours", "service_impact")

Completion = dict[str, Any]


@dataclass(frozen=True, slots=True)
class End:
    """One end of the range: the level, and a completion of the facts that leads there."""

    level: Level
    completion: Completion


@dataclass(frozen=True, slots=True)
class Bounds:
    """The verdict at its best and at its worst completion."""

    best: End
    worst: End

    @property
    def levels(self) -> tuple[Level, Level]:
        """The two levels, best first."""
        return self.best.level, self.worst.level


def bounds(known: Known, choices: Possible) -> Bounds:
    """Return the best and the worst verdict that agree with what is known."""
    floor = Level.HIGH_RISK if raised(known) else Level.NONE
    hostile = is_hostile(known)
    bests, worsts = [], []
    for kinds in choices["kinds"]:
        disclosed, altered, unavailable = kinds
        told = disclosure_ends(choices, disclosed=disclosed, hostile=hostile)
        kept = continuity_ends(choices, altered=altered, unavailable=unavailable)
        bests.append((max(floor, told[0].level, kept[0].level), kinds, told[0], kept[0]))
        worsts.append((max(floor, told[1].level, kept[1].level), kinds, told[1], kept[1]))
    # Among equals the worst end takes the last, where the representatives are at their worst: it reads better.
    return Bounds(_joined(min(bests, key=_first)), _joined(max(reversed(worsts), key=_first)))


def _joined(found: tuple[Level, tuple[bool, ...], End, End]) -> End:
    level, kinds, told, kept = found
    return End(level, {**told.completion, **kept.completion, **dict(zip(KINDS, kinds, strict=True))})


def raised(known: Known) -> bool:
    """Tell whether a fact is known that settles the matter alone: harm done, or a danger to life and limb."""
    return known.get("misuse_seen") is YesNo.YES or known.get("safety_risk") is YesNo.YES


def is_hostile(known: Known) -> bool:
    """Tell whether a recipient is known to be one who may harm the people concerned."""
    return known.get("recipient.hostile") is YesNo.YES


def disclosure_ends(choices: Possible, *, disclosed: bool, hostile: bool) -> tuple[End, End]:
    """Return the best and the worst of what was disclosed, loss and change aside."""
    ways = tuple((disclosed,) if fact == "disclosed" else choices[fact] for fact in REACH)
    others = (tuple(choices[fact] for fact in part) for part in (HOLDER, SHIELD, HARM, SCALE))
    return _disclosure_ends(ways, *others, hostile)


@lru_cache(maxsize=4096)
def _disclosure_ends(
    ways: Choices,
    holders: Choices,
    shields: Choices,
    harms: Choices,
    counts: Choices,
    hostile: bool,  # noqa: FBT001
) -> tuple[End, End]:
    # The table never falls with exposure or with scale, so their two ends are enough; the rest is tried.
    exposures, steps = _exposures(ways, holders), outcomes(scale, counts)
    least, most = (exposure for exposure, _ in exposures)
    settings = (
        min(_settings(harms, shields, min(steps), hostile), key=lambda each: each[0][least]),
        max(reversed(_settings(harms, shields, max(steps), hostile)), key=lambda each: each[0][most]),
    )
    best, worst = (
        End(
            row[exposure],
            {
                **completion,
                **_named(SHIELD, outcomes(shield, shields)[shielded]),
                **_named(HARM, outcomes(weigh, harms)[harm]),
                **_named(SCALE, steps[step]),
            },
        )
        for (row, harm, shielded), (exposure, completion), step in zip(
            settings, exposures, (min(steps), max(steps)), strict=True
        )
    )
    return best, worst


@lru_cache(maxsize=4096)
def _settings(
    harms: Choices,
    shields: Choices,
    steps: int,
    hostile: bool,  # noqa: FBT001
) -> tuple[tuple[Row, Harm, Shield], ...]:
    return tuple(
        (
            level_row(harm.gravity, harm.without_credentials, harm.credentials, shielded, steps, hostile),
            harm,
            shielded,
        )
        for harm in outcomes(weigh, harms)
        for shielded in outcomes(shield, shields)
    )


@lru_cache(maxsize=4096)
def _exposures(ways: Choices, holders: Choices) -> tuple[tuple[Exposure, Completion], tuple[Exposure, Completion]]:
    """Return the least and the greatest exposure, each with facts that lead there."""
    held = outcomes(held_by, holders)
    found = []
    # Where both views meet never falls as the holder gets worse: the mildest and the worst holder are enough.
    for extreme in (min, max):
        holder = extreme(held, key=_exposure)
        reached = outcomes(reach, ways)
        way = extreme(reached, key=lambda each: meet(each, holder).exposure)
        completion = {**_named(REACH, reached[way]), **_named(HOLDER, held[holder])}
        found.append((meet(way, holder).exposure, completion))
    return found[0], found[1]


def continuity_ends(choices: Possible, *, altered: bool, unavailable: bool) -> tuple[End, End]:
    """Return the best and the worst of what was lost or changed, disclosure aside."""
    return _continuity_ends(((altered,), (unavailable,), *(choices[fact] for fact in LASTING)))


@lru_cache(maxsize=4096)
def _continuity_ends(choices: Choices) -> tuple[End, End]:
    found = outcomes(continuity, choices)
    best, worst = min(found, key=_level), max(reversed(found), key=_level)
    return (
        End(best.level, _named(LASTING, found[best][2:])),
        End(worst.level, _named(LASTING, found[worst][2:])),
    )


@lru_cache(maxsize=8192)
def outcomes(part: Callable[..., Any], choices: Choices) -> dict[Any, tuple[Any, ...]]:
    """Return each outcome of one part and the first values that lead to it; None counts as no outcome."""
    found: dict[Any, tuple[Any, ...]] = {}
    for values in product(*choices):
        outcome = part(*values)
        if outcome is not None:
            found.setdefault(outcome, values)
    return found


def _named(facts: Iterable[str], values: Iterable[Any]) -> Completion:
    return dict(zip(facts, values, strict=True))


def _level(found: End | Continuity) -> Level:
    return found.level


def _first(found: tuple[Level, *tuple[Any, ...]]) -> Level:
    return found[0]


def _exposure(held: Held) -> Exposure:
    return held.exposure
