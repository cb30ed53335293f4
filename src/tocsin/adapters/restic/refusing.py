"""What restic must never be given: sources that are not there, targets that are not empty, words it misreads."""

import re
from collections.abc import Iterable
from pathlib import Path

from tocsin.adapters.restic.access import masked, shown, wrong
from tocsin.errors import OperationFailed, UsageError
from tocsin.ports import RepositoryAccess

SNAPSHOT_ID = re.compile(r"[0-9a-f]{8,64}")


def failed(repository: RepositoryAccess, sentence: str) -> OperationFailed:
    """Return the error of an act on a repository, its secrets masked."""
    return OperationFailed(masked(repository, f"repository {repository.name}: {sentence}"))


def refuse_unusable_sources(repository: RepositoryAccess, paths: Iterable[Path]) -> None:
    """Refuse no source, a missing one and a symbolic link: restic would save less than was meant, and exit 0."""
    paths = tuple(paths)
    if not paths:
        raise wrong(repository, "a backup needs at least one source")
    if links := [shown(path) for path in paths if path.is_symlink()]:
        raise failed(
            repository,
            f"nothing was backed up: {', '.join(links)} is a symbolic link, and the backup would hold the link "
            "alone; name the folder it points to",
        )
    if missing := [shown(path) for path in paths if not path.exists()]:
        raise failed(repository, f"nothing was backed up: missing {', '.join(missing)}")


def refuse_unusable_target(target: Path) -> None:
    """Refuse a target with anything in it: restic would keep what it finds, and a check would take it for ours."""
    if not target.is_dir():
        raise OperationFailed(f"nothing was restored: {shown(target)} is no folder; make it first")
    if next(target.iterdir(), None) is not None:
        raise OperationFailed(f"nothing was restored: {shown(target)} is not empty; give an empty folder")


def whole(tag: str) -> str:
    """Return a tag that restic takes for one."""
    if not tag or "," in tag:
        raise UsageError(f"{tag!r} cannot be a snapshot's tag: restic takes a comma for the start of another tag")
    return tag


def snapshot_id_of(text: str) -> str:
    """Return a snapshot's id; refuse `latest` too: a snapshot dated into the future would win it."""
    if not SNAPSHOT_ID.fullmatch(text):
        raise UsageError(f"{text!r} is no snapshot id: that is 8 to 64 of the characters 0-9 and a-f")
    return text
