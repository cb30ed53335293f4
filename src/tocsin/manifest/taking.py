"""Taking a manifest: walk, hash what is new, write what changed.

Three depths, the cheapest that is true:

1. the walk gives exactly what the seal of the last manifest was set over: both files stand as they are;
2. a file has the size, times and inode it had: its digest is taken over;
3. anything else is read and hashed.

A file that changed within two seconds of the walk is hashed again next time: on a coarse file system a later
change could carry the same times. That, and not trusting a seal whose files do not hash to it, is all that
stands between a cache and a lie.
"""

import errno
import hashlib
import json
import os
import time
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tocsin.durable import private_folder, write_durably
from tocsin.errors import OperationFailed
from tocsin.manifest.delta import Content, Delta, compare, read_looks, unchanged, write_looks
from tocsin.manifest.excludes import anchored, escaped, matcher
from tocsin.manifest.hashing import hash_files
from tocsin.manifest.omitted import Omitted
from tocsin.manifest.reading import Manifest, read_manifest
from tocsin.manifest.sources import Source, roots_of
from tocsin.manifest.text import METADATA_NAME, TEXT_NAME, Entry, metadata_lines, shown_path, text_line
from tocsin.manifest.walk import is_untouched, walk
from tocsin.ports import NO_OMISSIONS, Omissions

SETTLING_NS = 2_000_000_000
_VANISHED = {errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENOTDIR}


@dataclass(frozen=True)
class TakenManifest:
    """A manifest on the disk, and what restic must be given so that the snapshot holds the same.

    `paths` ends with the manifest's own folder. `unread` names what could not be listed or read. `hashed_files`
    and `hashed_bytes` say how much was really read this time. `sha256` is the hash of the text.
    """

    folder: Path
    sha256: str
    files: int
    total_bytes: int
    hashed_files: int
    hashed_bytes: int
    unread: tuple[str, ...]
    paths: tuple[Path, ...]
    excludes: tuple[str, ...]
    omissions: Omissions
    _entries: list[Entry] = field(repr=False, compare=False)

    @property
    def text_path(self) -> Path:
        """Where the text lies, here and in the snapshot."""
        return self.folder / TEXT_NAME


@dataclass
class _Reading:
    """What one taking has found so far."""

    entries: list[Entry]
    digests: dict[bytes, str]
    unread: dict[bytes, str]
    unsettled: frozenset[bytes] = frozenset()
    hashed_files: int = 0
    hashed_bytes: int = 0
    looks: dict[bytes, str] = field(default_factory=dict)
    delta: Delta = field(default_factory=Delta)


def take_manifest(
    folder: Path,
    sources: Sequence[Source],
    *,
    left_out: Sequence[Path] = (),
    omissions: Omissions = NO_OMISSIONS,
    on_delta: Callable[[Delta], None] | None = None,
) -> TakenManifest:
    """Write the manifest of `sources` into `folder` (0700, files 0600) and return it.

    `left_out` are folders that no backup holds, such as Tocsin's own state; `omissions` are left out of all
    sources alike. `on_delta` hears what changed since
    the last manifest before this one takes its place, so that no crash can swallow it.

    Raises OperationFailed when the manifest cannot be written, ValueError for an exclusion that is none. What
    cannot be read is in `unread`.
    """
    folder = private_folder(folder.absolute())
    roots = roots_of(sources)
    excludes = _excludes(sources, roots, left_out)
    unread: dict[bytes, str] = {}
    walked_at = time.time_ns()
    entries = _walk(folder, roots, excludes, omissions, unread)
    seal = _Seal.standing_over(folder, entries) if not unread else None
    if seal is None:
        reading = _read_anew(folder, entries, unread, settled_before=walked_at - SETTLING_NS)
        if on_delta is not None:
            on_delta(reading.delta)
        seal = _write(folder, reading)
    else:
        reading = _Reading(entries, {}, unread)
        if on_delta is not None:
            on_delta(unchanged(seal.files, seal.total_bytes))
    return TakenManifest(
        folder=folder,
        sha256=seal.text,
        files=seal.files,
        total_bytes=seal.total_bytes,
        hashed_files=reading.hashed_files,
        hashed_bytes=reading.hashed_bytes,
        unread=tuple(shown_path(path) for path in sorted(reading.unread)),
        paths=(*roots, folder),
        # Last, so that no exclusion can keep the manifest out of the snapshot it belongs to.
        excludes=(*excludes, f"!{escaped(str(folder))}") if excludes else (),
        omissions=omissions,
        _entries=reading.entries,
    )


def recheck(taken: TakenManifest) -> tuple[str, ...]:
    """Look at everything again and return the paths that changed, vanished or appeared since, for people to read.

    Nothing changes without its own time of change (ctime) or its folder's moving on, and no program can set
    that; so one `lstat` for each entry tells whether a second walk is needed to say what it was.
    """
    before = taken._entries  # noqa: SLF001 - the two functions of this module share it
    if is_untouched(before):
        return ()
    now = _walk(taken.folder, taken.paths[:-1], taken.excludes[:-1], taken.omissions, {})
    earlier = {entry.path: _trace(entry) for entry in before}
    later = {entry.path: _trace(entry) for entry in now}
    moved = {path for path, trace in later.items() if earlier.get(path) != trace} | (earlier.keys() - later.keys())
    return tuple(shown_path(path) for path in sorted(moved))


def _trace(entry: Entry) -> tuple[int, ...]:
    """Return what tells a changed entry from an unchanged one; a folder changes with what is in it."""
    if entry.kind == "folder":
        return (entry.mode,)
    return (entry.mode, entry.size, entry.mtime_ns, entry.ctime_ns, entry.inode, entry.device)


def _excludes(sources: Sequence[Source], roots: Sequence[Path], left_out: Sequence[Path]) -> tuple[str, ...]:
    patterns = [
        pattern for source in sources for path in source.paths for pattern in anchored(source.exclude, str(path))
    ]
    own = [
        escaped(os.path.normpath(path)) for path in left_out if any(path.is_relative_to(root) for root in roots)
    ]
    return tuple(dict.fromkeys([*patterns, *own]))


def _walk(
    folder: Path, roots: Sequence[Path], excludes: Sequence[str], omissions: Omissions, unread: dict[bytes, str]
) -> list[Entry]:
    """Walk the sources without the manifest's own folder, which is being written."""
    own = any(folder.is_relative_to(root) for root in roots)
    excluded = matcher([*excludes, escaped(str(folder))] if own else excludes)
    return walk([os.fsencode(root) for root in roots], excluded, unread.__setitem__, Omitted.by(omissions))


def _read_anew(folder: Path, entries: list[Entry], unread: dict[bytes, str], *, settled_before: int) -> _Reading:
    """Take over the digests of what did not change and hash the rest."""
    last = _last_manifest(folder)
    known = _known_digests(last)
    digests: dict[bytes, str] = {}
    to_hash: list[Entry] = []
    for entry in entries:
        if entry.kind == "file":
            if digest := known.get((entry.path, *_trace(entry)[1:])):
                digests[entry.path] = digest
            else:
                to_hash.append(entry)
    seen: dict[bytes, str] = {}
    fresh, faults = hash_files([(entry.path, entry.size) for entry in to_hash], looks=seen)
    # What is gone by now is no content; `recheck` names what took its place.
    gone = {path for path, fault in faults.items() if fault.errno in _VANISHED}
    unread |= {path: fault.strerror or str(fault) for path, fault in faults.items() if path not in gone}
    digests |= fresh
    earlier = read_looks(folder) if last else {}
    looks = {path: look for path, look in earlier.items() if path in digests} | seen
    before = None if last is None else Content.of(last.entries, last.digests, earlier)
    return _Reading(
        entries=[entry for entry in entries if entry.path not in gone],
        digests=digests,
        looks=looks,
        delta=compare(before, Content.of(entries, digests, looks), unread),
        unread=unread,
        unsettled=frozenset(
            entry.path for entry in to_hash if max(entry.mtime_ns, entry.ctime_ns) >= settled_before
        ),
        hashed_files=len(fresh),
        hashed_bytes=sum(entry.size for entry in to_hash if entry.path in fresh),
    )


def _last_manifest(folder: Path) -> Manifest | None:
    """Return the last manifest; None when it is missing, damaged or not sealed."""
    try:
        return read_manifest(folder, sha256=_Seal.read(folder).text)
    except (OSError, ValueError, TypeError, OperationFailed):
        return None


def _known_digests(last: Manifest | None) -> dict[tuple[bytes | int, ...], str]:
    """Return the last manifest's digests by path and trace."""
    if last is None:
        return {}
    return {
        (entry.path, *_trace(entry)[1:]): digest
        for entry in last.entries
        if (digest := last.digests.get(entry.path)) and entry.path not in last.unsettled
    }


def _write(folder: Path, reading: _Reading) -> "_Seal":
    metadata = metadata_lines(reading.entries, reading.unsettled, frozenset(reading.unread))
    digests = reading.digests
    own = os.fsencode(folder / METADATA_NAME)
    lines = [text_line(digests[entry.path], entry.path) for entry in reading.entries if entry.path in digests]
    text = b"".join([*lines, text_line(hashlib.sha256(metadata).hexdigest(), own)])
    seal = _Seal(
        fingerprint="" if reading.unsettled or reading.unread else _fingerprint(folder, reading.entries),
        text=hashlib.sha256(text).hexdigest(),
        metadata=hashlib.sha256(metadata).hexdigest(),
        files=len(digests),
        total_bytes=sum(entry.size for entry in reading.entries if entry.path in digests),
    )
    for name, content in ((METADATA_NAME, metadata), (TEXT_NAME, text)):
        with suppress(OSError):
            if (folder / name).read_bytes() == content:
                continue  # untouched, restic need not read it again
        write_durably(folder / name, content)
    write_looks(folder, reading.looks)
    seal.write(folder)
    return seal


@dataclass(frozen=True, slots=True)
class _Seal:
    """What the last manifest was set over, beside its folder and so outside the snapshot."""

    fingerprint: str
    text: str
    metadata: str
    files: int
    total_bytes: int

    @classmethod
    def read(cls, folder: Path) -> "_Seal":
        """Return the last seal. Raises OSError, ValueError or TypeError when there is no good one."""
        return cls(**json.loads(_seal_path(folder).read_bytes()))

    @classmethod
    def standing_over(cls, folder: Path, entries: list[Entry]) -> "_Seal | None":
        """Return the seal if exactly these entries stand under it and both files are the ones it names."""
        try:
            seal = cls.read(folder)
            if seal.fingerprint != _fingerprint(folder, entries):
                return None
            whole = seal.text == _file_sha256(folder / TEXT_NAME) and seal.metadata == _file_sha256(
                folder / METADATA_NAME
            )
        except (OSError, ValueError, TypeError):
            return None
        return seal if whole else None

    def write(self, folder: Path) -> None:
        """Set the seal, after both files are on the disk."""
        record = {name: getattr(self, name) for name in self.__dataclass_fields__}
        write_durably(_seal_path(folder), json.dumps(record).encode())


def _seal_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.seal")


def _file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _fingerprint(folder: Path, entries: list[Entry]) -> str:
    """Return a digest of everything the walk saw, column by column: that is what the machine is quick at."""
    digest = hashlib.sha256(b"%s\0%d\0" % (os.fsencode(folder), len(entries)))
    if entries:
        paths, *numbers, targets = zip(*entries, strict=True)
        digest.update(b"\0".join(paths))
        for column in numbers:
            # Times before 1970 are negative, inodes may fill all 64 bits.
            digest.update(array("q" if min(column) < 0 else "Q", column).tobytes())
        digest.update(b"\0".join(targets))
    return digest.hexdigest()
