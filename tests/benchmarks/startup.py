"""How long a command takes to start, beside a bare `python -c pass`: whole processes, in interleaved pairs.

The ratio is what counts: it holds on any machine, and an interleaved pair feels the same noise. Run it with
`make bench` (which compiles the bytecode first) or by itself.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TextIO

PAIRS = 15
BUDGETS = {"--help": 7.0, "status": 45.0}
TOCSIN = str(Path(sys.executable).with_name("tocsin"))


@dataclass(frozen=True, slots=True)
class Measured:
    """One command: its median time and that of the bare interpreter, in seconds, and the median of the ratios."""

    command: str
    seconds: float
    bare_seconds: float
    ratio: float


def main() -> int:
    """Measure, print one line for each command, and return 1 when one is over its budget."""
    with TemporaryDirectory() as folder:
        environ = {**os.environ, "TOCSIN_WORKSPACE": folder}
        _run([TOCSIN, "init", "--sample", folder], environ)
        _run([TOCSIN, "status"], environ)  # makes the store, which is done once in a workspace's life
        measured = [_measure(command, environ) for command in BUDGETS]
    over = False
    for one in measured:
        budget = BUDGETS[one.command]
        over |= one.ratio > budget
        say(
            f"tocsin {one.command:<7} {one.seconds * 1000:6.0f} ms, python -c pass {one.bare_seconds * 1000:4.1f} ms: "
            f"{one.ratio:5.1f} times (budget {budget:g}){'  OVER' if one.ratio > budget else ''}"
        )
    return 1 if over else 0


def _measure(command: str, environ: dict[str, str]) -> Measured:
    pairs = [
        (_timed([sys.executable, "-c", "pass"], environ), _timed([TOCSIN, command], environ)) for _ in range(PAIRS)
    ]
    return Measured(
        command,
        seconds=median(ours for _, ours in pairs),
        bare_seconds=median(bare for bare, _ in pairs),
        ratio=median(ours / bare for bare, ours in pairs),
    )


def _timed(argv: list[str], environ: dict[str, str]) -> float:
    begun = time.perf_counter()
    _run(argv, environ)
    return time.perf_counter() - begun


def _run(argv: list[str], environ: dict[str, str]) -> None:
    subprocess.run(argv, env=environ, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


def say(line: str, where: TextIO = sys.stdout) -> None:
    """Show one line at once."""
    where.write(f"{line}\n")
    where.flush()


if __name__ == "__main__":
    sys.exit(main())
