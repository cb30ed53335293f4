"""A new secret: made, handed to where the firm keeps it, and known afterwards by its fingerprint only."""

import hashlib
import hmac
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.errors import OperationFailed
from tocsin.machines import last_words
from tocsin.ports import Command, Randomness

LIMIT = timedelta(minutes=2)
_ROUNDS = 4096  # what PostgreSQL itself takes
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class SafePlace:
    """Where a new secret goes: a file (0600), or a program that reads it from its input.

    `environment` is already read: it may hold the secrets that the program needs to log in with.
    """

    file: Path | None = None
    argv: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def new_secret(randomness: Randomness, length: int) -> str:
    """Return `length` letters, digits, `-` and `_`: no program and no address has to quote any of them."""
    return urlsafe_b64encode(randomness.token(length)).decode()[:length]


def fingerprint(secret: str) -> str:
    """Return what may be shown and journalled of a secret that nobody could guess."""
    return f"sha256:{hashlib.sha256(secret.encode()).hexdigest()[:16]}"


def put_away(ctx: Context, place: SafePlace, secret: str) -> None:
    """Hand a secret to where it is kept. Raises OperationFailed, never showing it."""
    if place.file is not None:
        private_folder(place.file.parent) if not place.file.parent.exists() else None
        write_durably(place.file, secret.encode() + b"\n")
        return
    hide = (secret, *place.environment.values())
    command = Command(place.argv, LIMIT, ctx.workspace.root, place.environment, stdin=f"{secret}\n", hide=hide)
    said = ctx.shell.run(command)
    if said.code != 0:
        program = Path(place.argv[0]).name
        raise OperationFailed(f"{program} did not take the new secret (exit code {said.code}).{last_words(said)}")


def scram_verifier(secret: str, salt: bytes) -> str:
    """Return what PostgreSQL keeps of a password (RFC 7677), so that the password itself never goes there."""
    salted = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt, _ROUNDS)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    words = (b64encode(part).decode() for part in (salt, client, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(_ROUNDS, *words)


def fresh_verifier(randomness: Randomness, secret: str) -> str:
    """Return the verifier of a secret with a salt of its own."""
    return scram_verifier(secret, randomness.token(_SALT_BYTES))
