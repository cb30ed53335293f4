"""The verdict at its best and at its worst: every way the unknown facts may turn out, without trying each.

The risk is the worse of what was disclosed and what was lost or changed, and each of those is built from
parts that share no fact: how far the data got, who holds it, what protects it, what it says, how many people.
So each part is tried on its own, exhaustively, and the outcomes are put together. The part's outcomes are
remembered: trying out another value of one fact costs one part only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product
from typing import Any, TypeAlias

from tocsin.law.continuity import Continuity, continuity
from tocsin.law.disclosure import Row, Shield, level_row, shield
from tocsin.law.exposure import Held, Reach, held_by, meet, reach
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
_Setting: TypeAlias = tuple[Row, Harm, Shield]
_Reached: TypeAlias = tuple[Exposure, Reach, Held]


@dataclass(frozen=True, slots=True)
class Chosen:
    """One part's facts, what each may be, and the outcome that was taken."""

    facts: tuple[str, ...]
    part: Callable[..., Any]
    choices: Choices
    outcome: Any


@dataclass(frozen=True, slots=True)
class End:
    """One end of the range: the level, and what was taken of each part to get there."""

    level: Level
    taken: tuple[Chosen, ...]
    kinds: tuple[bool, ...] | None = None

    @property
    def completion(self) -> Completion:
        """Values of the facts that lead to this end; found only when somebody asks."""
        found: Completion = {}
        for each in self.taken:
            found.update(zip(each.facts, _setting(each), strict=True))
        return found if self.kinds is None else {**found, **dict(zip(KINDS, self.kinds, strict=True))}


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
    disclosures = {
        disclosed: disclosure_ends(choices, disclosed=disclosed, hostile=hostile)
        for disclosed in {kinds[0] for kinds in choices["kinds"]}
    }
    bests, worsts = [], []
    for kinds in choices["kinds"]:
        disclosed, altered, unavailable = kinds
        told = disclosures[disclosed]
        kept = continuity_ends(choices, altered=altered, unavailable=unavailable)
        bests.append((max(floor, told[0].level, kept[0].level), kinds, told[0], kept[0]))
        worsts.append((max(floor, told[1].level, kept[1].level), kinds, told[1], kept[1]))
    # Among equals the worst end takes the last, where the representatives are at their worst: it reads better.
    return Bounds(_joined(min(bests, key=_first)), _joined(max(reversed(worsts), key=_first)))


def _joined(found: tuple[Level, tuple[bool, ...], End, End]) -> End:
    level, kinds, told, kept = found
    return End(level, (*told.taken, *kept.taken), kinds)


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
    least, most = (exposure for exposure, *_ in exposures)
    settings = (
        _mildest(harms, shields, min(steps), hostile, least),
        _worst(harms, shields, max(steps), hostile, most),
    )
    best, worst = (
        End(
            row[exposure],
            (
                Chosen(REACH, reach, ways, way),
                Chosen(HOLDER, held_by, holders, holder),
                Chosen(SHIELD, shield, shields, shielded),
                Chosen(HARM, weigh, harms, harm),
                Chosen(SCALE, scale, counts, step),
            ),
        )
        for (row, harm, shielded), (exposure, way, holder), step in zip(
            settings, exposures, (min(steps), max(steps)), strict=True
        )
    )
    return best, worst


@lru_cache(maxsize=4096)
def _mildest(harms: Choices, shields: Choices, steps: int, hostile: bool, at: Exposure) -> _Setting:  # noqa: FBT001
    return min(_settings(harms, shields, steps, hostile), key=lambda each: each[0][at])


@lru_cache(maxsize=4096)
def _worst(harms: Choices, shields: Choices, steps: int, hostile: bool, at: Exposure) -> _Setting:  # noqa: FBT001
    # Among equals the one that nothing protects: "at worst, the passwords were hashed" would read oddly.
    settings = _settings(harms, shields, steps, hostile)
    return max(reversed(settings), key=lambda each: (each[0][at], each[2] is Shield.NONE))


@lru_cache(maxsize=4096)
def _settings(harms: Choices, shields: Choices, steps: int, hostile: bool) -> tuple[_Setting, ...]:  # noqa: FBT001
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
def _exposures(ways: Choices, holders: Choices) -> tuple[_Reached, _Reached]:
    """Return the least and the greatest exposure, each with the way and the holder that lead there."""
    held, reached = outcomes(held_by, holders), outcomes(reach, ways)
    # Where both views meet never falls as the holder gets worse: the mildest and the worst holder are enough.
    mildest, worst = min(held, key=_exposure), max(held, key=_exposure)
    least = min(reached, key=lambda each: meet(each, mildest).exposure)
    most = max(reached, key=lambda each: meet(each, worst).exposure)
    return (meet(least, mildest).exposure, least, mildest), (meet(most, worst).exposure, most, worst)


def continuity_ends(choices: Possible, *, altered: bool, unavailable: bool) -> tuple[End, End]:
    """Return the best and the worst of what was lost or changed, disclosure aside."""
    return _continuity_ends(((altered,), (unavailable,), *(choices[fact] for fact in LASTING)))


@lru_cache(maxsize=4096)
def _continuity_ends(choices: Choices) -> tuple[End, End]:
    found = outcomes(continuity, choices)
    best, worst = min(found, key=_level), max(reversed(found), key=_level)
    return (
        End(best.level, (Chosen((*KINDS[1:], *LASTING), continuity, choices, best),)),
        End(worst.level, (Chosen((*KINDS[1:], *LASTING), continuity, choices, worst),)),
    )


@lru_cache(maxsize=8192)
def outcomes(part: Callable[..., Any], choices: Choices) -> tuple[Any, ...]:
    """Return each outcome of one part, in the order it is first met; None counts as no outcome."""
    return tuple(outcome for outcome in tried(part, choices).outcomes if outcome is not None)


@dataclass(frozen=True, slots=True)
class Tried:
    """One part at every setting of its facts: the distinct outcomes, and for each setting in turn which it was."""

    outcomes: tuple[Any, ...]
    codes: tuple[int, ...]


@lru_cache(maxsize=4096)
def tried(part: Callable[..., Any], choices: Choices) -> Tried:
    """Try every setting once. Settings are in the order of `itertools.product`: the last fact turns fastest."""
    number: dict[Any, int] = {}
    codes = tuple(number.setdefault(part(*values), len(number)) for values in product(*choices))
    return Tried(tuple(number), codes)


def _setting(chosen: Chosen) -> tuple[Any, ...]:
    """Return the first values of a part's facts that lead to the outcome."""
    found = tried(chosen.part, chosen.choices)
    first = found.codes.index(found.outcomes.index(chosen.outcome))
    return next(islice(product(*chosen.choices), first, None))


def _level(found: End | Continuity) -> Level:
    return found.level


def _first(found: tuple[Level, *tuple[Any, ...]]) -> Level:
    return found[0]


def _exposure(held: Held) -> Exposure:
    return held.exposure
