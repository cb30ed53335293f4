"""`tocsin backup check|forget|prune|maintain`: keep repositories sound and no larger than they must be."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table

if TYPE_CHECKING:
    from tocsin.backups import Checked, Forgotten


@click.command(epilog="Example: tocsin backup check local")
@click.argument("repository")
@click.option("--read-all", is_flag=True, help="Read all of the data now, not the next part of it.")
@common_options
def check(repository: str, read_all: bool, workspace_folder: Path | None, as_json: bool) -> int:
    """Check REPOSITORY: its structure, and the next part of its data.

    Which part is next is remembered, so that all of the data is read in turn: over `read_all_over` of the
    repository's maintenance, else in ten checks. Exit code 1 when it is damaged.
    """
    from tocsin.backups import check_repository
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        checked = check_repository(ctx, repository, read_all=read_all)
    emit(_checked_data(checked), _checked(checked), as_json=as_json)
    return 0 if checked.ok else 1


@click.command(epilog="Example: tocsin backup forget local --dry-run")
@click.argument("repository")
@click.option("--dry-run", is_flag=True, help="Say what would go and what stays, and do nothing.")
@common_options
def forget(repository: str, dry_run: bool, workspace_folder: Path | None, as_json: bool) -> int:
    """Forget the snapshots in REPOSITORY that the plans' retention no longer asks for.

    Nothing goes that is held, that a plausibility alarm is about, or from a repository that is not what our ledger
    says. Exit code 1 when the repository refused, 3 when ledger and repository disagree.
    """
    from tocsin.backups import forget_snapshots
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        done = forget_snapshots(ctx, repository, dry_run=dry_run)
    emit(_forgotten_data(done), _forgotten(done, dry_run=dry_run), as_json=as_json)
    return 1 if done.refused else 0


@click.command(epilog="Example: tocsin backup prune local")
@click.argument("repository")
@common_options
def prune(repository: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Remove the data in REPOSITORY that no snapshot needs any more.

    Refused (exit code 3) while a plausibility alarm on one of its plans is not explained.
    """
    from tocsin.backups import prune_repository
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        prune_repository(ctx, repository)
    emit({"repository": repository}, f"{repository} is pruned.", as_json=as_json)


@click.command(epilog="Example: tocsin backup maintain")
@common_options
def maintain(workspace_folder: Path | None, as_json: bool) -> int:
    """Do whatever of check, forget and prune is due by each repository's `maintenance`; fit for a cron line.

    Exit code 1 when something of it failed or was refused; what was put off is due again next time.
    """
    from tocsin.backups import maintain_if_due
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        now = datetime.now(UTC)
        done = [one for repository in ctx.workspace.repositories for one in maintain_if_due(ctx, repository, now)]
    told = [one.sentence for one in done]
    emit(told, "\n".join(told) or "Nothing is due.", as_json=as_json)
    return 1 if any(not one.is_well and not one.is_put_off for one in done) else 0


def _checked(checked: "Checked") -> str:
    read = f"part {checked.part} of {checked.parts} of its data was read" if checked.part else "no data was read"
    if checked.ok:
        return f"{checked.repository} is sound; {read}."
    lines = [f"{checked.repository} is DAMAGED; {read}. Do not prune it, and use another copy meanwhile:"]
    return "\n".join([*lines, *(f"  {error}" for error in checked.errors[:20])])


def _checked_data(checked: "Checked") -> dict[str, object]:
    return {
        "repository": checked.repository,
        "ok": checked.ok,
        "part": checked.part,
        "parts": checked.parts,
        "errors": list(checked.errors),
    }


def _forgotten(done: "Forgotten", *, dry_run: bool) -> str:
    rows = []
    for plan, thinned in done.thinned.items():
        rows += [
            (plan, one.entry.short_id, _day(one.entry.time), "stays", ", ".join(one.reasons))
            for one in thinned.kept
        ]
        rows += [
            (plan, one.short_id, _day(one.time), "may go" if dry_run else "goes", "") for one in thinned.removed
        ]
    lines = [table(("plan", "snapshot", "taken", "what", "why"), rows)] if rows else []
    lines += [f"{plan}: nothing is forgotten, its plausibility alarm is not explained." for plan in done.stopped]
    lines += [f"{one.short_id} is still there: {done.repository} refused to let it go." for one in done.refused]
    if not dry_run:
        lines.append(f"{done.repository}: {len(done.removed)} snapshots forgotten. 'prune' frees their room.")
    return "\n".join(lines) or "No plan with a retention uses this repository."


def _forgotten_data(done: "Forgotten") -> dict[str, object]:
    return {
        "repository": done.repository,
        "kept": {
            plan: [{"snapshot": one.entry.id, "reasons": list(one.reasons)} for one in thinned.kept]
            for plan, thinned in done.thinned.items()
        },
        "may_go": {plan: [one.id for one in thinned.removed] for plan, thinned in done.thinned.items()},
        "removed": [one.id for one in done.removed],
        "refused": [one.id for one in done.refused],
        "stopped": list(done.stopped),
    }


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
