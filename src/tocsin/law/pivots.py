"""Which unknown facts can tip an open duty, given the right completion of all the others.

The evaluation is made of parts that share no fact (see `bounds`), so this is asked part by part: which
outcomes of its own part can the fact alone turn into one another, and do any two of them lead to different
answers somewhere among the outcomes of the other parts? Loss and change are held at their mildest while
disclosure is asked about, and the other way round, because the worse of the two decides.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import combinations, product
from math import prod
from typing import Any, TypeAlias

from tocsin.law.bounds import (
    HARM,
    HOLDER,
    LASTING,
    REACH,
    SCALE,
    SHIELD,
    continuity_ends,
    disclosure_ends,
    is_hostile,
    outcomes,
    raised,
    tried,
)
from tocsin.law.continuity import continuity
from tocsin.law.disclosure import Row, level_row, shield
from tocsin.law.exposure import Held, Reach, held_by, reach
from tocsin.law.harm import scale, weigh
from tocsin.law.known import Choices, Possible
from tocsin.law.levels import Exposure, Level
from tocsin.law.verdict import Verdict

Duties: TypeAlias = frozenset[str]
Kinds: TypeAlias = tuple[bool, bool, bool]

_THRESHOLDS = (("regulator", Level.RISK), ("people", Level.HIGH_RISK))
_PARTS: tuple[tuple[Callable[..., Any], tuple[str, ...]], ...] = (
    (reach, REACH),
    (held_by, HOLDER),
    (shield, SHIELD),
    (weigh, HARM),
    (scale, SCALE),
)


def pivots(verdict: Verdict) -> dict[str, Duties]:
    """Return the unknown facts that can tip an open duty, and which duties."""
    open_duties = frozenset(
        duty
        for duty, threshold in _THRESHOLDS
        if verdict.required[duty] == "unclear" and verdict.levels[0] < threshold <= verdict.levels[1]
    )
    if not open_duties or raised(verdict.known):
        return {}
    found: dict[str, Duties] = {}
    for fact, duties in _tipping(verdict.possible, hostile=is_hostile(verdict.known)):
        found[fact] = found.get(fact, frozenset()) | (duties & open_duties)
    return found


def _tipping(choices: Possible, *, hostile: bool) -> Iterator[tuple[str, Duties]]:
    kinds = choices["kinds"]
    for disclosed in {each[0] for each in kinds}:
        mildest = min(_mildest_loss(choices, each) for each in kinds if each[0] is disclosed)
        yield from _in_disclosure(choices, disclosed=disclosed, hostile=hostile, floor=mildest)
    for each in kinds:
        yield from _in_continuity(choices, each, hostile=hostile)
    for one, other in combinations(kinds, 2):
        if sum(flag is not flipped for flag, flipped in zip(one, other, strict=True)) == 1:
            yield "kinds", _kind_tips(choices, one, other, hostile=hostile)


def _kind_tips(choices: Possible, one: Kinds, other: Kinds, *, hostile: bool) -> Duties:
    """Return the duties that one more kind of breach can tip, all else being equal."""
    if one[0] is not other[0]:
        ways, holders, *rest = (_choices_of(choices, facts, disclosed=one[0]) for _, facts in _PARTS)
        index = REACH.index("disclosed")
        ways = (*ways[:index], (False, True), *ways[index + 1 :])
        pairs = turned(reach, ways, index)
        return _differing(_met(pairs, holders), _rows(*rest, hostile), _mildest_loss(choices, one))
    floor = disclosure_ends(choices, disclosed=one[0], hostile=hostile)[0].level
    index = 0 if one[1] is not other[1] else 1
    flags: list[Choices] = [(one[1],), (one[2],)]
    flags[index] = (False, True)
    pairs = turned(continuity, (*flags, *(choices[fact] for fact in LASTING)), index)
    return _crossed((max(floor, before.level), max(floor, after.level)) for before, after in pairs)


def _in_disclosure(
    choices: Possible, *, disclosed: bool, hostile: bool, floor: Level
) -> Iterator[tuple[str, Duties]]:
    ways, holders, *rest = (_choices_of(choices, facts, disclosed=disclosed) for _, facts in _PARTS)
    rows = _rows(*rest, hostile)
    reached, held = _bare_reach(outcomes(reach, ways)), _bare_held(outcomes(held_by, holders))
    for fact, pairs in _turns(reach, REACH, ways):
        yield fact, _differing(_met(pairs, holders), rows, floor)
    for fact, pairs in _turns(held_by, HOLDER, holders):
        met = {
            (_clamped(one, way), _clamped(other, way))
            for one, other in _changes(pairs, _bare_held)
            for way in reached
        }
        yield fact, _differing(met, rows, floor)
    exposures = tuple({_clamped(holder, way) for holder in held for way in reached})
    for fact, changed in _row_turns(*rest, hostile):
        yield (
            fact,
            _crossed((max(floor, one[at]), max(floor, other[at])) for one, other in changed for at in exposures),
        )


def _turns(
    part: Callable[..., Any], facts: tuple[str, ...], choices: Choices
) -> Iterator[tuple[str, tuple[tuple[Any, Any], ...]]]:
    for index, fact in enumerate(facts):
        if len(choices[index]) > 1:
            yield fact, turned(part, choices, index)


@lru_cache(maxsize=512)
def _row_turns(
    shields: Choices,
    harms: Choices,
    counts: Choices,
    hostile: bool,  # noqa: FBT001
) -> tuple[tuple[str, tuple[tuple[Row, Row], ...]], ...]:
    """Return what each fact of protection, data and number turns into what, as rows over all exposures."""
    parts: tuple[tuple[Callable[..., Any], tuple[str, ...], Choices], ...] = (
        (shield, SHIELD, shields),
        (weigh, HARM, harms),
        (scale, SCALE, counts),
    )
    settings = [outcomes(part, choices) for part, _, choices in parts]
    # Few rows are distinct: they are compared by number.
    number: dict[Row, int] = {}
    row_at = {setting: number.setdefault(_row(setting, hostile), len(number)) for setting in product(*settings)}
    rows = tuple(number)
    found = []
    for position, (part, facts, choices) in enumerate(parts):
        others = list(product(*settings[:position], *settings[position + 1 :]))
        for fact, pairs in _turns(part, facts, choices):
            turns = {
                (
                    row_at[(*rest[:position], one, *rest[position:])],
                    row_at[(*rest[:position], other, *rest[position:])],
                )
                for one, other in pairs
                for rest in others
            }
            found.append((fact, tuple((rows[one], rows[other]) for one, other in turns if one != other)))
    return tuple(found)


@lru_cache(maxsize=512)
def _rows(shields: Choices, harms: Choices, counts: Choices, hostile: bool) -> frozenset[Row]:  # noqa: FBT001
    return frozenset(
        _row(setting, hostile)
        for setting in product(outcomes(shield, shields), outcomes(weigh, harms), outcomes(scale, counts))
    )


def _row(setting: tuple[Any, ...], hostile: bool) -> Row:  # noqa: FBT001
    shielded, harm, steps = setting
    return level_row(harm.gravity, harm.without_credentials, harm.credentials, shielded, steps, hostile)


def _met(pairs: Iterable[tuple[Reach, Reach]], holders: Choices) -> set[tuple[Exposure, Exposure]]:
    held = _bare_held(outcomes(held_by, holders))
    return {
        (_clamped(holder, one), _clamped(holder, other))
        for one, other in _changes(pairs, _bare_reach)
        for holder in held
    }


def _differing(met: Iterable[tuple[Exposure, Exposure]], rows: Iterable[Row], floor: Level) -> Duties:
    changed = [(one, other) for one, other in met if one is not other]
    return _crossed((max(floor, row[one]), max(floor, row[other])) for one, other in changed for row in rows)


def _changes(
    pairs: Iterable[tuple[Any, Any]], bare: Callable[[Iterable[Any]], tuple[Any, ...]]
) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs that still differ once the rules' names are left aside."""
    for one, *other in dict.fromkeys(bare(pair) for pair in pairs):
        if other:
            yield one, other[0]


def _bare_reach(ways: Iterable[Reach]) -> tuple[Reach, ...]:
    return tuple(dict.fromkeys(Reach(way.floor, way.cap, "") for way in ways))


def _bare_held(holders: Iterable[Held]) -> tuple[Exposure, ...]:
    return tuple(dict.fromkeys(holder.exposure for holder in holders))


def _clamped(holder: Exposure, way: Reach) -> Exposure:
    return min(max(holder, way.floor), way.cap)


def _in_continuity(choices: Possible, kinds: Kinds, *, hostile: bool) -> Iterator[tuple[str, Duties]]:
    disclosed, altered, unavailable = kinds
    floor = disclosure_ends(choices, disclosed=disclosed, hostile=hostile)[0].level
    own = ((altered,), (unavailable,), *(choices[fact] for fact in LASTING))
    for index, fact in enumerate(LASTING, start=2):
        if len(own[index]) > 1:
            pairs = turned(continuity, own, index)
            yield fact, _crossed((max(floor, one.level), max(floor, other.level)) for one, other in pairs)


@lru_cache(maxsize=1024)
def turned(part: Callable[..., Any], choices: Choices, index: int) -> tuple[tuple[Any, Any], ...]:
    """Return the pairs of outcomes that one fact of a part can turn into one another."""
    found = tried(part, choices)
    # All else equal: settings that differ in this fact alone lie one stride apart.
    stride = prod(len(values) for values in choices[index + 1 :])
    block = stride * len(choices[index])
    rows = dict.fromkeys(
        found.codes[start + offset : start + block : stride]
        for start in range(0, len(found.codes), block)
        for offset in range(stride)
    )
    pairs: dict[tuple[int, int], None] = {}
    for row in rows:
        possible = [code for code in dict.fromkeys(row) if found.outcomes[code] is not None]
        pairs.update(dict.fromkeys(combinations(possible, 2)))
    return tuple((found.outcomes[one], found.outcomes[other]) for one, other in pairs)


def _mildest_loss(choices: Possible, kinds: Kinds) -> Level:
    return continuity_ends(choices, altered=kinds[1], unavailable=kinds[2])[0].level


def _choices_of(choices: Possible, facts: Iterable[str], *, disclosed: bool) -> Choices:
    return tuple((disclosed,) if fact == "disclosed" else choices[fact] for fact in facts)


def _crossed(levels: Iterable[tuple[Level, ...]]) -> Duties:
    return frozenset(
        duty
        for one, other in levels
        for duty, threshold in _THRESHOLDS
        if (one >= threshold) is not (other >= threshold)
    )
