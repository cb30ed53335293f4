"""Exercises: each one that was played, and in its own room what was put in and who took it up."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, Text

from tocsin.store.columns import Instant, Json
from tocsin.store.tables.shape import metadata

# In the house's own store: that an exercise was played, and what came of it. Times are real ones.
exercise = Table(
    "exercise",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("scenario", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("room", Text, nullable=False),  # the folder it is played in
    Column("state", String(16), nullable=False),
    Column("started_by", String(64), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("participants", Json, nullable=False),
    Column("ended_at", Instant),
    Column("score", Integer),  # of a hundred
    Column("lines", Json),  # what was judged: key, target, reached, verdict
    Column("report", Text),  # the page's path, below the workspace
    CheckConstraint("state IN ('open', 'ended', 'abandoned')", name="state"),
    Index("ix_exercise_scenario", "scenario", "started_at"),
)

# In the exercise's room: an inject that has come. Times are the exercise's.
exercise_inject = Table(
    "exercise_inject",
    metadata,
    Column("inject", String(64), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("came_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Column("answered_by", String(64)),
    Column("answer", Text),
)
