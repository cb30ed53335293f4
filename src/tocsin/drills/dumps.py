"""A dump that is a snapshot of its own: one file, held to the digest that was recorded when it was made."""

import hashlib
from datetime import timedelta
from pathlib import Path

from tocsin.context import Context
from tocsin.manifest import Comparison
from tocsin.ports import OnProgress
from tocsin.recovery import LedgerSnapshot, Listing, Restored, locate
from tocsin.recovery.placing import below


def restore_dump(
    ctx: Context,
    snapshot: LedgerSnapshot,
    listing: Listing,
    target: Path,
    on_progress: OnProgress | None = None,
) -> Restored:
    """Restore a dump into the empty folder `target` and compare its digest. Raises as restore_and_verify does."""
    began = ctx.clock.monotonic()
    summary = ctx.restic.restore(listing.access, locate(listing, snapshot).id, target, on_progress=on_progress)
    fetched = ctx.clock.monotonic()
    comparison = judge_dump(snapshot, digest_of(dump_in(target, snapshot)))
    verified = ctx.clock.monotonic()
    problem = (
        None if snapshot.dump_sha256 else "The dump was recorded without a digest, so nothing can be compared."
    )
    return Restored(
        snapshot=snapshot,
        summary=summary,
        comparison=comparison if snapshot.dump_sha256 else None,
        manifest_problem=problem,
        fetch=timedelta(seconds=fetched - began),
        verify=timedelta(seconds=verified - fetched),
    )


def dump_in(target: Path, snapshot: LedgerSnapshot) -> Path:
    """Return where a dump lies below the folder it was restored into."""
    return below(target, Path(snapshot.paths[0]))


def digest_of(dump: Path) -> str | None:
    """Return a dump's SHA-256, None when it did not come back."""
    if not dump.is_file():
        return None
    with dump.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def judge_dump(snapshot: LedgerSnapshot, digest: str | None) -> Comparison:
    """Hold a dump's digest against the ledger's; pure."""
    path = snapshot.paths[0]
    if digest is None:
        return Comparison(0, 0, missing=(path,))
    if digest != snapshot.dump_sha256:
        return Comparison(0, snapshot.bytes, changed=(path,))
    return Comparison(1, snapshot.bytes)
