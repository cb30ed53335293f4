"""Signed webhooks in the manner of Standard Webhooks: who sent it, when, and that nobody changed it. Pure.

A secret is 24 to 64 bytes, written `whsec_` and base64 (or any text of that length). What is signed is
`ID.TIMESTAMP.BODY` with HMAC-SHA256; the header `webhook-signature` holds one or more `v1,BASE64`, separated by
spaces, so that a secret can be changed without a gap. Source: the specification at standardwebhooks.com.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tocsin.errors import ConfigurationError, Place, Problem, Refused

ID = "webhook-id"
TIMESTAMP = "webhook-timestamp"
SIGNATURE = "webhook-signature"
# Older or newer than this, it may be somebody else's recording.
TOLERANCE = timedelta(minutes=5)
LEAST_BYTES = 24
MOST_BYTES = 64
_PREFIX = "whsec_"
_LONGEST_ID = 128
_MOST_SIGNATURES = 8


def signing_key(secret: str, whose: str) -> bytes:
    """Return the bytes of a webhook's secret. Raises ConfigurationError without showing it."""
    text = secret.strip()
    key = text.encode()
    if text.startswith(_PREFIX):
        try:
            key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            raise _unusable(whose, f"what follows {_PREFIX} is no base64") from None
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise _unusable(whose, f"it has {len(key)} bytes and needs {LEAST_BYTES} to {MOST_BYTES}")
    return key


def signed_headers(key: bytes, identity: str, body: str, now: datetime) -> dict[str, str]:
    """Return the headers that let the receiver know it is from us."""
    stamp = str(int(now.timestamp()))
    return {
        "Content-Type": "application/json",
        ID: identity,
        TIMESTAMP: stamp,
        SIGNATURE: _signature(key, identity, stamp, body.encode()),
    }


def verified_id(key: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Return the id of a message that is truly the sender's and fresh; `headers` has lower-case names.

    Raises Refused, saying which of them is wrong: the sender's own people must be able to mend it.
    """
    identity, stamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    given = headers.get(SIGNATURE, "").split()[:_MOST_SIGNATURES]
    if not identity or len(identity) > _LONGEST_ID or not identity.isascii() or not identity.isprintable():
        raise Refused(f"The header {ID} is missing or no plain text of up to {_LONGEST_ID} letters.")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= len("99999999999")):
        raise Refused(f"The header {TIMESTAMP} is missing or no Unix time in seconds.")
    expected = _signature(key, identity, stamp, body).encode()
    # Every one is compared, in constant time: how long it took tells nothing.
    matches = [hmac.compare_digest(expected, one.encode("utf-8", "replace")) for one in given]
    if not any(matches):
        raise Refused(f"The header {SIGNATURE} does not fit this body, id and time. Is it this secret?")
    if abs(now - datetime.fromtimestamp(int(stamp), UTC)) > TOLERANCE:
        raise Refused("The message was signed more than five minutes from now. Is the sender's clock right?")
    return identity


def _signature(key: bytes, identity: str, stamp: str, body: bytes) -> str:
    signed = hmac.new(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def _unusable(whose: str, why: str) -> ConfigurationError:
    return ConfigurationError(Problem(Place("tocsin.yaml"), f"The secret of {whose} cannot be used: {why}."))
