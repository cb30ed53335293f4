"""The watch: are the backups fresh, and is what the ledger says really in the repositories?

Each repository is asked once. An alarm is raised when something begins to be wrong and cleared when it no
longer is; one that stands is not raised again. Its text is a fixed template with ids and times alone: it goes to
our own people and carries no client's data.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, select, update

from tocsin.alarms import Alarm, settle
from tocsin.backups.copying import BEHIND, copy_alarms
from tocsin.backups.freshness import CLOCK_TOLERANCE, Freshness, PlanFreshness, freshness
from tocsin.backups.ledger import LedgerEntry, ledger
from tocsin.backups.plans import TAG, plan_audience
from tocsin.backups.proving import KINDS as PROOF_KINDS
from tocsin.backups.proving import proof_alarms
from tocsin.backups.suspecting import ALARM as SUSPICION
from tocsin.backups.suspecting import Suspicion, alarm_text, standing_suspicions
from tocsin.backups.unknown import plans_cut_off, settle_unknown
from tocsin.context import Context
from tocsin.errors import Interrupted, TocsinError
from tocsin.model.fields import spell_duration
from tocsin.ports import Snapshot
from tocsin.repositories import repository_access
from tocsin.store.tables import operation as operations
from tocsin.store.tables import snapshot as snapshots

KINDS = (
    BEHIND,
    "backup.late",
    "backup.never",
    "backup.implausible",
    "repository.unchecked",
    "snapshot.missing",
    "snapshot.changed",
    "snapshot.damaged",
    "snapshot.retagged",
    "snapshot.foreign",
    "snapshot.future",
    *PROOF_KINDS,
)


@dataclass(frozen=True, slots=True)
class Watched:
    """What the watch saw: every plan's freshness, every alarm that stands, and what is new of them."""

    plans: tuple[PlanFreshness, ...]
    standing: tuple[Alarm, ...]
    raised: tuple[Alarm, ...]
    cleared: tuple[Alarm, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one repository said it holds. `fault` says why it could not be asked.

    `ours` are ids and `operation:` tags of what we have saved since the ledger was read, or are saving now.
    """

    repository: str
    snapshots: tuple[Snapshot, ...] = ()
    damaged: tuple[str, ...] = ()
    fault: TocsinError | None = None
    ours: frozenset[str] = frozenset()


def watch(ctx: Context) -> Watched:
    """Look at every repository, compare it with the ledger, and raise and clear alarms accordingly."""
    for plan in plans_cut_off(ctx):
        settle_unknown(ctx, plan)  # what a killed run saved is ours, not an intruder's
    with ctx.store.read() as connection:
        entries = ledger(connection)
        plans = freshness(connection, ctx.workspace, ctx.clock.now())
        suspicions = standing_suspicions(connection)
        unproved = list(proof_alarms(connection, ctx.workspace, ctx.clock.now()))
    seen = [_look(ctx, repository) for repository in ctx.workspace.repositories]
    with ctx.store.read() as connection:
        ours = _saved_meanwhile(connection)
    wrong = freshness_alarms(plans) + suspicion_alarms(suspicions) + unproved
    wrong += copy_alarms(ctx.workspace, entries, ctx.clock.now())
    expected: dict[str, list[LedgerEntry]] = {}
    for entry in _still_there(entries):
        expected.setdefault(entry.repository, []).append(entry)
    for one in seen:
        wrong += repository_alarms(replace(one, ours=ours), expected.get(one.repository, []), ctx.clock.now())
    unasked = {one.repository for one in seen if one.fault}
    raised, cleared = _settle_alarms(ctx, wrong, unasked)
    _fill_in_trees(ctx, seen, entries)
    if raised or cleared:
        ctx.store.sign_head(ctx.actor)
    return Watched(plans, tuple(wrong), raised, cleared)


def compare_repository(ctx: Context, repository: str) -> tuple[Seen, list[Alarm]]:
    """Ask one repository and compare it with the ledger, before anything in it is believed or removed."""
    for plan in ctx.workspace.backup_plans.values():
        if repository in plan.repositories:
            settle_unknown(ctx, plan.id)
    with ctx.store.read() as connection:
        entries = ledger(connection)
    seen = _look(ctx, repository)
    with ctx.store.read() as connection:
        seen = replace(seen, ours=_saved_meanwhile(connection))
    if seen.fault:
        return seen, []
    expected = [entry for entry in _still_there(entries) if entry.repository == repository]
    return seen, repository_alarms(seen, expected, ctx.clock.now())


def _still_there(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
    """Yield what the repositories must hold: everything we saved and did not remove."""
    return (entry for entry in entries if entry.gone_at is None)


def _saved_meanwhile(connection: Connection) -> frozenset[str]:
    """Return the ids in the ledger by now, and the tags of backups under way, which it does not hold yet."""
    under_way = select(operations.c.id).where(operations.c.kind == "backup", operations.c.state == "started")
    tags = {f"operation:{row.id}" for row in connection.execute(under_way)}
    return frozenset(tags | set(connection.execute(select(snapshots.c.id)).scalars()))


def freshness_alarms(plans: Iterable[PlanFreshness]) -> list[Alarm]:
    """Return an alarm for each plan that is late or has never been backed up."""
    found = []
    for plan in plans:
        if plan.state is Freshness.NEVER:
            text = f"{_begun(plan.named)} has no good snapshot at all. Run 'tocsin backup run {plan.plan}'."
            found.append(Alarm("backup.never", f"plan:{plan.plan}", text))
        elif plan.state is Freshness.LATE and plan.last_ok:
            text = (
                f"{_begun(plan.named)} is late: its last good snapshot is of "
                f"{plan.last_ok:%Y-%m-%d %H:%M} UTC, and no more than {spell_duration(plan.rpo)} may be lost. "
                f"See what was taken with 'tocsin backup list {plan.plan}'."
            )
            found.append(Alarm("backup.late", f"plan:{plan.plan}", text))
    return found


def _begun(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def suspicion_alarms(suspicions: Iterable[Suspicion]) -> list[Alarm]:
    """Return an alarm for each plan whose backups nobody has explained, from its first suspicion."""
    first: dict[str, Suspicion] = {}
    for suspicion in suspicions:
        first.setdefault(suspicion.plan, suspicion)
    return [Alarm(SUSPICION, f"plan:{plan}", alarm_text(suspicion)) for plan, suspicion in first.items()]


def repository_alarms(seen: Seen, entries: list[LedgerEntry], now: datetime) -> list[Alarm]:
    """Compare what a repository holds with what the ledger says it must. Pure."""
    where = f"the repository {seen.repository}"
    if seen.fault:
        return [
            Alarm(
                "repository.unchecked",
                f"repository:{seen.repository}",
                f"Could not look into {where}: {seen.fault}",
            )
        ]
    held = {snapshot.identity: snapshot for snapshot in seen.snapshots}
    held |= {snapshot.id: snapshot for snapshot in seen.snapshots}
    known = seen.ours | {entry.id for entry in entries}
    found = []
    for entry in entries:
        subject = f"snapshot:{seen.repository}/{entry.short_id}"
        snapshot = held.get(entry.id)
        if entry.id in seen.damaged:
            found.append(Alarm("snapshot.damaged", subject, f"Snapshot {entry.short_id} in {where} is damaged."))
        elif snapshot is None:
            text = (
                f"Snapshot {entry.short_id} of the plan {entry.backup_plan} is gone from {where}; nobody told us."
            )
            found.append(Alarm("snapshot.missing", subject, text))
        elif entry.tree and snapshot.tree != entry.tree:
            text = f"Snapshot {entry.short_id} in {where} is not what was saved: its tree is another."
            found.append(Alarm("snapshot.changed", subject, text))
        elif not _tags_of(entry) <= set(snapshot.tags):
            text = f"Snapshot {entry.short_id} in {where} does not carry the tags we gave it: who changed them?"
            found.append(Alarm("snapshot.retagged", subject, text))
    for snapshot in seen.snapshots:
        subject = f"snapshot:{seen.repository}/{snapshot.identity[:8]}"
        if snapshot.time > now + CLOCK_TOLERANCE:
            dated = f"{snapshot.time:%Y-%m-%d %H:%M} UTC"
            text = f"Snapshot {snapshot.id[:8]} in {where} is dated in the future: {dated}."
            found.append(Alarm("snapshot.future", subject, text))
        if not known & {snapshot.identity, snapshot.id, *snapshot.tags}:
            text = f"Snapshot {snapshot.id[:8]} in {where} is not in our ledger: who saved it?"
            found.append(Alarm("snapshot.foreign", subject, text))
    return found


def _tags_of(entry: LedgerEntry) -> set[str]:
    dump = {f"dump:{entry.dump}"} if entry.dump else set()
    return {TAG, f"plan:{entry.backup_plan}", f"operation:{entry.operation}", *dump}


def _look(ctx: Context, repository: str) -> Seen:
    damaged: list[str] = []
    try:
        found = ctx.restic.snapshots(
            repository_access(ctx, repository), on_damaged=lambda snapshot_id, _why: damaged.append(snapshot_id)
        )
    except Interrupted:
        raise  # told to stop is no fault of the repository's
    except TocsinError as fault:
        return Seen(repository, fault=fault)
    return Seen(repository, found, tuple(damaged))


def _settle_alarms(
    ctx: Context, wrong: list[Alarm], unasked: set[str]
) -> tuple[tuple[Alarm, ...], tuple[Alarm, ...]]:
    """Raise what is new, clear what is over; what could not be looked at stays as it was."""
    addressed = [_addressed(ctx, one) for one in wrong]
    with ctx.store.write(ctx.actor) as tx:
        return settle(tx, addressed, KINDS, stays=partial(_unseen, unasked))


def _addressed(ctx: Context, one: Alarm) -> Alarm:
    """Return an alarm about a plan with its own people; any other is for the technical ones."""
    about, _, plan = one.subject.partition(":")
    return replace(one, audience=plan_audience(ctx.workspace, plan)) if about == "plan" else one


def _unseen(unasked: set[str], kind: str, subject: str) -> bool:
    return kind.startswith("snapshot.") and subject.partition(":")[2].partition("/")[0] in unasked


def _fill_in_trees(ctx: Context, seen: list[Seen], entries: tuple[LedgerEntry, ...]) -> None:
    """Complete the ledger's rows with the tree, which a backup's own summary does not tell."""
    trees = {(one.repository, snapshot.id): snapshot.tree for one in seen for snapshot in one.snapshots}
    new = [
        (entry, trees[key])
        for entry in entries
        if not entry.tree and (key := (entry.repository, entry.id)) in trees
    ]
    if not new:
        return
    with ctx.store.write(ctx.actor) as tx:
        for entry, tree in new:
            tx.execute(
                update(snapshots)
                .where(
                    snapshots.c.id == entry.id, snapshots.c.repository == entry.repository, snapshots.c.tree == ""
                )
                .values(tree=tree)
            )
            tx.record(
                "backup.tree",
                f"plan:{entry.backup_plan}",
                {"snapshot": entry.id, "repository": entry.repository, "tree": tree},
            )
