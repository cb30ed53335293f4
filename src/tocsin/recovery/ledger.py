"""Which snapshot to restore: chosen from our own ledger, never from what the repository calls its latest.

Whoever can write to a repository can add a snapshot dated in the future that wins restic's `latest`; nobody
can add one to our ledger without the journal telling.
"""

import json
import os
from collections.abc import Collection
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
# And of a ledger that was taken over from a recovery kit.
ADOPTED = "kit.adopted"
VOUCHING = ("backup.finished", "backup.settled", ADOPTED)


@dataclass(frozen=True, slots=True)
class LedgerSnapshot:
    """One snapshot as our ledger has it.

    `id` is restic's id when it was taken; tagging changes it later. `tree` is '' until the repository was
    listed. `changed` are paths that changed while the backup ran. `dump` names the database whose dump the
    snapshot holds, '' for files; `dump_sha256` is that of the dump.
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
    dump: str = ""
    dump_sha256: str | None = None

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

    def original(self, path: Path) -> Path:
        """Return a path as it was called on the machine that was backed up.

        A relative one is meant as in the workspace, which may have lain elsewhere then: `data/crm` is the source
        that ends in it, or something below that; else it is relative to what the sources have in common.
        """
        if path.is_absolute():
            return path
        for count in range(len(path.parts), 0, -1):
            head, tail = path.parts[:count], path.parts[count:]
            for source in self.sources:
                if Path(source).parts[-count:] == head:
                    return Path(source, *tail)
        return Path(os.path.commonpath(self.sources)) / path


@dataclass(frozen=True, slots=True)
class Where:
    """Where to choose from: the plan, one of its dumps ('' for its files), and the repositories that count.

    `without` are repositories that are lost, or count as lost in a rehearsal.
    """

    backup_plan: str
    dump: str = ""
    repository: str | None = None
    without: Collection[str] = ()


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
    where = Where(plan_id, repository=repository)
    if snapshot_id is not None:
        return named_snapshot(connection, where, snapshot_id)
    return newest_snapshot(connection, where, not_after)


def newest_snapshot(connection: Connection, where: Where, not_after: datetime | None = None) -> LedgerSnapshot:
    """Return the newest whole snapshot that nobody doubts. Raises OperationFailed when there is none."""
    query = _good(_of_plan(where))
    if not_after is not None:
        query = query.where(snapshots.c.time <= not_after)
    order = (snapshots.c.time.desc(), snapshots.c.copy_id.is_not(None))  # the repository at hand before its copy
    row = connection.execute(query.order_by(*order).limit(1)).mappings().first()
    if row is None:
        raise OperationFailed(_none(where, not_after))
    return from_row(row)


def good_snapshots(connection: Connection, where: Where) -> tuple[LedgerSnapshot, ...]:
    """Return every whole snapshot that nobody doubts and that we did not remove, the oldest first."""
    query = _good(_of_plan(where)).order_by(snapshots.c.time, snapshots.c.repository)
    return tuple(from_row(row) for row in connection.execute(query).mappings())


def _of_plan(where: Where) -> Select[Any]:
    query = select(snapshots).where(snapshots.c.backup_plan == where.backup_plan, snapshots.c.dump == where.dump)
    if where.repository is not None:
        query = query.where(snapshots.c.repository == where.repository)
    return query.where(snapshots.c.repository.not_in(where.without)) if where.without else query


def _good(query: Select[Any]) -> Select[Any]:
    return query.where(
        snapshots.c.verdict == OK,
        snapshots.c.gone_at.is_(None),  # we removed it ourselves
        snapshots.c.plausibility.is_distinct_from("flagged"),
    )


def named_snapshot(connection: Connection, where: Where, snapshot_id: str) -> LedgerSnapshot:
    """Return the snapshot whose id begins so, whatever its verdict. Raises UsageError for none, or several."""
    wanted, plan_id = snapshot_id.lower(), where.backup_plan
    if len(wanted) < SHORTEST_PREFIX:
        raise UsageError(
            f"{snapshot_id!r} is too short for a snapshot's id; give at least {SHORTEST_PREFIX} digits."
        )
    last = (snapshots.c.gone_at.is_not(None).desc(), snapshots.c.copy_id.is_not(None).desc())
    rows = connection.execute(_of_plan(where).order_by(*last)).mappings().all()
    # A copy may be named by its own id; by the one both have, the repository at hand is meant.
    found = {row["id"]: from_row(row) for row in rows if row["id"].startswith(wanted)} or {
        row["copy_id"]: from_row(row) for row in rows if (row["copy_id"] or "").startswith(wanted)
    }
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise UsageError(f"{snapshot_id!r} could be any of {', '.join(sorted(found))}. Give more digits.")
    raise UsageError(
        f"Our ledger has no snapshot {snapshot_id!r} of the backup plan {plan_id!r}. "
        f"'tocsin backup list {plan_id}' shows those it has."
    )


def _none(where: Where, not_after: datetime | None) -> str:
    plan_id, repository = where.backup_plan, where.repository
    when = f" at or before {not_after:%Y-%m-%d %H:%M:%S %Z}" if not_after else ""
    place = f" in the repository {repository!r}" if repository else ""
    place += f" outside {', '.join(sorted(where.without))}" if where.without else ""
    what = f"dump {where.dump!r} of the backup plan" if where.dump else "backup plan"
    return (
        f"There is no good snapshot of the {what} {plan_id!r}{place}{when}: nothing can be restored. "
        f"'tocsin backup list {plan_id}' shows what was taken; 'tocsin backup run {plan_id}' takes one now."
    )


def from_row(row: RowMapping) -> LedgerSnapshot:
    """Return a row of the snapshot table as a LedgerSnapshot."""
    values = {name: row[name] for name in LedgerSnapshot.__dataclass_fields__ if name in row}
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
    wanted = {snapshot.id, snapshot.manifest_sha256, snapshot.dump_sha256} - {None}
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
