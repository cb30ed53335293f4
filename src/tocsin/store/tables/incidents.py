"""Incidents: systems, facts, decisions, duties."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text

from tocsin.store.columns import Instant, Json
from tocsin.store.tables.shape import metadata

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
    Column("need_to_know_at", Instant),  # since then only its circle may see more than that it exists
    Column("merged_into", String(32)),
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
