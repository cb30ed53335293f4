"""Papers for our own people and for clients: the staff card and each client's statement, version by version."""

from sqlalchemy import CheckConstraint, Column, Integer, String, Table, Text, UniqueConstraint

from tocsin.store.columns import Instant, Json
from tocsin.store.tables.shape import metadata

# One row for each published version. Never changed.
publication = Table(
    "publication",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("audience", String(64), nullable=False),  # a client's id; empty for our own people
    Column("version", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),  # of the Markdown text that was published
    Column("parts", Json, nullable=False),  # a hash for each thing it is drawn from, by which a change is noticed
    Column("path", Text, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("published_by", String(64), nullable=False),
    CheckConstraint("kind IN ('staff-card', 'statement')", name="kind"),
    UniqueConstraint("kind", "audience", "version", name="uq_publication_version"),
)
