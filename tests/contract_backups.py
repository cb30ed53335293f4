"""A small house for the contract tests of backups: a workspace on the disk, a store, the real restic.

Run as a program (`python -m contract_backups WORKSPACE BINARY PLAN`) it backs up one plan in a process of its own, so
that a test may kill it.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

from tocsin.adapters.restic import Limits, ResticBinary
from tocsin.adapters.secrets import ReferencedSecrets
from tocsin.adapters.system import EnvironmentCrashPoints, SystemClock, SystemRandomness
from tocsin.backups import run_backup
from tocsin.context import Context
from tocsin.errors import TocsinError
from tocsin.ports import Actor
from tocsin.store.database import open_store
from tocsin.workspace import load

LIMITS = Limits(
    work=timedelta(seconds=60), call=timedelta(seconds=30), reach=timedelta(seconds=2), grace=timedelta(seconds=10)
)

WORKSPACE = """\
tocsin: 1
organisation: {name: Harbour & Quill}
repositories:
  local: {location: repository, password: "file:password"}
  offsite: {location: "OFFSITE", password: "file:password"}
backup_plans:
  files:
    title: The file share
    sources: [{paths: [SOURCE], exclude: ["*.tmp", cache]}]
    repositories: [local]
    schedule: "30 2 * * *"
    rpo: 24h
    rto: 4h
  pair:
    title: A share and a disk
    sources: [{paths: [SOURCE]}, {paths: [disk]}]
    repositories: [local]
    schedule: "0 3 * * *"
    rpo: 24h
    rto: 4h
  twice:
    title: The share, in two places
    sources: [{paths: [SOURCE]}]
    repositories: [offsite, local]
    schedule: "0 4 * * *"
    rpo: 24h
    rto: 4h
"""


class NoMail:
    """Nothing in a backup may send mail."""

    def send(self, message: EmailMessage) -> None:
        raise AssertionError("a backup sent mail")


def write_workspace(root: Path, password: str, *, source: str = "share", offsite: str = "no-such-place") -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "tocsin.yaml").write_text(WORKSPACE.replace("SOURCE", source).replace("OFFSITE", offsite))
    (root / "password").write_text(password + "\n")
    (root / "password").chmod(0o600)


@contextmanager
def house(root: Path, binary: Path, **tools: object) -> Iterator[Context]:
    """Open the context of one process in the workspace at `root`; `tools` replace the machine's own."""
    workspace = load(root)
    clock, randomness = tools.get("clock", SystemClock()), SystemRandomness()
    crash = tools.get("crash", EnvironmentCrashPoints())
    store = open_store(workspace.store_url, workspace.state_folder, clock, randomness, crash)
    try:
        yield Context(
            workspace=workspace,
            store=store,
            restic=ResticBinary(
                binary, cache_dir=workspace.state_folder / "restic-cache", environ=os.environ, limits=LIMITS
            ),
            mailer=NoMail(),
            secrets=ReferencedSecrets(environ=os.environ, folder=workspace.root),
            clock=clock,
            randomness=randomness,
            crash=crash,
            actor=Actor("maya", "cli"),
        )
    finally:
        store.close()


def main() -> int:
    root, binary, plan = sys.argv[1:]
    try:
        with house(Path(root), Path(binary)) as ctx:
            outcome = run_backup(ctx, plan)
    except TocsinError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    settled = [one.sentence for copy in outcome.copies for one in copy.settled]
    sys.stdout.write(json.dumps({"verdict": str(outcome.verdict), "settled": settled}))
    return 0 if outcome.verdict == "ok" else 1


if __name__ == "__main__":
    sys.exit(main())
