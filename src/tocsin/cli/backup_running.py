"""`tocsin backup run`: back up one plan, all of them, or those that are due."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.backup_words import copied_data, copied_text, copy_data, copy_text, planned_data, planned_text
from tocsin.cli.output import common_options, emit
from tocsin.cli.progress import Followed, followed
from tocsin.errors import Interrupted, TocsinError, UsageError

if TYPE_CHECKING:
    from tocsin.backups import BackupOutcome
    from tocsin.context import Context


@click.command(epilog="Example: tocsin backup run files --repository offsite")
@click.argument("plan", required=False)
@click.option("--all", "everything", is_flag=True, help="Every backup plan of the workspace.")
@click.option("--due", is_flag=True, help="Every backup plan whose time has come: for cron.")
@click.option("--repository", metavar="NAME", help="Into this repository only (else each of the plan's).")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@common_options
def run(
    plan: str | None,
    everything: bool,
    due: bool,
    repository: str | None,
    dry_run: bool,
    workspace_folder: Path | None,
    as_json: bool,
) -> int:
    """Back up PLAN, with the manifest that later proves what came back.

    Of several plans, as many run at once as `backups: parallel:` allows. Exit code 1 when a snapshot is incomplete
    or does not look like your own work, or the backup failed; 2 when a file or the command is wrong, 4 when the
    repository is locked or out of reach.
    """
    from tocsin.wiring import open_context

    if [bool(plan), everything, due].count(True) != 1:
        raise UsageError("Name a backup plan, or give --all or --due: one of the three.")
    if due and (repository or dry_run):
        raise UsageError("--due goes by each plan's own schedule and repositories; leave the rest out.")
    with open_context(workspace_folder) as ctx:
        names = tuple(ctx.workspace.backup_plans) if plan is None else (plan,)
        if dry_run:
            return _show_plans(ctx, names, repository, as_json=as_json)
        return _run_due(ctx, names, as_json=as_json) if due else _run_each(ctx, names, repository, as_json=as_json)


def _show_plans(ctx: "Context", names: Iterable[str], repository: str | None, *, as_json: bool) -> int:
    from tocsin.backups import plan_backup

    plans = [plan_backup(ctx, name, repository=repository) for name in names]
    emit([planned_data(one) for one in plans], "\n".join(planned_text(one) for one in plans), as_json=as_json)
    return 0 if all(one.is_well for one in plans) else 1


@dataclass
class _Report:
    """What is told of one plan or of all: for programs, for people, and as an exit code."""

    data: list[dict[str, object]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    code: int = 0

    def add(self, outcome: "BackupOutcome") -> None:
        """Tell of one plan."""
        for copy in outcome.copies:
            self.data.append(copy_data(outcome.plan, copy))
            self.told.append(copy_text(outcome.plan, copy))
            self.code = self.code or (0 if copy.judged.is_ok and copy.suspicion is None else 1)
        for copied in outcome.copied:
            self.data.append(copied_data(copied))
            self.told.append(copied_text(copied))
            self.code = self.code or (0 if copied.is_ok else 1)
        for place, error in outcome.all_errors:
            self.data.append(
                {
                    "plan": outcome.plan,
                    "repository": place or None,
                    "error": str(error),
                    "exit_code": error.exit_code,
                }
            )
            self.told.append(f"{outcome.plan}{f' → {place}' if place else ''}: {error}")
            self.code = self.code or error.exit_code

    def show(self, *, as_json: bool) -> int:
        """Print it and return the exit code."""
        emit(self.data, "\n".join(self.told), as_json=as_json)
        return self.code


def _run_each(ctx: "Context", names: tuple[str, ...], repository: str | None, *, as_json: bool) -> int:
    """Back up plan by plan and repository by repository: one that fails keeps no other waiting."""
    from tocsin.backups import BackupOutcome, attempt_backup, each_at_once, plan_backup

    plans = {name: plan_backup(ctx, name, repository=repository) for name in names}
    places = {name: (*one.repositories, *(place for place, *_ in one.copies)) for name, one in plans.items()}
    report = _Report()
    with _followed_together(len(names), as_json=as_json) as shown:

        def act(name: str) -> BackupOutcome:
            shown.on_stage(f"{name} → {', '.join(places[name])}")
            try:
                return attempt_backup(ctx, name, repository=repository, on_progress=shown.on_progress)
            except Interrupted:
                raise
            except TocsinError as error:
                return BackupOutcome(name, (), (("", error),))

        outcomes = each_at_once(ctx, names, act)
    if sum(map(len, places.values())) == 1 and len(outcomes[0].all_errors) == 1 and not outcomes[0].copies:
        raise outcomes[0].all_errors[0][1]
    for outcome in outcomes:
        report.add(outcome)
    return report.show(as_json=as_json)


def _run_due(ctx: "Context", names: tuple[str, ...], *, as_json: bool) -> int:
    """Back up what is due, and say in one line that nothing was."""
    from tocsin.backups import BackupOutcome, Skipped, backup_if_due, each_at_once

    now = ctx.clock.now()

    def act(name: str) -> BackupOutcome | Skipped:
        try:
            return backup_if_due(ctx, name, now)
        except Interrupted:
            raise
        except TocsinError as error:
            return BackupOutcome(name, (), (("", error),))

    report = _Report()
    outcomes = each_at_once(ctx, names, act)
    for outcome in outcomes:
        if not isinstance(outcome, Skipped):
            report.add(outcome)
    if not report.told:
        paused = next((one.reason for one in outcomes if isinstance(one, Skipped) and "paused" in one.reason), "")
        report.told.append(paused or "No backup plan is due.")
    return report.show(as_json=as_json)


@click.command("copy", epilog="Example: tocsin backup copy files")
@click.argument("plan", required=False)
@click.option("--all", "everything", is_flag=True, help="Every backup plan that has such a repository.")
@click.option("--repository", metavar="NAME", help="Into this repository only.")
@click.option("--dry-run", is_flag=True, help="Say what would be copied, and do nothing.")
@common_options
def copy_command(
    plan: str | None,
    everything: bool,
    repository: str | None,
    dry_run: bool,
    workspace_folder: Path | None,
    as_json: bool,
) -> int:
    """Copy what PLAN's repositories that are filled `from` another lack of it.

    Each backup does so by itself, and catches up what an earlier one could not. Exit code 4 when a repository is
    locked or out of reach, 1 when a snapshot could not be copied.
    """
    from tocsin.backups.copying import copies_of
    from tocsin.wiring import open_context

    if bool(plan) == everything:
        raise UsageError("Name a backup plan, or give --all: one of the two.")
    with open_context(workspace_folder) as ctx:
        known = ctx.workspace.backup_plans.values()
        names = [plan] if plan else [one.id for one in known if copies_of(ctx.workspace, one)]
        if dry_run:
            return _show_copies(ctx, names, repository, as_json=as_json)
        return _copy_each(ctx, names, repository, as_json=as_json)


def _show_copies(ctx: "Context", names: Iterable[str], repository: str | None, *, as_json: bool) -> int:
    from tocsin.backups import plan_copies

    data: list[dict[str, object]] = []
    told = []
    for name in names:
        for place, source, waiting in plan_copies(ctx, name, repository=repository):
            ids = [one.id for one in waiting]
            data.append({"plan": name, "repository": place, "from": source, "would_copy": ids})
            told.append(
                f"{name}: {source} → {place}, {len(ids)} snapshot{'' if len(ids) == 1 else 's'} would be copied."
            )
    emit(data, "\n".join(told) or "No repository is filled from another.", as_json=as_json)
    return 0


def _copy_each(ctx: "Context", names: Iterable[str], repository: str | None, *, as_json: bool) -> int:
    from tocsin.backups import copy_behind

    report = _Report()
    outcomes = []
    with followed(as_json=as_json) as shown:
        for name in names:
            shown.on_stage(f"copying {name}")
            outcomes.append(copy_behind(ctx, name, repository=repository, on_progress=shown.on_progress))
    failed = [error for outcome in outcomes for _, error in outcome.uncopied]
    if len(outcomes) == len(failed) == 1 and not outcomes[0].copied:
        raise failed[0]
    for outcome in outcomes:
        report.add(outcome)
    if not report.told:
        report.told.append("Nothing waits to be copied.")
    return report.show(as_json=as_json)


@contextmanager
def _followed_together(plans: int, *, as_json: bool) -> Iterator[Followed]:
    """Follow one plan by its bar; of several at once, only which began last, for bars would jump."""
    with followed(as_json=as_json) as shown:
        yield shown if plans == 1 else Followed(on_stage=shown.on_stage)
