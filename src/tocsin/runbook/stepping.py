"""One round over a run: expand, skip, watch the timers, ask for approvals, claim what is ready and carry it out.

    look at every row · take what can be taken · look again at what that moved, until nothing moves

The ledger is read once; after that a worker follows its own writes. What another door has done meanwhile makes
a conditional write fail, and the next round sees it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlalchemy import update

from tocsin.model.document import Data
from tocsin.model.fields import spell_duration
from tocsin.model.roles import who_may
from tocsin.runbook.acting import act, did_it_happen, simulated, undo
from tocsin.runbook.containment import offer_undo, release
from tocsin.runbook.evidence_first import missing_evidence
from tocsin.runbook.expressions import ExpressionError
from tocsin.runbook.kinds import Place, StepKind, UndoableKind, WatchingKind
from tocsin.runbook.language import Mode, Step
from tocsin.runbook.ledger import (
    Intent,
    Outcome,
    Run,
    add_rows,
    approvers,
    claim,
    digest,
    is_gone,
    keep,
    load_row,
    load_rows,
    settle,
)
from tocsin.runbook.readiness import Look, Outlook, Row, item_key, item_row, items_of, moment
from tocsin.runbook.registry import KINDS
from tocsin.runbook.timers import Timer, due
from tocsin.runbook.wake import Wake
from tocsin.store.tables import step as steps


def one_round(wake: Wake) -> bool:
    """Do everything that can be done from here; tell whether anything changed."""
    wake.read()
    standing = wake.standing
    progressed = False
    queue = standing.in_order(standing.rows)
    while queue:
        moved: list[str] = []
        for seen in [standing.look(key) for key in queue]:
            if _take(wake, seen):
                progressed = True
                moved += [seen.row.key, *standing.moved_by(seen.row.key)]
        queue = standing.in_order(moved)
    return progressed


def sweep(wake: Wake) -> None:
    """Deal with what a dead worker left running."""
    for row in list(wake.standing.rows.values()):
        if row.state != "running" or not is_gone(row.claimed_by):
            continue
        step = wake.playbook.step(row.step)
        again = KINDS[step.uses].idempotent or wake.run.mode is Mode.SIMULATE
        outcome = (
            Outcome("pending", error="The worker died; it is safe to run again.", retries=row.retries)
            if again
            else Outcome("unknown", error="The worker died while it ran.", asked=did_it_happen(step, row))
        )
        wake.settle(row, outcome)


def shown_for_approval(run: Run, step: Step, parameters: Mapping[str, Data]) -> str:
    """Return the text an approver sees: the step, its kind, what it does and with exactly which values."""
    kind = KINDS[step.uses]
    lines = [
        f"Step: {step.heading} ({step.id}, {step.uses})",
        f"Run: {run.id}, {run.title}",
        f"It will: {simulated(kind, parameters)}",
        *(f"  {name}: {value}" for name, value in sorted(parameters.items())),
    ]
    if step.expires is not None:
        lines.append(f"It expires after {spell_duration(step.expires)}; its owner is asked before it is undone.")
    return "\n".join(lines) + "\n"


def _take(wake: Wake, seen: Look) -> bool:
    """Do what one row's outlook allows."""
    row, step = seen.row, wake.playbook.step(seen.row.step)
    if seen.outlook is Outlook.EXPAND:
        return _expand(wake, row, step)
    if seen.outlook is Outlook.SKIP:
        return wake.settle(row, Outcome("skipped", error=seen.why))
    if seen.outlook is Outlook.EXPIRED:
        return offer_undo(wake.ctx, wake.run, wake.standing, row, step)
    if row.state == "waiting" and (timer := due(row, step, wake.ctx.clock.now())):
        return _hand_over(wake, row, step) if timer is Timer.HAND_OVER else _time_out(wake, row, step)
    if row.key not in wake.tried and (seen.outlook is Outlook.READY or _has_settled(wake, row, step)):
        return _try(wake, row, step)
    return False


def _try(wake: Wake, row: Row, step: Step) -> bool:
    """Claim one row and run it. False when another door has it, or when it now waits for an approval."""
    wake.tried.add(row.key)
    kind = KINDS[step.uses]
    if row.undoes is not None:
        done = wake.standing.rows[row.undoes]
        return isinstance(kind, UndoableKind) and _carry_out(
            wake, Intent(row), kind, step, lambda place: undo(wake.ctx, kind, place, done, row)
        )
    try:
        parameters = wake.parameters(row, step)
    except ExpressionError as error:
        return wake.settle(row, Outcome("failed", error=str(error)))
    if step.approve is not None and (asked := _missing_approval(wake, row, step, parameters)):
        return row.asked != asked and wake.settle(row, Outcome("waiting", asked=asked))
    if wake.run.mode is Mode.LIVE and (
        asked := missing_evidence(kind, step, wake.playbook, wake.standing.rows, row)
    ):
        return row.asked != asked and wake.settle(row, Outcome("waiting", asked=asked))
    kept = parameters if isinstance(kind, UndoableKind) else None
    return _carry_out(
        wake, Intent(row, kept), kind, step, lambda place: act(wake.ctx, kind, place, parameters, row)
    )


def _carry_out(wake: Wake, intent: Intent, kind: StepKind, step: Step, do: Callable[[Place], Outcome]) -> bool:
    """Journal the intent, act, journal the outcome with what it means for others."""
    row = intent.row
    nonce = claim(wake.ctx.store, wake.ctx.actor, wake.run.id, intent, wake.worker)
    if nonce is None:
        return False
    wake.ctx.crash.reach("step:claimed")
    place = replace(wake.place(row, step), keep=_keeper(wake, row, nonce))
    outcome = wake.around(place, kind, lambda: do(place))
    wake.ctx.crash.reach("step:acted")
    with wake.ctx.store.write(wake.ctx.actor) as tx:
        settled = settle(tx, wake.run.id, row.key, outcome, claim=nonce)
        released = (
            release(tx, wake.run.id, row.undoes, "undone")
            if settled is not None and row.undoes is not None and outcome.state == "done"
            else None
        )
    for changed in filter(None, (settled, released)):
        wake.standing.put(changed)
    if settled is not None:
        wake.acted.append(row.key)
    wake.ctx.crash.reach("step:settled")
    return settled is not None


def _keeper(wake: Wake, row: Row, nonce: str) -> Callable[[dict[str, Data]], None]:
    """Return what a claimed step calls before it changes anything, with how things are now."""

    def write(kept: dict[str, Data]) -> None:
        keep(wake.ctx.store, wake.ctx.actor, wake.run.id, row.key, nonce, kept)
        wake.ctx.crash.reach("step:noted")

    return write


def _expand(wake: Wake, group: Row, step: Step) -> bool:
    """Give each item its row; the step itself is over when all of them are."""
    try:
        items = items_of(step, wake.values(group))
    except ExpressionError as error:
        # What it goes over may not be known yet; the group is looked at again at the next change.
        if wake.run.mode is Mode.SIMULATE and group.state == "pending":
            return wake.settle(group, Outcome("done", output={"simulated": str(error)}))
        return False
    mine = {row.key: row for row in wake.standing.items_of(step.id)}
    fresh = [item for item in items if item_key(step.id, item) not in mine]
    failed = [row.key for row in mine.values() if row.state == "failed"]
    if fresh:
        return _add_items(wake, group, fresh)
    if group.state != "pending" or (failed and not step.goes_on):
        return False
    if any(row.state not in ("done", "skipped", "failed") for row in mine.values()):
        return False
    if failed:
        return wake.settle(group, Outcome("failed", error=f"{', '.join(failed)} failed"))
    return wake.settle(group, Outcome("done", output={"count": len(mine)}))


def _add_items(wake: Wake, group: Row, fresh: list[Data]) -> bool:
    with wake.ctx.store.write(wake.ctx.actor) as tx:
        # Read again under the write lock: another door may have given them their rows meanwhile.
        there = {row.key: row for row in load_rows(tx.connection, wake.run.id)}
        new = [row for row in (item_row(group, item) for item in fresh) if row.key not in there]
        new = list({row.key: row for row in new}.values())
        add_rows(tx, wake.run.id, new)
        for row in new:
            tx.record("step.offered", f"run:{wake.run.id}", {"step": row.key})
        moved = None
        if new and there[group.key].state in ("done", "failed"):
            moved = settle(tx, wake.run.id, group.key, Outcome("pending"))
    for row in (*new, *filter(None, [moved])):
        wake.standing.put(row)
    return bool(new)


def _missing_approval(wake: Wake, row: Row, step: Step, parameters: Mapping[str, Data]) -> dict[str, Data] | None:
    """Return what must still be shown and approved, or None when enough have approved exactly this."""
    wanted = step.approve
    if wanted is None or not wake.asks_people:
        return None
    text = shown_for_approval(wake.run, step, parameters)
    shown = digest({"text": text})
    with wake.ctx.store.read() as connection:
        given = approvers(connection, f"step:{wake.run.id}:{row.key}", shown)
    if len(given) >= wanted.people:
        return None
    return {
        "kind": "approve",
        "question": f"Approve: {step.heading}?",
        "text": text,
        "sha256": shown,
        "by": wanted.by.value,
        "who": who_may(wake.ctx.workspace, wanted.by),
        "people": wanted.people,
        "given": [*sorted(given)],
    }


def _has_settled(wake: Wake, row: Row, step: Step) -> bool:
    """Tell whether a step that watches something (a notice's approval, say) may go on now."""
    kind, asked = KINDS[step.uses], row.asked or {}
    if row.state != "waiting" or asked.get("kind") == "approve" or not isinstance(kind, WatchingKind):
        return False
    if row.undoes is not None:
        return False
    return kind.has_settled(wake.ctx, wake.place(row, step), asked)


def _hand_over(wake: Wake, row: Row, step: Step) -> bool:
    """Offer a question that nobody answered to the deputy too."""
    now = wake.ctx.clock.now()
    owner = f"{who_may(wake.ctx.workspace, step.assign)}; " if step.assign else ""
    deputy = step.deputy.value if step.deputy else ""
    asked = {
        **(row.asked or {}),
        "handed_over_to": deputy,
        "who": f"{owner}since {moment(now)} also {who_may(wake.ctx.workspace, deputy)}",
    }
    with wake.ctx.store.write(wake.ctx.actor) as tx:
        changed = tx.execute(
            update(steps)
            .where(steps.c.run == wake.run.id, steps.c.key == row.key)
            .where(steps.c.state == "waiting", steps.c.attempt == row.attempt, steps.c.handed_over_at.is_(None))
            .values(handed_over_at=tx.now, asked=asked)
        )
        if changed.rowcount != 1:
            return False
        tx.record("step.handed_over", f"run:{wake.run.id}", {"step": row.key, "deputy": deputy})
        wake.standing.put(load_row(tx.connection, wake.run.id, row.key))
    return True


def _time_out(wake: Wake, row: Row, step: Step) -> bool:
    """Fail a step that waited for too long; what that means stands in its `on_failure`."""
    allowed = spell_duration(step.timeout) if step.timeout else ""
    return wake.settle(row, Outcome("failed", error=f"Nothing came of it within {allowed}."))
