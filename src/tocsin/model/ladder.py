"""The ladder of proof: one word for how far a recovery has been proven, used everywhere.

A rung counts only with every rung below it. One that has not been tried is not proven; it is not failed either.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Rung(StrEnum):
    """How far a recovery is proven, from the bottom up."""

    L0 = "L0"
    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"
    L5 = "L5"
    L6 = "L6"

    @property
    def height(self) -> int:
        """0 to 6."""
        return int(self[1:])

    @property
    def meaning(self) -> str:
        """What is proven on this rung, in a few words."""
        return _MEANINGS[self]


_MEANINGS = {
    Rung.L0: "reachable and openable",
    Rung.L1: "checked",
    Rung.L2: "streamed and hashed",
    Rung.L3: "restored, every file compared",
    Rung.L4: "database loaded and asserted",
    Rung.L5: "application answers",
    Rung.L6: "whole plan in order",
}


@dataclass(frozen=True, slots=True)
class Proof:
    """What one drill or check says of a repository's copy of the data, at one moment.

    `reached` is the highest rung that held with all below it, None when not even the lowest did; `broken` is the
    lowest that was tried and did not hold, None when nothing broke. `by` says who found out: `drill:files`.
    """

    at: datetime
    reached: Rung | None
    broken: Rung | None
    by: str


@dataclass(frozen=True, slots=True)
class Proven:
    """How far a thing is proven now, since when, and by what. `rung` is None while nothing is proven."""

    rung: Rung | None
    at: datetime | None
    by: str


NOTHING = Proven(None, None, "")


def proven_by(proofs: Iterable[Proof]) -> Proven:
    """Return how far the thing is proven now: the highest rung that nothing later has broken; pure.

    A rung that broke takes every older proof of it, and of all above it, away. A later one that held counts.
    """
    ceiling = Rung.L6.height
    best = NOTHING
    for proof in sorted(proofs, key=lambda each: each.at, reverse=True):
        height = min(proof.reached.height if proof.reached else -1, ceiling)
        if height >= 0 and (best.rung is None or height > best.rung.height):
            best = Proven(Rung(f"L{height}"), proof.at, proof.by)
        if proof.broken is not None:
            ceiling = min(ceiling, proof.broken.height - 1)
    return best


def highest(found: Iterable[Proven]) -> Proven:
    """Return the one that is proven furthest, the newest of equals."""

    def height(one: Proven) -> tuple[int, float]:
        return (one.rung.height if one.rung else -1, one.at.timestamp() if one.at else 0.0)

    return max(found, key=height, default=NOTHING)


def lowest(found: Iterable[Proven]) -> Proven:
    """Return the one that is proven least far, the oldest of equals: the weakest part is what counts."""

    def height(one: Proven) -> tuple[int, float]:
        return (one.rung.height if one.rung else -1, one.at.timestamp() if one.at else 0.0)

    return min(found, key=height, default=NOTHING)
