"""A large house: 500 plans in 20 repositories, 50,000 snapshots. `.venv/bin/python tests/benchmarks/scale.py [FOLDER]`.

What `tocsin status`, `watch`, `metrics` and `backup list` take as commands, with their own start. The history is
generated. Real repositories of this size would take hours to fill, so restic is a program that waits as long as
restic takes to derive a key, then prints the recorded list of snapshots: one call for each repository.
"""

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from tocsin.adapters.system import EnvironmentCrashPoints, SystemClock, SystemRandomness
from tocsin.ports import Actor
from tocsin.store.database import Store, open_store
from tocsin.store.tables import observation, operation, snapshot

PLANS, REPOSITORIES, DAYS = 500, 20, 100
CLIENTS, RUNS = 100, 3
KEY_SECONDS = 0.5
NOW = datetime.now(UTC).replace(microsecond=0)
RESTIC = f"""#!/bin/sh
case "$*" in
  version*|*" version") echo "restic 0.18.0 compiled with go1.24.4 on linux/amd64" ;;
  *snapshots*) sleep {KEY_SECONDS}; echo x >> "$RESTIC_REPOSITORY/calls"; exec cat "$RESTIC_REPOSITORY/list.json" ;;
  *) echo "no such thing: $*" >&2; exit 1 ;;
esac
"""


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-bench-", dir=sys.argv[1] if len(sys.argv) > 1 else None))
    (folder / "tocsin.yaml").write_text(workspace())
    (folder / "safe.password").write_text("bench")
    (folder / "safe.password").chmod(0o600)
    (folder / "restic").write_text(RESTIC)
    (folder / "restic").chmod(0o755)
    store = open_store(
        f"sqlite:///{folder}/.tocsin/tocsin.db",
        folder / ".tocsin",
        SystemClock(),
        SystemRandomness(),
        EnvironmentCrashPoints(),
    )
    fill(folder, store)
    store.close()
    say("plans, repositories, snapshots", f"{PLANS}, {REPOSITORIES}, {PLANS * DAYS:,}")
    for arguments, runs in (("status", 5), ("watch", RUNS), ("metrics", RUNS), ("backup list", RUNS)):
        took = [timed(folder, *arguments.split()) for _ in range(runs)]
        wall, work = (median(column) for column in zip(*took, strict=True))
        say(f"tocsin {arguments}", f"{wall:.2f} s, {work:.2f} s of it a processor's")
    calls = [len((repository_folder(folder, n) / "calls").read_text().split()) for n in range(REPOSITORIES)]
    say("calls to restic for each repository and watch", f"{max(calls) / RUNS:g}")


def workspace() -> str:
    """Return a workspace file as an agency with a hundred clients might have it."""
    lines = [
        "tocsin: 1",
        "organisation: {name: Larkfield Studio Ltd}",
        "people:",
        "  maya: {name: Maya Lind, email: maya@larkfield.example, roles: [commander, technical, dpo]}",
        "alarms: [outbox]",
        "clients:",
        *(f"  client-{n:03}: {{name: Client {n}, notice_hours: 48}}" for n in range(CLIENTS)),
        "systems:",
        *(f"  system-{n:03}: {{title: System {n}, kind: file_share, owner: maya}}" for n in range(PLANS)),
        "datasets:",
        *(
            f"  dataset-{n:03}: {{title: Data {n}, label: transactional, client: client-{n % CLIENTS:03}, "
            f"systems: [system-{n:03}], backup_plan: plan-{n:03}}}"
            for n in range(PLANS)
        ),
        "repositories:",
        *(
            f"  repository-{n:02}: {{location: repositories/{n:02}, password: 'file:safe.password'}}"
            for n in range(REPOSITORIES)
        ),
        "backup_plans:",
        *(
            f"  plan-{n:03}: {{title: Plan {n}, sources: [{{paths: [data/{n}]}}], "
            f"repositories: [repository-{n % REPOSITORIES:02}], schedule: '30 2 * * *', rpo: 26h, rto: 4h, "
            "retention: {daily: 30}}"
            for n in range(PLANS)
        ),
    ]
    return "\n".join(lines) + "\n"


def fill(folder: Path, store: Store) -> None:
    """Write the history into the store and each repository's list beside it."""
    lists: dict[int, list[dict[str, object]]] = {number: [] for number in range(REPOSITORIES)}
    operations, snapshots, observations = [], [], []
    for number, day, taken in history():
        identity = hashlib.sha256(f"{number}/{day}".encode()).hexdigest()
        plan, tree, paths = f"plan-{number:03}", identity[::-1], [f"/srv/data/{number}"]
        where = number % REPOSITORIES
        begun = {
            "id": identity[:32],
            "subject": f"plan:{plan}",
            "started_at": taken,
            "finished_at": taken + MINUTE,
        }
        operations.append({**OPERATION, **begun})
        row = {"id": identity, "backup_plan": plan, "repository": f"repository-{where:02}", "tree": tree}
        snapshots.append({**SNAPSHOT, **row, "time": taken, "paths": paths, "operation": identity[:32]})
        observations.append({**OBSERVATION, "id": identity[:32], "backup_plan": plan, "at": taken})
        tags = ["tocsin", f"plan:{plan}", f"operation:{identity[:32]}"]
        told = {"id": identity, "short_id": identity[:8], "tree": tree, "time": taken.isoformat(), "paths": paths}
        lists[where].append({**told, "hostname": "larkfield", "username": "tocsin", "tags": tags})
    with store.write(Actor("maya", "cli")) as tx:
        tx.connection.execute(operation.insert(), operations)
        tx.connection.execute(snapshot.insert(), snapshots)
        tx.connection.execute(observation.insert(), observations)
        tx.record("backup.finished", "plan:plan-000", {"operation": operations[0]["id"]})
    for number, found in lists.items():
        repository_folder(folder, number).mkdir(parents=True)
        (repository_folder(folder, number) / "list.json").write_text(json.dumps(found))


def history() -> Iterator[tuple[int, int, datetime]]:
    """Yield each plan's nights; every fiftieth plan is late."""
    for number in range(PLANS):
        late = timedelta(days=3) if number % 50 == 0 else timedelta()
        for day in range(DAYS):
            yield number, day, NOW - late - timedelta(days=DAYS - 1 - day, minutes=number)


MINUTE = timedelta(minutes=1)
OPERATION = {
    "kind": "backup",
    "state": "finished",
    "verdict": "ok",
    "actor": "service:tocsin",
    "host": "larkfield",
    "process": "1:1:none",
    "detail": {},
}
SNAPSHOT = {
    "verdict": "ok",
    "files": 12_345,
    "bytes": 9_876_543_210,
    "added_bytes": 123_456,
    "manifest_sha256": "0" * 64,
    "manifest_path": "/srv/.tocsin/manifests/plan",
    "plausibility": "clean",
}
OBSERVATION = {"state": "clean", "score": 0, "signs": {}, "reasons": []}


def repository_folder(folder: Path, number: int) -> Path:
    """Return where a repository's list lies."""
    return folder / "repositories" / f"{number:02}"


def timed(folder: Path, *arguments: str) -> tuple[float, float]:
    """Run a command once and return how long it took, and how long a processor worked for it."""
    environment = {**os.environ, "TOCSIN_RESTIC": str(folder / "restic")}
    began, worked = perf_counter(), _work()
    said = subprocess.run(
        [Path(sys.executable).with_name("tocsin"), *arguments, "--workspace", folder],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    took = perf_counter() - began, _work() - worked
    if said.returncode not in (0, 1) or "at fault" in said.stderr:
        raise SystemExit(f"tocsin {' '.join(arguments)}: {said.stderr or said.stdout}")
    return took


def _work() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def say(what: str, figure: str) -> None:
    print(f"{what:52} {figure}")  # noqa: T201 - a benchmark is there to be read


if __name__ == "__main__":
    main()
