"""What became of a backup whose process is gone: the repository is asked, and the answer is kept.

Every snapshot of ours carries `operation:ID` as a tag, so one question tells whether a killed run's snapshot
was saved. If so it is adopted into the ledger with the verdict `unknown`: nobody judged it, so it is never the
last good one, but it is ours and no intruder's. This is the only case in which a backup asks restic twice.
"""

from dataclasses import dataclass

from sqlalchemy import RowMapping, insert, select, update

from tocsin.context import Context
from tocsin.errors import TocsinError
from tocsin.ports import Snapshot
from tocsin.repositories import repository_access
from tocsin.store.operations import sweep
from tocsin.store.tables import operation as operations
from tocsin.store.tables import snapshot as snapshots

ADOPTED = "adopted"
NO_SNAPSHOT = "no-snapshot"


@dataclass(frozen=True, slots=True)
class Settled:
    """An earlier run whose outcome nobody knew, and what the repository said of it."""

    operation: str
    repository: str
    snapshot: str | None
    sentence: str


def settle_unknown(ctx: Context, plan_id: str) -> tuple[Settled, ...]:
    """Look after the plan's runs that were cut off. One whose repository cannot be asked now stays unknown."""
    subject = f"plan:{plan_id}"
    sweep(ctx.store, ctx.actor, kind="backup", subject=subject)
    query = select(operations).where(
        operations.c.kind == "backup",
        operations.c.subject == subject,
        ((operations.c.state == "unknown") & operations.c.verdict.is_(None))
        # A signal may come after restic had saved the snapshot.
        | ((operations.c.state == "finished") & (operations.c.verdict == "interrupted")),
    )
    with ctx.store.read() as connection:
        cut_off = connection.execute(query.order_by(operations.c.started_at)).mappings().all()
    return tuple(_settle(ctx, plan_id, row) for row in cut_off)


def _settle(ctx: Context, plan_id: str, row: RowMapping) -> Settled:
    repository = str((row["detail"] or {}).get("repository", ""))
    when = f"The backup of {plan_id} begun {row['started_at']:%Y-%m-%d %H:%M} UTC was cut off"
    try:
        found = ctx.restic.snapshots(
            repository_access(ctx, repository),
            tags=[f"operation:{row['id']}"],
            on_damaged=lambda _id, _why: None,
        )
    except TocsinError as fault:
        return Settled(
            row["id"], repository, None, f"{when}; whether it saved a snapshot is unknown still: {fault}"
        )
    snapshot = found[-1] if found else None
    _keep(ctx, plan_id, row, repository, snapshot)
    if snapshot is None:
        return Settled(row["id"], repository, None, f"{when} and left no snapshot.")
    adopted = f"{when} after it had saved snapshot {snapshot.identity[:8]}, which is adopted into the ledger."
    return Settled(row["id"], repository, snapshot.identity, adopted)


def _keep(ctx: Context, plan_id: str, row: RowMapping, repository: str, snapshot: Snapshot | None) -> None:
    """Journal the answer once, whoever else may be asking."""
    with ctx.store.write(ctx.actor) as tx:
        first = tx.execute(
            update(operations)
            .where(operations.c.id == row["id"], operations.c.verdict.is_not_distinct_from(row["verdict"]))
            .values(verdict=ADOPTED if snapshot else NO_SNAPSHOT)
        )
        if not first.rowcount:
            return
        tx.record(
            "backup.settled",
            f"plan:{plan_id}",
            {
                "operation": row["id"],
                "repository": repository,
                "snapshot": snapshot.identity if snapshot else None,
                "tree": snapshot.tree if snapshot else None,
            },
        )
        if snapshot is not None:
            tx.execute(
                insert(snapshots).values(
                    id=snapshot.identity,
                    repository=repository,
                    backup_plan=plan_id,
                    tree=snapshot.tree,
                    time=snapshot.time,
                    verdict="unknown",
                    files=snapshot.total_files,
                    bytes=snapshot.total_bytes,
                    added_bytes=0,
                    paths=list(snapshot.paths),
                    operation=row["id"],
                )
            )
