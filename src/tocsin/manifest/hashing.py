"""SHA-256 of many files: two threads, one slice of the list each.

Handing files to a pool one by one is slower than a single thread (1.03 s against 0.84 s for 1.1 GB), slices
are not (0.60 s). Each file is opened once and read once, from its beginning.
"""

import errno
import os
import stat
import threading
from collections.abc import Sequence
from hashlib import sha256

from tocsin.manifest.looks import HEAD_BYTES, look_of

THREADS = 2
_CHUNK_BYTES = 1 << 20
# A name may have become a fifo or a link since the walk: neither may hang us or lead us elsewhere.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def hash_files(
    files: Sequence[tuple[bytes, int]], *, looks: dict[bytes, str] | None = None
) -> tuple[dict[bytes, str], dict[bytes, OSError]]:
    """Hash `files` (path, size in bytes); return the digests, and why others could not be read.

    Every path is in one of the two. Into `looks`, if given, goes what each file looks like, at no further
    reading. Ctrl-C stops both threads within a megabyte.
    """
    work = _Hashing(looks)
    first, *others = _slices(files)
    threads = [threading.Thread(target=work.hash_slice, args=(part,)) for part in others]
    for thread in threads:
        thread.start()
    try:
        work.hash_slice(first)
    except BaseException:
        work.is_stopped = True
        raise
    finally:
        for thread in threads:
            thread.join()
    if work.accident is not None:
        raise work.accident
    return work.digests, work.faults


def _slices(files: Sequence[tuple[bytes, int]]) -> list[Sequence[tuple[bytes, int]]]:
    """Cut the list, kept in order for the disk's sake, into parts of about the same work."""
    # Opening a small file costs about as much as hashing 64 KB.
    cost = [size + (1 << 16) for _, size in files]
    half, done = sum(cost) / THREADS, 0
    for position, part in enumerate(cost):
        done += part
        if done >= half:
            return [files[: position + 1], files[position + 1 :]]
    return [files]


class _Hashing:
    """What the threads share: each writes under its own paths alone."""

    def __init__(self, looks: dict[bytes, str] | None) -> None:
        self.looks = looks
        self.digests: dict[bytes, str] = {}
        self.faults: dict[bytes, OSError] = {}
        self.is_stopped = False
        self.accident: BaseException | None = None

    def hash_slice(self, files: Sequence[tuple[bytes, int]]) -> None:
        """Hash one thread's files. What is no file's fault is kept, for a thread's exceptions reach nobody."""
        room = memoryview(bytearray(_CHUNK_BYTES))
        try:
            for path, _ in files:
                try:
                    self.digests[path] = self._hash_file(path, room)
                except OSError as fault:
                    self.faults[path] = fault
        except BaseException as accident:  # noqa: BLE001 - raised again by `hash_files`, the first one
            self.accident, self.is_stopped = self.accident or accident, True

    def _hash_file(self, path: bytes, room: memoryview) -> str:
        handle = os.open(path, _FLAGS)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(errno.ENOENT, "is no longer a regular file")
            digest = sha256()
            head = b""
            while count := os.readv(handle, [room]):
                if self.is_stopped:
                    raise _StoppedError
                head = head or bytes(room[: min(count, HEAD_BYTES)])
                digest.update(room[:count])
            if self.looks is not None:
                self.looks[path] = look_of(head)
            return digest.hexdigest()
        finally:
            os.close(handle)


class _StoppedError(Exception):
    """Another thread has failed or was interrupted; its word is the one to hear."""
