"""The ledger: what each step of a run was meant to do, and what became of it.

Intent before, outcome after, each in one transaction with its journal entry. A step is claimed by a
conditional write, so that two doors at once cannot run it twice; its outcome is taken only from the worker
that holds the claim.
"""

import hashlib
import json
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, func, insert, select, update
from sqlalchemy import Row as SqlRow

from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.model.document import Data
from tocsin.ports import Actor
from tocsin.runbook.language import Mode, State
from tocsin.runbook.readiness import Row
from tocsin.store.columns import instant_text
from tocsin.store.database import JsonValue, Store, Transaction
from tocsin.store.need_to_know import hidden_incidents, must_be_theirs
from tocsin.store.operations import is_alive, this_process
from tocsin.store.tables import approval, run, step

# How the reason begins with which a person's `end` skips what was left.
ENDED_BY_HAND = "The run was ended: "


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
    parts: Mapping[str, str] = field(default_factory=dict)
    parent_run: str | None = None
    parent_step: str | None = None


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
    must_be_theirs(connection, found.incident)
    return _run(found)


def load_runs(connection: Connection, *, open_only: bool = False, incident: str | None = None) -> tuple[Run, ...]:
    """Return runs, oldest first, without those of need-to-know incidents that are not the reader's to know."""
    query = select(run).order_by(run.c.started_at, run.c.id)
    if hidden := hidden_incidents(connection):
        query = query.where(run.c.incident.is_(None) | run.c.incident.not_in(hidden))
    if open_only:
        query = query.where(run.c.state == "open")
    if incident is not None:
        query = query.where(run.c.incident == incident)
    return tuple(_run(found) for found in connection.execute(query))


def load_rows(connection: Connection, run_id: str) -> tuple[Row, ...]:
    """Return a run's rows in the order the file offers them."""
    return tuple(_row(found) for found in connection.execute(_ROWS, {"run": run_id}))


def load_row(connection: Connection, run_id: str, key: str) -> Row:
    """Return one row. Raises UsageError naming the nearest key."""
    found = connection.execute(_ONE_ROW, {"run": run_id, "key": key}).one_or_none()
    if found is None:
        known = connection.execute(select(step.c.key).where(step.c.run == run_id)).scalars()
        raise UsageError(f"Run {run_id} has no step {key!r}.{did_you_mean(key, known)}")
    return _row(found)


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
            parts=dict(new.parts) or None,
            parent_run=new.parent_run,
            parent_step=new.parent_step,
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
    fresh = [
        {
            "run": run_id,
            "key": row.key,
            "step": row.step,
            "item": row.item,
            "position": row.position,
            "state": row.state,
            "asked": row.asked,
            "waiting_since": row.waiting_since,
            "undoes": row.undoes,
        }
        for row in rows
    ]
    if fresh:
        tx.connection.execute(insert(step), fresh)


@dataclass(frozen=True, slots=True)
class Intent:
    """What a worker is about to run: the row as it was seen, and with which values where undoing needs them."""

    row: Row
    parameters: Mapping[str, Data] | None = None


def claim(store: Store, actor: Actor, run_id: str, intent: Intent, worker: str) -> str | None:
    """Take a row to run it, journalling the intent. Returns the claim, or None when another door was first."""
    row = intent.row
    nonce = store.new_id()
    with store.write(actor) as tx:
        changed = tx.connection.execute(
            _CLAIM,
            {
                "of_run": run_id,
                "of_key": row.key,
                "seen_state": row.state,
                "seen_attempt": row.attempt,
                "new_claim": nonce,
                "new_claimed_at": tx.now,
                "new_claimed_by": worker,
                "new_attempt": row.attempt + 1,
                "new_parameters": intent.parameters,
            },
        )
        if changed.rowcount != 1:
            return None
        tx.record("step.started", f"run:{run_id}", {"step": row.key, "attempt": row.attempt + 1})
    return nonce


def keep(store: Store, actor: Actor, run_id: str, key: str, claim: str, kept: Mapping[str, Data]) -> None:
    """Write down how things were before a claimed step changes them, so that they can be put back after a crash.

    Raises Refused when the claim is no longer ours; the step must change nothing then.
    """
    with store.write(actor) as tx:
        changed = tx.execute(
            update(step)
            .where(step.c.run == run_id, step.c.key == key, step.c.claim == claim, step.c.state == "running")
            .values(kept=dict(kept))
        )
        if changed.rowcount != 1:
            raise Refused(f"Step {key} of run {run_id} was taken over by another door; nothing was changed here.")
        tx.record("step.noted", f"run:{run_id}", {"step": key, "kept_sha256": digest(kept)})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step: its new state, and what belongs to it.

    With `not_before` it is left alone until then. With `fresh` a person has had a say: its timers and the count
    of its retries begin anew. `contains` says that what it did stays in force until undone, at most until
    `expires_at`.
    """

    state: State
    output: Mapping[str, Data] | None = None
    error: str | None = None
    asked: Mapping[str, Data] | None = None
    not_before: datetime | None = None
    retries: int = 0
    fresh: bool = False
    contains: bool = False
    expires_at: datetime | None = None


def settle(tx: Transaction, run_id: str, key: str, outcome: Outcome, *, claim: str | None = None) -> Row | None:
    """Write what became of a row, in the caller's transaction. None: the claim is no longer ours."""
    over = outcome.state in ("done", "failed", "skipped")
    values: dict[str, object] = {
        "state": outcome.state,
        "claim": None,
        "output": outcome.output,
        "error": outcome.error,
        "asked": outcome.asked,
        "finished_at": tx.now if over else None,
        "resolved_by": tx.actor.person if over else None,
        "not_before": outcome.not_before,
        "retries": outcome.retries,
    }
    if over or outcome.fresh:
        values |= {"waiting_since": None, "handed_over_at": None}
    elif outcome.state == "waiting":
        values["waiting_since"] = tx.now
    if outcome.contains:
        values |= {"contained_at": tx.now, "contained_seq": (tx.last_entry() or (0,))[0]}
        values |= {"expires_at": outcome.expires_at, "released_at": None}
    bound = {f"new_{name}": value for name, value in values.items()}
    where = {"of_run": run_id, "of_key": key, **({"of_claim": claim} if claim is not None else {})}
    statement = _settling(tuple(values), is_claimed=claim is not None, keeps_since=outcome.state == "waiting")
    changed = tx.connection.execute(statement, {**bound, **where}).one_or_none()
    if changed is None:
        return None
    told: dict[str, JsonValue] = {"step": key}
    if outcome.output is not None:
        told["output_sha256"] = digest(outcome.output)
    if outcome.asked is not None:
        told["asked_sha256"] = digest(outcome.asked)
    if outcome.not_before is not None:
        told["not_before"] = instant_text(outcome.not_before)
    if outcome.contains and outcome.expires_at is not None:
        told["expires_at"] = instant_text(outcome.expires_at)
    tx.record(f"step.{outcome.state}", f"run:{run_id}", told, {"error": outcome.error} if outcome.error else None)
    return _row(changed)


def reopen_run(tx: Transaction, run_id: str) -> None:
    """Open a run again that had ended: something in it is to be undone."""
    tx.execute(update(run).where(run.c.id == run_id).values(state="open", ended_at=None))
    tx.record("run.reopened", f"run:{run_id}", {})


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
        parts=found.parts or {},
        parent_run=found.parent_run,
        parent_step=found.parent_step,
    )


def _row(found: SqlRow[tuple[object, ...]]) -> Row:
    return Row(
        key=found.key,
        step=found.step,
        position=found.position,
        state=found.state,
        item=found.item,
        is_item=found.key != found.step and found.undoes is None,
        attempt=found.attempt,
        claimed_by=found.claimed_by,
        asked=found.asked,
        output=found.output,
        error=found.error,
        retries=found.retries,
        not_before=found.not_before,
        waiting_since=found.waiting_since,
        handed_over_at=found.handed_over_at,
        parameters=found.parameters,
        contained_at=found.contained_at,
        contained_seq=found.contained_seq,
        expires_at=found.expires_at,
        released_at=found.released_at,
        undoes=found.undoes,
        kept=found.kept,
    )


# Built once, for building a statement costs as much as running it.
_ROWS = select(step).where(step.c.run == bindparam("run")).order_by(step.c.position, step.c.key)
_ONE_ROW = select(step).where(step.c.run == bindparam("run"), step.c.key == bindparam("key"))
_THE_ROW = update(step).where(step.c.run == bindparam("of_run"), step.c.key == bindparam("of_key"))


def _new(*columns: str) -> dict[str, BindParameter[object]]:
    return {name: bindparam(f"new_{name}", type_=step.c[name].type) for name in columns}


_CLAIM = _THE_ROW.where(
    step.c.state == bindparam("seen_state"), step.c.attempt == bindparam("seen_attempt")
).values(state="running", **_new("claim", "claimed_at", "claimed_by", "attempt", "parameters"))


@lru_cache
def _settling(columns: tuple[str, ...], *, is_claimed: bool, keeps_since: bool) -> Any:  # noqa: ANN401 - SQLAlchemy's own
    values: dict[str, Any] = dict(_new(*columns))
    if keeps_since and "waiting_since" in values:
        # A step that is looked at and waits on has not begun to wait anew.
        values["waiting_since"] = func.coalesce(step.c.waiting_since, values["waiting_since"])
    row = _THE_ROW
    if is_claimed:
        row = row.where(step.c.claim == bindparam("of_claim"), step.c.state == "running")
    return row.values(values).returning(*step.c)
