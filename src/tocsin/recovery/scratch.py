"""Scratch areas: where restored data may lie for a while, and from where it is always taken away again.

A scratch copy is a client's data outside its usual place, so it must not outlive the work it was made for:

1. An owner record is written first (`<state>/scratch/NAME.json`): which process, which folder.
2. The folder is made, for its owner's eyes only.
3. However the work ends, by success, error, Ctrl-C, SIGTERM or a lost terminal, the folder goes, then the record.
4. Against kill -9 and power cuts there is `sweep_scratch`: it removes the areas of processes that are gone.
   Drills and recoveries begin with it, and so do `tocsin status` and `tocsin serve`.
"""

import json
import os
import shutil
import signal
import socket
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Self

from sqlalchemy import Connection, select

from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.errors import Interrupted, OperationFailed
from tocsin.recovery.amounts import spell_bytes
from tocsin.recovery.isolation import remove_what_lies_elsewhere
from tocsin.store.operations import is_alive, this_process
from tocsin.store.tables import run as runs
from tocsin.store.tables import step as steps

# What a file system needs for itself beyond the files' own bytes.
MARGIN_BYTES = 64 * 1024 * 1024
MARGIN_FRACTION = 0.05

# A run that waits for a person may keep its area so long (seconds).
LONGEST_WAIT = 24 * 3600.0

_DEADLY = (signal.SIGTERM, signal.SIGHUP)


class NoRoom(OperationFailed):
    """There is too little space to restore into; nothing was started."""


@contextmanager
def scratch(ctx: Context, name: str, *, needed_bytes: int = 0, beside: Path | None = None) -> Iterator[Path]:
    """Lend an empty folder (0700) that is removed at the end, however the end comes.

    Args:
        ctx: the tools.
        name: what it is for, such as `drill-files`; part of the folder's name.
        needed_bytes: how much is going to be restored into it.
        beside: the folder to make it in, when the data is to be moved into place from there.

    Raises:
        NoRoom: there is less space than `needed_bytes` and a margin.
        Interrupted: SIGTERM or SIGHUP came; the folder has been removed.
        OperationFailed: the folder could not be made, or not be removed (then it says where it lies).
    """
    records = private_folder(scratch_records(ctx))
    identity = f"{name}-{ctx.store.new_id()[:12]}"
    area = (beside or records) / (f".tocsin-{identity}" if beside else identity)
    refuse_without_room(area.parent, needed_bytes)
    record = records / f"{identity}.json"
    with _Signals() as signals:
        owner = {"host": socket.gethostname(), "process": this_process(), "folder": str(area), "for": name}
        write_durably(record, json.dumps(owner).encode())
        try:
            private_folder(area)
            yield area
        finally:
            signals.hold()
            remove_area(record, area)


def refuse_without_room(folder: Path, needed_bytes: int) -> None:
    """Raise NoRoom unless `needed_bytes` and a margin are free where `folder` lies."""
    free = shutil.disk_usage(folder).free
    needed = needed_bytes + int(needed_bytes * MARGIN_FRACTION) + MARGIN_BYTES
    if free < needed:
        raise NoRoom(
            f"Restoring needs {spell_bytes(needed)} in {folder}, and {spell_bytes(free)} are free. Nothing was "
            "started. Make room there, or give the workspace a `state` folder on a larger disk."
        )


def sweep_scratch(ctx: Context) -> tuple[str, ...]:
    """Remove the scratch areas of this machine's dead processes, journal that, and return their names."""
    records = scratch_records(ctx)
    swept = []
    for record in sorted(records.glob("*.json")) if records.is_dir() else ():
        owner = _owner(record)
        if owner is None or owner["host"] != socket.gethostname() or _is_in_use(ctx, owner):
            continue
        remove_area(record, Path(owner["folder"]))
        swept.append(record.stem)
        with ctx.store.write(ctx.actor) as tx:
            tx.record("scratch.removed", f"scratch:{record.stem}", {"left_by": owner["process"]})
    return tuple(swept)


def scratch_records(ctx: Context) -> Path:
    """Return the folder of the owner records, which the areas lie in too unless they had to be elsewhere."""
    return ctx.workspace.state_folder / "scratch"


def _is_in_use(ctx: Context, owner: Mapping[str, str]) -> bool:
    """Tell whether somebody may still want an area: a living process, or a run that waits for a person."""
    run = owner.get("run")
    if run is None:
        return is_alive(owner["process"])
    with ctx.store.read() as connection:
        if connection.execute(select(runs.c.state).where(runs.c.id == run)).scalar() != "open":
            return False
        if is_alive(owner["process"]):
            return True
        return _age(owner) < LONGEST_WAIT and _waits_for_a_person(connection, run)


def _waits_for_a_person(connection: Connection, run: str) -> bool:
    """Tell whether the run, or one it called, asks somebody something."""
    query = select(steps.c.asked).where(steps.c.run == run, steps.c.state == "waiting")
    asked = [found or {} for found in connection.execute(query).scalars()]
    if any(found.get("kind") != "playbook" for found in asked):
        return True
    called = connection.execute(select(runs.c.id).where(runs.c.parent_run == run)).scalars().all()
    return any(_waits_for_a_person(connection, each) for each in called)


def _age(owner: Mapping[str, str]) -> float:
    return time.time() - float(owner.get("at", "0"))


def remove_area(record: Path, area: Path) -> None:
    """Remove an area, then its record: in this order, so that a kill between the two leaves nothing unknown."""
    remove_scratch(area)
    record.unlink(missing_ok=True)


def remove_scratch(area: Path) -> None:
    """Remove a scratch area with everything in it. Raises OperationFailed naming it when something stays."""
    if area.is_symlink():
        raise OperationFailed(f"{area} should be a scratch folder but is a link; it was left alone. Look at it.")
    remove_what_lies_elsewhere(area)
    _open_folders(area)
    shutil.rmtree(area, ignore_errors=True)
    if area.exists():
        raise OperationFailed(
            f"The scratch copy at {area} could not be removed. It holds restored data: remove it by hand."
        )


def _open_folders(area: Path) -> None:
    """Make every folder writable: restored read-only ones could not be emptied by an ordinary user."""
    with suppress(OSError):
        area.chmod(stat.S_IRWXU)
    for folder, names, _ in os.walk(area):
        for name in names:
            inner = Path(folder, name)
            with suppress(OSError):
                if not inner.is_symlink():
                    inner.chmod(stat.S_IRWXU)


def _owner(record: Path) -> dict[str, str] | None:
    try:
        read = json.loads(record.read_bytes())
    except (OSError, ValueError):
        return None
    wanted = ("host", "process", "folder")
    if not isinstance(read, dict) or not all(isinstance(read.get(key), str) for key in wanted):
        return None
    # A record may only ever point at an area that carries its own name.
    return read if Path(read["folder"]).name.removeprefix(".tocsin-") == record.stem else None


@dataclass
class _Signals:
    """Turn the signals that would end us at once into an exception, and hold them while we tidy up.

    Handlers that somebody else has set (Prefect's, restic's adapter's) stay: they raise by themselves.
    Only the main thread may set handlers; elsewhere its owner stops us by an exception.
    """

    _holding: bool = False
    _held: int = 0
    _formers: dict[int, object] = field(default_factory=dict)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _DEADLY:
                if signal.getsignal(number) is signal.SIG_DFL:
                    self._formers[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, former in self._formers.items():
            signal.signal(number, former)  # type: ignore[arg-type]  # what signal.signal returned
        if self._held:
            raise _interrupted(self._held)

    def hold(self) -> None:
        """From here on, remember a signal instead of raising, so that the removal is not cut short."""
        self._holding = True
        if self._formers:
            former = signal.getsignal(signal.SIGINT)
            if former is signal.default_int_handler:
                self._formers[signal.SIGINT] = signal.signal(signal.SIGINT, self._take)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if self._holding:
            self._held = number
        else:
            raise _interrupted(number)


def _interrupted(number: int) -> Interrupted:
    name = signal.Signals(number).name
    return Interrupted(f"Stopped by {name}. What was restored into scratch has been removed again.")
