"""`tocsin backup`: back up, list and hold snapshots."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.backup_clean import explain, last_clean
from tocsin.cli.backup_key import key
from tocsin.cli.backup_proof import key_check, prove_append_only
from tocsin.cli.backup_running import copy_command, run
from tocsin.cli.backup_upkeep import check, forget, maintain, prune
from tocsin.cli.backup_words import entry_data, spell_size
from tocsin.cli.output import common_options, emit, table

if TYPE_CHECKING:
    from tocsin.backups import Hold, LedgerEntry

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


@command.command("list", epilog="Example: tocsin backup list files")
@click.argument("plan", required=False)
@click.option("--holds", is_flag=True, help="Show the holds that stand instead.")
@click.option("--month", type=click.DateTime(["%Y-%m"]), metavar="YYYY-MM", help="Which month's calendar to show.")
@common_options
def list_(
    plan: str | None, holds: bool, month: datetime | None, workspace_folder: Path | None, as_json: bool
) -> None:
    """Show a calendar of the backups, a mark for each day; for one PLAN its snapshots too, the newest first.

    By our own ledger: 'tocsin watch' compares it with the repositories. A day is good when every repository has a
    good snapshot of it. With --json: every snapshot.
    """
    from tocsin.backups import all_active_holds, find_plan, held_snapshots, ledger
    from tocsin.backups.calendar import Known
    from tocsin.cli.backup_calendar import calendar_of
    from tocsin.store.need_to_know import hidden_incidents
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        if plan is not None:
            find_plan(ctx, plan)
        with ctx.store.read() as connection:
            entries = ledger(connection, plan)
            hidden = hidden_incidents(connection)
            standing = [hold for hold in all_active_holds(connection) if hold.incident not in hidden]
            held = held_snapshots(connection)
    if holds:
        known = {(entry.repository, entry.id) for entry in entries}
        shown = [hold for hold in standing if plan is None or (hold.repository, hold.snapshot) in known]
        emit([_hold_data(hold) for hold in shown], _holds(shown), as_json=as_json)
    else:
        data = [entry_data(entry) | {"held": (entry.repository, entry.id) in held} for entry in entries]
        text = "" if as_json else calendar_of(ctx.workspace, Known(entries, held, ctx.clock.now()), plan, month)
        emit(data, f"{text}\n\n{_entries(entries, held)}" if plan else text, as_json=as_json)


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


for extra in (
    run,
    copy_command,
    explain,
    last_clean,
    check,
    forget,
    prune,
    maintain,
    prove_append_only,
    key_check,
    key,
):
    command.add_command(extra)


def _entries(entries: Iterable["LedgerEntry"], held: frozenset[tuple[str, str]]) -> str:
    rows = [
        (
            f"{entry.time:%Y-%m-%d %H:%M} UTC",
            f"{entry.backup_plan}/{entry.dump}" if entry.dump else entry.backup_plan,
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
