"""Run every benchmark and print one table. `make bench` calls this; name some to run only those.

Each is a script of its own beside this one, run in a process of its own so that none warms another up. Nothing
here fails a build: a figure is judged by a person, who knows how busy the machine was.
"""

import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

BENCHMARKS = {
    "startup": "a command's start, beside `python -c pass`",
    "backup_overhead": "a backup of an unchanged tree, beside bare restic",
    "drill_overhead": "a drill, beside bare restic restore and a hash of every file",
    "postgres_drill": "a PostgreSQL drill, beside initdb, start, pg_restore and psql by hand",
    "journal": "entries written and verified in a second",
    "engine": "a durable step beside bare commits, a run of 1,000 steps, 10,000 runs",
    "durable_steps": "a durable step beside a DBOS step and a Prefect task",
    "assess": "one assessment of a breach",
    "notices": "letters to 10,000 people, made out and guarded",
    "scale": "500 plans in 20 repositories, 50,000 snapshots: status, watch, metrics, the calendar",
    "first_step": "from declaring an incident to the first containment step offered",
    "prefect_overhead": "what Prefect adds to one flow",
}
HERE = Path(__file__).parent
_MINUTES = 15


def main(names: list[str]) -> int:
    """Run them in the order given; return 2 for an unknown name."""
    if unknown := [name for name in names if name not in BENCHMARKS]:
        say(f"There is no benchmark {', '.join(unknown)}. Known: {', '.join(BENCHMARKS)}.", sys.stderr)
        return 2
    say(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    )
    rows = [(name, *_result(name)) for name in names or BENCHMARKS]
    width = max(len(name) for name, *_ in rows)
    say("\n" + "-" * 79)
    for name, seconds, said in rows:
        for number, line in enumerate(said.splitlines() or ["(it printed nothing)"]):
            say(f"{name if number == 0 else '':<{width}}  {line}")
        say(f"{'':<{width}}  ({BENCHMARKS[name]}; measured in {seconds:.0f} s)")
    return 0


def _result(name: str) -> tuple[float, str]:
    """Return how long a benchmark took and what it said."""
    script = HERE / f"{name}.py"
    if not script.exists():
        return 0.0, "not there; skipped"
    say(f"{name} …")
    begun = time.monotonic()
    try:
        said = subprocess.run(
            [sys.executable, script],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=_MINUTES * 60,
        )
    except subprocess.TimeoutExpired:
        return time.monotonic() - begun, f"stopped after {_MINUTES} minutes"
    told = said.stdout.strip()
    if said.returncode and not told:
        told = f"failed: {(said.stderr.strip().splitlines() or ['it says nothing'])[-1]}"
    return time.monotonic() - begun, told


def say(line: str, where: TextIO = sys.stdout) -> None:
    """Show one line at once."""
    where.write(f"{line}\n")
    where.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
