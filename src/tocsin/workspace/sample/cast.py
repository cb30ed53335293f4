"""Made-up people and deterministic choices: everything the sample's files have in common."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TypeVar

T = TypeVar("T")

_FIRST_NAMES = """
Ada Amir Anya Ben Bronwyn Callum Carys Chidi Dara Dev Elin Esme Farah Felix Freya Gethin Grace Hana Harvey
Imogen Isaac Jade Jonah Kasia Kofi Leila Lewis Mabel Marek Megan Nadia Niall Olive Omar Petra Quinn Rhys Rosa
Rowan Saoirse Seth Tamsin Theo Uma Victor Wren Yusuf Zara
"""
_LAST_NAMES = """
Abernethy Ashcombe Balewa Barrow Birdsall Blakeway Carrow Chaudhry Cotterill Dacre Dunmore Eastlake Fairclough
Fenwick Garside Gilroy Haddow Hallam Iqbal Jessop Kestrel Kowalczyk Langstaff Lorimer Mbeki Merriweather
Nakata Norbury Oduya Osgood Pemberley Prowse Quill Rastogi Redfern Sallow Stannard Tarrant Thackeray Underhill
Vasquez Wetherby Winslade Yarrow
"""
_FIRST = tuple(_FIRST_NAMES.split())
_LAST = tuple(_LAST_NAMES.split())
_STREETS = (
    "Quarry Lane",
    "Mill Row",
    "Orchard Rise",
    "Signal Street",
    "Tanners Yard",
    "Foundry Walk",
    "Heron Close",
)
_TOWNS = (("Bristol", "BS1 0A"), ("Bath", "BA1 0A"), ("Newport", "NP20 0A"), ("Gloucester", "GL1 0A"))


@dataclass(frozen=True, slots=True)
class Somebody:
    """A made-up person."""

    name: str
    email: str
    phone: str
    address: str
    born: date


class Dice:
    """Choices that come out the same on every machine: only `Random.random` is promised to stay as it is."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)  # noqa: S311 - made-up data that must be the same each time

    def below(self, limit: int) -> int:
        """Return a whole number from 0 up to but without `limit`."""
        return int(self._random.random() * limit)

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[self.below(len(choices))]

    def day(self, first: date, days: int) -> date:
        """Return a day within `days` of the first."""
        return first + timedelta(days=self.below(days))

    def somebody(self, number: int) -> Somebody:
        """Return a person; `number` keeps their mail address apart from everyone else's."""
        first, last = self.pick(_FIRST), self.pick(_LAST)
        town, postcode = self.pick(_TOWNS)
        letter = "ABDEFGHJLN"[self.below(10)]
        return Somebody(
            name=f"{first} {last}",
            email=f"{first}.{last}{number}@example.com".lower(),
            phone=f"07700 900{self.below(1000):03d}",
            address=f"{1 + self.below(120)} {self.pick(_STREETS)}, {town} {postcode}{letter}",
            born=self.day(date(1946, 1, 1), 21_000),
        )


def noise(name: str, length: int) -> bytes:
    """Return bytes that do not compress, the same for the same name."""
    return hashlib.shake_256(name.encode()).digest(length)
