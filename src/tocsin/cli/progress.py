"""How a long operation is followed in a terminal: the stage it is in, and a bar while data moves.

Written to stderr, so that what a command prints stays clean; a pipe, a log and `--json` see nothing of it.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tocsin.ports import OnProgress, Progress


def _silent_stage(stage: str) -> None:
    pass


def _silent_progress(progress: Progress) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Followed:
    """What an operation is handed, to tell how far it is."""

    on_stage: Callable[[str], None] = _silent_stage
    on_progress: OnProgress = _silent_progress


@contextmanager
def followed(*, as_json: bool) -> Iterator[Followed]:
    """Show stages and progress until the operation ends, in a terminal."""
    if as_json or not sys.stderr.isatty():
        yield Followed()
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("Starting", total=None)

        def on_stage(stage: str) -> None:
            bars.update(task, description=stage, total=None, completed=0)

        def on_progress(progress: Progress) -> None:
            bars.update(task, total=1.0, completed=progress.fraction)

        yield Followed(on_stage, on_progress)
