"""Give a test's repository a key that opens in a millisecond.

restic makes each key so that opening costs half a second of one core, which is right for a firm and would be most of
what these tests do. The key is written as restic's design document has it: scrypt, AES-256 in counter mode and
Poly1305-AES over the ciphertext.
"""

import base64
import hashlib
import json
import os
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

_N, _R, _P = 2, 1, 1


def make_cheap(repository: Path, password: str, restic: Path) -> None:
    """Replace the only key of a local repository by a cheap one of the same password."""
    (old,) = (repository / "keys").iterdir()
    said = subprocess.run(
        [restic, "-r", repository, "--no-cache", "--no-lock", "cat", "masterkey"],
        env={**os.environ, "RESTIC_PASSWORD": password},
        check=True,
        capture_output=True,
    )
    salt = os.urandom(64)
    derived = hashlib.scrypt(password.encode(), salt=salt, n=_N, r=_R, p=_P, dklen=64)
    told = json.loads(old.read_text())
    told |= {"N": _N, "r": _R, "p": _P, "salt": _text(salt), "data": _text(_sealed(derived, said.stdout.strip()))}
    content = json.dumps(told).encode()
    new = old.with_name(hashlib.sha256(content).hexdigest())
    new.write_bytes(content)
    new.chmod(0o400)
    old.unlink()


def _sealed(key: bytes, plain: bytes) -> bytes:
    nonce = os.urandom(16)
    sealing = Cipher(algorithms.AES(key[:32]), modes.CTR(nonce)).encryptor()
    sealed = sealing.update(plain) + sealing.finalize()
    one_time = Cipher(algorithms.AES(key[32:48]), modes.ECB()).encryptor().update(nonce)  # noqa: S305 - Poly1305-AES is that
    return nonce + sealed + Poly1305.generate_tag(key[48:64] + one_time, sealed)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
