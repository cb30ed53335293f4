"""The ledger: what each step of a run was meant to do, and what became of it.

Intent before, outcome after, each in one transaction with its journal entry. A step is claimed by a
conditional write, so that two doors at once cannot run it twice; its outcome is taken only from the worker
that holds the claim.
"""

import hashlib
import json
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlalchemy import Row as SqlRow

from tocsin.errors import UsageError, did_you_mean
from tocsin.model.document import Data
from tocsin.ports import Actor
from tocsin.runbook.language import Mode, State
from tocsin.runbook.readiness import Row
from tocsin.store.database import JsonValue, Store, Transaction
from tocsin.store.operations import is_alive, this_process
from tocsin.store.tables import approval, run, step


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a playbook, with the text it started with."""

    id: str
    playbook: str
    title: str
    text: str
    sha256: str
    mode: Mode
    incident: str | None
    inputs: dict[str, Data]
    state: str
    started_by: str
    started_at: datetime


def this_worker() -> str:
    """Name this process among all that may advance a run."""
    return f"{socket.gethostname()}|{this_process()}"


def is_gone(worker: str | None) -> bool:
    """Tell whether a worker of this machine has ended. One on another machine cannot be judged from here."""
    host, _, process = (worker or "").partition("|")
    return host == socket.gethostname() and not is_alive(process)


def load_run(connection: Connection, run_id: str) -> Run:
    """Return one run. Raises UsageError when there is none of that id."""
    found = connection.execute(select(run).where(run.c.id == run_id)).first()
    if found is None:
        raise UsageError(f"There is no run {run_id}. `tocsin run list` shows them.")
    return _run(found)


def load_runs(connection: Connection, *, open_only: bool = False, incident: str | None = None) -> tuple[Run, ...]:
    """Return runs, oldest first."""
    query = select(run).order_by(run.c.started_at, run.c.id)
    if open_only:
        query = query.where(run.c.state == "open")
    if incident is not None:
        query = query.where(run.c.incident == incident)
    return tuple(_run(found) for found in connection.execute(query))


def load_rows(connection: Connection, run_id: str) -> tuple[Row, ...]:
    """Return a run's rows in the order the file offers them."""
    query = select(step).where(step.c.run == run_id).order_by(step.c.position, step.c.key)
    return tuple(
        Row(
            key=found.key,
            step=found.step,
            position=found.position,
            state=found.state,
            item=found.item,
            is_item=found.key != found.step,
            attempt=found.attempt,
            claimed_by=found.claimed_by,
            asked=found.asked,
            output=found.output,
            error=found.error,
        )
        for found in connection.execute(query)
    )


def load_row(connection: Connection, run_id: str, key: str) -> Row:
    """Return one row. Raises UsageError naming the nearest key."""
    rows = {row.key: row for row in load_rows(connection, run_id)}
    if key not in rows:
        raise UsageError(f"Run {run_id} has no step {key!r}.{did_you_mean(key, rows)}")
    return rows[key]


def open_run(tx: Transaction, new: Run, rows: Sequence[Row]) -> None:
    """Write a new run and the row of each of its steps."""
    tx.execute(
        insert(run).values(
            id=new.id,
            playbook=new.playbook,
            title=new.title,
            text=new.text,
            sha256=new.sha256,
            mode=new.mode.value,
            incident=new.incident,
            inputs=new.inputs,
            state="open",
            started_by=new.started_by,
            started_at=new.started_at,
        )
    )
    add_rows(tx, new.id, rows)
    tx.record(
        "run.started",
        f"run:{new.id}",
        {"playbook": new.playbook, "sha256": new.sha256, "mode": new.mode.value, "incident": new.incident},
    )


def add_rows(tx: Transaction, run_id: str, rows: Iterable[Row]) -> None:
    """Write fresh rows."""
    for row in rows:
        fresh = {"key": row.key, "step": row.step, "item": row.item, "position": row.position, "state": row.state}
        tx.execute(insert(step).values(run=run_id, attempt=0, **fresh))


def claim(store: Store, actor: Actor, run_id: str, row: Row, worker: str) -> str | None:
    """Take a row to run it, journalling the intent. Returns the claim, or None when another door was first."""
    nonce = store.new_id()
    with store.write(actor) as tx:
        taken = tx.execute(
            update(step)
            .where(step.c.run == run_id, step.c.key == row.key)
            .where(step.c.state == row.state, step.c.attempt == row.attempt)
            .values(state="running", claim=nonce, claimed_at=tx.now, claimed_by=worker, attempt=row.attempt + 1)
        )
        if taken.rowcount != 1:
            return None
        tx.record("step.started", f"run:{run_id}", {"step": row.key, "attempt": row.attempt + 1})
    return nonce


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step: its new state, and what belongs to it."""

    state: State
    output: Mapping[str, Data] | None = None
    error: str | None = None
    asked: Mapping[str, Data] | None = None


def settle(tx: Transaction, run_id: str, key: str, outcome: Outcome, *, claim: str | None = None) -> bool:
    """Write what became of a row, in the caller's transaction. False when the claim is no longer ours."""
    wanted = update(step).where(step.c.run == run_id, step.c.key == key)
    if claim is not None:
        wanted = wanted.where(step.c.claim == claim, step.c.state == "running")
    over = outcome.state in ("done", "failed", "skipped")
    changed = tx.execute(
        wanted.values(
            state=outcome.state,
            claim=None,
            output=outcome.output,
            error=outcome.error,
            asked=outcome.asked,
            finished_at=tx.now if over else None,
            resolved_by=tx.actor.person if over else None,
        )
    )
    if changed.rowcount != 1:
        return False
    told: dict[str, JsonValue] = {"step": key}
    if outcome.output is not None:
        told["output_sha256"] = digest(outcome.output)
    if outcome.asked is not None:
        told["asked_sha256"] = digest(outcome.asked)
    tx.record(f"step.{outcome.state}", f"run:{run_id}", told, {"error": outcome.error} if outcome.error else None)
    return True


def end_run(tx: Transaction, run_id: str, state: str, reason: str | None = None) -> None:
    """Close a run for good."""
    tx.execute(update(run).where(run.c.id == run_id).values(state=state, ended_at=tx.now))
    tx.record("run.ended", f"run:{run_id}", {"state": state}, {"reason": reason} if reason else None)


def approvers(connection: Connection, subject: str, shown_sha256: str) -> set[str]:
    """Return who has approved exactly this text."""
    return set(
        connection.execute(
            select(approval.c.person).where(
                approval.c.subject == subject,
                approval.c.shown_sha256 == shown_sha256,
                approval.c.decision == "approved",
            )
        ).scalars()
    )


def record_approval(
    tx: Transaction, identity: str, subject: str, shown_sha256: str, decision: str, reason: str | None = None
) -> None:
    """Write one person's decision, bound to the hash of what they were shown."""
    tx.execute(
        insert(approval).values(
            id=identity,
            subject=subject,
            shown_sha256=shown_sha256,
            decision=decision,
            person=tx.actor.person,
            door=tx.actor.door,
            at=tx.now,
            reason=reason,
        )
    )
    tx.record(
        f"approval.{decision}",
        subject,
        {"approval": identity, "shown_sha256": shown_sha256},
        {"reason": reason} if reason else None,
    )


def digest(document: Mapping[str, Data]) -> str:
    """Return the SHA-256 of a document's canonical text."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _run(found: SqlRow[tuple[object, ...]]) -> Run:
    return Run(
        id=found.id,
        playbook=found.playbook,
        title=found.title,
        text=found.text,
        sha256=found.sha256,
        mode=Mode(found.mode),
        incident=found.incident,
        inputs=found.inputs,
        state=found.state,
        started_by=found.started_by,
        started_at=found.started_at,
    )
