"""Put verified data where it belongs, without ever deleting or overwriting what is there.

Restored data waits in a scratch area on the destination's own file system, so that going live is one rename:
a kill at any moment leaves either the old folder, or the new one, or (for an instant, with `--replace`) the
old one under its `before-recovery` name.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tocsin.durable import flush_folder
from tocsin.errors import OperationFailed, Refused, UsageError


@dataclass(frozen=True, slots=True)
class Placement:
    """Where recovered data goes: `area_parent` holds the scratch area, `aside` is where the old folder goes."""

    destination: Path
    area_parent: Path
    aside: Path | None
    is_mount: bool


def plan_placement(destination: Path, protected: Iterable[Path], now: datetime, *, replace: bool) -> Placement:
    """Decide how data gets to `destination`; nothing is touched yet.

    Args:
        destination: an absolute path.
        protected: folders that must stay as they are, such as the store's and the repositories'.
        now: names the old folder when it is moved aside.
        replace: whether a destination with something in it may be moved aside.

    Raises:
        Refused: something is there and `replace` was not given, or it is a folder that must stay.
        UsageError: the destination cannot be one.
    """
    if destination.is_symlink():
        raise UsageError(f"{destination} is a link. Name the folder it leads to: {destination.resolve()}.")
    if destination.exists() and not destination.is_dir():
        raise UsageError(f"{destination} is a file. Name a folder to recover into.")
    _refuse_protected(destination, protected)
    parent = destination.parent
    if not parent.is_dir():
        raise UsageError(
            f"{parent} does not exist. Make it first (is a disk not mounted?), or name another folder."
        )
    is_mount = destination.is_dir() and os.path.ismount(destination)
    occupied = destination.is_dir() and any(destination.iterdir())
    if occupied and not replace:
        raise Refused(
            f"{destination} is not empty; nothing was changed. Recover into an empty folder, or give --replace: "
            "what is there is then moved aside, never deleted."
        )
    if occupied and is_mount:
        raise Refused(
            f"{destination} is a mounted disk and not empty; it cannot be moved aside as a whole. Nothing was "
            f"changed. Recover into a new folder on it, such as {destination / 'recovered'}."
        )
    aside = destination.with_name(f"{destination.name}.before-recovery-{now:%Y%m%dT%H%M%SZ}") if occupied else None
    return Placement(destination, destination if is_mount else parent, aside, is_mount)


def _refuse_protected(destination: Path, protected: Iterable[Path]) -> None:
    real = destination.resolve()
    for folder in protected:
        if real == folder or real in folder.parents:
            raise Refused(
                f"{destination} holds {folder}, which must stay where it is. Nothing was changed. "
                "Recover into another folder."
            )
        if folder in real.parents:
            raise Refused(f"{destination} lies inside {folder}, which Tocsin keeps itself. Choose another folder.")


def root_of(paths: Iterable[str]) -> Path:
    """Return the folder whose content goes to the destination: the source, or several sources' parent."""
    return Path(os.path.commonpath(list(paths)))


def put_in_place(restored: Path, placement: Placement) -> None:
    """Move the verified tree to the destination. Raises OperationFailed saying where everything is now."""
    destination = placement.destination
    try:
        if placement.aside:
            destination.rename(placement.aside)
        if not restored.is_dir():
            destination.mkdir(exist_ok=True)
            restored.rename(destination / restored.name)
        elif placement.is_mount:
            for child in sorted(restored.iterdir()):
                child.rename(destination / child.name)
        else:
            restored.rename(destination)  # POSIX: also onto an empty folder, in one step
        flush_folder(placement.area_parent)
    except OSError as fault:
        where = f" What was there before is at {placement.aside}." if placement.aside else ""
        raise OperationFailed(
            f"Could not put the recovered data at {destination}: {fault.strerror}.{where} Correct that and run "
            "it again."
        ) from fault


def leave_only(restored_root: Path, root: Path, manifest_home: Path, sources: Iterable[Path]) -> Path:
    """Take the manifest out of a restored tree, with the folders that led only to it; return the tree's top.

    `root` and `sources` are original paths; the top is where `root` lies below `restored_root`.
    """
    kept = tuple(sources)
    home = below(restored_root, manifest_home)
    if home.is_dir() and not any(manifest_home.is_relative_to(source) for source in kept):
        for file in home.iterdir():
            file.unlink()
        folder = home
        while folder != restored_root and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent
    return below(restored_root, root)


def below(restored_root: Path, original: Path) -> Path:
    """Return where an original absolute path lies below the folder it was restored into."""
    return restored_root / str(original).lstrip("/")
