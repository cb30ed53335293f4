"""Confidentiality: what the data could do, who can have read it, and what keeps it unreadable."""

from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

from tocsin.law.harm import Harm
from tocsin.law.levels import Exposure, Gravity, Level
from tocsin.model.vocabulary import Identification, KeyState, ProtectionState

Row: TypeAlias = tuple[Level, ...]
"""The risk at each exposure, from nobody to everybody."""


class Shield(StrEnum):
    """What keeps the data from being read or tied to a person. The values are rule names."""

    NONE = "readable"
    SEALED = "sealed"
    NOBODY_IDENTIFIED = "nobody-identified"
    HASHED = "strong-hashes"
    PSEUDONYMS = "pseudonyms"
    HASHED_PSEUDONYMS = "hashed-pseudonyms"


# Rows: exposure; columns: gravity from slight to grave. It never falls to the right or downwards.
_U, _R, _H = Level.UNLIKELY, Level.RISK, Level.HIGH_RISK
_RISK = {
    Exposure.NOBODY: (_U, _U, _U, _U),
    Exposure.CONTAINED: (_U, _U, _U, _U),
    Exposure.LIMITED: (_U, _R, _R, _R),
    Exposure.FEW: (_U, _R, _R, _H),
    Exposure.KEPT: (_U, _R, _H, _H),
    Exposure.GROUP: (_U, _R, _H, _H),
    Exposure.OPEN: (_R, _R, _H, _H),
    Exposure.HOSTILE: (_R, _R, _H, _H),
    Exposure.PUBLISHED: (_R, _H, _H, _H),
}


@lru_cache(maxsize=4096)
def shield(state: ProtectionState, key: KeyState, identification: Identification) -> Shield:
    """Return what protects the people (UK GDPR Art 34(3)(a) for data that is unintelligible)."""
    if state is ProtectionState.ENCRYPTED and key is KeyState.SAFE:
        return Shield.SEALED
    if identification is Identification.NONE:
        return Shield.NOBODY_IDENTIFIED
    pseudonyms = identification is Identification.PSEUDONYMOUS or state is ProtectionState.PSEUDONYMISED
    coded = pseudonyms and key is KeyState.SAFE
    if state is ProtectionState.HASHED_STRONG and key is KeyState.SAFE:
        return Shield.HASHED_PSEUDONYMS if coded else Shield.HASHED
    return Shield.PSEUDONYMS if coded else Shield.NONE


def disclosure_level(exposure: Exposure, harm: Harm, shielded: Shield, steps: int, *, hostile: bool) -> Level:
    """Return the risk of what was disclosed; `steps` is what the number of people adds to the gravity."""
    row = level_row(harm.gravity, harm.without_credentials, harm.credentials, shielded, steps, hostile)
    return row[exposure]


@lru_cache(maxsize=2048)
def level_row(
    gravity: Gravity,
    without_credentials: Gravity,
    credentials: bool,  # noqa: FBT001
    shielded: Shield,
    steps: int,
    hostile: bool,  # noqa: FBT001
) -> Row:
    """Return the risk at each exposure in turn, all else being as given. It never falls."""
    if shielded in {Shield.SEALED, Shield.NOBODY_IDENTIFIED}:
        return (Level.UNLIKELY,) * len(Exposure)
    if hostile:
        return (Level.UNLIKELY, *(Level.HIGH_RISK,) * (len(Exposure) - 1))
    hashed = shielded in {Shield.HASHED, Shield.HASHED_PSEUDONYMS}
    weight = without_credentials if hashed else gravity
    column = min(weight + steps, Gravity.GRAVE) - 1
    row = tuple(_RISK[exposure][column] for exposure in Exposure)
    # A readable password opens the account, whoever the pseudonym stands for.
    coded = shielded is Shield.HASHED_PSEUDONYMS or (shielded is Shield.PSEUDONYMS and not credentials)
    if not coded:
        return row
    most = Level.UNLIKELY if weight is Gravity.SLIGHT else Level.RISK
    return tuple(min(level, most) for level in row)
