"""Which snapshot to restore: chosen from our own ledger, never from what the repository calls its latest.

Whoever can write to a repository can add a snapshot dated in the future that wins restic's `latest`; nobody
can add one to our ledger without the journal telling.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select

from tocsin.errors import OperationFailed, UsageError
from tocsin.manifest import TEXT_NAME
from tocsin.store.tables import journal
from tocsin.store.tables import snapshot as snapshots

OK = "ok"
SHORTEST_PREFIX = 6
# The entries that tell of a snapshot: of a backup that ended, and of one adopted after a crash.
VOUCHING = ("backup.finished", "backup.settled")


@dataclass(frozen=True, slots=True)
class LedgerSnapshot:
    """One snapshot as our ledger has it.

    `id` is restic's id when it was taken; tagging changes it later. `tree` is '' until the repository was
    listed. `changed` are paths that changed while the backup ran.
    """

    id: str
    repository: str
    backup_plan: str
    tree: str
    time: datetime
    verdict: str
    files: int
    bytes: int
    manifest_sha256: str | None
    manifest_path: str | None
    paths: tuple[str, ...]
    changed: tuple[str, ...]
    operation: str

    @property
    def short_id(self) -> str:
        """The first eight digits, as restic shows them."""
        return self.id[:8]

    @property
    def manifest_folder(self) -> Path | None:
        """Where the manifest's two files lie inside the snapshot, or None."""
        if not self.manifest_path:
            return None
        path = Path(self.manifest_path)
        return path.parent if path.name == TEXT_NAME else path

    @property
    def sources(self) -> tuple[str, ...]:
        """The backed-up paths, without the manifest's own folder."""
        return tuple(path for path in self.paths if path != str(self.manifest_folder)) or self.paths


def choose_snapshot(
    connection: Connection,
    plan_id: str,
    *,
    snapshot_id: str | None = None,
    not_after: datetime | None = None,
    repository: str | None = None,
) -> LedgerSnapshot:
    """Return the newest whole snapshot of a plan whose content nobody doubts, or the one named.

    Args:
        connection: the store, for reading.
        plan_id: the backup plan.
        snapshot_id: the snapshot's id or its first six digits or more; any verdict is then accepted.
        not_after: take none that is newer, such as one taken after an attack began.
        repository: take only from this repository.

    Raises:
        UsageError: `snapshot_id` names none, or several.
        OperationFailed: there is no such snapshot.
    """
    query = select(snapshots).where(snapshots.c.backup_plan == plan_id)
    if repository is not None:
        query = query.where(snapshots.c.repository == repository)
    if snapshot_id is not None:
        return _named(connection, query, plan_id, snapshot_id)
    query = query.where(
        snapshots.c.verdict == OK,
        snapshots.c.gone_at.is_(None),  # we removed it ourselves
        snapshots.c.plausibility.is_distinct_from("flagged"),
    )
    if not_after is not None:
        query = query.where(snapshots.c.time <= not_after)
    row = connection.execute(query.order_by(snapshots.c.time.desc()).limit(1)).mappings().first()
    if row is None:
        raise OperationFailed(_none(plan_id, not_after, repository))
    return from_row(row)


def _named(connection: Connection, query: Select[Any], plan_id: str, snapshot_id: str) -> LedgerSnapshot:
    wanted = snapshot_id.lower()
    if len(wanted) < SHORTEST_PREFIX:
        raise UsageError(
            f"{snapshot_id!r} is too short for a snapshot's id; give at least {SHORTEST_PREFIX} digits."
        )
    rows = connection.execute(query).mappings().all()
    found = {row["id"]: from_row(row) for row in rows if row["id"].startswith(wanted)}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise UsageError(f"{snapshot_id!r} could be any of {', '.join(sorted(found))}. Give more digits.")
    raise UsageError(
        f"Our ledger has no snapshot {snapshot_id!r} of the backup plan {plan_id!r}. "
        f"'tocsin backup list {plan_id}' shows those it has."
    )


def _none(plan_id: str, not_after: datetime | None, repository: str | None) -> str:
    when = f" at or before {not_after:%Y-%m-%d %H:%M:%S %Z}" if not_after else ""
    where = f" in the repository {repository!r}" if repository else ""
    return (
        f"There is no good snapshot of the backup plan {plan_id!r}{where}{when}: nothing can be restored. "
        f"'tocsin backup list {plan_id}' shows what was taken; 'tocsin backup run {plan_id}' takes one now."
    )


def from_row(row: RowMapping) -> LedgerSnapshot:
    """Return a row of the snapshot table as a LedgerSnapshot."""
    values = {name: row[name] for name in LedgerSnapshot.__dataclass_fields__}
    values |= {name: tuple(row[name] or ()) for name in ("paths", "changed")}
    return LedgerSnapshot(**values)


def agrees_with_journal(connection: Connection, snapshot: LedgerSnapshot) -> bool:
    """Tell whether the journal's entry of that backup names the same snapshot and manifest digest.

    The ledger's rows could be edited by whoever reaches the database; the journal's chain shows such edits.
    """
    rows = connection.execute(
        select(journal.c.payload).where(
            journal.c.subject == f"plan:{snapshot.backup_plan}", journal.c.kind.in_(VOUCHING)
        )
    )
    wanted = {snapshot.id, snapshot.manifest_sha256} - {None}
    for (text,) in rows:
        payload = json.loads(text)
        if payload.get("operation") == snapshot.operation and wanted <= set(_texts(payload)):
            return True
    return False


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return [value] if isinstance(value, str) else []
