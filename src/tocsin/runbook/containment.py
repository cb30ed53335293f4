"""What a run has done that is still in force: list it, ask its owner when its time is over, undo it.

A step of a kind that can be undone counts as contained from the moment it is done until it was undone, or a
person decided to keep it for good. Undoing is a row of the ledger like any other: claimed, journalled, and
asked about after a crash. Of several, what was done last is undone first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select, update

from tocsin.context import Context
from tocsin.errors import Refused, UsageError
from tocsin.model.document import Data
from tocsin.model.fields import spell_duration
from tocsin.model.roles import who_may
from tocsin.runbook.kinds import UndoableKind
from tocsin.runbook.language import Step
from tocsin.runbook.ledger import Outcome, Run, add_rows, load_row, load_run, reopen_run, settle
from tocsin.runbook.pinned import pinned_playbook
from tocsin.runbook.readiness import EXPIRED, Row, Standing, moment, undo_key
from tocsin.runbook.registry import KINDS
from tocsin.store.columns import instant_text
from tocsin.store.database import Transaction
from tocsin.store.need_to_know import hidden_incidents
from tocsin.store.tables import run as runs
from tocsin.store.tables import step as steps


@dataclass(frozen=True, slots=True)
class Contained:
    """One thing that is still in force. `expires_at` is None where only a person ends it."""

    run: str
    incident: str | None
    step: str
    title: str
    does: str
    since: datetime
    expires_at: datetime | None


def contained(
    connection: Connection, *, run: str | None = None, incident: str | None = None
) -> tuple[Contained, ...]:
    """Return what is still contained, the latest first: the order in which it would be undone."""
    query = (
        select(runs.c.id, runs.c.incident, runs.c.text, runs.c.playbook, steps)
        .join_from(steps, runs, steps.c.run == runs.c.id)
        .where(steps.c.contained_at.is_not(None), steps.c.released_at.is_(None))
        .order_by(steps.c.contained_seq.desc())
    )
    if run is not None:
        query = query.where(runs.c.id == run)
    if incident is not None:
        query = query.where(runs.c.incident == incident)
    hidden = hidden_incidents(connection)
    found = []
    for row in connection.execute(query):
        if row.incident in hidden:
            continue
        step = pinned_playbook(row.text, row.playbook).step(row.step)
        does = _what_undoing_does(step, row.parameters)
        found.append(
            Contained(row.id, row.incident, row.key, step.heading, does, row.contained_at, row.expires_at)
        )
    return tuple(found)


def request_undo(ctx: Context, run_id: str, keys: Sequence[str], reason: str) -> None:
    """Put the undoing of these rows into the queue; `advance` carries it out. A run that had ended is open again.

    Raises Refused when one of them is not contained, or is being undone; nothing is changed then.
    """
    with ctx.store.write(ctx.actor) as tx:
        run = load_run(tx.connection, run_id)
        for key in keys:
            row = load_row(tx.connection, run_id, key)
            if not row.is_contained:
                raise Refused(
                    f"Step {key} of run {run_id} has nothing in force to undo; `tocsin run contained` lists "
                    "what has. Nothing was changed."
                )
            _queue(tx, run_id, row, reason)
        if run.state != "open":
            reopen_run(tx, run_id)


def offer_undo(ctx: Context, run: Run, standing: Standing, row: Row, step: Step) -> bool:
    """Ask the owner of a containment whose time is over: undo it, or keep it for as long again?"""
    owner = owner_of(step)
    asked: dict[str, Data] = {
        "kind": EXPIRED,
        "question": f"{step.heading}: its time was over at {moment(row.expires_at or ctx.clock.now())}. "
        f"Undo it now, or keep it for another {spell_duration(step.expires) if step.expires else 'while'}?",
        "text": f"Undoing will: {_what_undoing_does(step, row.parameters)}\n",
        "choices": ["undo", "keep"],
        "by": owner,
        "who": who_may(ctx.workspace, owner) if owner else "",
    }
    key = undo_key(row.key)
    with ctx.store.write(ctx.actor) as tx:
        now = load_row(tx.connection, run.id, row.key)
        undoing = _undoing(tx, run.id, key)
        if not now.is_contained or now.expires_at != row.expires_at or (undoing and not _is_over(undoing)):
            return False
        if undoing is None:
            add_rows(tx, run.id, [Row(key, row.step, row.position, "waiting", row.item, undoes=row.key)])
        settle(tx, run.id, key, Outcome("waiting", asked=asked))
        tx.record("step.expired", f"run:{run.id}", {"step": row.key})
        standing.put(load_row(tx.connection, run.id, key))
    return True


def answer_expired(tx: Transaction, run: Run, row: Row, step: Step, value: Data, reason: str | None) -> None:
    """Take the owner's answer to `offer_undo`: `undo`, or `keep` with a reason. Raises UsageError otherwise."""
    if value == "undo":
        settle(tx, run.id, row.key, Outcome("pending", fresh=True))
        return
    if value != "keep":
        raise UsageError(f"Answer undo or keep, not {value!r}.")
    if not reason or step.expires is None:
        raise UsageError("Keeping it longer needs a written reason (--reason TEXT). Nothing was changed.")
    until = tx.now + step.expires
    tx.execute(update(steps).where(steps.c.run == run.id, steps.c.key == row.undoes).values(expires_at=until))
    settle(tx, run.id, row.key, Outcome("skipped", error=f"Kept until {moment(until)}: {reason}"))
    told = {"step": str(row.undoes), "expires_at": instant_text(until)}
    tx.record("step.kept", f"run:{run.id}", told, {"reason": reason})


def release(tx: Transaction, run_id: str, key: str, how: str, reason: str | None = None) -> Row:
    """Write that a step's effect is not in force any more, or was decided on for good."""
    tx.execute(update(steps).where(steps.c.run == run_id, steps.c.key == key).values(released_at=tx.now))
    tx.record("step.released", f"run:{run_id}", {"step": key, "how": how}, {"reason": reason} if reason else None)
    return load_row(tx.connection, run_id, key)


def owner_of(step: Step) -> str:
    """Return the role that a containment belongs to: who approved it, else who was assigned, else the deputy."""
    role = step.approve.by if step.approve else step.assign or step.deputy
    return role.value if role else ""


def _queue(tx: Transaction, run_id: str, row: Row, reason: str) -> None:
    key = undo_key(row.key)
    undoing = _undoing(tx, run_id, key)
    if undoing is not None and undoing.state in ("pending", "running", "unknown"):
        raise Refused(f"Step {row.key} of run {run_id} is being undone already ({undoing.state}).")
    if undoing is None:
        add_rows(tx, run_id, [replace(Row(key, row.step, row.position, "pending", row.item), undoes=row.key)])
    else:
        settle(tx, run_id, key, Outcome("pending", fresh=True))
    tx.record("step.undo_requested", f"run:{run_id}", {"step": row.key}, {"reason": reason})


def _undoing(tx: Transaction, run_id: str, key: str) -> Row | None:
    found = tx.execute(select(steps.c.key).where(steps.c.run == run_id, steps.c.key == key)).first()
    return None if found is None else load_row(tx.connection, run_id, key)


def _is_over(row: Row) -> bool:
    return row.state in ("done", "skipped")


def _what_undoing_does(step: Step, parameters: dict[str, Data] | None) -> str:
    kind = KINDS[step.uses]
    if not isinstance(kind, UndoableKind):
        return "cannot be undone"
    return kind.simulate_undo(kind.parameters.model_validate(parameters or {}))
