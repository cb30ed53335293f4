"""Runs of playbooks: the ledger of steps and approvals."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text

from tocsin.store.columns import Instant, Json
from tocsin.store.tables.shape import ONLY_WHERE, metadata

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
    Column("kept", Json),  # what a step wrote down before it changed anything: what undoing needs
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
