"""One hash over many: a Merkle tree as in RFC 6962, so that one letter can be shown to be of them. Pure."""

import hashlib
from collections.abc import Iterable


def merkle_root(leaves: Iterable[str]) -> str:
    """Return the root over these SHA-256 digests (hexadecimal), in their order; of none, the hash of nothing.

    A leaf is hashed with 00 before it and a node with 01, so that no node passes for a leaf. A node left over at
    the end of a row goes up unchanged.
    """
    row = [hashlib.sha256(b"\0" + bytes.fromhex(leaf)).digest() for leaf in leaves]
    if not row:
        return hashlib.sha256(b"").hexdigest()
    while len(row) > 1:
        over = [row[-1]] if len(row) % 2 else []
        row = [hashlib.sha256(b"\1" + row[at] + row[at + 1]).digest() for at in range(0, len(row) - 1, 2)] + over
    return row[0].hex()
