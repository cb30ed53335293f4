"""The second rung of proof: a snapshot read as a stream, every file hashed as it comes, nothing laid on a disk.

The manifest comes along in the same stream and is held to the digest in our ledger; where it arrives damaged, our
own copy of it serves. What is compared is what `verify_restored` compares, save the times: a stream has none that
could excuse a difference.
"""

import os
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import IO

from tocsin.manifest import METADATA_NAME, TEXT_NAME, Comparison, Manifest, shown_path
from tocsin.manifest.text import Entry
from tocsin.recovery import LedgerSnapshot

_CHUNK = 1 << 20
_KINDS = {tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "symlink"}
_STREAMED = frozenset({"file", "folder", "symlink"})


@dataclass
class Streamed:
    """What came by: every file's digest, every link's target, and the manifest's two files as they came."""

    digests: dict[bytes, str] = field(default_factory=dict)
    links: dict[bytes, bytes] = field(default_factory=dict)
    folders: set[bytes] = field(default_factory=set)
    others: set[bytes] = field(default_factory=set)
    size: int = 0
    manifest: dict[str, bytes] = field(default_factory=dict)


def hashing(streamed: Streamed, snapshot: LedgerSnapshot) -> Callable[[IO[bytes]], None]:
    """Return the reader that hashes a tar stream into `streamed`, keeping the manifest's own two files."""
    home = os.fsencode(snapshot.manifest_folder) if snapshot.manifest_folder else b""
    kept = {home + b"/" + name.encode(): name for name in (TEXT_NAME, METADATA_NAME)} if home else {}

    def read(pipe: IO[bytes]) -> None:
        with (
            os.fdopen(os.dup(pipe.fileno()), "rb", buffering=_CHUNK) as source,
            tarfile.open(fileobj=source, mode="r|", errors="surrogateescape") as archive,
        ):
            for member in archive:
                _take(archive, member, streamed, kept)
                archive.members = []  # type: ignore[attr-defined]  # else it remembers a million of them

    return read


def _take(archive: tarfile.TarFile, member: tarfile.TarInfo, streamed: Streamed, kept: dict[bytes, str]) -> None:
    path = b"/" + os.fsencode(member.name).strip(b"/")
    kind = _KINDS.get(member.type, "other")
    if kind == "folder":
        streamed.folders.add(path)
    elif kind == "symlink":
        streamed.links[path] = os.fsencode(member.linkname)
    elif kind == "file" and (content := archive.extractfile(member)) is not None:
        digest, keeps = sha256(), bytearray() if path in kept else None
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            if keeps is not None:
                keeps += chunk
        streamed.digests[path] = digest.hexdigest()
        streamed.size += member.size
        if keeps is not None:
            streamed.manifest[kept[path]] = bytes(keeps)
    else:
        streamed.others.add(path)


def compare_stream(manifest: Manifest, streamed: Streamed, excused: frozenset[str]) -> Comparison:
    """Hold what was streamed against the manifest; pure."""
    own = os.fsencode(manifest.home) + b"/"
    missing: list[str] = []
    changed: list[str] = []
    moved: list[str] = []
    unvouched: list[str] = []
    matching = 0
    expected = set()
    for entry in manifest.entries:
        expected.add(entry.path)
        shown = shown_path(entry.path)
        if entry.path in manifest.unread:
            unvouched.append(shown)
        elif entry.kind in _STREAMED and not _is_there(streamed, entry.path):
            (moved if shown in excused else missing).append(shown)
        elif _differs(manifest, streamed, entry):
            (moved if shown in excused else changed).append(shown)
        else:
            matching += entry.kind == "file"
    came = [*streamed.digests, *streamed.links, *streamed.others]
    extra = [shown_path(path) for path in came if path not in expected and not path.startswith(own)]
    piles = (missing, changed, extra, moved, unvouched)
    return Comparison(matching, streamed.size, *(tuple(sorted(pile)) for pile in piles))


def _is_there(streamed: Streamed, path: bytes) -> bool:
    return any(path in pile for pile in (streamed.digests, streamed.links, streamed.folders, streamed.others))


def _differs(manifest: Manifest, streamed: Streamed, entry: Entry) -> bool:
    if entry.kind == "file":
        return streamed.digests.get(entry.path) != manifest.digests.get(entry.path)
    return entry.kind == "symlink" and streamed.links.get(entry.path) != entry.target
