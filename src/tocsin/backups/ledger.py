"""The ledger: what our own store says was backed up, whatever a repository says today."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from tocsin.store.tables import hold as holds
from tocsin.store.tables import snapshot as snapshots


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One snapshot. `id` is restic's id when it was taken, which tagging changes; `tree` is '' until seen."""

    id: str
    repository: str
    backup_plan: str
    tree: str
    time: datetime
    verdict: str
    files: int
    bytes: int
    added_bytes: int
    manifest_sha256: str | None
    manifest_path: str | None
    paths: tuple[str, ...]
    changed: tuple[str, ...]
    operation: str
    plausibility: str | None = None
    suspicion: str | None = None
    gone_at: datetime | None = None

    @property
    def short_id(self) -> str:
        """The first eight digits, as restic shows them."""
        return self.id[:8]


def ledger_entry(row: Mapping[str, Any] | RowMapping) -> LedgerEntry:
    """Return a row of the snapshot table."""
    values: dict[str, Any] = {name: row[name] for name in LedgerEntry.__dataclass_fields__ if name in row}
    values |= {name: tuple(row[name] or ()) for name in ("paths", "changed")}
    return LedgerEntry(**values)


def ledger(connection: Connection, plan: str | None = None) -> tuple[LedgerEntry, ...]:
    """Return the snapshots of a plan, or of all, newest first."""
    query = select(snapshots).order_by(snapshots.c.time.desc(), snapshots.c.repository)
    if plan is not None:
        query = query.where(snapshots.c.backup_plan == plan)
    return tuple(ledger_entry(row) for row in connection.execute(query).mappings())


def held_snapshots(connection: Connection) -> frozenset[tuple[str, str]]:
    """Return (repository, snapshot id) of everything that a hold keeps from being forgotten."""
    query = select(holds.c.repository, holds.c.snapshot).where(holds.c.released_at.is_(None))
    return frozenset((row.repository, row.snapshot) for row in connection.execute(query))
