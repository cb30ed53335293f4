"""What kind of dump a file is, seen from its first bytes, and the file as a stream that a program can read."""

import gzip
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO

from tocsin.errors import OperationFailed
from tocsin.recovery.databases.engine import DumpRefused

_TAR_MAGIC = slice(257, 262)
_ENOUGH = 512


class Form(StrEnum):
    """How a dump is written."""

    SQL = "sql"
    ARCHIVE = "archive"  # pg_dump -Fc
    TAR = "tar"  # pg_dump -Ft
    FOLDER = "folder"  # pg_dump -Fd
    SQLITE = "sqlite"  # the database file itself


def form_of(dump: Path) -> Form:
    """Tell how a dump is written. Raises DumpRefused when it is empty, OperationFailed when it is not there."""
    if dump.is_dir():
        if (dump / "toc.dat").is_file():
            return Form.FOLDER
        raise OperationFailed(f"{dump.name} is a folder and no dump: there is no toc.dat in it. Name the file.")
    if not dump.is_file():
        raise OperationFailed(f"There is no dump {dump.name} among what was restored.")
    with opened(dump) as stream:
        head = stream.read(_ENOUGH)
    if not head:
        raise DumpRefused(f"The dump {dump.name} is empty: nothing could be brought back from it.")
    if head.startswith(b"PGDMP"):
        return Form.ARCHIVE
    if head[_TAR_MAGIC] == b"ustar":
        return Form.TAR
    return Form.SQLITE if head.startswith(b"SQLite format 3\0") else Form.SQL


def bytes_of(dump: Path) -> int:
    """Return how much a dump takes on disk."""
    if dump.is_dir():
        return sum(path.stat().st_size for path in dump.rglob("*") if path.is_file())
    return dump.stat().st_size


@contextmanager
def opened(dump: Path) -> Iterator[IO[bytes]]:
    """Lend a dump as a real file: one packed with gzip is unpacked beside it, and taken away again."""
    # Unbuffered: a program reads on from where the file itself stands, not from where we seem to be.
    with dump.open("rb", buffering=0) as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not packed:
            yield file
            return
        with tempfile.TemporaryFile(dir=dump.parent, buffering=0) as plain:
            try:
                with gzip.open(file) as unpacked:
                    shutil.copyfileobj(unpacked, plain, 1 << 20)
            except (OSError, EOFError) as fault:
                raise DumpRefused(f"The dump {dump.name} cannot be unpacked: {fault}.") from fault
            plain.seek(0)
            yield plain


# How a dump's text begins and, when it was written to its end, ends.
_MARKS = (
    (b"-- PostgreSQL database cluster dump", b"-- PostgreSQL database cluster dump complete"),
    (b"-- PostgreSQL database dump", b"-- PostgreSQL database dump complete"),
    (b"-- MySQL dump", b"-- Dump completed"),
    (b"-- MariaDB dump", b"-- Dump completed"),
)


def refuse_cut(dump: Path, stream: IO[bytes]) -> None:
    """Raise DumpRefused for a text that breaks off: a client takes the end of the file for the end of a table."""
    head = stream.read(_ENOUGH)
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _ENOUGH))
    tail = stream.read()
    stream.seek(0)
    for begins, ends in _MARKS:
        if begins in head:
            if ends not in tail:
                raise DumpRefused(
                    f"The dump {dump.name} breaks off in the middle: its last line is not there. "
                    "It was cut short when it was made, or since."
                )
            return
