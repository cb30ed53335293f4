"""Holds: marks that keep snapshots from being forgotten or pruned while somebody still needs them.

Our own row is what counts: it is written first, for every snapshot of the plans, and needs no repository. A tag
in the repository is a courtesy to whoever prunes by hand. It is tried on the newest good snapshot of each plan
and repository only, since it costs two restic calls; a repository that is append-only, locked or out of reach
refuses it, and the hold says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, RowMapping, insert, select, update

from tocsin.backups.ledger import LedgerEntry, ledger
from tocsin.backups.plans import find_plan
from tocsin.context import Context
from tocsin.errors import TocsinError, UsageError
from tocsin.repositories import repository_access
from tocsin.store.database import Transaction
from tocsin.store.tables import hold as holds

TAG = "hold"


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold on one snapshot. `tagged` is None where no tag was tried; `tag_problem` says why one was refused."""

    id: str
    snapshot: str
    repository: str
    incident: str | None
    reason: str
    placed_by: str
    placed_at: datetime
    tagged: bool | None = None
    tag_problem: str | None = None


def hold_snapshots(
    ctx: Context, plan_ids: Iterable[str], reason: str, incident: str | None = None
) -> tuple[Hold, ...]:
    """Hold every snapshot of these plans that the ledger knows; return all that stand, the old among them.

    Holding twice for the same incident adds only what is new. Raises UsageError for an unknown plan.
    """
    plans = [find_plan(ctx, plan_id).id for plan_id in plan_ids]
    with ctx.store.read() as connection:
        entries = [entry for plan in plans for entry in ledger(connection, plan) if entry.gone_at is None]
    held = hold_entries(ctx, entries, reason, incident=incident)
    ctx.store.sign_head(ctx.actor)
    return held


def hold_entries(
    ctx: Context, entries: list[LedgerEntry], reason: str, *, incident: str | None, tag: bool = True
) -> tuple[Hold, ...]:
    """Hold just these snapshots, and return the holds that stand on them. The caller signs the head."""
    plans = dict.fromkeys(entry.backup_plan for entry in entries)
    with ctx.store.write(ctx.actor) as tx:
        standing = {
            (hold.repository, hold.snapshot): hold for hold in active_holds(tx.connection, incident=incident)
        }
        placed = [
            Hold(ctx.store.new_id(), entry.id, entry.repository, incident, reason, ctx.actor.person, tx.now)
            for entry in entries
            if (entry.repository, entry.id) not in standing
        ]
        columns = [column.name for column in holds.columns if column.name in Hold.__dataclass_fields__]
        for hold in placed:
            tx.execute(insert(holds).values({name: getattr(hold, name) for name in columns}))
        if placed:
            tx.record(
                "backup.held",
                f"incident:{incident}" if incident else "backups",
                {
                    "plans": list(plans),
                    "holds": [
                        {"hold": hold.id, "repository": hold.repository, "snapshot": hold.snapshot}
                        for hold in placed
                    ],
                },
                private={"reason": reason},
            )
    tagged = {hold.id: hold for hold in _tag_newest_good(ctx, entries, placed)} if tag else {}
    wanted = {(entry.repository, entry.id) for entry in entries}
    kept = [hold for key, hold in standing.items() if key in wanted]
    return (*kept, *(tagged.get(hold.id, hold) for hold in placed))


def active_holds(connection: Connection, *, incident: str | None = None) -> tuple[Hold, ...]:
    """Return the holds that stand for one incident; for None, those placed by hand."""
    query = select(holds).where(holds.c.released_at.is_(None), holds.c.incident.is_not_distinct_from(incident))
    return tuple(_hold(row) for row in connection.execute(query.order_by(holds.c.placed_at)).mappings())


def all_active_holds(connection: Connection) -> tuple[Hold, ...]:
    """Return every hold that stands, oldest first."""
    query = select(holds).where(holds.c.released_at.is_(None)).order_by(holds.c.placed_at, holds.c.id)
    return tuple(_hold(row) for row in connection.execute(query).mappings())


def release_hold(ctx: Context, hold_id: str, reason: str) -> Hold:
    """Release one hold, by its id or the first digits of it; a tag in the repository stays, and harms nobody.

    Raises UsageError when no such hold stands, or several begin so.
    """
    with ctx.store.write(ctx.actor) as tx:
        matching = [hold for hold in all_active_holds(tx.connection) if hold.id.startswith(hold_id)]
        if len(matching) != 1 or not hold_id:
            many = "No hold that stands has" if not matching else f"{len(matching)} holds have"
            raise UsageError(f"{many} the id {hold_id!r}; 'tocsin backup list --holds' shows them.")
        hold = matching[0]
        tx.execute(
            update(holds)
            .where(holds.c.id == hold.id, holds.c.released_at.is_(None))
            .values(released_by=ctx.actor.person, released_at=tx.now, release_reason=reason)
        )
        tx.record(
            "backup.released",
            f"incident:{hold.incident}" if hold.incident else "backups",
            {"hold": hold.id, "repository": hold.repository, "snapshot": hold.snapshot},
            private={"reason": reason},
        )
    ctx.store.sign_head(ctx.actor)
    return hold


def release_where(tx: Transaction, person: str, reason: str, release_reason: str) -> None:
    """Release every hold that was placed for exactly this reason; the caller journals it."""
    tx.execute(
        update(holds)
        .where(holds.c.reason == reason, holds.c.released_at.is_(None))
        .values(released_by=person, released_at=tx.now, release_reason=release_reason)
    )


def _tag_newest_good(ctx: Context, entries: list[LedgerEntry], placed: list[Hold]) -> list[Hold]:
    """Try to tag the newest good snapshot of each plan and repository among those just held."""
    fresh = {(hold.repository, hold.snapshot): hold for hold in placed}
    newest: dict[tuple[str, str, str], LedgerEntry] = {}
    for entry in entries:  # newest first
        if entry.verdict == "ok":
            newest.setdefault((entry.backup_plan, entry.repository, entry.dump), entry)
    return [
        _tag(ctx, entry, fresh[entry.repository, entry.id])
        for entry in newest.values()
        if (entry.repository, entry.id) in fresh
    ]


def _tag(ctx: Context, entry: LedgerEntry, hold: Hold) -> Hold:
    try:
        ctx.restic.tag(repository_access(ctx, hold.repository), entry.local_id, add=[TAG])
    except TocsinError as refused:
        return replace(hold, tagged=False, tag_problem=str(refused))
    return replace(hold, tagged=True)


def _hold(row: RowMapping) -> Hold:
    return Hold(**{name: row[name] for name in Hold.__dataclass_fields__ if name in row})
