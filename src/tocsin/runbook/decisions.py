"""A person's part in a run: answer, approve, reject, retry, skip, say whether it happened, undo, end the run.

Every one of these is the same act from any door. It is taken only while the step really waits for it, from a
person of the workspace who holds the role, and an approval only for exactly the text that was shown.
"""

from tocsin.context import Context
from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.model.document import Data
from tocsin.model.roles import may_act_as, who_may
from tocsin.runbook.containment import answer_expired, contained, owner_of, release, request_undo
from tocsin.runbook.evidence_first import ASKED, SKIPPED_BY, answer_without_evidence
from tocsin.runbook.expressions import expressions_in
from tocsin.runbook.kinds import Answer, AskingKind, Place, UndoableKind, Waits
from tocsin.runbook.language import Mode, Step, every_step
from tocsin.runbook.ledger import (
    ENDED_BY_HAND,
    Outcome,
    Run,
    end_run,
    load_row,
    load_rows,
    load_run,
    record_approval,
    settle,
)
from tocsin.runbook.pinned import pinned_playbook
from tocsin.runbook.readiness import FOR_RUN, Row, undo_key
from tocsin.runbook.registry import KINDS
from tocsin.situation import reconcile_in
from tocsin.store.database import Transaction

SHORTEST_HASH = 8


def answer(ctx: Context, run_id: str, key: str, value: Data, *, reason: str | None = None) -> None:
    """Answer what a step asks. Raises UsageError for an answer that cannot be one; nothing is recorded then."""
    run, row, step = _find(ctx, run_id, key)
    if row.undoes is not None:
        _answer_expired(ctx, run, row, step, Answer(value, reason))
        return
    if (row.asked or {}).get("kind") == ASKED:
        _must_own(ctx, step)
        with ctx.store.write(ctx.actor) as tx:
            answer_without_evidence(tx, run, _must_wait(tx, run_id, key, "waiting"), value, reason)
        return
    kind = KINDS[step.uses]
    if not isinstance(kind, AskingKind) or (row.asked or {}).get("kind") == "approve":
        raise UsageError(f"Step {key} asks no question. `tocsin run show {run_id}` says what it waits for.")
    _must_be_allowed(ctx, step)
    place = Place(run.id, row.key, step, run.incident, row.item, run.mode, row.waiting_since)
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
    """Put a failed step back in the queue, and with it the steps that were taken because it had failed."""
    _resolve(ctx, run_id, key, ("failed",), Outcome("pending", fresh=True), None)


def skip(ctx: Context, run_id: str, key: str, reason: str) -> None:
    """Go on without a step, with a written reason. What needs it may run then."""
    skipped = Outcome("skipped", output={SKIPPED_BY: ctx.actor.person}, error=reason)
    _resolve(ctx, run_id, key, ("failed", "waiting", "pending", "unknown"), skipped, reason)


def resolve(ctx: Context, run_id: str, key: str, *, happened: bool) -> None:
    """Say whether a step whose outcome is unknown happened: it is done then, or runs again."""
    outcome = _happened(ctx, run_id, key) if happened else Outcome("pending", fresh=True)
    _resolve(ctx, run_id, key, ("unknown",), outcome, None)


def _happened(ctx: Context, run_id: str, key: str) -> Outcome:
    """Return what a step is whose outcome was unknown and that did happen: what can be undone is in force."""
    run, row, step = _find(ctx, run_id, key)
    contains = isinstance(KINDS[step.uses], UndoableKind) and run.mode is Mode.LIVE and row.undoes is None
    expires_at = ctx.clock.now() + step.expires if contains and step.expires else None
    return Outcome("done", output={"resolved": "it happened"}, contains=contains, expires_at=expires_at)


def end(ctx: Context, run_id: str, reason: str) -> None:
    """End a run by hand, and those it has called: what only waited for facts is skipped.

    Raises Refused while something of them runs, is unknown or is in force; nothing is ended then.
    """
    _must_be_somebody(ctx)
    with ctx.store.write(ctx.actor) as tx:
        run = load_run(tx.connection, run_id)
        if run.state != "open":
            raise UsageError(f"Run {run_id} has ended already ({run.state}).")
        _end_in(tx, run_id, reason)


def _end_in(tx: Transaction, run_id: str, reason: str) -> str:
    """End an open run and return how it ended: `abandoned` when somebody was still waited for, else `done`."""
    rows = load_rows(tx.connection, run_id)
    if busy := [row.key for row in rows if row.state in ("running", "unknown")]:
        raise Refused(f"Run {run_id} cannot end while this is running or unknown: {', '.join(busy)}.")
    if held := [row.key for row in rows if row.is_contained and row.expires_at is not None]:
        raise Refused(
            f"Run {run_id} cannot end while this is in force: {', '.join(held)}. Undo it (`tocsin run undo "
            f"{run_id} {held[0]}`), or say why it stays (`tocsin run keep {run_id} {held[0]} --reason TEXT`)."
        )
    left_undone = False
    for row in rows:
        if row.state not in ("pending", "waiting", "failed"):
            continue
        called = str((row.asked or {})["run"]) if row.state == "waiting" and row.kind_asked == FOR_RUN else None
        if called is not None and load_run(tx.connection, called).state == "open":
            left_undone |= _end_in(tx, called, reason) != "done"
        else:
            left_undone |= row.state != "pending"
        settle(tx, run_id, row.key, Outcome("skipped", error=f"{ENDED_BY_HAND}{reason}"))
    state = "abandoned" if left_undone else "done"
    end_run(tx, run_id, state, reason)
    return state


def undo(ctx: Context, run_id: str, key: str, reason: str) -> None:
    """Have what a step did taken back; `advance` does it. Raises Refused when nothing of it is in force."""
    run, row, step = _find_in_force(ctx, run_id, key)
    _must_own(ctx, step)
    request_undo(ctx, run.id, [row.key], reason)


def undo_all(ctx: Context, run_id: str, reason: str) -> tuple[str, ...]:
    """Have everything taken back that a run has in force, what was done last first. Return it in that order."""
    with ctx.store.read() as connection:
        run = load_run(connection, run_id)
        found = contained(connection, run=run_id)
        rows = load_rows(connection, run_id)
    undoing = {row.undoes for row in rows if row.state in ("pending", "running", "unknown")}
    keys = tuple(one.step for one in found if one.step not in undoing)
    if not keys:
        raise Refused(f"Run {run_id} has nothing in force to undo. `tocsin run contained` lists what has.")
    playbook = pinned_playbook(run.text, run.playbook)
    for key in keys:
        _must_own(ctx, playbook.step(key.partition("[")[0]))
    request_undo(ctx, run_id, keys, reason)
    return keys


def keep(ctx: Context, run_id: str, key: str, reason: str) -> None:
    """Decide that what a step did stays for good: it is not contained any more, and nobody is asked again."""
    _, row, step = _find_in_force(ctx, run_id, key)
    _must_own(ctx, step)
    with ctx.store.write(ctx.actor) as tx:
        now = load_row(tx.connection, run_id, row.key)
        rows = {each.key: each for each in load_rows(tx.connection, run_id)}
        undoing = rows.get(undo_key(row.key))
        if not now.is_contained or (undoing and undoing.state in ("running", "unknown")):
            raise Refused(f"Step {key} is being undone or was already; nothing was changed.")
        release(tx, run_id, row.key, "kept", reason)
        if undoing is not None and undoing.state not in ("done", "skipped"):
            settle(tx, run_id, undoing.key, Outcome("skipped", error=f"Kept for good: {reason}"))


def _find_in_force(ctx: Context, run_id: str, key: str) -> tuple[Run, Row, Step]:
    with ctx.store.read() as connection:
        run = load_run(connection, run_id)
        row = load_row(connection, run_id, key)
    if not row.is_contained:
        raise Refused(f"Step {key} of run {run_id} has nothing in force. `tocsin run contained` lists what has.")
    return run, row, pinned_playbook(run.text, run.playbook).step(row.step)


def _must_own(ctx: Context, step: Step) -> None:
    """Let the owner of a containment and its deputies decide on it; anybody of ours if the file names none."""
    _must_be_somebody(ctx)
    owner = owner_of(step)
    roles = [owner, *([step.deputy.value] if step.deputy else [])]
    if owner and not any(may_act_as(ctx.workspace, ctx.actor.person, role) for role in roles):
        raise Refused(
            f"{ctx.actor.person} may not decide on this: it is for {who_may(ctx.workspace, owner)}. "
            "Nothing was changed."
        )


def _answer_expired(ctx: Context, run: Run, row: Row, step: Step, said: Answer) -> None:
    _must_own(ctx, step)
    with ctx.store.write(ctx.actor) as tx:
        now = _must_wait(tx, run.id, row.key, "waiting")
        answer_expired(tx, run, now, step, said.value, said.reason)


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
            settle(tx, run_id, key, Outcome("pending", fresh=True))


def _resolve(
    ctx: Context, run_id: str, key: str, states: tuple[str, ...], outcome: Outcome, reason: str | None
) -> None:
    _must_be_somebody(ctx)
    _, _, step = _find(ctx, run_id, key)
    with ctx.store.write(ctx.actor) as tx:
        row = _must_wait(tx, run_id, key, *states)
        if row.undoes is not None and outcome.state == "skipped":
            raise Refused(
                f"{key} is an undoing. Undo it after all, or say that it stays: "
                f"`tocsin run keep {run_id} {row.undoes} --reason TEXT`. Nothing was changed."
            )
        settle(tx, run_id, row.key, outcome)
        if row.undoes is not None and outcome.state == "done":
            release(tx, run_id, row.undoes, "undone")
        if outcome.state == "pending":
            _take_back_handlers(tx, run_id, step)
        tx.record(
            "step.resolved",
            f"run:{run_id}",
            {"step": key, "was": row.state, "now": outcome.state},
            {"reason": reason} if reason else None,
        )


def _take_back_handlers(tx: Transaction, run_id: str, step: Step) -> None:
    """Put the steps of an `on_failure` back where they were: should the step fail again, they are taken again."""
    handlers = {handler.id for handler in every_step(step.handlers)}
    for row in load_rows(tx.connection, run_id) if handlers else ():
        if row.step in handlers and row.undoes is None and row.state in ("done", "skipped", "failed"):
            settle(tx, run_id, row.key, Outcome("pending", fresh=True))


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
