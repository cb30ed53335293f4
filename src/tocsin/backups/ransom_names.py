"""The dated list of names that ransomware leaves behind, and of what ordinary files begin with."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import yaml

_LONGEST_EXTENSION = 24
_SEPARATORS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class RansomNames:
    """Names to compare with. `family_of` maps an extension to what such a file begins with."""

    as_of: str
    extensions: frozenset[str]
    note: re.Pattern[str]
    family_of: Mapping[str, str]
    ordinary: frozenset[str]

    def is_known(self, extension: str) -> bool:
        """Tell whether ordinary files end so."""
        return not extension or extension in self.family_of or extension in self.ordinary

    def is_note(self, path: bytes) -> bool:
        """Tell whether a file is named like a ransom note."""
        stem = os.fsdecode(path.rpartition(b"/")[2]).rpartition(".")[0] or os.fsdecode(path.rpartition(b"/")[2])
        return self.note.search(_SEPARATORS.sub(" ", stem).strip().lower()) is not None


def extension_of(path: bytes) -> str:
    """Return a file's extension in lower case and without its dot; '' where there is none."""
    stem, dot, extension = path.rpartition(b"/")[2].rpartition(b".")
    return os.fsdecode(extension).lower() if dot and stem and len(extension) <= _LONGEST_EXTENSION else ""


@lru_cache
def ransom_names() -> RansomNames:
    """Return the names shipped with this package."""
    text = files("tocsin.backups").joinpath("data", "ransom-names.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    return RansomNames(
        as_of=str(data["as_of"]),
        extensions=frozenset(data["extensions"]),
        note=re.compile("|".join(f"(?:{pattern})" for pattern in data["notes"])),
        family_of={extension: family for family, found in data["families"].items() for extension in found},
        ordinary=frozenset(data["ordinary"]),
    )
