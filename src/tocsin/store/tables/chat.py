"""What is shown in Slack: one row for each message, and what came in from there, each once."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, Text, UniqueConstraint

from tocsin.store.columns import Instant, Json
from tocsin.store.tables.shape import metadata

# The outbox: intent before, outcome after. `about` says what the message tells, and there is one row for it.
chat_message = Table(
    "chat_message",
    metadata,
    Column("id", String(32), primary_key=True),  # carried as the message's metadata, to find it again
    Column("about", String(160), nullable=False),
    Column("thread_of", String(32)),  # the row in whose thread it stands
    Column("content", Json, nullable=False),  # `text` and `blocks`, as they ought to stand there
    Column("sha256", String(64), nullable=False),
    Column("shown_sha256", String(64)),  # what stands there now, as far as we know
    Column("upto", Integer),  # the last journal entry that it tells of
    Column("pin", String(8)),  # `wanted`, `pinned`, `unwanted`
    Column("state", String(16), nullable=False),
    Column("room", String(32)),
    Column("ts", String(32)),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("intended_at", Instant, nullable=False),
    Column("tried_at", Instant),
    Column("not_before", Instant),
    Column("settled_at", Instant),
    Column("detail", Text),
    UniqueConstraint("about"),
    CheckConstraint("state IN ('intended', 'trying', 'unknown', 'posted', 'refused')", name="state"),
    Index("ix_chat_message_state", "state"),
)

# What a person did there, by Slack's own name for it: taken once, however often it is handed over.
chat_seen = Table(
    "chat_seen",
    metadata,
    Column("key", String(160), primary_key=True),
    Column("at", Instant, nullable=False),
)
