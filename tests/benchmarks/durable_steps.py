"""One durable step of ours, beside a DBOS step and a Prefect task, in turns on the same disk.

    .venv/bin/python tests/benchmarks/durable_steps.py [ROUNDS]

Ours keeps intent and outcome, each with its journal entry, both on disk before the next. DBOS is no dependency of
Tocsin: put it in a folder of its own (`uv pip install --target FOLDER dbos`) and name that in TOCSIN_BENCH_DBOS;
without it that column is left out. Each side runs in a process of its own, its start not counted.
"""

# ruff: noqa: PLC0415 - each side is imported in its own process alone, so that none weighs on another

import gc
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

STEPS = {"ours": 200, "two bare commits": 200, "dbos": 200, "prefect": 40}


def main(rounds: int) -> None:
    sides = [side for side in STEPS if side != "dbos" or os.environ.get("TOCSIN_BENCH_DBOS")]
    found: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            found[side].append(measured(side))
    for side, seconds in found.items():
        say(
            f"{side:18} {1000 * median(seconds):6.2f} ms a step ({min(seconds) * 1000:.2f} to {max(seconds) * 1000:.2f})"
        )
    if "dbos" not in found:
        say("dbos               not measured: TOCSIN_BENCH_DBOS names no folder that holds it")


def measured(side: str) -> float:
    """Return seconds a step, measured in a process of its own."""
    environment = {**os.environ, "PREFECT_LOGGING_LEVEL": "CRITICAL", "DO_NOT_TRACK": "1"}
    if side == "dbos":
        environment["PYTHONPATH"] = os.environ["TOCSIN_BENCH_DBOS"]
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        said = subprocess.run(
            [sys.executable, __file__, "--side", side, folder],
            env={**environment, "PREFECT_HOME": folder},
            capture_output=True,
            text=True,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    return float(said.stdout.splitlines()[-1])


def ours(folder: Path, steps: int) -> float:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from simulators.house import House
    from tocsin.runbook.engine import prepare, start
    from tocsin.runbook.ledger import Intent, Outcome, claim, load_row, settle

    gc.set_threshold(100_000, 20, 20)  # as the command line sets it
    house = House(folder)
    lines = (f"- {{id: s{n}, uses: human.task, with: {{text: Go}}}}\n" for n in range(steps))
    run = start(house.ctx, prepare(house.ctx, "playbook: b\ntitle: B\nsteps:\n" + "".join(lines), "b.yaml")).id
    with house.store.read() as connection:
        rows = [load_row(connection, run, f"s{n}") for n in range(steps)]
    began = perf_counter()
    for row in rows:
        nonce = claim(house.store, house.ctx.actor, run, Intent(row), "worker")
        with house.store.write(house.ctx.actor) as tx:
            settle(tx, run, row.key, Outcome("done", output={}), claim=nonce)
    return (perf_counter() - began) / steps


def two_bare_commits(folder: Path, steps: int) -> float:
    import sqlite3

    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (payload TEXT);")
    began = perf_counter()
    for _ in range(2 * steps):
        bare.execute("INSERT INTO t VALUES (?)", ("x" * 300,))
    return (perf_counter() - began) / steps


def dbos(folder: Path, steps: int) -> float:
    from dbos import DBOS  # type: ignore[import-not-found]  # in a folder of its own, see the top

    DBOS(
        config={"name": "bench", "system_database_url": f"sqlite:///{folder}/dbos.sqlite", "log_level": "CRITICAL"}
    )

    @DBOS.step()  # type: ignore[untyped-decorator]
    def nothing(number: int) -> int:
        return number

    @DBOS.workflow()  # type: ignore[untyped-decorator]
    def many(count: int) -> float:
        began = perf_counter()
        for number in range(count):
            nothing(number)
        return perf_counter() - began

    DBOS.launch()
    many(2)
    took: float = many(steps)
    DBOS.destroy()
    return took / steps


def prefect(folder: Path, steps: int) -> float:
    from prefect import flow, task

    @task
    def nothing(number: int) -> int:
        return number

    @flow
    def many(count: int) -> float:
        began = perf_counter()
        for number in range(count):
            nothing(number)
        return perf_counter() - began

    many(2)
    return many(steps) / steps


SIDES = {"ours": ours, "two bare commits": two_bare_commits, "dbos": dbos, "prefect": prefect}


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        say(str(SIDES[sys.argv[2]](Path(sys.argv[3]), STEPS[sys.argv[2]])))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
