"""Who answers an incident: roles taken and handed over, the rota's overrides, pages, reports, the need-to-know."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from tocsin.store.columns import Instant, Json
from tocsin.store.tables.shape import metadata

# Who has which role in an incident; a role's newest row without `until` counts.
incident_role = Table(
    "incident_role",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("incident", ForeignKey("incident.id"), nullable=False),
    Column("role", String(16), nullable=False),
    Column("person", String(64), nullable=False),
    Column("how", String(16), nullable=False),
    Column("by", String(64), nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant),
    Column("note", Text),
    CheckConstraint("how IN ('rota', 'named', 'taken', 'handed_over')", name="how"),
    Index("ix_incident_role_incident_role", "incident", "role", "since"),
)

# Of a need-to-know incident: the people who may see it. The incident itself says since when it is one.
incident_circle = Table(
    "incident_circle",
    metadata,
    Column("incident", ForeignKey("incident.id"), primary_key=True),
    Column("person", String(64), primary_key=True),
    Column("added_by", String(64), nullable=False),
    Column("added_at", Instant, nullable=False),
)

rota_override = Table(
    "rota_override",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("person", String(64), nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("placed_by", String(64), nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("lifted_by", String(64)),
    Column("lifted_at", Instant),
    Index("ix_rota_override_ends_at", "ends_at"),
)

# One page goes up rung by rung until somebody acknowledges it.
page = Table(
    "page",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("incident", String(32), index=True),
    Column("report", String(32)),
    Column("role", String(16), nullable=False),
    Column("person", String(64), nullable=False),  # whom it was for in the first place
    Column("level", String(16), nullable=False),
    Column("turn", Integer, nullable=False),
    Column("paged", Json, nullable=False),  # everyone it has reached for so far
    Column("raised_by", String(64), nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("acknowledged_by", String(64)),
    Column("acknowledged_at", Instant),
    Column("ended_at", Instant),
    CheckConstraint("level IN ('role', 'deputy', 'everyone')", name="level"),
)

# What somebody noticed. Without a name nothing about the person is kept: no login, no door, no machine.
report = Table(
    "report",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("what", Text, nullable=False),
    Column("salt", String(32), nullable=False),  # of the digest that the journal has of the text
    Column("system", String(64)),
    Column("noticed_at", Instant),
    Column("reported_by", Text),
    Column("reported_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("incident", String(32)),
    Column("settled_by", String(64)),
    Column("settled_at", Instant),
    Column("reason", Text),
    CheckConstraint("kind IN ('suspicion', 'near_miss')", name="kind"),
    CheckConstraint("state IN ('waiting', 'incident', 'closed')", name="state"),
    UniqueConstraint("incident"),
)
