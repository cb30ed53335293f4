"""The walk over the sources, fast: `os.scandir`, one `lstat` for each name, bytes all the way.

20,000 names take about 0.1 s. What cannot be listed or looked at is reported, not skipped in silence.
"""

import os
import stat
from collections.abc import Callable, Iterable

from tocsin.manifest.excludes import Excluded
from tocsin.manifest.text import Entry

OnUnreadable = Callable[[bytes, str], None]


def walk(roots: Iterable[bytes], excluded: Excluded | None, on_unreadable: OnUnreadable) -> list[Entry]:
    """Return everything at and below `roots` that is not left out, sorted by path, each path once.

    Symlinks are never followed. A name that vanishes during the walk is left out: it is not content any more.
    """
    entries: list[Entry] = []
    folders: list[bytes] = []
    for root in roots:
        try:
            entry = _entry(root, os.lstat(root))
        except OSError as fault:
            on_unreadable(root, fault.strerror or str(fault))
            continue
        if excluded is not None and _excluded_with_parents(root, excluded):
            continue
        entries.append(entry)
        if stat.S_ISDIR(entry.mode):
            folders.append(root)
    while folders:
        folder = folders.pop()
        try:
            _list_folder(folder, excluded, entries, folders, on_unreadable)
        except FileNotFoundError:
            continue
        except OSError as fault:
            on_unreadable(folder, fault.strerror or str(fault))
    entries.sort()
    return entries


def _list_folder(
    folder: bytes,
    excluded: Excluded | None,
    entries: list[Entry],
    folders: list[bytes],
    on_unreadable: OnUnreadable,
) -> None:
    with os.scandir(folder) as listing:
        for name in listing:
            path = name.path
            if excluded is not None and excluded(path):
                continue
            try:
                entries.append(_entry(path, name.stat(follow_symlinks=False)))
                if name.is_dir(follow_symlinks=False):
                    folders.append(path)
            except FileNotFoundError:
                continue
            except OSError as fault:
                on_unreadable(path, fault.strerror or str(fault))


def _entry(path: bytes, found: os.stat_result) -> Entry:
    mode = found.st_mode
    return Entry(
        path,
        mode,
        found.st_size if stat.S_ISREG(mode) else 0,
        found.st_mtime_ns,
        found.st_ctime_ns,
        found.st_ino,
        found.st_dev,
        found.st_uid,
        found.st_gid,
        found.st_nlink,
        os.readlink(path) if stat.S_ISLNK(mode) else b"",  # noqa: PTH115 - Path holds no bytes
    )


def _excluded_with_parents(root: bytes, excluded: Excluded) -> bool:
    parts = root.split(b"/")
    return any(excluded(b"/".join(parts[:end])) for end in range(2, len(parts) + 1))
