"""What the engine costs: `.venv/bin/python tests/benchmarks/engine.py [FOLDER]`.

A durable step has its intent and its outcome on disk, each with its journal entry. Steps are measured in pairs, one of
ours beside two bare commits on the same disk, for disks have moods. FOLDER is where the databases are made.
"""

import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, ClassVar

sys.path.insert(0, str(Path(__file__).parents[1]))

from simulators.house import House
from tocsin.runbook.engine import advance, prepare, stand, start
from tocsin.runbook.kinds import Done, Parameters
from tocsin.runbook.ledger import Intent, Outcome, claim, load_row, load_runs, settle
from tocsin.runbook.pinned import pinned_playbook
from tocsin.runbook.registry import KINDS
from tocsin.store.tables import run as runs
from tocsin.store.tables import step as steps
from tocsin.tonight import look

PAIRS = 200
LONG = 1_000
MANY = 10_000


class Nothing:
    """A step that does nothing, so that what is measured is the engine."""

    name: ClassVar[str] = "bench.nothing"
    parameters: ClassVar[type[Parameters]] = Parameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False

    def run(self, ctx: Any, place: Any, parameters: Parameters) -> Done:
        return Done()

    def simulate(self, parameters: Parameters) -> str:
        return "nothing"


def main() -> None:
    KINDS["bench.nothing"] = Nothing()
    folder = Path(tempfile.mkdtemp(prefix="tocsin-bench-", dir=sys.argv[1] if len(sys.argv) > 1 else None))
    house = House(folder)
    durable_steps(folder, house)
    for shape, needs in (("a chain", lambda n: f"[s{n - 1}]" if n else "[]"), ("all at once", lambda _: "[]")):
        long_run(house, shape, needs)
    many_runs(house)
    house.close()


def durable_steps(folder: Path, house: House) -> None:
    run = begun(house, PAIRS + 1, lambda _: "[]")
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    bare.execute("CREATE TABLE t (seq INTEGER PRIMARY KEY, payload TEXT)")

    def two_bare() -> None:
        for _ in range(2):
            bare.execute("BEGIN IMMEDIATE")
            bare.execute("INSERT INTO t (payload) VALUES (?)", ("x" * 300,))
            bare.execute("COMMIT")

    def one_step(number: int) -> None:
        store, actor, key = house.store, house.ctx.actor, f"s{number}"
        nonce = claim(store, actor, run, Intent(rows[key]), "worker")
        with store.write(actor) as tx:
            settle(tx, run, key, Outcome("done", output={}), claim=nonce)

    with house.store.read() as connection:
        rows = {f"s{n}": load_row(connection, run, f"s{n}") for n in range(PAIRS + 1)}
    one_step(PAIRS)
    pairs = [(timed(lambda n=n: one_step(n)), timed(two_bare)) for n in range(PAIRS)]
    ours, theirs = (median(column) * 1000 for column in zip(*pairs, strict=True))
    say("a durable step, intent and outcome", f"{ours:.2f} ms beside two bare durable commits of {theirs:.2f} ms")


def long_run(house: House, shape: str, needs: Callable[[int], str]) -> None:
    run = begun(house, LONG, needs)
    took = timed(lambda: advance(house.ctx, run))
    assert stand(house.ctx, run).state == "done"
    say(
        f"advance a run of {LONG:,} steps, {shape}", f"{took:.1f} s, {took / LONG * 1000:.2f} ms a step, all of it"
    )
    pinned_playbook.cache_clear()
    say(
        "  read it from the store and say where it stands", f"{timed(lambda: stand(house.ctx, run)) * 1000:.0f} ms"
    )


def many_runs(house: House) -> None:
    text = "playbook: many\ntitle: Many\nsteps:\n- {id: a, uses: human.task, with: {text: Go}}\n"
    one = start(house.ctx, prepare(house.ctx, text, "many.yaml"))
    advance(house.ctx, one.id)
    with house.store.read() as connection:
        run_row = dict(connection.execute(runs.select().where(runs.c.id == one.id)).mappings().one())
        step_row = dict(connection.execute(steps.select().where(steps.c.run == one.id)).mappings().one())
    names = [f"OLD-{number:05}" for number in range(MANY)]
    with house.store.write(house.ctx.actor) as tx:
        tx.connection.execute(
            runs.insert(),
            [{**run_row, "id": name, "state": "done" if n % 100 else "open"} for n, name in enumerate(names)],
        )
        tx.connection.execute(steps.insert(), [{**step_row, "run": name} for name in names])

    def status() -> None:
        with house.store.read() as connection:
            look(connection, house.workspace, house.clock.now())

    def listing() -> None:
        with house.store.read() as connection:
            load_runs(connection, open_only=True)

    for what, does in (
        ("say where one stands", lambda: stand(house.ctx, "OLD-00000")),
        ("advance it", lambda: advance(house.ctx, "OLD-00000")),
        ("start one more", lambda: start(house.ctx, prepare(house.ctx, text, "many.yaml"))),
        ("list those that are open (100)", listing),
        ("`tocsin status`, what it reads", status),
    ):
        say(f"{MANY:,} runs: {what}", f"{median(timed(does) for _ in range(5)) * 1000:.0f} ms")


def begun(house: House, count: int, needs: Callable[[int], str]) -> str:
    lines = "".join(f"- {{id: s{n}, uses: bench.nothing, needs: {needs(n)}}}\n" for n in range(count))
    text = f"playbook: bench\ntitle: Bench\nsteps:\n{lines}"
    return start(house.ctx, prepare(house.ctx, text, "bench.yaml")).id


def timed(does: Callable[[], object]) -> float:
    began = perf_counter()
    does()
    return perf_counter() - began


def say(what: str, figure: str) -> None:
    print(f"{what:52} {figure}")  # noqa: T201 - a benchmark is there to be read


if __name__ == "__main__":
    main()
