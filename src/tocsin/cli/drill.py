"""`tocsin drill`: restore for real into isolation and judge it against the targets."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table
from tocsin.errors import OperationFailed, UsageError

if TYPE_CHECKING:
    from tocsin.drills import DrillOutcome, PastDrill

# How bad an exit code is when several drills end differently: a failed one outweighs one that could not run.
_WORST_FIRST = (1, 2, 3, 4, 0)


@click.group()
def command() -> None:
    """Restore for real into isolation and judge it against the targets.

    \b
    Example:  tocsin drill run files-quarterly
    """


@command.command("run")
@click.argument("drills", metavar="DRILL…", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Run every drill of the workspace, one after the other.")
@common_options
def run(drills: tuple[str, ...], every: bool, workspace_folder: Path | None, as_json: bool) -> int:
    """Run a drill now: read the whole repository, restore, compare every file, measure, report, clean up.

    \b
    Example:  tocsin drill run files-quarterly

    Exit code: 0 passed, 1 failed, 4 the repository was locked or out of reach (nothing was proved).
    """
    from tocsin.cli.progress import followed
    from tocsin.drills import drill_named, run_drill
    from tocsin.wiring import open_context

    if bool(drills) == every:
        raise UsageError("Name a drill, or give --all. 'tocsin drill list' shows them.")
    with open_context(workspace_folder) as ctx:
        chosen = list(ctx.workspace.drills) if every else [drill_named(ctx, name).id for name in drills]
        outcomes = []
        for drill in chosen:
            with followed(as_json=as_json) as shown:
                outcomes.append(run_drill(ctx, drill, on_progress=shown.on_progress, on_stage=shown.on_stage))
    text = "\n\n".join(map(_told, outcomes)) or "The workspace has no drills. Add one to drills/."
    emit([_data(outcome) for outcome in outcomes], text, as_json=as_json)
    codes = {outcome.exit_code for outcome in outcomes}
    return next((code for code in _WORST_FIRST if code in codes), 0)


@command.command("list")
@common_options
def list_drills(workspace_folder: Path | None, as_json: bool) -> None:
    """List the drills with their last results and when each is next due.

    \b
    Example:  tocsin drill list
    """
    from tocsin.drills import last_drill
    from tocsin.model.schedule import next_due
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        now = ctx.clock.now()
        rows = [
            (drill, last_drill(connection, drill.id), next_due(drill.schedule, drill.zone, now))
            for drill in ctx.workspace.drills.values()
        ]
    data = [
        {
            "drill": drill.id,
            "title": drill.title,
            "backup_plan": drill.backup_plan,
            "last": _past(last),
            "next_due": due.isoformat() if due else None,
        }
        for drill, last, due in rows
    ]
    shown = [
        (
            drill.id,
            drill.backup_plan,
            (last.verdict or "") if last else "never run",
            f"{last.started_at:%Y-%m-%d}" if last else "",
            f"{due:%Y-%m-%d}" if due else "",
        )
        for drill, last, due in rows
    ]
    text = table(("DRILL", "BACKUP PLAN", "LAST", "ON", "NEXT DUE"), shown) if shown else ""
    emit(data, text or "The workspace has no drills. Add one to drills/.", as_json=as_json)


@command.command("report")
@click.argument("drill")
@common_options
def report(drill: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Print where the last report of DRILL lies.

    \b
    Example:  xdg-open "$(tocsin drill report files-quarterly)"
    """
    from tocsin.drills import drill_history, drill_named
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        history = drill_history(connection, drill_named(ctx, drill).id)
        root = ctx.workspace.root
    found = next((past for past in history if past.report), None)
    if found is None or found.report is None:
        raise OperationFailed(f"The drill {drill!r} has no report yet. 'tocsin drill run {drill}' makes one.")
    path = root / found.report
    if not path.is_file():
        raise OperationFailed(f"The report should be at {path}, and is not there any more. Look in your copies.")
    emit({"drill": drill, "report": str(path), **(_past(found) or {})}, str(path), as_json=as_json)


def _told(outcome: "DrillOutcome") -> str:
    from tocsin.drills import Verdict
    from tocsin.recovery import spell_bytes, spell_span

    verdict, seen, restored = outcome.verdict, outcome.notebook.seen(), outcome.notebook.restored
    name = outcome.drill.id
    if verdict.verdict is Verdict.PASSED and restored and restored.comparison:
        size = spell_bytes(restored.comparison.hashed_bytes)
        lines = [
            f"{name}: passed. {restored.comparison.matching} files ({size}) came back as they were backed up."
        ]
    elif verdict.verdict is Verdict.FAILED:
        lines = [f"{name}: FAILED."]
    else:
        lines = [
            f"{name}: could not run; nothing was proved. {verdict.obstacle.sentence if verdict.obstacle else ''}"
        ]
    if verdict.verdict is Verdict.FAILED and verdict.files_are_right:
        lines.append("  This plan's own files all came back as they were backed up.")
    lines += [f"  - {found.sentence}" for found in verdict.findings[:20]]
    if len(verdict.findings) > 20:  # noqa: PLR2004 - what fits a screen
        lines.append("  - and more, in the report")
    if seen.rto is not None:
        lines.append(f"  Time to recover {spell_span(seen.rto)} (target {spell_span(seen.targets.rto)}).")
    if seen.rpo is not None:
        lines.append(f"  Snapshot {spell_span(seen.rpo)} old (target {spell_span(seen.targets.rpo)}).")
    lines.append(
        f"  Report: {outcome.report.html}" if outcome.report else f"  No report: {outcome.report_problem}"
    )
    return "\n".join(lines)


def _data(outcome: "DrillOutcome") -> dict[str, object]:
    seen = outcome.notebook.seen()
    return {
        "drill": outcome.drill.id,
        "operation": outcome.operation,
        "verdict": str(outcome.verdict.verdict),
        "exit_code": outcome.exit_code,
        "reason": outcome.verdict.obstacle.sentence if outcome.verdict.obstacle else None,
        "findings": [
            {"code": str(found.code), "thing": found.thing, "sentence": found.sentence, "fails": found.fails}
            for found in outcome.verdict.findings
        ],
        "repository": outcome.notebook.repository,
        "snapshot": outcome.notebook.snapshot.id if outcome.notebook.snapshot else None,
        "rto_seconds": seen.rto.total_seconds() if seen.rto is not None else None,
        "rto_target_seconds": seen.targets.rto.total_seconds(),
        "rpo_seconds": seen.rpo.total_seconds() if seen.rpo is not None else None,
        "rpo_target_seconds": seen.targets.rpo.total_seconds(),
        "scratch_removed": outcome.notebook.scratch_removed,
        "report": str(outcome.report.html) if outcome.report else None,
        "report_problem": outcome.report_problem,
    }


def _past(past: "PastDrill | None") -> dict[str, object] | None:
    if past is None:
        return None
    return {
        "operation": past.operation,
        "verdict": past.verdict,
        "started_at": past.started_at.isoformat(),
        "rto_seconds": past.rto.total_seconds() if past.rto is not None else None,
        "report": past.report,
    }
