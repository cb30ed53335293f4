"""Prevention: actions with what proves them, reviews with what they proposed, and readiness week by week."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from tocsin.store.columns import Instant, Json
from tocsin.store.tables.shape import metadata

action = Table(
    "action",
    metadata,
    Column("id", String(16), primary_key=True),  # ACT-2026-001
    Column("title", Text, nullable=False),
    Column("risk", Text, nullable=False),  # the risk it lowers
    Column("owner", String(64), nullable=False),
    Column("deputy", String(64)),
    Column("due_on", String(10), nullable=False),  # a day of the office's calendar
    Column("source", String(16), nullable=False),  # `review`, `drill`, `practice`…: where it came from
    Column("source_id", String(128), nullable=False),
    Column("incident", String(32), index=True),
    Column("causes", Json, nullable=False),
    Column("proof", Json, nullable=False),  # the check that must pass; see `actions.proof`
    Column("state", String(16), nullable=False),
    Column("opened_by", String(64), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_by", String(64)),
    Column("closed_at", Instant),
    Column("closed_on", String(32)),  # the check that closed it
    Column("reopened_at", Instant),
    Column("reopened", Integer, nullable=False),
    Column("drop_by", String(64)),
    Column("drop_reason", Text),
    Column("drop_second", String(64)),
    CheckConstraint("state IN ('open', 'closed', 'dropped')", name="state"),
    # Whatever door comes: closed without the check that passed, or dropped by one person alone, cannot be written.
    CheckConstraint("state <> 'closed' OR closed_on IS NOT NULL", name="proven"),
    CheckConstraint("state <> 'dropped' OR drop_second <> drop_by", name="two_people"),
    Index("ix_action_state", "state", "due_on"),
)

action_check = Table(
    "action_check",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("action", ForeignKey("action.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", String(64), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("seen", Text, nullable=False),  # in a sentence; nothing of what a program or a server said
    Column("evidence", Json, nullable=False),  # ids, codes, hashes
    CheckConstraint("verdict IN ('passed', 'failed', 'unknown')", name="verdict"),
    Index("ix_action_check_of", "action", "at"),
)

action_document = Table(
    "action_document",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("action", ForeignKey("action.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("path", Text, nullable=False),  # our own copy, below the state folder
    Column("sha256", String(64), nullable=False),
    Column("attached_by", String(64), nullable=False),
    Column("attached_at", Instant, nullable=False),
    Column("approved_by", String(64)),
    Column("approved_at", Instant),
    CheckConstraint("approved_by IS NULL OR approved_by <> attached_by", name="another_person"),
    UniqueConstraint("action", "sha256"),
)

# Who was reminded of which action, once for each stage, and never of anything twice on one day.
action_told = Table(
    "action_told",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("action", ForeignKey("action.id"), nullable=False),
    Column("person", String(64), nullable=False),
    Column("stage", String(32), nullable=False),
    Column("told_on", String(10), nullable=False),
    UniqueConstraint("action", "person", "stage"),
    Index("ix_action_told_on", "person", "told_on"),
)

# The review after an incident. `causes` and `answers` are what people say; the rest is read from the journal.
review = Table(
    "review",
    metadata,
    Column("incident", ForeignKey("incident.id"), primary_key=True),
    Column("opened_by", String(64), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("causes", Json, nullable=False),
    Column("answers", Json, nullable=False),
    Column("signed_by", String(64)),
    Column("signed_at", Instant),
    Column("sha256", String(64)),  # of the page as it was signed
    Column("path", Text),
    CheckConstraint("(signed_by IS NULL) = (sha256 IS NULL)", name="signed_whole"),
)

review_proposal = Table(
    "review_proposal",
    metadata,
    Column("incident", ForeignKey("review.incident"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("key", String(160), nullable=False),  # the same proposal again is the same row
    Column("source", String(16), nullable=False),
    Column("source_id", String(128), nullable=False),
    Column("title", Text, nullable=False),
    Column("risk", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("due_days", Integer, nullable=False),
    Column("proof", Json, nullable=False),
    Column("backing", Json, nullable=False),  # addresses, and whether they are to be checked
    Column("state", String(16), nullable=False),
    Column("decided_by", String(64)),
    Column("decided_at", Instant),
    Column("reason", Text),
    Column("action", String(16)),
    CheckConstraint("state IN ('proposed', 'accepted', 'refused')", name="state"),
    UniqueConstraint("incident", "key"),
)

# One row a week for the whole firm (''), and one for each client: what would have hurt, counted by its word.
readiness_week = Table(
    "readiness_week",
    metadata,
    Column("monday", String(10), primary_key=True),
    Column("client", String(64), primary_key=True),
    Column("counts", Json, nullable=False),
    Column("kept_at", Instant, nullable=False),
)
