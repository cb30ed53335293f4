"""Every table of the first release. Written by `scripts/write-first-migration`; triggers are in 0002."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "alarm",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.String(length=27), nullable=False),
        sa.Column("sent_at", sa.String(length=27), nullable=True),
        sa.Column("cleared_at", sa.String(length=27), nullable=True),
        sa.Column("incident", sa.String(length=32), nullable=True),
        sa.Column("duty", sa.String(length=96), nullable=True),
        sa.Column("due_at", sa.String(length=27), nullable=True),
        sa.Column("share", sa.Integer(), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=True),
        sa.Column("level", sa.String(length=16), nullable=True),
        sa.Column("channel", sa.String(length=16), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=64), nullable=True),
        sa.Column("acknowledged_at", sa.String(length=27), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
        sa.UniqueConstraint(
            "incident", "duty", "due_at", "share", "turn", name=op.f("uq_alarm_incident_duty_due_at_share_turn")
        ),
    )
    op.create_index(op.f("ix_alarm_incident"), "alarm", ["incident"], unique=False)
    op.create_table(
        "approval",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=192), nullable=False),
        sa.Column("shown_sha256", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("door", sa.String(length=32), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("decision IN ('approved', 'rejected')", name=op.f("ck_approval_decision")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    op.create_index("ix_approval_subject", "approval", ["subject"], unique=False)
    op.create_table(
        "hold",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("snapshot", sa.String(length=64), nullable=False),
        sa.Column("repository", sa.String(length=64), nullable=False),
        sa.Column("incident", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.String(length=64), nullable=False),
        sa.Column("placed_at", sa.String(length=27), nullable=False),
        sa.Column("released_by", sa.String(length=64), nullable=True),
        sa.Column("released_at", sa.String(length=27), nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    op.create_table(
        "incident",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("declared_by", sa.String(length=64), nullable=False),
        sa.Column("declared_at", sa.String(length=27), nullable=False),
        sa.Column("first_alert_at", sa.String(length=27), nullable=False),
        sa.Column("aware_at", sa.String(length=27), nullable=True),
        sa.Column("aware_reason", sa.Text(), nullable=True),
        sa.Column("aware_by", sa.String(length=64), nullable=True),
        sa.Column("contained_at", sa.String(length=27), nullable=True),
        sa.Column("recovered_at", sa.String(length=27), nullable=True),
        sa.Column("reviewed_at", sa.String(length=27), nullable=True),
        sa.Column("effects", sa.Text(), nullable=True),
        sa.Column("remedy", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.String(length=27), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    op.create_table(
        "journal",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("door", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal")),
        sa.UniqueConstraint("hash", name=op.f("uq_journal_hash")),
    )
    op.create_index(op.f("ix_journal_kind"), "journal", ["kind"], unique=False)
    op.create_index(op.f("ix_journal_subject"), "journal", ["subject"], unique=False)
    op.create_table(
        "observation",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("backup_plan", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("signs", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("explained_by", sa.String(length=64), nullable=True),
        sa.Column("explained_at", sa.String(length=27), nullable=True),
        sa.Column("explanation", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('clean', 'flagged', 'expected', 'damage')", name=op.f("ck_observation_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observation")),
    )
    op.create_index("ix_observation_backup_plan_at", "observation", ["backup_plan", "at"], unique=False)
    op.create_table(
        "operation",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("verdict", sa.String(length=32), nullable=True),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.String(length=27), nullable=False),
        sa.Column("finished_at", sa.String(length=27), nullable=True),
        sa.Column("host", sa.String(length=128), nullable=False),
        sa.Column("process", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('started', 'finished', 'unknown')", name=op.f("ck_operation_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation")),
    )
    op.create_index("ix_operation_kind_subject", "operation", ["kind", "subject", "started_at"], unique=False)
    op.create_index(
        "ux_operation_running",
        "operation",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("state = 'started'"),
        postgresql_where=sa.text("state = 'started'"),
    )
    op.create_table(
        "pause",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.String(length=64), nullable=False),
        sa.Column("placed_at", sa.String(length=27), nullable=False),
        sa.Column("lifted_by", sa.String(length=64), nullable=True),
        sa.Column("lifted_at", sa.String(length=27), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pause")),
    )
    op.create_table(
        "repository_check",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("repository", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repository_check")),
    )
    op.create_index("ix_repository_check_repository_at", "repository_check", ["repository", "at"], unique=False)
    op.create_table(
        "schedule",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("last_due", sa.String(length=27), nullable=False),
        sa.Column("acted_at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedule")),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("incident", sa.String(length=32), nullable=False),
        sa.Column("duty", sa.String(length=64), nullable=False),
        sa.Column("proposed", sa.String(length=16), nullable=False),
        sa.Column("decided", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=False),
        sa.Column("decided_at", sa.String(length=27), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("second_asked_at", sa.String(length=27), nullable=True),
        sa.Column("second_at", sa.String(length=27), nullable=True),
        sa.Column("second_by", sa.String(length=64), nullable=True),
        sa.Column("withdrawn_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["incident"], ["incident.id"], name=op.f("fk_decision_incident_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    op.create_index("ix_decision_incident_duty", "decision", ["incident", "duty"], unique=False)
    op.create_table(
        "duty",
        sa.Column("incident", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=96), nullable=False),
        sa.Column("toward", sa.String(length=16), nullable=False),
        sa.Column("controller", sa.String(length=64), nullable=False),
        sa.Column("addressee", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=True),
        sa.Column("how_soon", sa.Text(), nullable=False),
        sa.Column("voluntary", sa.Boolean(), nullable=False),
        sa.Column("required", sa.String(length=16), nullable=False),
        sa.Column("risk", sa.String(length=16), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("asks", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_at", sa.String(length=27), nullable=False),
        sa.Column("told_at", sa.String(length=27), nullable=True),
        sa.Column("last_told_at", sa.String(length=27), nullable=True),
        sa.Column("told_how", sa.Text(), nullable=True),
        sa.Column("still_owed", sa.Text(), nullable=False),
        sa.Column("late_reasons", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.String(length=27), nullable=True),
        sa.Column("settled_by", sa.String(length=64), nullable=True),
        sa.Column("reopened_at", sa.String(length=27), nullable=True),
        sa.Column("reopened_why", sa.Text(), nullable=True),
        sa.CheckConstraint("required IN ('yes', 'unclear', 'no')", name=op.f("ck_duty_required")),
        sa.CheckConstraint(
            "state IN ('owed', 'drafted', 'approved', 'told', 'discharged', 'declined', 'lapsed')",
            name=op.f("ck_duty_state"),
        ),
        sa.ForeignKeyConstraint(["incident"], ["incident.id"], name=op.f("fk_duty_incident_incident")),
        sa.PrimaryKeyConstraint("incident", "key", name=op.f("pk_duty")),
    )
    op.create_table(
        "fact",
        sa.Column("incident", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("controller", sa.String(length=64), server_default="", nullable=False),
        sa.Column("path", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("stated_by", sa.String(length=64), nullable=False),
        sa.Column("stated_at", sa.String(length=27), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["incident"], ["incident.id"], name=op.f("fk_fact_incident_incident")),
        sa.PrimaryKeyConstraint("incident", "version", name=op.f("pk_fact")),
    )
    op.create_table(
        "incident_system",
        sa.Column("incident", sa.String(length=32), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("added_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incident.id"], name=op.f("fk_incident_system_incident_incident")),
        sa.PrimaryKeyConstraint("incident", "system", name=op.f("pk_incident_system")),
    )
    op.create_table(
        "journal_head",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("chain", sa.String(length=32), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["journal.seq"], name=op.f("fk_journal_head_seq_journal")),
        sa.PrimaryKeyConstraint("seq", "key", name=op.f("pk_journal_head")),
    )
    op.create_table(
        "journal_private",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["journal.seq"], name=op.f("fk_journal_private_seq_journal")),
        sa.PrimaryKeyConstraint("seq", "name", name=op.f("pk_journal_private")),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("incident", sa.String(length=32), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("duty", sa.String(length=64), nullable=False),
        sa.Column("addressee", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("made_by", sa.String(length=192), nullable=False),
        sa.Column("drafted_at", sa.String(length=27), nullable=False),
        sa.Column("left_at", sa.String(length=27), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'approved', 'sent', 'recorded', 'withdrawn')", name=op.f("ck_notice_state")
        ),
        sa.ForeignKeyConstraint(["incident"], ["incident.id"], name=op.f("fk_notice_incident_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("made_by", name=op.f("uq_notice_made_by")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("playbook", sa.String(length=64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("incident", sa.String(length=32), nullable=True),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("started_by", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.String(length=27), nullable=False),
        sa.Column("ended_at", sa.String(length=27), nullable=True),
        sa.Column("parts", sa.Text(), nullable=True),
        sa.Column("parent_run", sa.String(length=32), nullable=True),
        sa.Column("parent_step", sa.String(length=128), nullable=True),
        sa.CheckConstraint("state IN ('open', 'done', 'failed', 'abandoned')", name=op.f("ck_run_state")),
        sa.ForeignKeyConstraint(["incident"], ["incident.id"], name=op.f("fk_run_incident_incident")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index("ix_run_parent", "run", ["parent_run", "parent_step"], unique=False)
    op.create_index("ix_run_state", "run", ["state"], unique=False)
    op.create_table(
        "snapshot",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("repository", sa.String(length=64), nullable=False),
        sa.Column("backup_plan", sa.String(length=64), nullable=False),
        sa.Column("tree", sa.String(length=64), nullable=False),
        sa.Column("time", sa.String(length=27), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("added_bytes", sa.BigInteger(), nullable=False),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=True),
        sa.Column("manifest_path", sa.Text(), nullable=True),
        sa.Column("paths", sa.Text(), nullable=False),
        sa.Column("changed", sa.Text(), nullable=True),
        sa.Column("operation", sa.String(length=32), nullable=False),
        sa.Column("plausibility", sa.String(length=16), nullable=True),
        sa.Column("suspicion", sa.String(length=32), nullable=True),
        sa.Column("gone_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["operation"], ["operation.id"], name=op.f("fk_snapshot_operation_operation")),
        sa.PrimaryKeyConstraint("id", "repository", name=op.f("pk_snapshot")),
    )
    op.create_index("ix_snapshot_backup_plan_time", "snapshot", ["backup_plan", "time"], unique=False)
    op.create_table(
        "notice_version",
        sa.Column("notice", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("edited_by", sa.String(length=64), nullable=False),
        sa.Column("edited_at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["notice"], ["notice.id"], name=op.f("fk_notice_version_notice_notice")),
        sa.PrimaryKeyConstraint("notice", "version", name=op.f("pk_notice_version")),
    )
    op.create_table(
        "step",
        sa.Column("run", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("item", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claim", sa.String(length=32), nullable=True),
        sa.Column("claimed_at", sa.String(length=27), nullable=True),
        sa.Column("claimed_by", sa.String(length=128), nullable=True),
        sa.Column("asked", sa.Text(), nullable=True),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.String(length=27), nullable=True),
        sa.Column("resolved_by", sa.String(length=64), nullable=True),
        sa.Column("retries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", sa.String(length=27), nullable=True),
        sa.Column("waiting_since", sa.String(length=27), nullable=True),
        sa.Column("handed_over_at", sa.String(length=27), nullable=True),
        sa.Column("parameters", sa.Text(), nullable=True),
        sa.Column("contained_at", sa.String(length=27), nullable=True),
        sa.Column("contained_seq", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.String(length=27), nullable=True),
        sa.Column("released_at", sa.String(length=27), nullable=True),
        sa.Column("undoes", sa.String(length=128), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'running', 'waiting', 'unknown', 'done', 'failed', 'skipped')",
            name=op.f("ck_step_state"),
        ),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_step_run_run")),
        sa.PrimaryKeyConstraint("run", "key", name=op.f("pk_step")),
    )
    op.create_index(
        "ix_step_contained",
        "step",
        ["contained_at"],
        unique=False,
        sqlite_where=sa.text("contained_at IS NOT NULL AND released_at IS NULL"),
        postgresql_where=sa.text("contained_at IS NOT NULL AND released_at IS NULL"),
    )
    op.create_index("ix_step_run_state", "step", ["run", "state"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("notice", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("message_id", sa.String(length=192), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("intended_at", sa.String(length=27), nullable=False),
        sa.Column("tried_at", sa.String(length=27), nullable=True),
        sa.Column("finished_at", sa.String(length=27), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('intended', 'trying', 'sent', 'failed', 'unknown')", name=op.f("ck_delivery_state")
        ),
        sa.ForeignKeyConstraint(
            ["notice", "version"],
            ["notice_version.notice", "notice_version.version"],
            name=op.f("fk_delivery_notice_version_notice_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("message_id", name=op.f("uq_delivery_message_id")),
        sa.UniqueConstraint(
            "notice", "version", "channel", "address", name=op.f("uq_delivery_notice_version_channel_address")
        ),
    )
