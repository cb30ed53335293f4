"""Notices, their versions, and the outbox."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from tocsin.store.columns import Instant
from tocsin.store.tables.shape import metadata

notice = Table(
    "notice",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("incident", ForeignKey("incident.id"), nullable=False),
    Column("template", String(64), nullable=False),
    Column("duty", String(64), nullable=False),  # `regulator`, `controllers`, `people`…
    Column("addressee", String(64), nullable=False),  # a client's id, or `ico`
    Column("state", String(16), nullable=False),
    Column("made_by", String(192), nullable=False),  # the step that drafted it: one step, one notice
    Column("drafted_at", Instant, nullable=False),
    Column("left_at", Instant),
    CheckConstraint("state IN ('draft', 'approved', 'sent', 'recorded', 'withdrawn')", name="state"),
    UniqueConstraint("made_by"),
)

notice_version = Table(
    "notice_version",
    metadata,
    Column("notice", ForeignKey("notice.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),  # Markdown
    Column("edited_by", String(64), nullable=False),
    Column("edited_at", Instant, nullable=False),
)

# The outbox: intent before, outcome after.
delivery = Table(
    "delivery",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("notice", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("channel", String(16), nullable=False),  # `file` or `mail`
    Column("address", Text, nullable=False),
    Column("message_id", String(192), nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("intended_at", Instant, nullable=False),
    Column("tried_at", Instant),
    Column("finished_at", Instant),
    Column("detail", Text),
    ForeignKeyConstraint(["notice", "version"], ["notice_version.notice", "notice_version.version"]),
    UniqueConstraint("notice", "version", "channel", "address"),
    CheckConstraint("state IN ('intended', 'trying', 'sent', 'failed', 'unknown')", name="state"),
)
