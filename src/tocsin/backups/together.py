"""Several plans at once, within the workspace's `backups: {parallel: N}`.

The unit is a plan: its repositories and hooks follow one another, and no two runs of one plan ever overlap. A slot
is a locked file beside the store, so that plans rung for in separate processes keep to the same number.
"""

import fcntl
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import TypeVar

from tocsin.context import Context
from tocsin.durable import private_folder
from tocsin.errors import Interrupted

T = TypeVar("T")

_LOOK_SECONDS = 0.3


@contextmanager
def slot(ctx: Context) -> Iterator[None]:
    """Wait until fewer than N scheduled backups run, and hold a place; of a dead process the kernel takes it."""
    folder = private_folder(ctx.workspace.state_folder / "slots")
    with ExitStack() as held:
        while True:
            for number in range(ctx.workspace.backups.parallel):
                file = (folder / str(number)).open("a")
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    file.close()
                    continue
                held.callback(file.close)
                break
            else:
                time.sleep(_LOOK_SECONDS)
                continue
            break
        yield


def each_at_once(ctx: Context, plans: Sequence[str], act: Callable[[str], T]) -> tuple[T, ...]:
    """Call `act` for each plan, as many at once as the workspace allows; return what it returned, in order.

    `act` must not raise but Interrupted. SIGINT and SIGTERM end every backup under way and are then raised as
    Interrupted. One plan alone is done in this thread, as ever.
    """
    at_once = min(ctx.workspace.backups.parallel, len(plans))
    if at_once <= 1:
        return tuple(act(plan) for plan in plans)
    stop = ctx.restic.stop  # makes the tool, once for all threads
    with _asked_to_stop(stop) as asked:

        def unless_asked(plan: str) -> T:
            if asked.is_set():
                raise Interrupted(f"The backup of {plan} was not begun: a signal came first.")
            return act(plan)

        with ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="backup") as pool:
            return tuple(pool.map(unless_asked, plans))


@contextmanager
def _asked_to_stop(stop: Callable[[], None]) -> Iterator[threading.Event]:
    """Turn signals into a stop of every call, since they reach the main thread alone."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def heard(_number: int, _frame: FrameType | None) -> None:
        asked.set()
        stop()

    formers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in formers:
        signal.signal(number, heard)
    try:
        yield asked
    finally:
        for number, former in formers.items():
            signal.signal(number, former)
