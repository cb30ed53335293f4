"""What a backup leaves out by what it is rather than by its name, decided the very same way as restic does.

| key                    | restic                    | leaves out                                                |
|------------------------|---------------------------|-----------------------------------------------------------|
| `exclude_caches`       | `--exclude-caches`        | what lies beside a `CACHEDIR.TAG` that says it is one     |
| `exclude_if_present`   | `--exclude-if-present`    | what lies beside a file of such a name; that file is kept |
| `exclude_larger_than`  | `--exclude-larger-than`   | files above that size, never folders                      |
| `one_file_system`      | `--one-file-system`       | what is mounted inside a source; the mount point is kept  |
"""

import os
from dataclasses import dataclass
from stat import S_IFDIR, S_IFMT

from tocsin.ports import Omissions

CACHE_TAG = b"CACHEDIR.TAG"
CACHE_HEADER = b"Signature: 8a477f597d28d172789f06886806bc55"


@dataclass
class Omitted:
    """The judge of one walk. `device` is that of the source which is being walked."""

    omissions: Omissions
    device: int = 0

    @classmethod
    def by(cls, omissions: Omissions) -> "Omitted | None":
        """Return the judge, or None when nothing is left out so."""
        return cls(omissions) if omissions != Omissions() else None

    def begin(self, root: bytes, found: os.stat_result) -> bool:
        """Begin with a source; tell whether it is left out itself, as by a mark in the folder it lies in."""
        self.device = found.st_dev
        folder, name = os.path.split(root)
        return (bool(name) and not self.kept(folder, [name])) or self.leaves_out(found, found.st_dev)

    def kept(self, folder: bytes, names: list[bytes]) -> list[bytes]:
        """Return the names that stay of a folder's: all, or where marks lie in it only what every mark spares."""
        marks = [mark for mark in map(os.fsencode, self.omissions.if_present) if _lies(folder, mark)]
        if self.omissions.caches and _is_cache(folder):
            marks.append(CACHE_TAG)
        return [name for name in names if all(name == mark for mark in marks)] if marks else names

    def leaves_out(self, found: os.stat_result, parent_device: int) -> bool:
        """Tell whether one entry is too large, or lies on another file system."""
        is_folder = S_IFMT(found.st_mode) == S_IFDIR
        largest = self.omissions.larger_than
        if largest is not None and not is_folder and found.st_size > largest:
            return True
        if not self.omissions.one_file_system or found.st_dev == self.device:
            return False
        return not (is_folder and parent_device == self.device)


def _lies(folder: bytes, name: bytes) -> bool:
    try:
        os.lstat(os.path.join(folder, name))  # noqa: PTH118 - Path holds no bytes
    except OSError:
        return False
    return True


def _is_cache(folder: bytes) -> bool:
    try:
        with open(os.path.join(folder, CACHE_TAG), "rb") as tag:  # noqa: PTH118, PTH123 - Path holds no bytes
            return tag.read(len(CACHE_HEADER)) == CACHE_HEADER
    except OSError:
        return False
