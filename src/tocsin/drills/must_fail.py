"""The drill that must fail: the same restore, the copy damaged by us before it is judged.

A drill that cannot fail proves nothing. Here one bit of one restored file is turned and another file taken away;
the judge must say `failed` and name both. What it says is recorded, and nothing of the repository is touched.
"""

from dataclasses import dataclass

from tocsin.context import Context
from tocsin.drills.choosing import repository_to_drill
from tocsin.drills.history import drill_history
from tocsin.drills.notebook import Notebook
from tocsin.drills.restoring import MUST_FAIL, Hearing
from tocsin.drills.running import drill_named, targets_of
from tocsin.drills.seeing import look
from tocsin.drills.seen import Targets
from tocsin.drills.verdict import Verdict, judge_drill
from tocsin.model.drill import Drill
from tocsin.model.ladder import Rung
from tocsin.ports import OnProgress
from tocsin.recovery import OnStage, silent, sweep_scratch
from tocsin.store.database import JsonValue
from tocsin.store.operations import begin, finish

KIND = "drill-proof"
RIGHTLY, NOT = "failed-rightly", "did-not-fail"


@dataclass(frozen=True, slots=True)
class ShownToFail:
    """What came of it. `verdict` is `failed-rightly`, `did-not-fail` or `could-not-run`."""

    drill: Drill
    operation: str
    verdict: str
    damaged: tuple[str, ...]
    sentence: str
    exit_code: int


def prove_it_can_fail(
    ctx: Context, drill_id: str, *, on_progress: OnProgress | None = None, on_stage: OnStage = silent
) -> ShownToFail:
    """Restore into scratch, damage the copy, and see that the drill fails for that. Raises as `run_drill` does."""
    drill = drill_named(ctx, drill_id)
    sweep_scratch(ctx)
    with ctx.store.read() as connection:
        history = drill_history(connection, drill.id)
    repository = repository_to_drill(ctx.workspace.backup_plans[drill.backup_plan].repositories, history)
    targets = targets_of(ctx, drill)
    notebook = Notebook(Targets(targets.rto, targets.rpo), repository, ctx.clock.now(), damaged_by_us=MUST_FAIL)
    operation = begin(ctx.store, ctx.actor, KIND, f"drill:{drill.id}", {"repository": repository})
    whole = drill.model_copy(
        update={"targets": drill.targets.model_copy(update={"integrity": Rung.L3}), "packs": "part"}
    )
    look(ctx, whole, notebook, Hearing(on_stage, on_progress, history))
    shown = _judged(drill, operation.id, notebook)
    with ctx.store.write(ctx.actor) as tx:
        told: dict[str, JsonValue] = {
            "repository": repository,
            "damaged": len(shown.damaged),
            "scratch_removed": notebook.scratch_removed,
        }
        finish(tx, operation, shown.verdict, told)
    ctx.store.sign_head(ctx.actor)
    if notebook.raised:
        raise notebook.raised
    return shown


def _judged(drill: Drill, operation: str, notebook: Notebook) -> ShownToFail:
    verdict = judge_drill(notebook.seen())
    damaged = () if notebook.damaged_by_us == MUST_FAIL else notebook.damaged_by_us
    if not damaged:
        why = verdict.obstacle or (verdict.failing[0] if verdict.failing else None)
        sentence = f"Nothing could be damaged, so nothing was shown. {why.sentence if why else ''}".strip()
        code = verdict.obstacle.exit_code if verdict.obstacle else 1
        return ShownToFail(drill, operation, "could-not-run", (), sentence, code)
    named = {found.thing for found in verdict.failing}
    if verdict.verdict is Verdict.FAILED and set(damaged) <= named:
        sentence = f"It can fail. Damaged in the scratch copy, and named by the drill: {', '.join(damaged)}."
        return ShownToFail(drill, operation, RIGHTLY, damaged, sentence, 0)
    missed = ", ".join(sorted(set(damaged) - named)) or "all of it, and did not fail"
    sentence = f"THE DRILL DID NOT NOTICE the damage to {missed}. Trust none of its verdicts, and report this."
    return ShownToFail(drill, operation, NOT, damaged, sentence, 1)
