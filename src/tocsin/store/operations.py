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
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from tocsin.errors import Temporary, UsageError
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
        raise Temporary(_running(store, kind, subject)) from clash
    return begun


def finish(
    tx: Transaction, operation: Operation, verdict: str, payload: Mapping[str, JsonValue] | None = None
) -> None:
    """Journal `KIND.finished` with its verdict, in the transaction that records what was done.

    One that was given up as unknown meanwhile may still finish: what is known now counts. Finishing twice is our
    own mistake, and a ValueError.
    """
    changed = tx.execute(
        update(operations)
        .where(operations.c.id == operation.id, operations.c.state != "finished")
        .values(state="finished", verdict=verdict, finished_at=tx.now, detail=dict(payload or {}))
    )
    if not changed.rowcount:
        raise ValueError(f"the operation {operation.id} was never started, or is finished already")
    tx.record(
        f"{operation.kind}.finished",
        operation.subject,
        {"operation": operation.id, "verdict": verdict, **(payload or {})},
    )


def sweep(
    store: Store, actor: Actor, *, kind: str | None = None, subject: str | None = None
) -> tuple[Operation, ...]:
    """Turn started operations of this host whose process is gone to `unknown`, and return them.

    Those of other hosts are left alone, for nobody can see from here whether they run: `give_up` is for them.
    """
    query = select(operations).where(operations.c.state == "started", operations.c.host == socket.gethostname())
    if kind is not None:
        query = query.where(operations.c.kind == kind)
    if subject is not None:
        query = query.where(operations.c.subject == subject)
    with store.read() as connection:
        gone = [row for row in connection.execute(query) if not is_alive(row.process)]
    return tuple(Operation(row.id, row.kind, row.subject) for row in gone if give_up(store, actor, row.id))


def give_up(store: Store, actor: Actor, operation_id: str, reason: str = "") -> bool:
    """Turn one started operation to `unknown` and journal it; False when it was not running any more.

    For a person who knows that the machine it ran on is gone or renamed, and says so in `reason`; `sweep` does it
    for dead processes.
    """
    with store.write(actor) as tx:
        changed = tx.execute(
            update(operations)
            .where(operations.c.id == operation_id, operations.c.state == "started")
            .values(state="unknown", finished_at=tx.now)
            .returning(operations.c.kind, operations.c.subject)
        ).one_or_none()
        if changed is None:
            return False
        payload = {"operation": operation_id, **({"given_up_by": actor.person} if reason else {})}
        private = {"reason": reason} if reason else None
        tx.record(f"{changed.kind}.unknown", changed.subject, payload, private=private)
        return True


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An operation that another host began and has not ended: only a person can know whether it still runs."""

    id: str
    kind: str
    subject: str
    host: str
    since: datetime


def running_elsewhere(store: Store) -> tuple[Elsewhere, ...]:
    """Return the operations that other hosts began and have not ended, the oldest first."""
    query = select(operations).where(operations.c.state == "started", operations.c.host != socket.gethostname())
    with store.read() as connection:
        rows = connection.execute(query.order_by(operations.c.started_at)).all()
    return tuple(Elsewhere(row.id, row.kind, row.subject, row.host, row.started_at) for row in rows)


def settle_elsewhere(store: Store, actor: Actor, begins_with: str, reason: str) -> Elsewhere:
    """Say aloud that nobody knows how an operation of another host ended, by its id or the first digits of it.

    Raises UsageError when no such operation stands, several begin so, or it is this host's: a dead one of this
    host is turned to unknown by itself.
    """
    matching = [one for one in running_elsewhere(store) if begins_with and one.id.startswith(begins_with)]
    if len(matching) != 1:
        many = "No operation" if not matching else f"{len(matching)} operations"
        raise UsageError(
            f"{many} of another machine that has not ended begins with {begins_with!r}; 'tocsin doctor --offline' "
            "names them. One of this machine is looked after by itself."
        )
    (found,) = matching
    if not give_up(store, actor, found.id, reason):
        raise UsageError(f"The {found.kind} of {found.subject} has just ended by itself; nothing was changed.")
    store.sign_head(actor)
    return found


def this_process() -> str:
    """Return this process's pid, start time and boot, which no other process of this host ever shares."""
    return f"{os.getpid()}:{_start_time(os.getpid())}:{_boot()}"


def is_alive(process: str) -> bool:
    """Tell whether the process that `this_process` named is still there."""
    pid, _, rest = process.partition(":")
    started, _, boot = rest.partition(":")
    if not pid.isdigit() or boot != _boot():
        return False
    return started != "" and _start_time(int(pid)) == started


def _running(store: Store, kind: str, subject: str) -> str:
    name = subject.partition(":")[2] or subject
    query = select(operations).where(
        operations.c.kind == kind, operations.c.subject == subject, operations.c.state == "started"
    )
    with store.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return f"A {kind} of {name} has just ended elsewhere; nothing was started. Try again."
    since = f"{row.started_at:%Y-%m-%d %H:%M} UTC by {row.actor} on {row.host}"
    said = f"A {kind} of {name} is running already, since {since}; nothing was started. "
    if row.host != socket.gethostname():
        return said + (
            f"Wait for it to end and try again; run Tocsin on {row.host} to see whether it still lives. If that "
            f"machine is gone: tocsin journal settle {row.id[:8]} --reason TEXT"
        )
    return said + "Wait for it to end (`tocsin status` shows it) and try again."


def _boot() -> str:
    # After a reboot another service may well get the same pid at the same tick.
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    except OSError:
        return ""


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
