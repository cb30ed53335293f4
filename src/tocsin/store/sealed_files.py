"""Files that leave the house sealed: a list of their hashes, and the journal key's signature over that list.

`openssl` and `sha256sum` check both; so do the evidence of drills and the case files of incidents.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from tocsin.store.columns import instant_text
from tocsin.store.heads import Head
from tocsin.store.tables import journal_head

SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"


def sums_text(digests: Mapping[str, str]) -> bytes:
    """Return what `sha256sum` writes of these files (name to SHA-256), in the order of their names."""
    return b"".join(f"{digests[name]}  {name}\n".encode() for name in sorted(digests))


def head_from(connection: Connection, seq: int) -> Head:
    """Return the first signed head at this entry or after it; there must be one."""
    query = select(journal_head).where(journal_head.c.seq >= seq).order_by(journal_head.c.seq).limit(1)
    row = connection.execute(query).one()
    return Head(row.chain, row.seq, row.hash, instant_text(row.at), row.key, row.signature)
