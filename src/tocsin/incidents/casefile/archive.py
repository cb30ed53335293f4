"""One archive: the same bytes from the same files, private, and under its name only once it is whole."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from shutil import copyfileobj
from typing import Final

from tocsin.durable import written_durably

Content = bytes | Path
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)  # the earliest an archive knows: when it was packed is no part of it
_ORDINARY_FILE: Final = 0o100600 << 16
_UNIX: Final = 3


def write_archive(path: Path, root: str, files: Mapping[str, Content]) -> None:
    """Write `files` (name to bytes, or to a file that holds them) into a folder `root` of the archive `path`.

    Raises OperationFailed when the disk is full, read-only or not ours; nothing is then left behind.
    """
    with (
        written_durably(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
    ):
        for name in sorted(files):
            info = zipfile.ZipInfo(f"{root}/{name}", _MOMENT)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = _UNIX
            info.external_attr = _ORDINARY_FILE
            content = files[name]
            with archive.open(info, "w", force_zip64=isinstance(content, Path)) as target:
                if isinstance(content, bytes):
                    target.write(content)
                    continue
                with content.open("rb") as source:
                    copyfileobj(source, target)
