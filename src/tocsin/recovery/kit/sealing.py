r"""The form of a recovery kit: two lines that anybody can read, then everything else, sealed.

    tocsin recovery kit 1\n
    {"cipher": "AES-256-GCM", "kdf": "scrypt", "n": …, "nonce": …, "p": …, "r": …, "salt": …}\n
    the sealed bytes of a tar archive, with the tag at their end

The key is scrypt (RFC 7914) of the passphrase in UTF-8, 32 bytes; both lines are authenticated with what they
precede. `SCRIPT`, which stands on the printed page, opens it with Python and the package `cryptography` alone.
"""

import base64
import hashlib
import json
from typing import Any

from tocsin.errors import ConfigurationError, OperationFailed, Place, Problem, UsageError
from tocsin.ports import Randomness

FIRST_LINE = b"tocsin recovery kit 1"
SHORTEST_PASSPHRASE = 16
# About half a second and 128 MB for each guess.
COST = {"n": 1 << 17, "r": 8, "p": 1}
_MOST = {"n": 1 << 20, "r": 32, "p": 16}
_MOST_MEMORY = 1 << 31
_CIPHER = "AES-256-GCM"

SCRIPT = """\
# Opens a Tocsin recovery kit without Tocsin: pip install cryptography; python open_kit.py KIT
import base64, getpass, hashlib, json, sys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

first, second, sealed = open(sys.argv[1], "rb").read().split(b"\\n", 2)
form = json.loads(second)
key = hashlib.scrypt(
    getpass.getpass("Passphrase: ").encode(),
    salt=base64.b64decode(form["salt"]),
    n=form["n"], r=form["r"], p=form["p"], maxmem=2**31 - 1, dklen=32,
)
nonce = base64.b64decode(form["nonce"])
plain = AESGCM(key).decrypt(nonce, sealed, first + b"\\n" + second + b"\\n")
open("kit.tar", "xb").write(plain)
print("Opened. Now: tar -xf kit.tar; begin with README.txt. Then destroy both.")
"""


def seal(plain: bytes, passphrase: str, randomness: Randomness) -> bytes:
    """Return the kit as it is written. Raises UsageError for a passphrase that could be guessed."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - heavy, and only for kits

    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise UsageError(
            f"The passphrase has {len(passphrase)} characters, and its finder may guess for years. Take "
            f"at least {SHORTEST_PASSPHRASE}, such as six words that belong to no sentence. Nothing was written."
        )
    salt, nonce = randomness.token(16), randomness.token(12)
    form = {"cipher": _CIPHER, "kdf": "scrypt", **COST, "salt": _text(salt), "nonce": _text(nonce)}
    head = FIRST_LINE + b"\n" + json.dumps(form, sort_keys=True).encode() + b"\n"
    return head + AESGCM(_key(passphrase, form)).encrypt(nonce, plain, head)


def unseal(data: bytes, passphrase: str, name: str) -> bytes:
    """Return what is in a kit; `name` is the file's, for the errors.

    Raises ConfigurationError when it is no kit of this form, OperationFailed when the passphrase does not open it.
    """
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    first, _, rest = data.partition(b"\n")
    second, _, sealed = rest.partition(b"\n")
    if first != FIRST_LINE:
        raise ConfigurationError(Problem(Place(name), "This is not a recovery kit, or of a form not known here."))
    form = _form(second, name)
    try:
        return AESGCM(_key(passphrase, form)).decrypt(
            base64.b64decode(form["nonce"]), sealed, first + b"\n" + second + b"\n"
        )
    except InvalidTag:
        raise OperationFailed(
            f"{name} does not open: the passphrase is another one, or the file was cut or altered. Nothing was "
            "written. Mind capitals and spaces; try another copy of the kit."
        ) from None


def _form(line: bytes, name: str) -> dict[str, Any]:
    try:
        form = json.loads(line)
        well = form["cipher"] == _CIPHER and form["kdf"] == "scrypt"
        well = well and all(type(form[key]) is int and 0 < form[key] <= most for key, most in _MOST.items())
        well = well and all(len(base64.b64decode(form[key], validate=True)) > 0 for key in ("salt", "nonce"))
    except (ValueError, TypeError, KeyError):
        well = False
    if not well:
        raise ConfigurationError(Problem(Place(name, 2, 1), "This line does not say how the kit is sealed."))
    return dict(form)


def _key(passphrase: str, form: dict[str, Any]) -> bytes:
    return hashlib.scrypt(
        passphrase.encode(),
        salt=base64.b64decode(form["salt"]),
        n=form["n"],
        r=form["r"],
        p=form["p"],
        maxmem=_MOST_MEMORY - 1,
        dklen=32,
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
