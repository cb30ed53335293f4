"""What became of a backup whose process is gone: the repository is asked, and the answer is kept.

Every snapshot of ours carries `operation:ID` as a tag, so one question tells whether a killed run's snapshots
were saved. Each that was is adopted into the ledger with the verdict `unknown`: nobody judged it, so it is never
the last good one, but it is ours and no intruder's. This is the only case in which a backup asks restic twice.
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
_CUT_OFF = (
    operations.c.kind == "backup",
    ((operations.c.state == "unknown") & operations.c.verdict.is_(None))
    # A signal may come after restic had saved the snapshot.
    | ((operations.c.state == "finished") & (operations.c.verdict == "interrupted")),
)


@dataclass(frozen=True, slots=True)
class Settled:
    """An earlier run whose outcome nobody knew, and what the repository said of it."""

    operation: str
    repository: str
    snapshot: str | None
    sentence: str


def plans_cut_off(ctx: Context) -> tuple[str, ...]:
    """Return the plans that have a run whose outcome nobody knows, for `settle_unknown`: one question for all."""
    sweep(ctx.store, ctx.actor, kind="backup")
    with ctx.store.read() as connection:
        subjects = connection.execute(select(operations.c.subject).where(*_CUT_OFF).distinct()).scalars()
        plans = {subject.removeprefix("plan:") for subject in subjects}
    return tuple(plan for plan in ctx.workspace.backup_plans if plan in plans)


def settle_unknown(ctx: Context, plan_id: str) -> tuple[Settled, ...]:
    """Look after the plan's runs that were cut off. One whose repository cannot be asked now stays unknown."""
    subject = f"plan:{plan_id}"
    sweep(ctx.store, ctx.actor, kind="backup", subject=subject)
    query = select(operations).where(operations.c.subject == subject, *_CUT_OFF)
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
    adopted = _keep(ctx, plan_id, row, repository, found)
    if not adopted:
        known = " but those which the ledger has already" if found else ""
        return Settled(row["id"], repository, None, f"{when} and left no snapshot{known}.")
    names = ", ".join(one.identity[:8] for one in adopted)
    which = f"snapshot {names}, which is" if len(adopted) == 1 else f"the snapshots {names}, which are"
    sentence = f"{when} after it had saved {which} adopted into the ledger."
    return Settled(row["id"], repository, adopted[-1].identity, sentence)


def _keep(
    ctx: Context, plan_id: str, row: RowMapping, repository: str, found: tuple[Snapshot, ...]
) -> tuple[Snapshot, ...]:
    """Journal the answer once, whoever else may be asking; return the snapshots that the ledger did not know.

    A run with dumps saves several, and enters those that it had saved when it was interrupted.
    """
    with ctx.store.write(ctx.actor) as tx:
        known = set(
            tx.execute(
                select(snapshots.c.id).where(
                    snapshots.c.repository == repository, snapshots.c.operation == row["id"]
                )
            ).scalars()
        )
        new = tuple(one for one in found if one.identity not in known)
        first = tx.execute(
            update(operations)
            .where(operations.c.id == row["id"], operations.c.verdict.is_not_distinct_from(row["verdict"]))
            .values(verdict=ADOPTED if new else NO_SNAPSHOT)
        )
        if not first.rowcount:
            return new
        last = new[-1] if new else None
        tx.record(
            "backup.settled",
            f"plan:{plan_id}",
            {
                "operation": row["id"],
                "repository": repository,
                "snapshot": last.identity if last else None,
                "tree": last.tree if last else None,
                **({"snapshots": [one.identity for one in new]} if len(new) > 1 else {}),
            },
        )
        for snapshot in new:
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
                    dump=dump_of(snapshot.tags),
                )
            )
        return new


def dump_of(tags: tuple[str, ...]) -> str:
    """Return the name of the dump that a snapshot with these tags holds, '' when it holds files."""
    return next((tag.removeprefix("dump:") for tag in tags if tag.startswith("dump:")), "")
