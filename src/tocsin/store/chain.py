"""One entry of the journal and the hash that binds it to the one before.

The hash is SHA-256 over the entry's canonical JSON (RFC 8785): an object of `actor`, `at`, `door`, `kind`,
`payload`, `previous`, `seq` and `subject`. Whoever has the values can compute it with any canonicaliser. The
payload is kept as the very text that was hashed, so nothing depends on writing it the same way twice.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple, TypeAlias

from rfc8785 import CanonicalizationError
from rfc8785 import dumps as canonical_bytes

JsonValue: TypeAlias = "str | int | bool | list[JsonValue] | dict[str, JsonValue] | None"

FIRST_PREVIOUS = "0" * 64
FORMAT = 1

_quoted = json.JSONEncoder(ensure_ascii=False).encode  # escapes strings exactly as RFC 8785 does


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the journal; `payload` is canonical JSON text."""

    seq: int
    at: datetime
    actor: str
    door: str
    subject: str
    kind: str
    payload: str
    previous: str
    hash: str


class Line(NamedTuple):
    """One entry as it stands in a table or a file, before anybody has checked that it makes sense."""

    seq: int
    at: str
    actor: str
    door: str
    subject: str
    kind: str
    payload: str
    previous: str
    hash: str

    def content(self) -> bytes:
        """Return the bytes that are hashed. Raises TypeError or ValueError for values no journal ever held."""
        return (
            f'{{"actor":{_quoted(self.actor)},"at":{_quoted(self.at)},"door":{_quoted(self.door)},'
            f'"kind":{_quoted(self.kind)},"payload":{self.payload},"previous":{_quoted(self.previous)},'
            f'"seq":{self.seq:d},"subject":{_quoted(self.subject)}}}'
        ).encode()


def content_hash(line: Line) -> str:
    """Return the hash an entry of this content must carry; what `line.hash` says plays no part."""
    return sha256(line.content()).hexdigest()


def canonical(value: Mapping[str, JsonValue]) -> str:
    """Return RFC 8785 canonical JSON. Raises ValueError for floats, integers past 2^53 and other strangers."""
    if stranger := _first_stranger(value, "payload"):
        raise ValueError(f"{stranger} cannot be journalled: use whole numbers, texts, lists and objects")
    try:
        return canonical_bytes(dict(value)).decode()
    except CanonicalizationError as fault:
        raise ValueError(f"this payload cannot be journalled: {fault}") from fault


def private_digest(salt: str, text: str) -> str:
    """Return the digest that binds a private text to its entry; `salt` is hexadecimal."""
    return sha256(bytes.fromhex(salt) + text.encode()).hexdigest()


def _first_stranger(value: object, where: str) -> str | None:
    if value is None or isinstance(value, str | int):  # bool is an int
        return None
    if isinstance(value, list | tuple):
        items = ((f"{where}[{index}]", item) for index, item in enumerate(value))
    elif isinstance(value, Mapping):
        items = ((f"{where}.{key}", item) for key, item in value.items())
    else:
        return f"{where}, a {type(value).__name__},"
    return next((found for name, item in items if (found := _first_stranger(item, name))), None)
