"""The journal, append-only by trigger, and what is bound to it."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String, Table, Text

from tocsin.store.columns import Instant
from tocsin.store.tables.shape import metadata

journal = Table(
    "journal",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("door", String(32), nullable=False),
    Column("subject", String(128), nullable=False, index=True),
    Column("kind", String(64), nullable=False, index=True),
    Column("payload", Text, nullable=False),  # canonical JSON (RFC 8785), exactly the bytes that were hashed
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)

# Names and free text, bound to their entry by a salted digest in its payload, so that erasing one leaves
# the chain whole.
journal_private = Table(
    "journal_private",
    metadata,
    Column("seq", ForeignKey("journal.seq"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("salt", String(32), nullable=False),
    Column("text", Text, nullable=False),
)

journal_head = Table(
    "journal_head",
    metadata,
    Column("seq", ForeignKey("journal.seq"), primary_key=True),
    Column("key", String(64), primary_key=True),  # SHA-256 of the raw public key; each host has its own
    Column("chain", String(32), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
