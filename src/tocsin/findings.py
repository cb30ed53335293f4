"""Findings: what a drill, a check or an exercise found wrong, kept until a person says what became of it.

    with ctx.store.write(ctx.actor) as tx:
        note(tx, Found("drill", operation, "drill:files", "missing-file", "It was not restored.", "/srv/a"))
    open_findings(connection)                   what still waits for somebody
    settle(tx, finding_id, "maya", "The exclusion was wrong; corrected and drilled again.")

The same fault found again while it is open is one row that counts. Nothing here settles by itself: that a later
drill passed is a reason for a person, not a settlement.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, RowMapping, insert, select, update

from tocsin.errors import Refused, UsageError
from tocsin.store.columns import storable
from tocsin.store.database import Transaction
from tocsin.store.tables import finding as findings

SHORTEST_PREFIX = 6


@dataclass(frozen=True, slots=True)
class Found:
    """One fault as it is found. `thing` is what it is about, and may be empty."""

    source: str
    source_id: str
    subject: str
    code: str
    sentence: str
    thing: str = ""


@dataclass(frozen=True, slots=True)
class KeptFinding:
    """One finding as it is kept. `times` counts how often it was found before it was settled."""

    id: str
    source: str
    source_id: str
    subject: str
    code: str
    thing: str
    sentence: str
    found_at: datetime
    seen_at: datetime
    times: int
    settled_at: datetime | None
    settled_by: str | None
    settlement: str | None


def note(tx: Transaction, found: Found) -> str:
    """Keep a finding and journal it; return its id, the old one's where the same fault is still open."""
    thing, sentence = storable(found.thing), storable(found.sentence)
    key = sha256(thing.encode()).hexdigest()
    row = tx.execute(
        update(findings)
        .where(
            findings.c.source == found.source,
            findings.c.subject == found.subject,
            findings.c.code == found.code,
            findings.c.thing_key == key,
            findings.c.settled_at.is_(None),
        )
        .values(source_id=found.source_id, sentence=sentence, seen_at=tx.now, times=findings.c.times + 1)
        .returning(findings.c.id)
    ).one_or_none()
    identity = row.id if row else tx.new_id()
    if row is None:
        tx.execute(
            insert(findings).values(
                id=identity,
                source=found.source,
                source_id=found.source_id,
                subject=found.subject,
                code=found.code,
                thing=thing,
                thing_key=key,
                sentence=sentence,
                found_at=tx.now,
                seen_at=tx.now,
                times=1,
            )
        )
    told = {"finding": identity, "code": found.code, "operation": found.source_id, "again": row is not None}
    tx.record(f"{found.source}.finding", found.subject, told, {"sentence": sentence})
    return identity


def open_findings(
    connection: Connection, *, source: str | None = None, subject: str | None = None
) -> tuple[KeptFinding, ...]:
    """Return the findings that nobody has settled, the oldest first."""
    query = select(findings).where(findings.c.settled_at.is_(None))
    if source is not None:
        query = query.where(findings.c.source == source)
    if subject is not None:
        query = query.where(findings.c.subject == subject)
    rows = connection.execute(query.order_by(findings.c.found_at, findings.c.id)).mappings()
    return tuple(_kept(row) for row in rows)


def finding_named(connection: Connection, identity: str) -> KeptFinding:
    """Return the finding of that id, or of an id that begins so. Raises UsageError for none and for several."""
    wanted = identity.lower()
    if len(wanted) < SHORTEST_PREFIX:
        raise UsageError(f"{identity!r} is too short for a finding's id; give at least {SHORTEST_PREFIX} digits.")
    query = select(findings).where(findings.c.id.startswith(wanted, autoescape=True)).limit(2)
    rows = connection.execute(query).mappings().all()
    if len(rows) != 1:
        raise UsageError(
            f"{identity!r} is no finding's id. 'tocsin drill findings' lists those that are open."
            if not rows
            else f"{identity!r} could be several findings. Give more digits."
        )
    return _kept(rows[0])


def settle(tx: Transaction, identity: str, by: str, how: str) -> KeptFinding:
    """Record what became of a finding, and journal it.

    Raises UsageError for an id that is none's or an empty `how`, Refused when it is settled already.
    """
    if not how.strip():
        raise UsageError("Say what was done about it, in a sentence. Nothing was changed.")
    kept = finding_named(tx.connection, identity)
    if kept.settled_at is not None:
        raise Refused(
            f"The finding {kept.id[:8]} was settled by {kept.settled_by} on {kept.settled_at:%Y-%m-%d}. "
            "Nothing was changed."
        )
    tx.execute(
        update(findings)
        .where(findings.c.id == kept.id)
        .values(settled_at=tx.now, settled_by=by, settlement=storable(how.strip()))
    )
    told = {"finding": kept.id, "code": kept.code, "by": by}
    tx.record("finding.settled", kept.subject, dict(told), {"settlement": how.strip()})
    return finding_named(tx.connection, kept.id)


def _kept(row: RowMapping) -> KeptFinding:
    return KeptFinding(**{name: row[name] for name in KeptFinding.__dataclass_fields__})
