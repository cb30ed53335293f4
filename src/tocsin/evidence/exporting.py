"""Bring an item out of the repository again: into a folder, every hash compared with what was taken."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tocsin.context import Context
from tocsin.durable import private_folder
from tocsin.errors import OperationFailed, Refused, UsageError
from tocsin.evidence.custody import must_be_ours, write_act
from tocsin.evidence.items import Item, item_of
from tocsin.manifest import read_manifest, verify_restored
from tocsin.repositories import repository_access


@dataclass(frozen=True, slots=True)
class Exported:
    """Where the item lies now, and its hash, which is the one it was taken with."""

    item: Item
    path: Path
    sha256: str
    files: int
    changed: tuple[str, ...]


def export_item(ctx: Context, identity: str, folder: Path, *, reason: str = "") -> Exported:
    """Restore an item into an empty folder, compare its hash, and write it into the chain of custody.

    Raises Refused for an item that was never kept, UsageError for a folder that is not empty, OperationFailed when
    what came out is not what went in: then the folder is left to be looked at, and nothing vouches for it.
    """
    must_be_ours(ctx)
    with ctx.store.read() as connection:
        found = item_of(connection, identity)
    if not found.is_kept or found.snapshot is None or found.stored_path is None:
        raise Refused(f"{identity} is {found.state}, so there is nothing to export. Nothing was written.")
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not an empty folder. Name one that is, or that does not exist yet.")
    private_folder(folder)
    restored = ctx.restic.restore(repository_access(ctx, found.repository), found.snapshot, folder)
    if not restored.ok:
        raise _wrong(found, f"{len(restored.errors)} errors while it was restored")
    ctx.crash.reach("evidence:restored")
    path = folder / found.stored_path.lstrip("/")
    _compare(found, folder, path)
    with ctx.store.write(ctx.actor) as tx:
        note = reason.strip() or "a copy was made; its hash is the one it was taken with"
        write_act(tx, identity, "opened", other=str(folder), note=note)
    ctx.store.sign_head(ctx.actor)
    return Exported(found, path, found.sha256 or "", found.files or 0, found.changed)


def _compare(found: Item, folder: Path, path: Path) -> None:
    if found.kind != "folder":
        if not path.is_file():
            raise _wrong(found, f"there is no {path.name} in it")
        with path.open("rb") as file:
            now = hashlib.file_digest(file, "sha256").hexdigest()
        if now != found.sha256:
            raise _wrong(found, f"its SHA-256 is {now[:12]}… and was {(found.sha256 or '')[:12]}…")
        return
    manifest = read_manifest(folder / (found.manifest_path or "").lstrip("/"), sha256=found.sha256)
    compared = verify_restored(manifest, folder, changed_during_backup=found.changed)
    if not compared.is_whole:
        wrong = (*compared.missing, *compared.changed)
        raise _wrong(found, f"{len(wrong)} of its files are missing or changed, {wrong[0]} first")


def _wrong(found: Item, why: str) -> OperationFailed:
    return OperationFailed(
        f"{found.id} came out of {found.repository} other than it went in: {why}. Do not rely on this copy; the "
        "chain of custody does not name it. `tocsin backup check` looks at the repository."
    )
