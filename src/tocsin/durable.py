"""Files that are either wholly there or not there at all, also after a power cut.

Everything Tocsin writes for itself or for a person goes through here: a temporary file in the same
folder, flushed to the disk, renamed over the old one, and the folder flushed so that the rename holds.
"""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tocsin.errors import OperationFailed

_REASONS = {
    errno.ENOSPC: "the disk is full. Free some space and run it again",
    errno.EDQUOT: "the disk quota is used up. Free some space and run it again",
    errno.EROFS: "the disk is read-only. Make it writable, or choose another folder",
    errno.EACCES: "this user may not write there. Change the folder's owner or mode, or choose another folder",
    errno.EPERM: "this user may not write there. Change the folder's owner or mode, or choose another folder",
    errno.ENOTDIR: "a part of that path is a file, not a folder",
    errno.EISDIR: "that is a folder",
    errno.EEXIST: "a file of that name is in the way",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ENOENT: "the folder does not exist",
}


def write_durably(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write `data` to `path` with `mode`, atomically: the old content stands until the new is on the disk.

    Raises OperationFailed when the disk is full, read-only or not ours; nothing is then left behind.
    """
    with written_durably(path, mode=mode) as file:
        file.write(data)


@contextmanager
def written_durably(path: Path, *, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """Hand out a file to fill, which bears the name `path` only once it is whole and on the disk.

    Raises what `write_durably` does. An error inside leaves nothing behind.
    """
    with explained(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:80]}.")
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(file.fileno(), mode)
                yield file
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(name).unlink()
            raise
        flush_folder(path.parent)


def private_folder(path: Path) -> Path:
    """Return `path` as a folder only its owner may enter (0700), made with its parents where missing.

    Raises OperationFailed when it cannot be made.
    """
    with explained(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_mode & 0o077:
            path.chmod(0o700)
    return path


def flush_folder(path: Path) -> None:
    """Put a folder's entries on the disk, so that a rename in it survives a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the system says of writing `path` into an OperationFailed with a clear sentence."""
    try:
        yield
    except OSError as fault:
        reason = _REASONS.get(fault.errno or 0, fault.strerror or str(fault))
        raise OperationFailed(
            f"Could not write {path}: {reason}. What stood there before is unchanged."
        ) from fault
