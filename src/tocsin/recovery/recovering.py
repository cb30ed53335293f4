"""The recovery operation: a plan's data, from a snapshot our ledger vouches for, verified, then put in place.

1. Choose the snapshot, look at the destination, refuse what must be refused; nothing has been touched.
2. Journal the start.
3. Restore into a scratch area on the destination's file system and compare every file with its manifest.
4. Only when all of it is right: move it into place, the old folder aside.
5. Journal the finish, whatever it is. A process killed on the way leaves `outcome unknown` and a swept area.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from tocsin.context import Context
from tocsin.errors import ConfigurationError, OperationFailed, Temporary, UsageError, did_you_mean
from tocsin.manifest import read_manifest
from tocsin.ports import OnProgress
from tocsin.recovery.choosing import Which
from tocsin.recovery.damage import local_folder
from tocsin.recovery.fetching import Wanted, choose_wanted, no_copy
from tocsin.recovery.ledger import LedgerSnapshot, agrees_with_journal, choose_snapshot
from tocsin.recovery.placing import Placement, below, leave_only, plan_placement, put_in_place, root_of
from tocsin.recovery.restoring import OnStage, Restored, list_snapshots, restore_and_verify, silent
from tocsin.recovery.scratch import NoRoom, refuse_without_room, scratch, sweep_scratch
from tocsin.repositories import repository_access
from tocsin.store.database import JsonValue
from tocsin.store.operations import Operation, begin, finish


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for.

    `include` are original paths, absolute or relative to the plan's folder. With `accept_damage` the sound files
    are put in place and the damaged ones left out, which somebody must have decided.
    """

    destination: Path
    snapshot_id: str | None = None
    not_after: datetime | None = None
    replace: bool = False
    include: tuple[Path, ...] = ()
    accept_damage: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """What a recovery would do. `age` is how much work done since the snapshot would be missing."""

    snapshot: LedgerSnapshot
    placement: Placement
    root: Path
    include: tuple[Path, ...]
    age: timedelta
    accept_damage: bool = False


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a recovery did. `left_out` are the files that could not be brought back as they were."""

    snapshot: LedgerSnapshot
    destination: Path
    aside: Path | None
    files: int
    bytes: int
    took: timedelta
    age: timedelta
    changed_during_backup: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def plan_recovery(ctx: Context, plan_id: str, wish: Wish) -> Intent:
    """Choose and check everything a recovery needs, changing nothing. Raises as `recover` does."""
    plans = ctx.workspace.backup_plans
    if plan_id not in plans:
        raise UsageError(f"There is no backup plan {plan_id!r}.{did_you_mean(plan_id, plans)}")
    with ctx.store.read() as connection:
        snapshot = choose_snapshot(connection, plan_id, snapshot_id=wish.snapshot_id, not_after=wish.not_after)
        if not agrees_with_journal(connection, snapshot):
            raise OperationFailed(
                f"Our ledger's row of snapshot {snapshot.short_id} does not agree with the journal: one of them "
                "was altered. Nothing was restored. Run 'tocsin journal verify', and choose another snapshot."
            )
    root = root_of(snapshot.sources)
    now = ctx.clock.now()
    placement = plan_placement(wish.destination, _protected(ctx), now, replace=wish.replace)
    refuse_without_room(placement.area_parent, snapshot.bytes)
    include = tuple(path if path.is_absolute() else root / path for path in wish.include)
    for path in include:
        if not path.is_relative_to(root):
            raise UsageError(f"{path} is not part of this backup, which holds {root}. Nothing was changed.")
    return Intent(snapshot, placement, root, include, now - snapshot.time, wish.accept_damage)


def recover(
    ctx: Context,
    plan_id: str,
    wish: Wish,
    *,
    on_progress: OnProgress | None = None,
    on_stage: OnStage = silent,
) -> Recovered:
    """Bring a plan's data back, verified, and put it at the destination.

    Raises:
        UsageError: no such plan, snapshot or path; the destination cannot be one.
        Refused: something is at the destination and `replace` was not given.
        OperationFailed: no good snapshot, no room, or what came back is not what was backed up. The destination
            is then as it was.
        Temporary: the repository is locked or out of reach, or this plan is being recovered already.
    """
    sweep_scratch(ctx)
    plan = plan_recovery(ctx, plan_id, wish)
    operation = begin(ctx.store, ctx.actor, "recovery", f"plan:{plan_id}", _told(plan))
    try:
        recovered = _carried_out(ctx, operation, plan, on_progress, on_stage)
    except (Exception, KeyboardInterrupt) as fault:
        with ctx.store.write(ctx.actor) as tx:
            finish(tx, operation, "failed", {**_told(plan), "error": type(fault).__name__})
        ctx.store.sign_head(ctx.actor)
        raise
    ctx.store.sign_head(ctx.actor)
    return recovered


def recover_from_some(
    ctx: Context, wanted: Wanted, destination: Path, *, replace_there: bool = False
) -> tuple[Recovered, tuple[str, ...]]:
    """Bring data back in place from the first copy that is whole; also return why others were passed over.

    Raises as `recover` does, when the last copy would not do either.
    """
    passed_over: list[str] = []
    lost = set(wanted.where.without)
    while True:
        where = replace(wanted.where, without=frozenset(lost))
        try:
            snapshot = choose_wanted(ctx, replace(wanted, where=where))
        except OperationFailed as none:
            raise no_copy(none, passed_over) from none
        wish = Wish(
            destination, snapshot.id, replace=replace_there, include=tuple(map(snapshot.original, wanted.include))
        )
        try:
            return recover(ctx, wanted.where.backup_plan, wish), tuple(passed_over)
        except (Temporary, OperationFailed, ConfigurationError) as fault:
            if isinstance(fault, NoRoom) or wanted.choice.which is Which.NAMED:
                raise
            passed_over.append(f"{snapshot.repository}: {fault}")
            lost.add(snapshot.repository)


def _carried_out(
    ctx: Context, operation: Operation, plan: Intent, on_progress: OnProgress | None, on_stage: OnStage
) -> Recovered:
    began = ctx.clock.monotonic()
    parent = plan.placement.area_parent
    with scratch(ctx, "recovery", needed_bytes=plan.snapshot.bytes, beside=parent) as area:
        on_stage("Opening the repository")
        listing = list_snapshots(ctx, repository_access(ctx, plan.snapshot.repository))
        on_stage("Restoring")
        restored = restore_and_verify(
            ctx, plan.snapshot, listing, area, include=plan.include, on_progress=on_progress
        )
        left_out = _leave_damage_out(area, restored) if plan.accept_damage else ()
        if not left_out:
            _refuse_damage(restored)
        ctx.crash.reach("recovery:verified")
        on_stage("Putting it in place")
        put_in_place(_top(area, plan), plan.placement)
        _tell_placed(ctx, operation, plan)
        ctx.crash.reach("recovery:placed")
    recovered = _result(plan, restored, timedelta(seconds=ctx.clock.monotonic() - began), left_out)
    with ctx.store.write(ctx.actor) as tx:
        took_ms = round(recovered.took.total_seconds() * 1000)
        told = {**_told(plan), "files": recovered.files, "bytes": recovered.bytes, "took_ms": took_ms}
        told["left_out"] = len(left_out)
        finish(tx, operation, "incomplete" if left_out else "ok", told)
    return recovered


def _tell_placed(ctx: Context, operation: Operation, plan: Intent) -> None:
    """Journal at once that live data was changed; where, is a private text."""
    placement = plan.placement
    with ctx.store.write(ctx.actor) as tx:
        private = {"destination": str(placement.destination)}
        private |= {"aside": str(placement.aside)} if placement.aside else {}
        tx.record("recovery.placed", operation.subject, {"operation": operation.id}, private)


def _top(area: Path, plan: Intent) -> Path:
    """Return the folder to put in place, the manifest taken out."""
    snapshot = plan.snapshot
    home = read_manifest(below(area, snapshot.manifest_folder or Path("/"))).home
    top = leave_only(area, plan.root, home, map(Path, snapshot.sources))
    if not top.exists():
        raise OperationFailed(
            f"Snapshot {snapshot.short_id} holds nothing of {', '.join(map(str, plan.include)) or plan.root}; "
            "nothing was put in place."
        )
    return top


def _leave_damage_out(area: Path, restored: Restored) -> tuple[str, ...]:
    """Take the files with wrong content out of the restored tree; return those and the ones that are missing.

    Returns () when nothing was compared: without its manifest, nothing tells the sound files from the others.
    """
    comparison = restored.comparison
    if comparison is None:
        return ()
    for path in comparison.changed:
        wrong = below(area, Path(path))
        if not (wrong.is_file() or wrong.is_symlink()):
            return ()  # its name cannot be written as text, so it cannot be found again
        wrong.unlink()
    return tuple(sorted({*comparison.missing, *comparison.changed}))


def _refuse_damage(restored: Restored) -> None:
    if restored.ok:
        return
    known = {path: f"{path}: {why}" for path, why in restored.summary.errors}
    if comparison := restored.comparison:
        known |= {path: f"{path} is missing" for path in comparison.missing if path not in known}
        changed = (path for path in comparison.changed if path not in known)
        known |= {path: f"{path} has other content than was backed up" for path in changed}
    said = [*filter(None, [restored.manifest_problem]), *known.values()]
    shown = "\n  ".join(said[:20]) or "restic ended with an error and named no file"
    more = f"\n  and {len(said) - 20} more" if len(said) > 20 else ""  # noqa: PLR2004 - what fits a screen
    raise OperationFailed(
        f"What came back from snapshot {restored.snapshot.short_id} is not what was backed up; nothing was put in "
        f"place, and the destination is as it was.\n  {shown}{more}\n"
        "Choose an older snapshot with --before or --snapshot, or bring back "
        "the sound files alone with --accept-damage."
    )


def _result(plan: Intent, restored: Restored, took: timedelta, left_out: tuple[str, ...]) -> Recovered:
    comparison = restored.comparison
    return Recovered(
        snapshot=plan.snapshot,
        destination=plan.placement.destination,
        aside=plan.placement.aside,
        files=comparison.matching if comparison else 0,
        bytes=comparison.hashed_bytes if comparison else 0,
        took=took,
        age=plan.age,
        changed_during_backup=comparison.changed_during_backup if comparison else (),
        left_out=left_out,
    )


def _told(plan: Intent) -> dict[str, JsonValue]:
    snapshot = plan.snapshot
    return {
        "snapshot": snapshot.id,
        "repository": snapshot.repository,
        "tree": snapshot.tree,
        "replaced": plan.placement.aside is not None,
        "age_seconds": round(plan.age.total_seconds()),
    }


def _protected(ctx: Context) -> list[Path]:
    workspace = ctx.workspace
    locations = map(workspace.repository_location, workspace.repositories.values())
    repositories = [folder.resolve() for location in locations if (folder := local_folder(location))]
    return [workspace.root / "tocsin.yaml", workspace.state_folder.resolve(), *repositories]
