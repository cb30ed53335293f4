"""The scales the law is judged on, each in order, so that "worse" is always "greater"."""

from enum import IntEnum


class Level(IntEnum):
    """Risk to the people concerned (UK GDPR Arts 33(1) and 34(1) set the two thresholds)."""

    NONE = 0
    UNLIKELY = 1
    RISK = 2
    HIGH_RISK = 3


class Gravity(IntEnum):
    """How much harm the data could do to a person in the wrong hands."""

    SLIGHT = 1
    MODERATE = 2
    SERIOUS = 3
    GRAVE = 4


class Exposure(IntEnum):
    """Who can have read the data, from nobody to everybody: the likelihood of harm."""

    NOBODY = 0
    CONTAINED = 1
    """People we trust, who have deleted or returned it."""
    LIMITED = 2
    """Retrieved from somebody outside, or an intruder who most likely took nothing."""
    FEW = 3
    """A few known people who should not have it."""
    KEPT = 4
    """A known recipient who will not give it up."""
    GROUP = 5
    """A small circle, fewer than a hundred."""
    OPEN = 6
    """Hands that nobody can name or count."""
    HOSTILE = 7
    """Somebody who took it on purpose."""
    PUBLISHED = 8
    """Anybody."""
