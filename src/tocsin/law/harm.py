"""The kind of harm: what this data could do to these people, whoever has it.

Four gravities. A plain name on a list is slight; profiles, insurance and a name with a birth date are
moderate; money, identity papers and passwords are serious; Article 9 and criminal offence data are grave.
How much the data really shows moves that, and so does it that children or vulnerable people are concerned.
"""

from functools import lru_cache
from typing import NamedTuple

from tocsin.law.levels import Gravity
from tocsin.model.vocabulary import FAMILY_CODES, DataCode, DataFamily, Insight

LARGE_COUNT = 1_000
VERY_LARGE_COUNT = 100_000

_GRAVE = FAMILY_CODES[DataFamily.SPECIAL]
_SERIOUS = (FAMILY_CODES[DataFamily.MONEY] | FAMILY_CODES[DataFamily.IDENTITY]) - {DataCode.INSURANCE}
_MODERATE = FAMILY_CODES[DataFamily.BEHAVIOUR] | {DataCode.INSURANCE}
_IDENTITY_KIT = frozenset({DataCode.NAME, DataCode.DATE_OF_BIRTH})


class Harm(NamedTuple):
    """What the data could do. `without_credentials`: the same once strong hashes keep passwords unreadable."""

    gravity: Gravity
    without_credentials: Gravity
    credentials: bool
    rules: tuple[str, ...]


@lru_cache(maxsize=4096)
def weigh(data: frozenset[DataCode], insight: Insight, vulnerable: bool) -> Harm:  # noqa: FBT001 - one of three facts
    """Return what this data could do to the people it is about."""
    kind, rule = _kind(data)
    rest, _ = _kind(data - {DataCode.CREDENTIALS})
    rules = [rule]
    if insight in {Insight.NONE, Insight.LITTLE}:
        rules.append("little-insight")
    elif insight is Insight.DETAILED:
        rules.append("detailed-picture")
    if vulnerable:
        rules.append("vulnerable-people")
    credentials = DataCode.CREDENTIALS in data
    return Harm(
        # A password opens an account however little it says of the person.
        _moved(kind, insight, vulnerable=vulnerable, least=Gravity.SERIOUS if credentials else Gravity.SLIGHT),
        _moved(rest, insight, vulnerable=vulnerable, least=Gravity.SLIGHT),
        credentials,
        tuple(rules),
    )


def scale(count: int) -> int:
    """Return how many steps the number of people raises the gravity: 0, 1 from a thousand, 2 from 100,000."""
    return (count >= LARGE_COUNT) + (count >= VERY_LARGE_COUNT)


def _kind(data: frozenset[DataCode]) -> tuple[Gravity, str]:
    if data & _GRAVE:
        return Gravity.GRAVE, "special-data"
    if data & _SERIOUS:
        return Gravity.SERIOUS, "money-or-identity"
    if data >= _IDENTITY_KIT:
        return Gravity.MODERATE, "identity-kit"
    if data & _MODERATE:
        return Gravity.MODERATE, "profile-data"
    return Gravity.SLIGHT, "ordinary-data"


def _moved(gravity: Gravity, insight: Insight, *, vulnerable: bool, least: Gravity) -> Gravity:
    if insight in {Insight.NONE, Insight.LITTLE}:
        gravity = least
    moved = gravity + (insight is Insight.DETAILED) + vulnerable
    return Gravity(min(moved, Gravity.GRAVE))
