"""A person's part in a run: answer, approve, reject, retry, skip, say whether it happened, end the run.

Every one of these is the same act from any door. It is taken only while the step really waits for it, from a
person of the workspace who holds the role, and an approval only for exactly the text that was shown.
"""

from tocsin.context import Context
from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.model.document import Data
from tocsin.model.roles import may_act_as, who_may
from tocsin.runbook.expressions import expressions_in
from tocsin.runbook.kinds import Answer, AskingKind, Place, Waits
from tocsin.runbook.language import Step
from tocsin.runbook.ledger import Outcome, Run, end_run, load_row, load_rows, load_run, record_approval, settle
from tocsin.runbook.pinned import pinned_playbook
from tocsin.runbook.readiness import Row
from tocsin.runbook.registry import KINDS
from tocsin.situation import reconcile_in
from tocsin.store.database import Transaction

SHORTEST_HASH = 8


def answer(ctx: Context, run_id: str, key: str, value: Data, *, reason: str | None = None) -> None:
    """Answer what a step asks. Raises UsageError for an answer that cannot be one; nothing is recorded then."""
    run, row, step = _find(ctx, run_id, key)
    kind = KINDS[step.uses]
    if not isinstance(kind, AskingKind) or (row.asked or {}).get("kind") == "approve":
        raise UsageError(f"Step {key} asks no question. `tocsin run show {run_id}` says what it waits for.")
    _must_be_allowed(ctx, step)
    place = Place(run.id, row.key, step, run.incident, row.item)
    parameters = kind.parameters.model_validate(_literal(step, row))
    with ctx.store.write(ctx.actor) as tx:
        now = _must_wait(tx, run_id, key, "waiting")
        taken = kind.accept(ctx, tx, place, parameters, Answer(value, reason, now.asked))
        outcome = (
            Outcome("waiting", asked=taken.asked)
            if isinstance(taken, Waits)
            else Outcome("done", output=taken.output)
        )
        settle(tx, run_id, key, outcome)
        if run.incident is not None:
            reconcile_in(tx, ctx.workspace, run.incident)


def approve(ctx: Context, run_id: str, key: str, shown: str) -> None:
    """Approve exactly the text whose SHA-256 begins with `shown`. Raises Refused for any other text or person."""
    _decide_approval(ctx, run_id, key, shown, "approved", None)


def reject(ctx: Context, run_id: str, key: str, shown: str, reason: str) -> None:
    """Reject the text shown; the step fails and a person decides what becomes of it."""
    _decide_approval(ctx, run_id, key, shown, "rejected", reason)


def retry(ctx: Context, run_id: str, key: str) -> None:
    """Put a failed step back in the queue."""
    _resolve(ctx, run_id, key, ("failed",), Outcome("pending"), None)


def skip(ctx: Context, run_id: str, key: str, reason: str) -> None:
    """Go on without a step, with a written reason. What needs it may run then."""
    _resolve(
        ctx, run_id, key, ("failed", "waiting", "pending", "unknown"), Outcome("skipped", error=reason), reason
    )


def resolve(ctx: Context, run_id: str, key: str, *, happened: bool) -> None:
    """Say whether a step whose outcome is unknown happened: it is done then, or runs again."""
    outcome = Outcome("done", output={"resolved": "it happened"}) if happened else Outcome("pending")
    _resolve(ctx, run_id, key, ("unknown",), outcome, None)


def end(ctx: Context, run_id: str, reason: str) -> None:
    """End a run by hand: what only waited for facts is skipped. Refused while something runs or is unknown."""
    _must_be_somebody(ctx)
    with ctx.store.write(ctx.actor) as tx:
        run = load_run(tx.connection, run_id)
        if run.state != "open":
            raise UsageError(f"Run {run_id} has ended already ({run.state}).")
        rows = load_rows(tx.connection, run_id)
        if busy := [row.key for row in rows if row.state in ("running", "unknown")]:
            raise Refused(f"Run {run_id} cannot end while this is running or unknown: {', '.join(busy)}.")
        left = [row for row in rows if row.state in ("pending", "waiting", "failed")]
        for row in left:
            settle(tx, run_id, row.key, Outcome("skipped", error=f"The run was ended: {reason}"))
        end_run(tx, run_id, "abandoned" if any(row.state != "pending" for row in left) else "done", reason)


def _decide_approval(ctx: Context, run_id: str, key: str, shown: str, decision: str, reason: str | None) -> None:
    _, row, step = _find(ctx, run_id, key)
    wanted = step.approve
    asked = row.asked or {}
    if wanted is None or asked.get("kind") != "approve" or row.state != "waiting":
        raise UsageError(f"Step {key} waits for no approval. `tocsin run show {run_id}` says what it waits for.")
    if not may_act_as(ctx.workspace, ctx.actor.person, wanted.by):
        raise Refused(
            f"{ctx.actor.person} may not approve this: it takes {wanted.by.value}, which is "
            f"{who_may(ctx.workspace, wanted.by)}."
        )
    with ctx.store.write(ctx.actor) as tx:
        now = _must_wait(tx, run_id, key, "waiting")
        sha256 = str((now.asked or {}).get("sha256", ""))
        if len(shown) < SHORTEST_HASH or not sha256.startswith(shown.casefold()):
            raise Refused(
                f"That is not the hash of what step {key} shows now ({sha256[:12]}…). Read it again with "
                f"`tocsin run show {run_id}`, and approve what you read."
            )
        record_approval(tx, ctx.store.new_id(), f"step:{run_id}:{key}", sha256, decision, reason)
        if decision == "rejected":
            settle(tx, run_id, key, Outcome("failed", error=f"Rejected by {ctx.actor.person}: {reason}"))
        else:
            # Back in the queue: `advance` counts who has approved exactly this text before it runs.
            settle(tx, run_id, key, Outcome("pending"))


def _resolve(
    ctx: Context, run_id: str, key: str, states: tuple[str, ...], outcome: Outcome, reason: str | None
) -> None:
    _must_be_somebody(ctx)
    _find(ctx, run_id, key)
    with ctx.store.write(ctx.actor) as tx:
        row = _must_wait(tx, run_id, key, *states)
        settle(tx, run_id, row.key, outcome)
        tx.record(
            "step.resolved",
            f"run:{run_id}",
            {"step": key, "was": row.state, "now": outcome.state},
            {"reason": reason} if reason else None,
        )


def _find(ctx: Context, run_id: str, key: str) -> tuple[Run, Row, Step]:
    with ctx.store.read() as connection:
        run = load_run(connection, run_id)
        row = load_row(connection, run_id, key)
    if run.state != "open":
        raise UsageError(f"Run {run_id} has ended ({run.state}); nothing can be decided in it any more.")
    return run, row, pinned_playbook(run.text, run.playbook).step(row.step)


def _must_wait(tx: Transaction, run_id: str, key: str, *states: str) -> Row:
    """Return the row as it stands under the write lock. Raises Refused when another door was first."""
    row = load_row(tx.connection, run_id, key)
    if row.state not in states:
        raise Refused(f"Step {key} is {row.state} now; nothing was changed. `tocsin run show {run_id}` shows it.")
    return row


def _must_be_somebody(ctx: Context) -> None:
    if ctx.actor.person not in ctx.workspace.people:
        raise Refused(
            f"{ctx.actor.person} is nobody in the workspace, so nothing was decided. Put their system user as "
            f"`login:` beside a person in tocsin.yaml.{did_you_mean(ctx.actor.person, ctx.workspace.people)}"
        )


def _must_be_allowed(ctx: Context, step: Step) -> None:
    """Let the assigned role, its deputies and the step's deputy role answer; anybody of ours if none is named."""
    _must_be_somebody(ctx)
    roles = [role for role in (step.assign, step.deputy) if role is not None]
    if roles and not any(may_act_as(ctx.workspace, ctx.actor.person, role) for role in roles):
        raise Refused(
            f"{ctx.actor.person} may not answer this: it is for {who_may(ctx.workspace, roles[0])}. "
            "Nothing was recorded."
        )


def _literal(step: Step, row: Row) -> dict[str, Data]:
    """Return the parameters of an asking step: as written, or where worked out, as they were asked."""
    asked = row.asked or {}
    return {
        key: asked.get(key, value) if any(expressions_in(value)) else value for key, value in step.with_.items()
    }
