"""The highest rung: a recovery plan run whole, in order, in isolation; its steps are the drill's."""

from datetime import timedelta

from tocsin.context import Context
from tocsin.drills.notebook import Notebook
from tocsin.drills.seen import Phases, PlanStep
from tocsin.errors import Refused
from tocsin.model.drill import Drill
from tocsin.recovery import OnStage
from tocsin.recovery.isolation import isolation
from tocsin.runbook.recovery_plans import in_order, recovery_plans
from tocsin.runbook.recovery_run import PlanWish, Rehearsed, rehearse

_NOTHING = timedelta(0)
LATEST = "latest"


def rehearse_plan(ctx: Context, drill: Drill, notebook: Notebook, on_stage: OnStage) -> None:
    """Run the drill's recovery plan to its end in isolation and note every step.

    Raises UsageError or ConfigurationError when there is no such plan or it is faulty, Refused when it asks a
    person: either way nothing was proved of it.
    """
    if drill.recovery_plan is None:
        return
    on_stage(f"Running the recovery plan {drill.recovery_plan}")
    notebook.isolation = isolation().in_words
    inputs = {} if drill.snapshot == LATEST else {"snapshot": drill.snapshot}
    plans = recovery_plans(ctx.workspace)
    in_plan = (file.plan for file in in_order(plans, drill.recovery_plan, ctx.workspace))
    notebook.plan_systems = tuple(dict.fromkeys(system for plan in in_plan for system in plan.systems))
    done = rehearse(ctx, PlanWish(drill.recovery_plan, inputs))
    if done.waiting:
        raise Refused(
            f"The recovery plan {drill.recovery_plan} asks a person, so it was not run to its end. "
            f"'tocsin run show {done.run}' shows what it asks."
        )
    notebook.steps = steps_of(done)
    notebook.plan_phases = phases_of(notebook.steps)
    notebook.scratch_removed = True


def steps_of(done: Rehearsed) -> tuple[PlanStep, ...]:
    """Return what each step came to; pure. One that was never reached says so."""
    found = []
    for step in done.steps:
        problem = None
        if step.error:
            problem = f"{step.title}: {step.error}"
        elif step.state not in {"done", "skipped"}:
            problem = f"{step.title} was not reached." if not done.ok else None
        found.append(PlanStep(f"{step.plan}: {step.title}", step.uses, step.took or _NOTHING, problem))
    if not done.ok and not any(step.problem for step in found):
        found.append(
            PlanStep("the whole plan", "playbook", _NOTHING, done.failed or "It did not come to its end.")
        )
    return tuple(found)


def phases_of(steps: tuple[PlanStep, ...]) -> Phases:
    """Return how long each part of a plan took, by what its steps are; pure."""
    spans = dict.fromkeys(("fetch", "load", "verify", "start"), _NOTHING)
    for step in steps:
        spans[_phase(step.uses)] += step.took
    return Phases(**spans)


def _phase(uses: str) -> str:
    family, _, act = uses.partition(".")
    if family == "verify" or act in {"query", "verify"}:
        return "verify"
    if family in {"postgres", "mysql", "mariadb", "sqlite"} or (family == "restore" and act == "database"):
        return "load"
    return "fetch" if family in {"restore", "backup"} else "start"
