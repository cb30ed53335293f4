"""What Prefect adds: its own start, and each flow beside the operation called plainly.

    .venv/bin/python tests/benchmarks/prefect_overhead.py [PAIRS]

One small backup plan on the real restic. Each pair backs it up once by the flow and once by the operation itself, in
one process on a running server, heartbeats off as in the demo. Prefect's start stands apart: it is paid once. Not a
test: it passes no judgement.
"""

import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from tocsin.backups import create_repository, run_backup
from tocsin.serve import embedded_server, run_flow
from tocsin.serve.flows import need
from tocsin.wiring import open_context
from tocsin.workspace import load

WORKSPACE = """\
tocsin: 1
organisation: {name: A benchmark}
repositories:
  local: {location: repository, password: "file:password"}
backup_plans:
  files:
    title: A small share
    sources: [{paths: [share]}]
    repositories: [local]
    schedule: "30 2 * * *"
    rpo: 24h
    rto: 4h
"""


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        root = Path(name)
        make_workspace(root)
        began = time.monotonic()
        with embedded_server(load(root)):
            fresh = time.monotonic() - began
        began = time.monotonic()
        with embedded_server(load(root)):
            warm = time.monotonic() - began
            first = timed(lambda: by_flow(root))
            plain, flow = [], []
            for _ in range(pairs):
                plain.append(timed(lambda: plainly(root)))
                flow.append(timed(lambda: by_flow(root)))
    added = median(one - other for one, other in zip(flow, plain, strict=True))
    say(f"Prefect's server, from nothing to ready: {fresh:.1f} s the first time, {warm:.1f} s after that")
    say(f"first flow, with the import of Prefect: {first:.1f} s")
    say(f"one small backup: {median(plain):.2f} s plainly, {median(flow):.2f} s by the flow ({pairs} pairs)")
    say(f"the flow adds {added:.2f} s (median of the pairs' differences)")


def make_workspace(root: Path) -> None:
    (root / "tocsin.yaml").write_text(WORKSPACE)
    (root / "password").write_text("bench")
    (root / "password").chmod(0o600)
    (root / "share").mkdir()
    for number in range(50):
        (root / "share" / f"letter-{number}.txt").write_bytes(os.urandom(4_000))
    with open_context(root) as ctx:
        create_repository(ctx, "local")


def plainly(root: Path) -> None:
    with open_context(root) as ctx:
        run_backup(ctx, "files")


def by_flow(root: Path) -> None:
    need(run_flow("backup", load(root), plan="files", by_hand=True))


def timed(act: Callable[[], None]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
