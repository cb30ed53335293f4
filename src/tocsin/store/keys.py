"""The keys of the journal: Ed25519, one pair for each state folder, made on first need.

    keys/journal.ed25519    the private key, PEM (PKCS #8), for its owner alone
    keys/journal.pub        the public key, PEM: what an auditor needs

A key is named by the SHA-256 of its 32 raw public bytes. `cryptography` is imported only to sign or verify.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.durable import private_folder, write_durably
from tocsin.errors import UsageError
from tocsin.ports import Randomness

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key of a journal; `name` is the SHA-256 of its raw bytes."""

    name: str
    pem: str

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Tell whether `signature` is this key's over `data`."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - 24 ms, for those who verify

        try:
            _loaded(self.pem.encode(), "the public key").verify(signature, data)
        except InvalidSignature:
            return False
        return True


class JournalKey:
    """The private key of one state folder.

    Called within a write transaction, so that two processes never make two keys.
    """

    def __init__(self, folder: Path, randomness: Randomness) -> None:
        self._folder = folder
        self._randomness = randomness
        self._private: Ed25519PrivateKey | None = None

    def sign(self, data: bytes) -> bytes:
        """Return the 64 bytes of the signature over `data`."""
        return self._key().sign(data)

    def public(self) -> PublicKey:
        """Return the public half."""
        return _described(self._key().public_key())

    def _key(self) -> "Ed25519PrivateKey":
        if self._private is None:
            self._private = self._read() or self._make()
        return self._private

    @property
    def _private_path(self) -> Path:
        return self._folder / "journal.ed25519"

    @property
    def _public_path(self) -> Path:
        return self._folder / "journal.pub"

    def _read(self) -> "Ed25519PrivateKey | None":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

        try:
            key = load_pem_private_key(self._private_path.read_bytes(), password=None)
        except FileNotFoundError:
            return None
        except (OSError, TypeError, ValueError) as fault:
            raise UsageError(_unreadable(self._private_path)) from fault
        if not isinstance(key, Ed25519PrivateKey):
            raise UsageError(_unreadable(self._private_path))
        if not self._public_path.exists():
            self._write_public(key)
        return key

    def _make(self) -> "Ed25519PrivateKey":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        private_folder(self._folder)
        if self._public_path.exists():
            # The private key was lost. What it signed stays valid, so its public half stays trusted.
            old = read_public_key(self._public_path)
            write_durably(self._folder / f"journal-{old.name[:8]}.pub", old.pem.encode(), mode=0o644)
        key = Ed25519PrivateKey.from_private_bytes(self._randomness.token(32))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_durably(self._private_path, pem)
        self._write_public(key)
        return key

    def _write_public(self, key: "Ed25519PrivateKey") -> None:
        write_durably(self._public_path, _described(key.public_key()).pem.encode(), mode=0o644)


def read_public_key(path: Path) -> PublicKey:
    """Read a PEM public key. Raises UsageError when the file is missing or holds something else."""
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise UsageError(
            f"The public key {path} cannot be read: {(fault.strerror or str(fault)).lower()}."
        ) from fault
    return _described(_loaded(data, str(path)))


def trusted_keys(folder: Path) -> tuple[PublicKey, ...]:
    """Return every `*.pub` of a keys folder; copy another host's there to trust it too."""
    return tuple(read_public_key(path) for path in sorted(folder.glob("*.pub")))


def by_name(keys: Iterable[PublicKey]) -> Mapping[str, PublicKey]:
    """Return the keys by their names."""
    return {key.name: key for key in keys}


def _loaded(data: bytes, where: str) -> "Ed25519PublicKey":
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise UsageError(f"{where} is not a PEM public key. Give the journal.pub from the keys folder.") from fault
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{where} is a public key of another kind: a journal is signed with Ed25519.")
    return key


def _described(key: "Ed25519PublicKey") -> PublicKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return PublicKey(sha256(key.public_bytes_raw()).hexdigest(), pem)


def _unreadable(path: Path) -> str:
    return (
        f"The journal's key {path} cannot be read as an Ed25519 key. The journal itself is whole. Bring the file "
        "back from a backup, or move it away: a new key is then made, and journal.pub stays trusted for what it "
        "signed."
    )
