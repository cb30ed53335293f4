"""`tocsin backup`: back up, list and hold snapshots."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.backup_clean import explain, last_clean, suspicion_data
from tocsin.cli.backup_proof import key_check, prove_append_only
from tocsin.cli.backup_upkeep import check, forget, maintain, prune
from tocsin.cli.output import common_options, emit, table
from tocsin.errors import Interrupted, TocsinError, UsageError

if TYPE_CHECKING:
    from tocsin.backups import Copy, Hold, LedgerEntry, PlannedBackup
    from tocsin.context import Context

reason_option = click.option(
    "--reason", required=True, metavar="TEXT", help="Why, in a sentence; it is journalled."
)


@click.group(epilog="Example: tocsin backup run files")
def command() -> None:
    """Back up, list and hold snapshots; check, thin out and prune repositories."""


@command.command(epilog="Example: tocsin backup init local")
@click.argument("repository")
@common_options
def init(repository: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Create the restic repository REPOSITORY of the workspace.

    Keep its password somewhere else as well: without it nothing can ever be restored.
    """
    from tocsin.backups import create_repository
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        identity = create_repository(ctx, repository)
    text = (
        f"The repository {repository} is made. Keep its password in a second place: without it nothing comes back."
    )
    emit({"repository": repository, "id": identity}, text, as_json=as_json)


@command.command(epilog="Example: tocsin backup run files --repository offsite")
@click.argument("plan", required=False)
@click.option("--all", "everything", is_flag=True, help="Every backup plan of the workspace.")
@click.option("--repository", metavar="NAME", help="Into this repository only (else each of the plan's).")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@common_options
def run(
    plan: str | None,
    everything: bool,
    repository: str | None,
    dry_run: bool,
    workspace_folder: Path | None,
    as_json: bool,
) -> int:
    """Back up PLAN, with the manifest that later proves what came back.

    Exit code 1 when a snapshot is incomplete or does not look like your own work, or the backup failed; 2 when a
    file or the command is wrong, 4 when the repository is locked or out of reach.
    """
    from tocsin.wiring import open_context

    if bool(plan) == everything:
        raise UsageError("Name a backup plan, or give --all.")
    with open_context(workspace_folder) as ctx:
        names = tuple(ctx.workspace.backup_plans) if plan is None else (plan,)
        if dry_run:
            return _show_plans(ctx, names, repository, as_json=as_json)
        return _run_each(ctx, names, repository, as_json=as_json)


def _show_plans(ctx: "Context", names: Iterable[str], repository: str | None, *, as_json: bool) -> int:
    from tocsin.backups import plan_backup

    plans = [plan_backup(ctx, name, repository=repository) for name in names]
    emit([_planned_data(one) for one in plans], "\n".join(_planned(one) for one in plans), as_json=as_json)
    return 0 if all(fault is None for one in plans for _, fault in one.sources) else 1


def _run_each(ctx: "Context", names: tuple[str, ...], repository: str | None, *, as_json: bool) -> int:
    """Back up plan by plan and repository by repository: one that fails keeps no other waiting."""
    from tocsin.backups import plan_backup, run_backup
    from tocsin.cli.progress import followed

    targets = [
        (name, place) for name in names for place in plan_backup(ctx, name, repository=repository).repositories
    ]
    data: list[dict[str, object]] = []
    told: list[str] = []
    code = 0
    for name, place in targets:
        try:
            with followed(as_json=as_json) as shown:
                shown.on_stage(f"{name} → {place}")
                (copy,) = run_backup(ctx, name, repository=place, on_progress=shown.on_progress).copies
        except Interrupted:
            raise
        except TocsinError as error:
            if len(targets) == 1:
                raise
            data.append({"plan": name, "repository": place, "error": str(error), "exit_code": error.exit_code})
            told.append(f"{name} → {place}: {error}")
            code = code or error.exit_code
            continue
        data.append(_copy_data(name, copy))
        told.append(_copy(name, copy))
        code = code or (0 if copy.judged.is_ok and copy.suspicion is None else 1)
    emit(data, "\n".join(told), as_json=as_json)
    return code


@command.command("list", epilog="Example: tocsin backup list files")
@click.argument("plan", required=False)
@click.option("--holds", is_flag=True, help="Show the holds that stand instead.")
@common_options
def list_(plan: str | None, holds: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """List the snapshots our ledger knows, the newest first."""
    from tocsin.backups import all_active_holds, find_plan, held_snapshots, ledger
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        if plan is not None:
            find_plan(ctx, plan)
        with ctx.store.read() as connection:
            entries = ledger(connection, plan)
            standing = all_active_holds(connection)
            held = held_snapshots(connection)
    if holds:
        known = {(entry.repository, entry.id) for entry in entries}
        shown = [hold for hold in standing if plan is None or (hold.repository, hold.snapshot) in known]
        emit([_hold_data(hold) for hold in shown], _holds(shown), as_json=as_json)
    else:
        data = [_entry_data(entry) | {"held": (entry.repository, entry.id) in held} for entry in entries]
        emit(data, _entries(entries, held), as_json=as_json)


@command.command(epilog='Example: tocsin backup hold files --reason "The file server is encrypted"')
@click.argument("plans", nargs=-1, required=True, metavar="PLAN...")
@reason_option
@click.option("--incident", metavar="ID", help="The incident they are held for.")
@common_options
def hold(
    plans: tuple[str, ...], reason: str, incident: str | None, workspace_folder: Path | None, as_json: bool
) -> None:
    """Keep every snapshot of these plans from being forgotten or pruned."""
    from tocsin.backups import hold_snapshots
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        placed = hold_snapshots(ctx, plans, reason, incident)
    emit([_hold_data(one) for one in placed], _holds(placed), as_json=as_json)


@command.command(epilog='Example: tocsin backup release 3f9a01c2 --reason "INC-2026-001 is closed"')
@click.argument("hold_id", metavar="HOLD")
@reason_option
@common_options
def release(hold_id: str, reason: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Release one hold, by its id or the first digits of it."""
    from tocsin.backups import release_hold
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        released = release_hold(ctx, hold_id, reason)
    emit(
        _hold_data(released),
        f"Snapshot {released.snapshot[:8]} is held by {released.id[:8]} no more.",
        as_json=as_json,
    )


@command.command(epilog='Example: tocsin backup pause --reason "The file server is encrypted"')
@reason_option
@common_options
def pause(reason: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Hold all scheduled backups, lest they save what an attacker left; `run` still works."""
    from tocsin.backups import pause_backups
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        placed = pause_backups(ctx, reason)
    text = (
        f"Scheduled backups are paused since {placed.placed_at:%Y-%m-%d %H:%M} UTC: {placed.reason}\n"
        "'tocsin backup resume' lets them run again."
    )
    data = {"paused_since": placed.placed_at.isoformat(), "reason": placed.reason, "by": placed.placed_by}
    emit(data, text, as_json=as_json)


@command.command(epilog='Example: tocsin backup resume --reason "The server is rebuilt and clean"')
@reason_option
@common_options
def resume(reason: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Let scheduled backups run again; what was missed meanwhile is made good by one run."""
    from tocsin.backups import resume_backups
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        lifted = resume_backups(ctx, reason)
    text = f"Scheduled backups run again. They were paused since {lifted.placed_at:%Y-%m-%d %H:%M} UTC."
    emit({"paused_since": lifted.placed_at.isoformat()}, text, as_json=as_json)


for extra in (explain, last_clean, check, forget, prune, maintain, prove_append_only, key_check):
    command.add_command(extra)


def spell_size(count: int) -> str:
    """Return a number of bytes as people say it."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004 - disks are sold in thousands
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _copy(plan: str, copy: "Copy") -> str:
    entry = copy.entry
    what = ""
    if entry is not None:
        size, added = spell_size(entry.bytes), spell_size(entry.added_bytes)
        what = f", snapshot {entry.short_id}: {entry.files} files, {size}, {added} added"
    lines = [f"{plan} → {copy.repository}: {copy.judged.verdict}{what}."]
    lines += [f"  {one.sentence}" for one in copy.settled]
    lines += [f"  {sentence}" for sentence in (*copy.judged.reasons, *copy.judged.notes)]
    if suspicion := copy.suspicion:
        lines.append(
            f"  NOT PLAUSIBLE since {suspicion.since:%Y-%m-%d %H:%M} UTC; nothing is pruned, the last clean "
            "snapshots are held:"
        )
        lines += [f"    {sentence}" for sentence in suspicion.sentences]
        lines.append(
            f"  Look at the files now. Say what it was with 'tocsin backup explain {plan} --expected|--damage'."
        )
    return "\n".join(lines)


def _copy_data(plan: str, copy: "Copy") -> dict[str, object]:
    return {
        "plan": plan,
        "repository": copy.repository,
        "verdict": str(copy.judged.verdict),
        "reasons": list(copy.judged.reasons),
        "notes": list(copy.judged.notes),
        "snapshot": _entry_data(copy.entry) if copy.entry else None,
        "suspicion": suspicion_data(copy.suspicion) if copy.suspicion else None,
        "hashed": {"files": copy.hashed_files, "bytes": copy.hashed_bytes},
        "settled": [
            {
                "operation": one.operation,
                "repository": one.repository,
                "snapshot": one.snapshot,
                "text": one.sentence,
            }
            for one in copy.settled
        ],
    }


def _entry_data(entry: "LedgerEntry") -> dict[str, object]:
    return {
        "id": entry.id,
        "repository": entry.repository,
        "plan": entry.backup_plan,
        "time": entry.time.isoformat(),
        "verdict": entry.verdict,
        "plausibility": entry.plausibility,
        "files": entry.files,
        "bytes": entry.bytes,
        "added_bytes": entry.added_bytes,
        "manifest_sha256": entry.manifest_sha256,
        "changed_during_backup": list(entry.changed),
    }


def _entries(entries: Iterable["LedgerEntry"], held: frozenset[tuple[str, str]]) -> str:
    rows = [
        (
            f"{entry.time:%Y-%m-%d %H:%M} UTC",
            entry.backup_plan,
            entry.repository,
            entry.short_id,
            entry.verdict,
            entry.plausibility or "",
            str(entry.files),
            spell_size(entry.bytes),
            "held" if (entry.repository, entry.id) in held else "",
        )
        for entry in entries
    ]
    if not rows:
        return "The ledger holds no snapshot of that. 'tocsin backup run PLAN' takes one."
    return table(("time", "plan", "repository", "snapshot", "verdict", "content", "files", "size", "hold"), rows)


def _hold_data(hold: "Hold") -> dict[str, object]:
    return {
        "id": hold.id,
        "snapshot": hold.snapshot,
        "repository": hold.repository,
        "incident": hold.incident,
        "reason": hold.reason,
        "placed_by": hold.placed_by,
        "placed_at": hold.placed_at.isoformat(),
        "tagged": hold.tagged,
        "tag_problem": hold.tag_problem,
    }


def _holds(holds: Iterable["Hold"]) -> str:
    holds = list(holds)
    if not holds:
        return "Nothing is held: the ledger knows no snapshot of that."
    rows = [
        (
            hold.id[:8],
            hold.snapshot[:8],
            hold.repository,
            hold.incident or "",
            f"{hold.placed_at:%Y-%m-%d %H:%M} UTC",
            hold.reason,
        )
        for hold in holds
    ]
    refused = [
        f"The hold {hold.id[:8]} stands, though it could not be tagged in the repository: {hold.tag_problem}"
        for hold in holds
        if hold.tag_problem
    ]
    return "\n".join([table(("hold", "snapshot", "repository", "incident", "since", "reason"), rows), *refused])


def _planned(planned: "PlannedBackup") -> str:
    lines = [f"{planned.plan} → {', '.join(planned.repositories)}"]
    lines += [f"  reads {path}{f'  ({fault})' if fault else ''}" for path, fault in planned.sources]
    lines += [f"  leaves out {pattern}" for pattern in planned.exclude]
    return "\n".join(lines)


def _planned_data(planned: "PlannedBackup") -> dict[str, object]:
    return {
        "plan": planned.plan,
        "sources": [{"path": str(path), "fault": fault and str(fault)} for path, fault in planned.sources],
        "exclude": list(planned.exclude),
        "repositories": list(planned.repositories),
    }
