"""A file's content as plain data, and where in the file each piece of it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tocsin.errors import Place

Data: TypeAlias = "bool | int | float | str | list[Data] | dict[str, Data] | None"
Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data with positions.

    `values` and `keys` map a path such as `("people", "maya", "roles", 0)` to the place of that value and of
    that key. Documents merged from several files carry places of several names.
    """

    name: str
    data: Data
    values: Mapping[Path, Place] = field(default_factory=dict, repr=False)
    keys: Mapping[Path, Place] = field(default_factory=dict, repr=False)

    def place(self, path: Path) -> Place:
        """Return where the value at `path` stands, or its nearest known ancestor."""
        return self._nearest_place(self.values, path)

    def key_place(self, path: Path) -> Place:
        """Return where the key at `path` stands; for a list's item, where the item stands."""
        return self.keys.get(path) or self._nearest_place(self.values, path)

    def at(self, path: Path) -> Data:
        """Return the value at `path`, or None where there is none."""
        found = self.data
        for step in path:
            if isinstance(found, dict) and isinstance(step, str):
                found = found.get(step)
            elif isinstance(found, list) and isinstance(step, int) and step < len(found):
                found = found[step]
            else:
                return None
        return found

    def _nearest_place(self, places: Mapping[Path, Place], path: Path) -> Place:
        for length in range(len(path), -1, -1):
            if place := places.get(path[:length]):
                return place
        return Place(self.name)
