"""What drills, checks and exercises found wrong, until somebody has seen to it."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from tocsin.store.columns import Instant
from tocsin.store.tables.shape import ONLY_WHERE, metadata

# One row for one fault of one thing, however often it is found again before it is settled.
finding = Table(
    "finding",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("source", String(32), nullable=False),  # `drill`, `exercise`, …: which part of the house found it
    Column("source_id", String(64), nullable=False),  # the operation or run that found it last
    Column("subject", String(128), nullable=False),
    Column("code", String(64), nullable=False),
    Column("thing", Text, nullable=False),  # the file, snapshot or pack it is about; may be empty
    Column("thing_key", String(64), nullable=False),  # its hash: a name may be longer than an index can hold
    Column("sentence", Text, nullable=False),
    Column("found_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("times", Integer, nullable=False),
    Column("settled_at", Instant),
    Column("settled_by", String(64)),
    Column("settlement", Text),
    Index("ix_finding_subject", "source", "subject"),
    Index(
        "ux_finding_open",
        "source",
        "subject",
        "code",
        "thing_key",
        unique=True,
        info={ONLY_WHERE: "settled_at IS NULL"},
    ),
)
