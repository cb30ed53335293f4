"""Snapshots taken, what each looked like, checks of repositories, holds."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from tocsin.store.columns import Instant, Json
from tocsin.store.tables.shape import metadata

snapshot = Table(
    "snapshot",
    metadata,
    Column("id", String(64), primary_key=True),  # restic's id at the time it was taken
    Column("repository", String(64), primary_key=True),
    Column("backup_plan", String(64), nullable=False),
    Column("tree", String(64), nullable=False),
    Column("time", Instant, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("files", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("added_bytes", BigInteger, nullable=False),
    Column("manifest_sha256", String(64)),
    Column("manifest_path", Text),  # where the manifest lies inside the snapshot
    Column("paths", Json, nullable=False),
    Column("changed", Json),  # paths that changed between their hash and the end of the backup
    Column("operation", ForeignKey("operation.id"), nullable=False),
    Column("dump", String(64), nullable=False, default=""),  # which dump of the plan it holds; empty for the files
    Column("dump_sha256", String(64)),  # of the dump's own bytes
    Column("plausibility", String(16)),  # `clean` or `flagged`; empty when nobody could judge it
    Column("suspicion", String(32)),  # the observation that it is flagged for
    Column("copy_id", String(64)),  # restic's own id of a copy; `id` is then that of what was copied
    Column("gone_at", Instant),  # we removed it ourselves, and saw that it was gone
    Index("ix_snapshot_backup_plan_time", "backup_plan", "time"),
)

# What each backup's content looked like beside the last one's. Flagged days stay out of what is usual.
observation = Table(
    "observation",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("backup_plan", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("score", Integer, nullable=False),
    Column("signs", Json, nullable=False),
    Column("reasons", Json, nullable=False),
    Column("explained_by", String(64)),
    Column("explained_at", Instant),
    Column("explanation", Text),
    CheckConstraint("state IN ('clean', 'flagged', 'expected', 'damage')", name="state"),
    Index("ix_observation_backup_plan_at", "backup_plan", "at"),
)

# What a check of a repository read and found; the parts of one round add up to all of its data.
repository_check = Table(
    "repository_check",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("repository", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("part", Integer, nullable=False),  # 0: structure only
    Column("parts", Integer, nullable=False),
    Column("errors", Json, nullable=False),
    Index("ix_repository_check_repository_at", "repository", "at"),
)

hold = Table(
    "hold",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("snapshot", String(64), nullable=False),
    Column("repository", String(64), nullable=False),
    Column("incident", String(32)),
    Column("reason", Text, nullable=False),
    Column("placed_by", String(64), nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("released_by", String(64)),
    Column("released_at", Instant),
    Column("release_reason", Text),
)
