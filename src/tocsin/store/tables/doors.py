"""Doors for other programs: what webhooks were told, and what reporters told us."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, Text, UniqueConstraint

from tocsin.store.columns import Instant
from tocsin.store.tables.shape import ONLY_WHERE, metadata

# How far in the journal each webhook has been told.
webhook_cursor = Table(
    "webhook_cursor",
    metadata,
    Column("webhook", String(64), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

# Intent before, outcome after. The id is the message's own: a repeated one is known by it.
webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("webhook", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("not_before", Instant, nullable=False),
    Column("tried_at", Instant),
    Column("finished_at", Instant),
    Column("said", Text),  # the status, or why there was none
    CheckConstraint("state IN ('due', 'trying', 'sent', 'failed')", name="state"),
    UniqueConstraint("webhook", "seq"),
    Index("ix_webhook_delivery_due", "not_before", info={ONLY_WHERE: "state IN ('due', 'trying')"}),
)

# Messages of reporters that were taken, each once: a second one of the same id opens nothing.
reporter_message = Table(
    "reporter_message",
    metadata,
    Column("reporter", String(64), primary_key=True),
    Column("message", String(128), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("incident", String(32)),
    Index("ix_reporter_message_at", "reporter", "at"),
)
