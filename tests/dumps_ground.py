"""A house with dumps for the contract tests: a workspace on the disk whose one plan the test writes, a real restic."""

import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from cheap_keys import make_cheap
from contract_backups import house
from tocsin.adapters.shell import SystemShell
from tocsin.backups import ledger
from tocsin.repositories import repository_access

PASSWORD = "a password nobody else has"


def write_plan(root: Path, sources: list[dict], **plan: object) -> None:
    """Write a workspace with the plan `studio` and the repository `local`."""
    root.mkdir(parents=True, exist_ok=True)
    told = {
        "tocsin": 1,
        "organisation": {"name": "Harbour & Quill"},
        "repositories": {"local": {"location": "repository", "password": "file:password"}},
        "backup_plans": {
            "studio": {
                "title": "Everything",
                "sources": sources,
                "repositories": ["local"],
                "schedule": "30 2 * * *",
                "rpo": "24h",
                "rto": "4h",
                **plan,
            }
        },
    }
    (root / "tocsin.yaml").write_text(json.dumps(told))
    (root / "password").write_text(PASSWORD)
    (root / "password").chmod(0o600)


@contextmanager
def studio(root: Path, restic_path: Path, **tools: object):
    """Open the context, with a shell; the repository is made where there is none."""
    with house(root, restic_path, **tools) as plain:
        ctx = replace(plain, shell=SystemShell(os.environ))
        if not (root / "repository").exists():
            ctx.restic.init(repository_access(ctx, "local"))
            make_cheap(root / "repository", PASSWORD, restic_path)
        yield ctx


def copied(seed: Path, root: Path) -> None:
    """Take over a repository that was made before: making one takes seconds."""
    root.mkdir(parents=True, exist_ok=True)
    shutil.copytree(seed, root / "repository")


def entries(ctx, dump: str | None = None):
    """The ledger's rows of the plan, newest first: all, or one dump's."""
    with ctx.store.read() as connection:
        found = ledger(connection, "studio")
    return [entry for entry in found if dump is None or entry.dump == dump]


def restored(ctx, entry, folder: Path) -> Path:
    """Restore a dump's snapshot and return its one file."""
    folder.mkdir()
    assert ctx.restic.restore(repository_access(ctx, "local"), entry.id, folder).ok
    (found,) = folder.iterdir()
    return found
