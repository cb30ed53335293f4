"""Evidence: the items taken, and the ledger of whose hands each has been in."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, Text

from tocsin.store.columns import Instant, Json
from tocsin.store.tables.shape import metadata

evidence_item = Table(
    "evidence_item",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("incident", String(32), index=True),
    Column("step", String(192)),  # the step that took it: one step and source, one item
    Column("operation", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("source", Text, nullable=False),  # the path or the command, as given
    Column("host", Text, nullable=False),
    Column("method", Json, nullable=False),  # the words that were run, or how it was read
    Column("title", Text),
    Column("collector", String(64), nullable=False),
    Column("collected_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("state", String(16), nullable=False),
    Column("problem", Text),
    Column("sha256", String(64)),
    Column("bytes", BigInteger),
    Column("files", Integer),
    Column("repository", String(64), nullable=False),
    Column("snapshot", String(64)),
    Column("stored_path", Text),  # where it lies in the snapshot
    Column("manifest_path", Text),  # where the manifest of files lies in the snapshot
    Column("changed", Json),  # paths that changed while they were taken
    CheckConstraint("kind IN ('file', 'folder', 'archive', 'command')", name="kind"),
    CheckConstraint("state IN ('collecting', 'kept', 'failed')", name="state"),
)

# Append-only by trigger: who had it in their hands, when, why.
custody = Table(
    "custody",
    metadata,
    Column("item", String(32), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("act", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", String(64), nullable=False),
    Column("other", Text),  # to whom, from whom, or where to
    Column("note", Text),
    CheckConstraint("act IN ('taken', 'moved', 'opened', 'handed_to', 'returned')", name="act"),
    Index("ix_custody_item", "item", "seq"),
)
