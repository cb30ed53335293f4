"""What is in a recovery kit, and the archive it is kept as.

README.txt          for whoever opened it by hand
kit.json            the firm, when, from where; repositories, contacts, which secret stands for which reference
workspace/…         the workspace's own files: no data, no state, no reports
secrets/NAME        what opens each repository
ledger.json         every snapshot with the digest of its manifest
journal-head.json   the journal's last signed head, and journal.pub, the key that verifies it
"""

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from tocsin.errors import ConfigurationError, Place, Problem
from tocsin.model.document import Data

README = """\
This is a recovery kit of Tocsin. It holds keys: whoever has it can read every backup.

With Tocsin:     tocsin recover kit --open KIT --into DIR; then, in DIR: tocsin recover list
Without Tocsin:  kit.json names the repositories; secrets/ holds the password of each. With restic:
                 restic -r LOCATION --password-file secrets/NAME snapshots
                 restic -r LOCATION --password-file secrets/NAME restore SNAPSHOT --target DIR
"""
_MOST_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kit:
    """An opened kit: `index` is kit.json, `files` the workspace's by path, `ledger` the rows of snapshots."""

    index: Mapping[str, Any]
    files: Mapping[str, bytes] = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)
    ledger: tuple[Mapping[str, Any], ...] = field(repr=False)
    head: bytes = field(default=b"", repr=False)
    public_key: bytes = field(default=b"", repr=False)

    def packed(self) -> bytes:
        """Return the archive."""
        with io.BytesIO() as buffer:
            with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=6) as archive:
                _put(archive, "README.txt", README.encode())
                _put(archive, "kit.json", json.dumps(self.index, indent=2, ensure_ascii=False).encode())
                _put(archive, "ledger.json", json.dumps(list(self.ledger)).encode())
                for name, data in (("journal-head.json", self.head), ("journal.pub", self.public_key)):
                    if data:
                        _put(archive, name, data)
                for name, secret in sorted(self.secrets.items()):
                    _put(archive, f"secrets/{name}", secret.encode())
                for name, data in sorted(self.files.items()):
                    _put(archive, f"workspace/{name}", data)
            return buffer.getvalue()


def unpacked(plain: bytes, name: str) -> Kit:
    """Return the kit in an archive. Raises ConfigurationError when something is missing or does not belong."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:gz") as archive:
            total = 0
            for member in archive:
                total += member.size
                found[member.name] = _read(archive, member, total)
        index: dict[str, Data] = json.loads(found["kit.json"])
        ledger = tuple(json.loads(found["ledger.json"]))
        secrets = {path[8:]: data.decode() for path, data in found.items() if path.startswith("secrets/")}
    except (tarfile.TarError, ValueError, KeyError, OSError, EOFError) as fault:
        raise ConfigurationError(Problem(Place(name), f"What is in the kit cannot be used: {fault}.")) from fault
    files = {path[10:]: data for path, data in found.items() if path.startswith("workspace/")}
    return Kit(index, files, secrets, ledger, found.get("journal-head.json", b""), found.get("journal.pub", b""))


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo, total: int) -> bytes:
    path = PurePosixPath(member.name)
    file = archive.extractfile(member) if member.isreg() else None
    if file is None or path.is_absolute() or ".." in path.parts or total > _MOST_BYTES:
        raise ValueError(member.name)
    return file.read()


def _put(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    entry.mode = 0o600
    archive.addfile(entry, io.BytesIO(data))
