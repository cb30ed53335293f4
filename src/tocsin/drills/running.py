"""The drill operation: journal the start, see, judge, report, journal the finish, sign the head."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from tocsin.context import Context
from tocsin.drills.history import PastDrill, drill_history
from tocsin.drills.report import Report, write_report
from tocsin.drills.seeing import Notebook, look
from tocsin.drills.verdict import DrillVerdict, Targets, Verdict, judge_drill
from tocsin.errors import Interrupted, Temporary, TocsinError, UsageError, did_you_mean
from tocsin.model.drill import Drill
from tocsin.ports import OnProgress
from tocsin.recovery import OnStage, silent, sweep_scratch
from tocsin.store.database import JsonValue
from tocsin.store.operations import Operation, begin, finish
from tocsin.store.schedules import claim_due, give_back
from tocsin.store.tables import snapshot as snapshots

MOST_JOURNALLED = 20


@dataclass(frozen=True, slots=True)
class DrillOutcome:
    """What a drill came to. `report` is None when it could not be written; `report_problem` then says why."""

    drill: Drill
    operation: str
    verdict: DrillVerdict
    notebook: Notebook
    report: Report | None
    report_problem: str | None = None

    @property
    def exit_code(self) -> int:
        """0 passed, 1 failed, else what kept it from running."""
        if self.verdict.verdict is Verdict.PASSED:
            return 0 if self.report else 1
        return self.verdict.obstacle.exit_code if self.verdict.obstacle else 1


def run_drill(
    ctx: Context, drill_id: str, *, on_progress: OnProgress | None = None, on_stage: OnStage = silent
) -> DrillOutcome:
    """Restore a plan's newest good snapshot into isolation and judge it against the targets.

    A drill that failed or could not run is an outcome, not an error.

    Raises:
        UsageError: there is no such drill.
        Temporary: it is running already.
        Interrupted: a signal came; that is journalled, and nothing is left behind.
    """
    drill = drill_named(ctx, drill_id)
    sweep_scratch(ctx)
    with ctx.store.read() as connection:
        history = drill_history(connection, drill.id)
    repositories = ctx.workspace.backup_plans[drill.backup_plan].repositories
    notebook = Notebook(_targets(ctx, drill), repository_to_drill(repositories, history), ctx.clock.now())
    started: dict[str, JsonValue] = {"backup_plan": drill.backup_plan, "repository": notebook.repository}
    operation = begin(ctx.store, ctx.actor, "drill", f"drill:{drill.id}", started)
    ctx.crash.reach("drill:after-start")
    look(ctx, drill, notebook, on_stage, on_progress)
    verdict = judge_drill(notebook.seen())
    on_stage("Writing the report")
    report, problem = _report(ctx, drill, operation, verdict, notebook)
    ctx.crash.reach("drill:before-finish")
    _journal(ctx, operation, verdict, notebook, report)
    if notebook.raised:
        raise notebook.raised
    return DrillOutcome(drill, operation.id, verdict, notebook, report, problem)


def drill_if_due(
    ctx: Context,
    drill_id: str,
    now: datetime,
    *,
    on_progress: OnProgress | None = None,
    on_stage: OnStage = silent,
) -> DrillOutcome | None:
    """Run the drill if a moment of its schedule has passed that was not acted on; many missed ones run once.

    One that could not run is due again at the next ring. Raises as `run_drill` does.

    Before a plan's first good backup there is nothing to restore and nothing is claimed: the watch over the
    backups tells of that, and the drill is due as soon as there is one.
    """
    drill = drill_named(ctx, drill_id)
    good = select(func.count()).where(snapshots.c.backup_plan == drill.backup_plan, snapshots.c.verdict == "ok")
    with ctx.store.read() as connection:
        if not connection.execute(good).scalar():
            return None
    name = f"drill:{drill.id}"
    due = claim_due(ctx.store, ctx.actor, name, drill.schedule, drill.zone, now)
    if due is None:
        return None
    try:
        outcome = run_drill(ctx, drill_id, on_progress=on_progress, on_stage=on_stage)
    except BaseException as ended:
        # A signal, Prefect's included, is no `Exception`: what it cut short is due as before.
        if isinstance(ended, (Temporary, Interrupted)) or not isinstance(ended, Exception):
            give_back(ctx.store, ctx.actor, name, due)
        raise
    if outcome.verdict.verdict is Verdict.COULD_NOT_RUN:
        give_back(ctx.store, ctx.actor, name, due)
    return outcome


def drill_named(ctx: Context, drill_id: str) -> Drill:
    """Return the workspace's drill of that id. Raises UsageError with the nearest one."""
    drills = ctx.workspace.drills
    if drill_id not in drills:
        raise UsageError(f"There is no drill {drill_id!r} in the workspace.{did_you_mean(drill_id, drills)}")
    return drills[drill_id]


def repository_to_drill(repositories: Sequence[str], history: Sequence[PastDrill]) -> str:
    """Return the repository whose last proof is the oldest, so that each gets its turn; pure.

    Args:
        repositories: the plan's, in its order.
        history: the drill's earlier runs, newest first.
    """
    proved = (Verdict.PASSED, Verdict.FAILED)
    last = {past.repository: past.started_at for past in reversed(history) if past.verdict in proved}
    never = [repository for repository in repositories if repository not in last]
    return never[0] if never else min(repositories, key=lambda repository: last[repository])


def _targets(ctx: Context, drill: Drill) -> Targets:
    plan = ctx.workspace.backup_plans[drill.backup_plan]
    return Targets(rto=drill.targets.rto or plan.rto, rpo=drill.targets.rpo or plan.rpo)


def _report(
    ctx: Context, drill: Drill, operation: Operation, verdict: DrillVerdict, notebook: Notebook
) -> tuple[Report | None, str | None]:
    """Write the report; when that fails the verdict still stands and is journalled."""
    with ctx.store.read() as connection:
        history = drill_history(connection, drill.id)
    try:
        return write_report(ctx, drill, operation.id, verdict, notebook, history), None
    except TocsinError as fault:
        return None, str(fault)


def _journal(
    ctx: Context, operation: Operation, verdict: DrillVerdict, notebook: Notebook, report: Report | None
) -> None:
    """Journal the finish. What names files or quotes messages is private; codes and object ids are not."""
    private = {
        f"finding-{number}": finding.sentence for number, finding in enumerate(verdict.findings[:MOST_JOURNALLED])
    }
    if verdict.obstacle:
        private["obstacle"] = verdict.obstacle.sentence
    with ctx.store.write(ctx.actor) as tx:
        if private:
            tx.record("drill.findings", operation.subject, {"operation": operation.id}, private)
        finish(tx, operation, verdict.verdict, _payload(ctx, verdict, notebook, report))
    ctx.store.sign_head(ctx.actor)


def _payload(
    ctx: Context, verdict: DrillVerdict, notebook: Notebook, report: Report | None
) -> dict[str, JsonValue]:
    seen, restored = notebook.seen(), notebook.restored
    codes: list[JsonValue] = [str(finding.code) for finding in verdict.findings[:MOST_JOURNALLED]]
    payload: dict[str, JsonValue] = {
        "repository": notebook.repository,
        "findings": codes,
        "findings_count": len(verdict.findings),
        "rto_target_ms": _ms(seen.targets.rto),
        "rpo_target_ms": _ms(seen.targets.rpo),
        "rto_ms": _ms(seen.rto),
        "rpo_ms": _ms(seen.rpo),
        "check_ms": _ms(notebook.check_took),
        "scratch_removed": notebook.scratch_removed,
    }
    if snapshot := notebook.snapshot:
        payload |= {"snapshot": snapshot.id, "tree": notebook.tree, "manifest_sha256": snapshot.manifest_sha256}
    if restored and restored.comparison:
        payload |= {"files": restored.comparison.matching, "bytes": restored.comparison.hashed_bytes}
    if report:
        path = report.html.relative_to(ctx.workspace.root)
        payload |= {"report": str(path), "report_sha256": report.html_sha256, "data_sha256": report.json_sha256}
    return payload


def _ms(span: timedelta | None) -> int | None:
    return None if span is None else round(span.total_seconds() * 1000)
