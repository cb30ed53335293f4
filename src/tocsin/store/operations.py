"""Started, then finished: the shape every operation has.

    operation = begin(store, actor, "backup", "plan:files", {...})    journalled before anything is done
    ... act; a pure verdict ...
    with store.write(actor) as tx:
        ...rows about what was done...
        finish(tx, operation, "ok", {...})                            journalled with them, or not at all

A started operation whose process is gone is turned to `unknown` by `sweep`, which journals that too: an
outcome nobody knows is said aloud, never forgotten.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from tocsin.errors import Temporary
from tocsin.ports import Actor
from tocsin.store.database import JsonValue, Store, Transaction
from tocsin.store.tables import operation as operations


@dataclass(frozen=True, slots=True)
class Operation:
    """One started operation; `subject` is such as `plan:files` or `incident:INC-2026-001`."""

    id: str
    kind: str
    subject: str


def begin(
    store: Store, actor: Actor, kind: str, subject: str, payload: Mapping[str, JsonValue] | None = None
) -> Operation:
    """Journal `KIND.started`. Raises Temporary while the same operation runs in a living process."""
    sweep(store, actor, kind=kind, subject=subject)
    begun = Operation(store.new_id(), kind, subject)
    try:
        with store.write(actor) as tx:
            tx.execute(
                insert(operations).values(
                    id=begun.id,
                    kind=kind,
                    subject=subject,
                    state="started",
                    actor=actor.person,
                    started_at=tx.now,
                    host=socket.gethostname(),
                    process=this_process(),
                    detail=dict(payload or {}),
                )
            )
            tx.record(f"{kind}.started", subject, {"operation": begun.id, **(payload or {})})
    except IntegrityError as clash:
        raise Temporary(
            f"A {kind} of {subject.partition(':')[2]} is running already; nothing was started. "
            "Wait for it to end (`tocsin status` shows it) and try again."
        ) from clash
    return begun


def finish(
    tx: Transaction, operation: Operation, verdict: str, payload: Mapping[str, JsonValue] | None = None
) -> None:
    """Journal `KIND.finished` with its verdict, in the transaction that records what was done."""
    tx.execute(
        update(operations)
        .where(operations.c.id == operation.id)
        .values(state="finished", verdict=verdict, finished_at=tx.now, detail=dict(payload or {}))
    )
    tx.record(
        f"{operation.kind}.finished",
        operation.subject,
        {"operation": operation.id, "verdict": verdict, **(payload or {})},
    )


def sweep(
    store: Store, actor: Actor, *, kind: str | None = None, subject: str | None = None
) -> tuple[Operation, ...]:
    """Turn started operations of this host whose process is gone to `unknown`, and return them."""
    query = select(operations).where(operations.c.state == "started", operations.c.host == socket.gethostname())
    if kind is not None:
        query = query.where(operations.c.kind == kind)
    if subject is not None:
        query = query.where(operations.c.subject == subject)
    with store.read() as connection:
        gone = [row for row in connection.execute(query) if not is_alive(row.process)]
    swept = []
    for row in gone:
        with store.write(actor) as tx:
            changed = tx.execute(
                update(operations)
                .where(operations.c.id == row.id, operations.c.state == "started")
                .values(state="unknown", finished_at=tx.now)
            )
            if changed.rowcount:
                tx.record(f"{row.kind}.unknown", row.subject, {"operation": row.id})
                swept.append(Operation(row.id, row.kind, row.subject))
    return tuple(swept)


def this_process() -> str:
    """Return this process's pid with its start time, which no later process shares."""
    return f"{os.getpid()}:{_start_time(os.getpid())}"


def is_alive(process: str) -> bool:
    """Tell whether the process that `this_process` named is still there."""
    pid, _, started = process.partition(":")
    if not pid.isdigit():
        return False
    return _start_time(int(pid)) == started and started != ""


def _start_time(pid: int) -> str:
    try:
        # Field 22 of proc(5) stat, counted after the parenthesised name, which may hold spaces.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return _start_time_without_proc(pid)


def _start_time_without_proc(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "" if Path("/proc/self/stat").exists() else "alive"
