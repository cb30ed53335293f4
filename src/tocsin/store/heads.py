"""A signed head: proof that the journal stood at this entry at this time.

The signature is over canonical JSON of `at`, `chain`, `hash`, `seq` and `what`. The document that leaves the house
carries these with the key's name and the signature (hexadecimal); it holds no name and no client's data.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from rfc8785 import dumps as canonical_bytes

from tocsin.errors import UsageError
from tocsin.store.keys import JournalKey, PublicKey

WHAT = "tocsin journal head 1"


@dataclass(frozen=True, slots=True)
class Head:
    """The signed head of the chain `chain`; `at` is when it was signed, `key` who signed it."""

    chain: str
    seq: int
    hash: str
    at: str
    key: str
    signature: bytes

    def signed_bytes(self) -> bytes:
        """Return the bytes the signature is over."""
        return _signed_bytes(self.chain, self.seq, self.hash, self.at)

    def is_signed_by(self, key: PublicKey) -> bool:
        """Tell whether the signature holds."""
        return key.verifies(self.signature, self.signed_bytes())

    def document(self) -> bytes:
        """Return the JSON document that is posted outside."""
        return canonical_bytes(self.as_json()) + b"\n"

    def as_json(self) -> dict[str, str | int]:
        """Return the head as plain data."""
        return {
            "at": self.at,
            "chain": self.chain,
            "hash": self.hash,
            "key": self.key,
            "seq": self.seq,
            "signature": self.signature.hex(),
            "what": WHAT,
        }


def signed_head(key: JournalKey, chain: str, seq: int, entry_hash: str, at: str) -> Head:
    """Sign one head."""
    signature = key.sign(_signed_bytes(chain, seq, entry_hash, at))
    return Head(chain, seq, entry_hash, at, key.public().name, signature)


def read_head(data: bytes, name: str) -> Head:
    """Read a head's document; `name` says in the error which. Raises UsageError for anything else."""
    try:
        return head_from_json(json.loads(data))
    except (KeyError, TypeError, ValueError) as fault:
        raise UsageError(
            f"{name} is not a signed head of a journal. Give a head.json that was kept outside."
        ) from fault


def read_head_file(path: Path) -> Head:
    """Read a head kept in a file. Raises UsageError when it is missing or something else."""
    try:
        return read_head(path.read_bytes(), str(path))
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise UsageError(f"The signed head {path} cannot be read: {reason}.") from fault


def head_from_json(found: dict[str, object]) -> Head:
    """Return the head in `found`. Raises KeyError, TypeError or ValueError when it is none."""
    texts = [found[name] for name in ("chain", "hash", "at", "key", "signature")]
    seq = found["seq"]
    if found["what"] != WHAT or type(seq) is not int or not all(isinstance(each, str) for each in texts):
        raise ValueError("not a head")
    chain, entry_hash, at, key, signature = (str(each) for each in texts)
    return Head(chain, seq, entry_hash, at, key, bytes.fromhex(signature))


def _signed_bytes(chain: str, seq: int, entry_hash: str, at: str) -> bytes:
    return canonical_bytes({"at": at, "chain": chain, "hash": entry_hash, "seq": seq, "what": WHAT})
