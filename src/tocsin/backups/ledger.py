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
    """One snapshot. `id` is restic's id when it was taken, which tagging changes; `tree` is '' until seen.

    A copy in another repository keeps that `id`, as it does restic's `original`; `copy_id` is its own there.

    `dump` names the dump it holds, and is '' for a snapshot of files; `dump_sha256` is of the dump's own bytes.
    """

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
    dump: str = ""
    dump_sha256: str | None = None
    plausibility: str | None = None
    suspicion: str | None = None
    gone_at: datetime | None = None
    copy_id: str | None = None

    @property
    def short_id(self) -> str:
        """The first eight digits, as restic shows them."""
        return self.local_id[:8]

    @property
    def local_id(self) -> str:
        """What its own repository called it when it came there."""
        return self.copy_id or self.id

    @property
    def series(self) -> str:
        """What of its plan this is a snapshot of, for people: `the files`, or `the dump crm`."""
        return f"the dump {self.dump}" if self.dump else "the files"


def ledger_entry(row: Mapping[str, Any] | RowMapping) -> LedgerEntry:
    """Return a row of the snapshot table."""
    values: dict[str, Any] = {name: row[name] for name in LedgerEntry.__dataclass_fields__ if name in row}
    values |= {name: tuple(row[name] or ()) for name in ("paths", "changed")}
    return LedgerEntry(**values)


def ledger(connection: Connection, plan: str | None = None) -> tuple[LedgerEntry, ...]:
    """Return the snapshots of a plan, or of all, newest first."""
    # Of two that are alike, the one that was not copied comes first.
    order = (snapshots.c.time.desc(), snapshots.c.copy_id.is_not(None), snapshots.c.repository)
    query = select(snapshots).order_by(*order)
    if plan is not None:
        query = query.where(snapshots.c.backup_plan == plan)
    return tuple(ledger_entry(row) for row in connection.execute(query).mappings())


def held_snapshots(connection: Connection) -> frozenset[tuple[str, str]]:
    """Return (repository, snapshot id) of everything that a hold keeps from being forgotten."""
    query = select(holds.c.repository, holds.c.snapshot).where(holds.c.released_at.is_(None))
    return frozenset((row.repository, row.snapshot) for row in connection.execute(query))
