"""The scratch area of a run: several steps, perhaps several processes, and one end.

It is lent to each step in turn and outlives them all, until the run has ended. It does not outlive its use:

- a run that ended: removed by whoever ended it, or by the next sweep;
- a process killed while a step worked in it: the sweep removes it, and the run can only be started anew;
- a run that waits for a person: it stays, but never longer than a day.

A run that another run called works in that one's area.
"""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, select

from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.errors import OperationFailed
from tocsin.recovery.scratch import refuse_without_room, remove_area, scratch_records
from tocsin.store.operations import this_process
from tocsin.store.tables import run as runs

MOST_LEVELS = 10


@contextmanager
def run_area(ctx: Context, run_id: str, *, needed_bytes: int = 0) -> Iterator[Path]:
    """Lend the scratch area of a run; it stays when the block ends.

    Raises NoRoom when there is less space than `needed_bytes` and a margin; OperationFailed when the area was
    removed since the run began to use it.
    """
    with ctx.store.read() as connection:
        root = _root_of(connection, run_id)
    records = private_folder(scratch_records(ctx))
    area, record = records / f"run-{root}", records / f"run-{root}.json"
    refuse_without_room(records, needed_bytes)
    _stamp(record, area, root)
    private_folder(area)
    yield area


def kept_area(ctx: Context, run_id: str) -> Path:
    """Return the area that earlier steps of the run have filled. Raises OperationFailed when it is gone."""
    with ctx.store.read() as connection:
        root = _root_of(connection, run_id)
    area = scratch_records(ctx) / f"run-{root}"
    if not area.is_dir():
        raise OperationFailed(
            "What this run restored into scratch is gone: a process was killed, or a day has passed. Start the "
            "plan again; nothing outside the scratch area was changed."
        )
    _stamp(scratch_records(ctx) / f"run-{root}.json", area, root)
    return area


def remove_run_area(ctx: Context, run_id: str) -> bool:
    """Remove a run's area with all that was restored into it and journal that; False when there is none."""
    record = scratch_records(ctx) / f"run-{run_id}.json"
    if not record.is_file():
        return False
    remove_area(record, scratch_records(ctx) / f"run-{run_id}")
    with ctx.store.write(ctx.actor) as tx:
        tx.record("scratch.removed", f"scratch:run-{run_id}", {"run": run_id})
    return True


def _stamp(record: Path, area: Path, root: str) -> None:
    """Say who works in the area now, before anything is done there."""
    owner = {"host": socket.gethostname(), "process": this_process(), "folder": str(area), "for": "recovery"}
    write_durably(record, json.dumps({**owner, "run": root, "at": str(int(time.time()))}).encode())


def _root_of(connection: Connection, run_id: str) -> str:
    for _ in range(MOST_LEVELS):
        parent = connection.execute(select(runs.c.parent_run).where(runs.c.id == run_id)).scalar()
        if parent is None:
            break
        run_id = str(parent)
    return run_id
