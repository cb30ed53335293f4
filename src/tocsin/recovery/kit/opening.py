"""Make a workspace again out of a recovery kit, on a machine that has nothing.

1. Every file is written into a folder beside the one wanted; the secrets into `.tocsin/secrets`, and the
   references in the workspace's files are pointed at them, for what they named is on a machine that is gone.
2. The folder takes its name in one rename: all of it or nothing.
3. With a store of its own, the ledger is taken over; an entry of the new journal vouches for it.
"""

import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert, select

from tocsin.context import Context
from tocsin.durable import explained, private_folder, write_durably
from tocsin.errors import OperationFailed, Refused, UsageError
from tocsin.recovery.kit.contents import Kit
from tocsin.recovery.ledger import ADOPTED
from tocsin.store.operations import begin, finish
from tocsin.store.tables import snapshot as snapshots
from tocsin.workspace.finding import FILE

SECRETS = ".tocsin/secrets"
OWN_STORE = "sqlite:///.tocsin/tocsin.db"
_YAML = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Opened:
    """What the kit brought: snapshots by backup plan, and when the kit was made."""

    snapshots: Mapping[str, int]
    made_at: str


def open_kit(kit: Kit, folder: Path) -> Path:
    """Write the workspace into `folder`, which must be missing or empty, and return it.

    Raises Refused when something is there, UsageError for a place that cannot be, OperationFailed when the disk
    will not take it; nothing is left behind then.
    """
    folder = folder.absolute()
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UsageError(f"{folder} is not a folder. Name one that is empty or not there yet.")
    if folder.is_dir() and any(folder.iterdir()):
        raise Refused(f"{folder} is not empty; nothing was written. Name an empty folder.")
    if not folder.parent.is_dir():
        raise UsageError(f"{folder.parent} does not exist. Make it first.")
    beside = folder.with_name(f".{folder.name}.opening")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        _write(kit, private_folder(beside))
        with explained(folder):
            beside.rename(folder)  # POSIX: also onto an empty folder, in one step
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(beside)
        raise
    return folder


def _write(kit: Kit, folder: Path) -> None:
    kept = {reference: f"file:{SECRETS}/{label}" for reference, label in kit.index["references"].items()}
    for name, data in kit.files.items():
        path = folder / name
        private_folder(path.parent)
        text = _pointed(data, kept, kit.index["store"]) if path.suffix in _YAML else data
        write_durably(path, text)
    if not (folder / FILE).is_file():
        raise OperationFailed(f"The kit holds no {FILE}: it is not one of a workspace.")
    private_folder(folder / SECRETS)
    for label, secret in kit.secrets.items():
        write_durably(folder / SECRETS / label, secret.encode() + b"\n")
    if kit.head:
        write_durably(folder / ".tocsin" / "journal-head-of-the-lost-server.json", kit.head)
    if kit.public_key:
        write_durably(folder / ".tocsin" / "journal-of-the-lost-server.pub", kit.public_key)


def _pointed(data: bytes, kept: Mapping[str, str], store: str) -> bytes:
    """Point a file's references at what the kit brought, and its store at one of this machine."""
    text = data.decode("utf-8")
    replaced = dict(kept)
    if not store.startswith("sqlite"):
        replaced[store] = OWN_STORE
    # The longest first: one reference may be the beginning of another.
    for old in sorted(replaced, key=len, reverse=True):
        text = re.sub(rf"(?<![\w:/.-]){re.escape(old)}(?![\w:/.-])", lambda _, new=replaced[old]: new, text)  # type: ignore[misc]  # bound now
    return text.encode()


def take_over(ctx: Context, kit: Kit) -> Opened:
    """Write the kit's ledger into the new store; raises Refused when that has snapshots already."""
    with ctx.store.read() as connection:
        if connection.execute(select(snapshots.c.id).limit(1)).first() is not None:
            raise Refused("This workspace has a ledger already; nothing was taken over.")
    counts: dict[str, int] = {}
    for plan in dict.fromkeys(str(row["backup_plan"]) for row in kit.ledger):
        rows = [row for row in kit.ledger if row["backup_plan"] == plan]
        operation = begin(ctx.store, ctx.actor, "kit-opening", f"plan:{plan}")
        with ctx.store.write(ctx.actor) as tx:
            for row in rows:
                known = {name: value for name, value in row.items() if name in snapshots.c}
                known |= {
                    "time": datetime.fromisoformat(str(row["time"])),
                    "operation": operation.id,
                    "gone_at": None,
                }
                tx.execute(insert(snapshots).values(**known))
            digests = [
                row[name] for row in rows for name in ("id", "manifest_sha256", "dump_sha256") if row.get(name)
            ]
            tx.record(ADOPTED, f"plan:{plan}", {"operation": operation.id, "snapshots": digests})
            finish(tx, operation, "ok", {"snapshots": len(rows)})
        counts[plan] = len(rows)
    ctx.store.sign_head(ctx.actor)
    return Opened(counts, str(kit.index["made_at"]))
