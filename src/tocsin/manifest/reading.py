"""A manifest read back, from the folder it was written to or from a restored snapshot."""

import hashlib
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tocsin.errors import OperationFailed
from tocsin.manifest.text import METADATA_NAME, TEXT_NAME, Entry, digests_in, records_in


@dataclass(frozen=True)
class Manifest:
    """What a source held. Paths are absolute and as they were when it was taken, not where they lie now.

    `folder` is where it was read from, `home` where it lay when it was taken. `sha256` is the hash of the text
    and binds the metadata too; compare it with the one in the ledger.
    """

    folder: Path
    home: Path
    sha256: str
    digests: dict[bytes, str] = field(repr=False)
    entries: tuple[Entry, ...] = field(repr=False)
    unsettled: frozenset[bytes] = field(repr=False, default=frozenset())
    unread: frozenset[bytes] = field(repr=False, default=frozenset())

    @property
    def files(self) -> int:
        """How many files it vouches for."""
        return len(self.digests)

    @cached_property
    def total_bytes(self) -> int:
        """The size of the files it vouches for."""
        return sum(entry.size for entry in self.entries)


def read_manifest(path: Path, *, sha256: str | None = None) -> Manifest:
    """Read a manifest by its folder, or by its `manifest.sha256`; `sha256` is the hash the ledger kept of it.

    Raises OperationFailed when it is missing, unreadable, not ours, not the one the ledger knows, or when its
    two files do not belong together. Only the ledger's hash tells that nobody rewrote both.
    """
    folder = path if path.name != TEXT_NAME else path.parent
    try:
        text = (folder / TEXT_NAME).read_bytes()
        metadata = (folder / METADATA_NAME).read_bytes()
    except OSError as fault:
        raise OperationFailed(
            f"The manifest in {folder} cannot be read ({fault.strerror}). "
            "Without it a restore cannot be compared with what was backed up."
        ) from fault
    if sha256 is not None and hashlib.sha256(text).hexdigest() != sha256:
        raise OperationFailed(
            f"The manifest in {folder} is not the one recorded at the backup: it was damaged or exchanged. "
            "Do not trust this snapshot until someone has looked at it."
        )
    return parse_manifest(folder, text, metadata)


def parse_manifest(folder: Path, text: bytes, metadata: bytes) -> Manifest:
    """Read a manifest from its two files' content. Raises OperationFailed."""
    try:
        digests = digests_in(text)
        home, bound = _take_bound(digests)
        records = list(records_in(metadata)) if bound == hashlib.sha256(metadata).hexdigest() else None
    except ValueError as fault:
        raise OperationFailed(
            f"The manifest in {folder} is damaged: {fault}. Take another snapshot's, or judge the files by hand."
        ) from fault
    if records is None:
        raise OperationFailed(
            f"The manifest in {folder} is damaged: {METADATA_NAME} is not the one that {TEXT_NAME} was written "
            "with. Take another snapshot's, or judge the files by hand."
        )
    return Manifest(
        folder=folder,
        home=home,
        sha256=hashlib.sha256(text).hexdigest(),
        digests=digests,
        entries=tuple(entry for entry, _, _ in records),
        unsettled=frozenset(entry.path for entry, settled, _ in records if not settled),
        unread=frozenset(entry.path for entry, _, read in records if not read),
    )


def _take_bound(digests: dict[bytes, str]) -> tuple[Path, str]:
    """Remove the line of the metadata file itself, which stands last; return its folder and its digest."""
    path, digest = digests.popitem() if digests else (b"", "")
    metadata_path = Path(os.fsdecode(path))
    if metadata_path.name != METADATA_NAME:
        raise ValueError(f"it does not end with the hash of {METADATA_NAME}")
    return metadata_path.parent, digest
