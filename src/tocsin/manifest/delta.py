"""What became of a source between two manifests: added, changed, removed and merely moved, each with its look.

A file that went from one name to another with the same content has moved and counts as nothing else: tidying up
is no disaster. What a file looked like before stands in a small file beside the manifest, outside the snapshot.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tocsin.durable import write_durably
from tocsin.manifest.text import Entry


@dataclass(frozen=True, slots=True)
class Change:
    """One file that is new or other than it was; `before` is its look then, '' if new or not known."""

    path: bytes
    size: int
    look: str
    before: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """Everything between the last manifest and this one. `is_first` when there is no last one to trust.

    `removed` are paths, `moved` pairs of the old path and the new. Sizes in bytes.
    """

    is_first: bool = False
    files_before: int = 0
    bytes_before: int = 0
    files_now: int = 0
    bytes_now: int = 0
    added: tuple[Change, ...] = ()
    changed: tuple[Change, ...] = ()
    removed: tuple[bytes, ...] = ()
    moved: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """The files of one manifest: by path their digests, sizes and, where known, looks."""

    digests: Mapping[bytes, str]
    sizes: Mapping[bytes, int]
    looks: Mapping[bytes, str]

    @classmethod
    def of(cls, entries: Iterable[Entry], digests: Mapping[bytes, str], looks: Mapping[bytes, str]) -> "Content":
        """Return the content of entries whose digests are known."""
        return cls(digests, {entry.path: entry.size for entry in entries if entry.path in digests}, looks)


def compare(last: Content | None, now: Content, unread: Iterable[bytes] = ()) -> Delta:
    """Return what happened between two manifests; what could not be read now has not gone for that."""
    if last is None:
        added = [Change(path, now.sizes.get(path, 0), now.looks.get(path, "")) for path in now.digests]
        return Delta(
            is_first=True, files_now=len(now.digests), bytes_now=sum(now.sizes.values()), added=tuple(added)
        )
    spared = tuple(unread)
    gone = [
        path
        for path in last.digests
        if path not in now.digests and not any(path == one or path.startswith(one + b"/") for one in spared)
    ]
    new = [path for path in now.digests if path not in last.digests]
    moved = _pair_moved(last, now, gone, new)
    left, arrived = {old for old, _ in moved}, {fresh for _, fresh in moved}
    return Delta(
        files_before=len(last.digests),
        bytes_before=sum(last.sizes.values()),
        files_now=len(now.digests),
        bytes_now=sum(now.sizes.values()),
        added=tuple(
            Change(path, now.sizes.get(path, 0), now.looks.get(path, "")) for path in new if path not in arrived
        ),
        changed=tuple(
            Change(path, now.sizes.get(path, 0), now.looks.get(path, ""), last.looks.get(path, ""))
            for path, digest in now.digests.items()
            if path in last.digests and last.digests[path] != digest
        ),
        removed=tuple(path for path in gone if path not in left),
        moved=tuple(moved),
    )


def unchanged(files: int, total_bytes: int) -> Delta:
    """Return the delta of a source in which nothing moved at all."""
    return Delta(files_before=files, bytes_before=total_bytes, files_now=files, bytes_now=total_bytes)


def read_looks(folder: Path) -> dict[bytes, str]:
    """Return the looks kept beside a manifest's folder; nothing when there are none to read."""
    try:
        records = _looks_path(folder).read_bytes().split(b"\0")
    except OSError:
        return {}
    pairs = (record.partition(b"\t") for record in records)
    return {path: look.decode("ascii", "replace") for look, tab, path in pairs if tab}


def write_looks(folder: Path, looks: Mapping[bytes, str]) -> None:
    """Keep the looks beside a manifest's folder."""
    write_durably(
        _looks_path(folder), b"\0".join(b"%s\t%s" % (look.encode(), path) for path, look in looks.items())
    )


def _looks_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.looks")


def _pair_moved(last: Content, now: Content, gone: list[bytes], new: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Pair what is gone with what is new and holds the same, each once; empty files say nothing."""
    arrivals: dict[str, list[bytes]] = {}
    for path in new:
        if now.sizes.get(path):
            arrivals.setdefault(now.digests[path], []).append(path)
    return [(path, found.pop()) for path in gone if (found := arrivals.get(last.digests[path]))]
