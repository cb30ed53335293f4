"""Take one program out of a release archive whose SHA-256 is known, for scripts/get-restic.

Runs on the machine's bare Python before any package is installed: only the standard library is at hand.
"""

import bz2
import hashlib
import io
import shutil
import sys
import tarfile
import urllib.request
import zipfile
from pathlib import Path, PurePosixPath


def main(source: str, sha256: str, program: str, target: Path) -> None:
    """Write `program` from the archive at `source` (a path or an address) to `target`.

    Raises:
        SystemExit: with a sentence, when the archive cannot be read, is not the expected one or lacks the program.
    """
    if not sha256:
        sys.exit(f"setup: the archive {source} came without its SHA-256; give it beside the archive.")
    try:
        content = read(source)
    except OSError as error:
        sys.exit(f"setup: cannot read the archive {source}: {error}")
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.strip().lower():
        sys.exit(f"setup: the archive {source} has SHA-256 {found}, not {sha256}. Nothing was unpacked.")
    try:
        target.write_bytes(unpack(source, content, program))
    except (OSError, KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
        sys.exit(f"setup: cannot take {program} out of {source}: {error}")


def read(source: str) -> bytes:
    """Return the bytes at a path or an address."""
    if "://" not in source:
        return Path(source).read_bytes()
    with urllib.request.urlopen(source, timeout=60) as answer:  # noqa: S310 - the operator named the address and its checksum
        kept = io.BytesIO()
        shutil.copyfileobj(answer, kept)
    return kept.getvalue()


def unpack(source: str, content: bytes, program: str) -> bytes:
    """Return the program's bytes from a .tar.gz, .zip or .bz2; anything else is taken for the program itself.

    Raises:
        KeyError: the archive holds no file that begins with the program's name.
    """
    if source.endswith((".tar.gz", ".tgz", ".tar.bz2")):
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            name = pick([member.name for member in archive if member.isfile()], program)
            member = archive.extractfile(name)
            return member.read() if member else b""
    if source.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read(pick(archive.namelist(), program))
    return bz2.decompress(content) if source.endswith(".bz2") else content


def pick(names: list[str], program: str) -> str:
    """Return the member that is the program: `restic`, `restic.exe` or `restic_0.18.0_linux_amd64`."""
    for name in names:
        base = PurePosixPath(name).name
        if base in {program, f"{program}.exe"} or base.startswith(f"{program}_"):
            return name
    raise KeyError(f"it holds no {program}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
