"""Fill a second repository from the first: restic copies snapshots, and the sources are not read again.

    copied = copy_plan(ctx, "files", "offsite")       for `offsite: {from: local}`

1. our ledger says which snapshots the first has that never were in the second; however many, they are caught up;
2. the first is listed: only what is there, and is what the ledger says, is copied;
3. the start is journalled, and restic is called once for all of them;
4. the second is listed, and what arrived is entered under the id it always had, with its own beside it.

A run that was cut off leaves copies that the ledger does not know yet: the next one finds them there, for restic
does not copy twice. A copy has the time, verdict and plausibility of what was copied, and a name of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from tocsin.alarms import Alarm
from tocsin.backups.ledger import LedgerEntry, ledger_entry
from tocsin.backups.plans import find_plan, repositories_of
from tocsin.context import Context
from tocsin.errors import Interrupted, UsageError
from tocsin.model.workspace import BackupPlan, Workspace
from tocsin.ports import OnProgress, Snapshot
from tocsin.repositories import repository_access
from tocsin.store.database import JsonValue
from tocsin.store.operations import Operation, begin, finish
from tocsin.store.tables import snapshot as snapshots

KIND = "copy"
BEHIND = "copy.behind"
# What nobody judged, and what a proof left behind, is no backup to multiply.
_COPIED = ("ok", "incomplete")


@dataclass(frozen=True, slots=True)
class Copied:
    """What came of filling one repository with a plan's snapshots. `entries` are new in it.

    `absent` should have been copied, and are not in the first repository or not what the ledger says of them.
    """

    plan: str
    repository: str
    source: str
    entries: tuple[LedgerEntry, ...] = ()
    absent: tuple[LedgerEntry, ...] = ()

    @property
    def is_ok(self) -> bool:
        """Whether nothing is missing."""
        return not self.absent


def copies_of(workspace: Workspace, plan: BackupPlan) -> tuple[tuple[str, str], ...]:
    """Return (repository, the one it is filled from) for each of a plan's repositories that is a copy."""
    return tuple(
        (name, source)
        for name in plan.repositories
        if (source := workspace.repositories[name].filled_from) is not None
    )


def uncopied(connection: Connection, plan: str, repository: str, source: str) -> tuple[LedgerEntry, ...]:
    """Return what `source` has of a plan and `repository` never had, the oldest first."""
    known = select(snapshots.c.id).where(snapshots.c.backup_plan == plan, snapshots.c.repository == repository)
    query = select(snapshots).where(
        snapshots.c.backup_plan == plan,
        snapshots.c.repository == source,
        snapshots.c.verdict.in_(_COPIED),
        snapshots.c.gone_at.is_(None),
        snapshots.c.id.not_in(known),
    )
    return tuple(ledger_entry(row) for row in connection.execute(query.order_by(snapshots.c.time)).mappings())


def plan_copies(
    ctx: Context, plan_id: str, *, repository: str | None = None
) -> tuple[tuple[str, str, tuple[LedgerEntry, ...]], ...]:
    """Return what `copy_plan` would copy: (repository, source, snapshots).

    Raises UsageError when none of the plan's repositories is filled from another.
    """
    plan = find_plan(ctx, plan_id)
    wanted = repositories_of(plan, repository)
    pairs = [(name, source) for name, source in copies_of(ctx.workspace, plan) if name in wanted]
    if not pairs:
        raise UsageError(
            f"No repository of the backup plan {plan.id!r} is filled from another"
            f"{f' by the name of {repository!r}' if repository else ''}. Write `from:` in the second one."
        )
    with ctx.store.read() as connection:
        return tuple((name, source, uncopied(connection, plan.id, name, source)) for name, source in pairs)


def copy_plan(ctx: Context, plan_id: str, repository: str, *, on_progress: OnProgress | None = None) -> Copied:
    """Copy what `repository` lacks of a plan's snapshots, and enter it in the ledger.

    Raises what restic raises: Temporary when either repository is locked or out of reach. The next run then
    copies what is missing.
    """
    ((_, source, wanted),) = plan_copies(ctx, plan_id, repository=repository)
    if not wanted:
        return Copied(plan_id, repository, source)
    plan = ctx.workspace.backup_plans[plan_id]
    origin = repository_access(ctx, source)
    target = repository_access(ctx, repository, limits=plan.limits)
    told = {"repository": repository, "from": source}
    operation = begin(ctx.store, ctx.actor, KIND, f"plan:{plan_id}", told)
    try:
        there = _by_identity(ctx.restic.snapshots(origin, on_damaged=lambda *_: None))
        sound = [there[one.id] for one in wanted if _is_what_we_saved(one, there.get(one.id))]
        ctx.crash.reach("copy:before-restic")
        ctx.restic.copy(origin, target, [one.id for one in sound], on_progress=on_progress)
        ctx.crash.reach("copy:after-restic")
        arrived = _by_identity(ctx.restic.snapshots(target, on_damaged=lambda *_: None))
        good = {
            one.identity: copy for one in sound if (copy := arrived.get(one.identity)) and copy.tree == one.tree
        }
        ctx.crash.reach("copy:before-finish")
    except (Exception, KeyboardInterrupt) as fault:
        verdict = "interrupted" if isinstance(fault, (Interrupted, KeyboardInterrupt)) else "failed"
        with ctx.store.write(ctx.actor) as tx:
            finish(tx, operation, verdict, {**told, "error": type(fault).__name__})
        raise
    copied = _record(ctx, operation, Copied(plan_id, repository, source, wanted), good)
    ctx.store.sign_head(ctx.actor)
    return copied


def _by_identity(found: Iterable[Snapshot]) -> dict[str, Snapshot]:
    return {one.identity: one for one in found}


def _is_what_we_saved(entry: LedgerEntry, found: Snapshot | None) -> bool:
    return found is not None and entry.tree in {"", found.tree} and f"operation:{entry.operation}" in found.tags


def _record(ctx: Context, operation: Operation, asked: Copied, arrived: dict[str, Snapshot]) -> Copied:
    """Enter what arrived, whoever copied it, and journal the finish with it."""
    absent = tuple(entry for entry in asked.entries if entry.id not in arrived)
    with ctx.store.write(ctx.actor) as tx:
        rows = [
            _row(tx.connection, asked.source, entry)
            | {"repository": asked.repository, "copy_id": found.id, "tree": found.tree, "added_bytes": 0}
            for entry in asked.entries
            if (found := arrived.get(entry.id))
        ]
        for row in rows:
            tx.execute(insert(snapshots).values(row))
        payload: dict[str, JsonValue] = {
            "repository": asked.repository,
            "from": asked.source,
            "snapshots": [{"snapshot": row["id"], "copy": row["copy_id"], "tree": row["tree"]} for row in rows],
            "absent": [entry.id for entry in absent],
        }
        finish(tx, operation, "incomplete" if absent else "ok", payload)
    entries = tuple(ledger_entry(row) for row in rows)
    return Copied(asked.plan, asked.repository, asked.source, entries, absent)


def _row(connection: Connection, source: str, entry: LedgerEntry) -> dict[str, Any]:
    """Return the first's row as it stands now: somebody may have explained a suspicion meanwhile."""
    query = select(snapshots).where(snapshots.c.repository == source, snapshots.c.id == entry.id)
    found: RowMapping = connection.execute(query).mappings().one()
    return dict(found)


def copy_alarms(workspace: Workspace, entries: Iterable[LedgerEntry], now: datetime) -> Iterator[Alarm]:
    """Yield an alarm for each copy that has waited longer than its plan's `rpo`. Pure."""
    entries = tuple(entries)
    known = {(entry.repository, entry.id) for entry in entries}
    waiting: dict[tuple[str, str, str], list[LedgerEntry]] = {}
    pairs = {plan.id: copies_of(workspace, plan) for plan in workspace.backup_plans.values()}
    for entry in entries:
        if entry.verdict not in _COPIED or entry.gone_at is not None:
            continue
        for name, source in pairs.get(entry.backup_plan, ()):
            late = now - entry.time > workspace.backup_plans[entry.backup_plan].rpo
            if entry.repository == source and late and (name, entry.id) not in known:
                waiting.setdefault((entry.backup_plan, name, source), []).append(entry)
    for (plan, name, source), behind in waiting.items():
        oldest = f"{min(entry.time for entry in behind):%Y-%m-%d %H:%M} UTC"
        text = (
            f"The repository {name} lacks {len(behind)} snapshots of the backup plan {plan} that {source} has, "
            f"the oldest of {oldest}: more may be lost than was promised. Run 'tocsin backup copy {plan}'."
        )
        yield Alarm(BEHIND, f"copy:{plan}/{name}", text)
