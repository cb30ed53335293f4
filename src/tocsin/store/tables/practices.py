"""Practices: since when they are kept, what was done and by what it is proven, worksheets, checks, consents."""

from sqlalchemy import CheckConstraint, Column, Index, String, Table, Text, UniqueConstraint

from tocsin.store.columns import Instant, Json
from tocsin.store.tables.shape import ONLY_WHERE, metadata

# When a practice, and each person of one that asks each person, was first seen: the calendar counts from there.
practice = Table(
    "practice",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("about", String(192), primary_key=True),
    Column("since", Instant, nullable=False),
)

# One row for each time a practice was done, or skipped by a named person. Never changed.
practice_done = Table(
    "practice_done",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("practice", String(64), nullable=False),
    Column("about", String(192), nullable=False),  # PERSON or PERSON/TOPIC; may be empty
    Column("due_on", String(10), nullable=False),  # the day of the calendar it settles, with all before it
    Column("done_at", Instant, nullable=False),
    Column("signed_by", String(64), nullable=False),
    Column("proof", String(16), nullable=False),
    Column("sheet", String(32)),
    Column("sha256", String(64)),  # of the worksheet, the file, the drill's report or the check's result
    Column("path", Text),  # our own copy of the file, or the report
    Column("participants", Json, nullable=False),
    Column("reason", Text),
    CheckConstraint("proof IN ('sheet', 'file', 'drill', 'check', 'skipped')", name="proof"),
    Index("ix_practice_done_of", "practice", "about", "due_on"),
)

practice_sheet = Table(
    "practice_sheet",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("practice", String(64), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("rows", Json, nullable=False),
    Column("signed_at", Instant),
    Column("signed_by", String(64)),
    Column("sha256", String(64)),
    Index("ix_practice_sheet_of", "practice", "made_at"),
    # One worksheet of a practice is filled in at a time.
    Index("ux_practice_sheet_open", "practice", unique=True, info={ONLY_WHERE: "signed_at IS NULL"}),
)

practice_check = Table(
    "practice_check",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("practice", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("result", Json, nullable=False),
    CheckConstraint("verdict IN ('current', 'behind', 'unknown')", name="verdict"),
    Index("ix_practice_check_of", "practice", "at"),
)

# Who was told of what: once for each day something is due, once when it is overdue.
practice_told = Table(
    "practice_told",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("person", String(64), nullable=False),
    Column("practice", String(64), nullable=False),
    Column("about", String(192), nullable=False),
    Column("due_on", String(10), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("told_at", Instant, nullable=False),
    Column("told_on", String(10), nullable=False),
    CheckConstraint("stage IN ('due', 'overdue', 'digest')", name="stage"),
    UniqueConstraint("person", "practice", "about", "due_on", "stage"),
    Index("ix_practice_told_on", "person", "told_on"),
)

# One consent: no more of the person than the firm itself uses to know them by.
consent = Table(
    "consent",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("dataset", String(64), nullable=False),
    Column("who", Text, nullable=False),
    Column("who_key", String(64), nullable=False),  # its hash: a name may be longer than an index can hold
    Column("purpose", String(128), nullable=False),
    Column("given_on", String(10), nullable=False),
    Column("how", Text, nullable=False),
    Column("told", String(128), nullable=False),  # the version of the text they were shown
    Column("withdrawn_on", String(10)),
    Column("kept_at", Instant, nullable=False),
    UniqueConstraint("dataset", "who_key", "purpose"),
)
