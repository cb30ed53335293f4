"""The drill operation: journal the start, see, judge, report, journal the finish, sign what it leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tocsin.context import Context
from tocsin.drills.choosing import has_good_snapshot, repository_to_drill
from tocsin.drills.evidence import seal_evidence
from tocsin.drills.history import drill_history
from tocsin.drills.notebook import Notebook
from tocsin.drills.recording import record_finish
from tocsin.drills.report import Report, write_report
from tocsin.drills.restoring import Hearing
from tocsin.drills.seeing import look
from tocsin.drills.seen import Targets
from tocsin.drills.verdict import DrillVerdict, Verdict, judge_drill
from tocsin.errors import Interrupted, Temporary, TocsinError, UsageError, did_you_mean
from tocsin.model.drill import Drill
from tocsin.ports import OnProgress
from tocsin.recovery import OnStage, silent, sweep_scratch
from tocsin.store.database import JsonValue
from tocsin.store.operations import Operation, begin
from tocsin.store.schedules import claim_due, give_back

__all__ = ["KIND", "DrillOutcome", "drill_if_due", "drill_named", "repository_to_drill", "run_drill", "targets_of"]

KIND = "drill"


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
    ctx: Context,
    drill_id: str,
    *,
    participants: Sequence[str] = (),
    on_progress: OnProgress | None = None,
    on_stage: OnStage = silent,
) -> DrillOutcome:
    """Restore one of a plan's snapshots into isolation and judge it against the targets.

    `participants` are people of the workspace who take part, beside those whom the drill's file names. A drill
    that failed or could not run is an outcome, not an error.

    Raises:
        UsageError: there is no such drill, or no such person.
        Temporary: it is running already.
        Interrupted: a signal came; that is journalled, and nothing is left behind.
    """
    drill = drill_named(ctx, drill_id)
    with_whom = _participants(ctx, drill, participants)
    sweep_scratch(ctx)
    with ctx.store.read() as connection:
        history = drill_history(connection, drill.id)
    repositories = ctx.workspace.backup_plans[drill.backup_plan].repositories
    turn = repository_to_drill(repositories, history)
    notebook = Notebook(targets_of(ctx, drill), turn, ctx.clock.now(), participants=with_whom)
    started: dict[str, JsonValue] = {
        "backup_plan": drill.backup_plan,
        "repository": notebook.repository,
        "participants": [*with_whom],
    }
    operation = begin(ctx.store, ctx.actor, KIND, f"drill:{drill.id}", started)
    ctx.crash.reach("drill:after-start")
    look(ctx, drill, notebook, Hearing(on_stage, on_progress, history))
    verdict = judge_drill(notebook.seen())
    on_stage("Writing the report")
    report, problem = _report(ctx, drill, operation, verdict, notebook)
    ctx.crash.reach("drill:before-finish")
    record_finish(ctx, drill, operation, verdict, notebook, report)
    ctx.crash.reach("drill:before-evidence")
    if report:
        problem = _sealed(ctx, operation, report)
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
    with ctx.store.read() as connection:
        if not has_good_snapshot(connection, drill.backup_plan):
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


def targets_of(ctx: Context, drill: Drill) -> Targets:
    """Return what a drill must reach: its own targets, else its backup plan's."""
    plan = ctx.workspace.backup_plans[drill.backup_plan]
    return Targets(drill.targets.rto or plan.rto, drill.targets.rpo or plan.rpo, drill.integrity)


def _participants(ctx: Context, drill: Drill, named: Sequence[str]) -> tuple[str, ...]:
    people = ctx.workspace.people
    for name in named:
        if name not in people:
            raise UsageError(f"There is no person {name!r} in the workspace.{did_you_mean(name, people)}")
    return tuple(dict.fromkeys((*drill.participants, *named)))


def _report(
    ctx: Context, drill: Drill, operation: Operation, verdict: DrillVerdict, notebook: Notebook
) -> tuple[Report | None, str | None]:
    """Write the report; when that fails the verdict still stands and is journalled."""
    with ctx.store.read() as connection:
        history = drill_history(connection, drill.id)
    notebook.head = ctx.store.sign_head(ctx.actor)
    try:
        return write_report(ctx, drill, operation.id, verdict, notebook, history), None
    except TocsinError as fault:
        return None, str(fault)


def _sealed(ctx: Context, operation: Operation, report: Report) -> str | None:
    """Sign the evidence; when that fails the report stands, and `tocsin drill report` can sign it later."""
    try:
        seal_evidence(ctx, operation.id, report.folder)
    except TocsinError as fault:
        return f"The report was written and is not signed yet: {fault}"
    return None
