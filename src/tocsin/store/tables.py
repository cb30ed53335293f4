"""Every table, in the order of their lives. Only the journal is append-only by trigger; the rest are its shadow.

A row here is always written in the transaction that writes the journal entry telling of it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from tocsin.store.columns import Instant, Json

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# What an index is restricted to, for `restrict_indexes`.
ONLY_WHERE = "only where"


# --- the journal ------------------------------------------------------------------------------------------

journal = Table(
    "journal",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("door", String(32), nullable=False),
    Column("subject", String(128), nullable=False, index=True),
    Column("kind", String(64), nullable=False, index=True),
    Column("payload", Text, nullable=False),  # canonical JSON (RFC 8785), exactly the bytes that were hashed
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)

# Names and free text, bound to their entry by a salted digest in its payload, so that erasing one leaves
# the chain whole.
journal_private = Table(
    "journal_private",
    metadata,
    Column("seq", ForeignKey("journal.seq"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("salt", String(32), nullable=False),
    Column("text", Text, nullable=False),
)

journal_head = Table(
    "journal_head",
    metadata,
    Column("seq", ForeignKey("journal.seq"), primary_key=True),
    Column("key", String(64), primary_key=True),  # SHA-256 of the raw public key; each host has its own
    Column("chain", String(32), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)


# --- operations and schedules -----------------------------------------------------------------------------

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
    UniqueConstraint("incident", "duty", "due_at", "share", "turn"),
)


# --- backups ----------------------------------------------------------------------------------------------

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
    Column("plausibility", String(16)),  # `clean` or `flagged`; empty when nobody could judge it
    Column("suspicion", String(32)),  # the observation that it is flagged for
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


# --- incidents --------------------------------------------------------------------------------------------

incident = Table(
    "incident",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("title", Text, nullable=False),
    Column("cause", String(32)),
    Column("state", String(16), nullable=False),
    Column("declared_by", String(64), nullable=False),
    Column("declared_at", Instant, nullable=False),
    Column("first_alert_at", Instant, nullable=False),
    Column("aware_at", Instant),
    Column("aware_reason", Text),
    Column("aware_by", String(64)),
    Column("contained_at", Instant),
    Column("recovered_at", Instant),
    Column("reviewed_at", Instant),
    Column("effects", Text),
    Column("remedy", Text),
    Column("closed_at", Instant),
)

incident_system = Table(
    "incident_system",
    metadata,
    Column("incident", ForeignKey("incident.id"), primary_key=True),
    Column("system", String(64), primary_key=True),
    Column("added_at", Instant, nullable=False),
)

fact = Table(
    "fact",
    metadata,
    Column("incident", ForeignKey("incident.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("controller", String(64), nullable=False, server_default=""),  # '' for all, else whose overlay
    Column("path", String(64), nullable=False),
    Column("value", Json),
    Column("stated_by", String(64), nullable=False),
    Column("stated_at", Instant, nullable=False),
    Column("evidence", Text),
)

decision = Table(
    "decision",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("incident", ForeignKey("incident.id"), nullable=False),
    Column("duty", String(64), nullable=False),
    Column("proposed", String(16), nullable=False),
    Column("decided", String(16), nullable=False),
    Column("decided_by", String(64), nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("second_asked_at", Instant),  # below the proposal: it stands only once a second person agreed
    Column("second_at", Instant),
    Column("second_by", String(64)),
    Column("withdrawn_at", Instant),  # later facts took its ground away, or another decision its place
    Index("ix_decision_incident_duty", "incident", "duty"),
)

# Something owed to somebody because of an incident. `key` is what a person types.
duty = Table(
    "duty",
    metadata,
    Column("incident", ForeignKey("incident.id"), primary_key=True),
    Column("key", String(96), primary_key=True),
    Column("toward", String(16), nullable=False),  # `regulator`, `people`, `controllers`, `insurer`…
    Column("controller", String(64), nullable=False),  # whose data it is about; '' for the incident as a whole
    Column("addressee", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("hours", Integer),  # empty: without undue delay, in the words of `how_soon`
    Column("how_soon", Text, nullable=False),
    Column("voluntary", Boolean, nullable=False),
    Column("required", String(16), nullable=False),
    Column("risk", String(16), nullable=False),
    Column("why", Json, nullable=False),
    Column("asks", Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("told_at", Instant),
    Column("last_told_at", Instant),
    Column("told_how", Text),
    Column("still_owed", Json, nullable=False),
    Column("late_reasons", Text),
    Column("settled_at", Instant),
    Column("settled_by", String(64)),
    Column("reopened_at", Instant),
    Column("reopened_why", Text),
    CheckConstraint("required IN ('yes', 'unclear', 'no')", name="required"),
    CheckConstraint(
        "state IN ('owed', 'drafted', 'approved', 'told', 'discharged', 'declined', 'lapsed')", name="state"
    ),
)


# --- runs -------------------------------------------------------------------------------------------------

run = Table(
    "run",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("playbook", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),  # the run keeps the text it started with, whatever becomes of the file
    Column("sha256", String(64), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("incident", ForeignKey("incident.id")),
    Column("inputs", Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("started_by", String(64), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    # The playbooks that this one may call, by name, with the text each had when the run began.
    Column("parts", Json),
    Column("parent_run", String(32)),  # the run and row that called this one
    Column("parent_step", String(128)),
    CheckConstraint("state IN ('open', 'done', 'failed', 'abandoned')", name="state"),
    Index("ix_run_state", "state"),
    Index("ix_run_parent", "parent_run", "parent_step"),
)

# The ledger: one row per step, or per item of a step with `for_each`; the undoing of one has a row of its own.
step = Table(
    "step",
    metadata,
    Column("run", ForeignKey("run.id"), primary_key=True),
    Column("key", String(128), primary_key=True),  # `tell-clients` or `tell-clients[harbour]`
    Column("step", String(64), nullable=False),
    Column("item", Json),
    Column("position", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("claim", String(32)),  # the worker's nonce: the conditional write that lets one door in
    Column("claimed_at", Instant),
    Column("claimed_by", String(128)),  # host and process, to tell a dead worker from a slow one
    Column("asked", Json),  # what a person was shown: question, text to approve, and its hash
    Column("output", Json),
    Column("error", Text),
    Column("finished_at", Instant),
    Column("resolved_by", String(64)),
    Column("retries", Integer, nullable=False, server_default="0"),  # by itself, since a person last had a say
    Column("not_before", Instant),  # a timer: it is left alone until then
    Column("waiting_since", Instant),  # since when nobody answered: deputies and timeouts count from here
    Column("handed_over_at", Instant),  # offered to the deputy too
    Column("parameters", Json),  # of a step that can be undone, for then the facts may be others
    Column("contained_at", Instant),  # done, and in force until it is undone
    Column("contained_seq", BigInteger),  # the journal's last entry then: what was done last is undone first
    Column("expires_at", Instant),
    Column("released_at", Instant),  # undone, or kept for good by a person's decision
    Column("undoes", String(128)),  # the row that this one undoes
    CheckConstraint(
        "state IN ('pending', 'running', 'waiting', 'unknown', 'done', 'failed', 'skipped')", name="state"
    ),
    Index("ix_step_run_state", "run", "state"),
    Index(
        "ix_step_contained", "contained_at", info={ONLY_WHERE: "contained_at IS NOT NULL AND released_at IS NULL"}
    ),
)

approval = Table(
    "approval",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("subject", String(192), nullable=False),  # `step:RUN:KEY` or `notice:ID`
    Column("shown_sha256", String(64), nullable=False),
    Column("decision", String(16), nullable=False),
    Column("person", String(64), nullable=False),
    Column("door", String(32), nullable=False),
    Column("at", Instant, nullable=False),
    Column("reason", Text),
    CheckConstraint("decision IN ('approved', 'rejected')", name="decision"),
    Index("ix_approval_subject", "subject"),
)


# --- notices ----------------------------------------------------------------------------------------------

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


def restrict_indexes() -> None:
    """Tell SQLAlchemy which rows the partial indexes hold; needed by whoever makes or compares the tables.

    Said here and not beside each index, because saying it loads both databases' dialects: 23 ms for every
    command that only reads.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            if where := index.info.get(ONLY_WHERE):
                index.dialect_options["sqlite"]["where"] = text(where)
                index.dialect_options["postgresql"]["where"] = text(where)
