"""Operations, schedules, pauses and alarms."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from tocsin.store.columns import Instant, Json
from tocsin.store.tables.shape import ONLY_WHERE, metadata

# One row per backup, drill, restore…: started, then finished. A started one whose process is gone is unknown.
operation = Table(
    "operation",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("verdict", String(32)),
    Column("actor", String(64), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("host", String(128), nullable=False),
    Column("process", String(64), nullable=False),  # pid and its start time: a pid alone may be somebody else's
    Column("detail", Json),
    CheckConstraint("state IN ('started', 'finished', 'unknown')", name="state"),
    Index("ix_operation_kind_subject", "kind", "subject", "started_at"),
    # Two runs of one thing never overlap.
    Index("ux_operation_running", "kind", "subject", unique=True, info={ONLY_WHERE: "state = 'started'"}),
)

# The last due moment of each schedule that was acted on: many missed ones collapse into one run.
schedule = Table(
    "schedule",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("last_due", Instant, nullable=False),
    Column("acted_at", Instant, nullable=False),
)

pause = Table(
    "pause",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("what", String(64), nullable=False),  # `backups`: all scheduled ones are held
    Column("reason", Text, nullable=False),
    Column("placed_by", String(64), nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("lifted_by", String(64)),
    Column("lifted_at", Instant),
)

alarm = Table(
    "alarm",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("text", Text, nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("cleared_at", Instant),
    # Of a deadline's alarm alone: whose clock, how far it had run, whom it goes to and what became of it.
    Column("incident", String(32), index=True),
    Column("duty", String(96)),
    Column("due_at", Instant),
    Column("share", Integer),
    Column("turn", Integer),
    Column("level", String(16)),
    Column("channel", String(16)),
    Column("acknowledged_by", String(64)),
    Column("acknowledged_at", Instant),
    Column("audience", Json),  # whom it is for: people, roles and the level of the ladder
    Column("remind_seconds", Integer),  # how often it is said again while it stands; empty: never
    Column("reminded", Integer, nullable=False, server_default="0"),
    Column("told_at", Instant),  # when its last message was written
    UniqueConstraint("incident", "duty", "due_at", "share", "turn"),
    Index("ix_alarm_standing", "kind", "subject", info={ONLY_WHERE: "cleared_at IS NULL"}),
)

# What is said of an alarm: that it was raised, that it still stands, that it is over; a row before it goes out.
alarm_message = Table(
    "alarm_message",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("alarm", ForeignKey("alarm.id"), nullable=False),
    Column("what", String(16), nullable=False),
    Column("turn", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("batch", String(32)),  # those that go out as one message; it fixes the message's identity
    Column("claimed_at", Instant),
    Column("claimed_by", String(192)),  # host and process: what a dead one took may be taken again
    Column("sent_at", Instant),
    Column("channel", String(16)),
    CheckConstraint("what IN ('raised', 'reminder', 'over')", name="what"),
    CheckConstraint("state IN ('due', 'sent', 'dropped')", name="state"),
    UniqueConstraint("alarm", "what", "turn"),
    Index("ix_alarm_message_due", "made_at", info={ONLY_WHERE: "state = 'due'"}),
)
