"""Which object of a repository is damaged, found without restic where the repository is a folder we can read.

restic names every file but `config` by the SHA-256 of what is in it. When a damaged key file or config keeps
it from opening the repository at all, or when a second key file, which it never read, is damaged, this still
names the object. Packs are left to `restic check --read-data`, which reads each of them anyway.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

# The folder's name, and what restic calls one of its files.
KINDS = {"keys": "key", "index": "index", "snapshots": "snapshot"}


class Reach(StrEnum):
    """What stands at a repository's location."""

    THERE = "there"
    GONE = "gone"  # some of it is there, its config is not: damage, not distance
    OUT_OF_REACH = "out of reach"  # an unplugged disk, an unmounted share
    REMOTE = "remote"  # restic alone can tell


@dataclass(frozen=True, slots=True)
class DamagedObject:
    """One file of the repository whose content does not match its name. `what` reads `key bb03f0dd…`."""

    what: str
    problem: str


def reach(location: str) -> Reach:
    """Tell what stands at `location` (as restic takes it)."""
    folder = local_folder(location)
    if folder is None:
        return Reach.REMOTE
    try:
        if (folder / "config").is_file():
            return Reach.THERE
        return Reach.GONE if folder.is_dir() and any(folder.iterdir()) else Reach.OUT_OF_REACH
    except OSError:
        return Reach.OUT_OF_REACH


def local_folder(location: str) -> Path | None:
    """Return the folder of a local repository, or None for one behind a server."""
    path = location.removeprefix("local:")
    return Path(path) if path.startswith("/") else None


def damaged_objects(location: str) -> tuple[DamagedObject, ...]:
    """Return the key, index and snapshot files whose content is not what their name says; () for a remote one."""
    folder = local_folder(location)
    if folder is None:
        return ()
    return tuple(
        DamagedObject(f"{kind} {file.name}", problem)
        for name, kind in KINDS.items()
        for file in sorted((folder / name).glob("*"))
        if (problem := _problem(file))
    )


def _problem(file: Path) -> str | None:
    if len(file.name) != hashlib.sha256().digest_size * 2:
        return None  # a temporary file of an unfinished upload
    try:
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except FileNotFoundError:
        return None  # removed meanwhile by restic itself
    except OSError as fault:
        return f"cannot be read: {fault.strerror}"
    return None if digest == file.name else "its content is not what its name says: it was altered or is damaged"
