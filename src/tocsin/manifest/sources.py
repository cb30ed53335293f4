"""What a manifest is taken of, and whether it is there at all.

restic 0.18 exits 0 when one of two source paths is missing, and saves a disk that is not mounted as an empty
folder. So each source is looked at first, and what is wrong with it has a name.
"""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Source:
    """Absolute paths, and the patterns left out of them (see `tocsin.manifest.excludes`)."""

    paths: tuple[Path, ...]
    exclude: tuple[str, ...] = ()


class SourceFault(StrEnum):
    """Why a source path cannot be backed up as it is meant."""

    MISSING = "missing"
    EMPTY = "empty"
    LINK = "link"
    UNREADABLE = "unreadable"


def examine_source(path: Path) -> SourceFault | None:
    """Return what is wrong with a source path, or None. An empty folder may be a disk that is not mounted."""
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return SourceFault.LINK  # restic saves the link itself, not what it leads to
        if not stat.S_ISDIR(mode):
            return None
        with os.scandir(path) as listing:
            return None if next(listing, None) else SourceFault.EMPTY
    except (FileNotFoundError, NotADirectoryError):
        return SourceFault.MISSING
    except OSError:
        return SourceFault.UNREADABLE


def roots_of(sources: Sequence[Source]) -> tuple[Path, ...]:
    """Return the sources' paths, each once, without those that lie inside another."""
    paths = dict.fromkeys(Path(os.path.normpath(path)) for source in sources for path in source.paths)
    return tuple(path for path in paths if not any(parent in paths for parent in path.parents))
