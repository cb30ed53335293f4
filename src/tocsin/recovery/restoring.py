"""Bring one snapshot back into an empty folder and prove, file by file, that it is what was backed up.

1. Find the snapshot in the repository: its id may have changed by tagging.
2. `restic restore`, from the repository itself and no cache.
3. Bind the manifest that came with it to the digest in our ledger: a forged one vouches for nothing.
4. Hash every restored file and compare it with the manifest: missing, extra, changed.

What is wrong is returned, not raised: whoever called decides whether that is a failed drill or a recovery
that must not be put in place. Raised is only what kept the restore from being tried.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tocsin.context import Context
from tocsin.errors import OperationFailed
from tocsin.manifest import Comparison, Manifest, read_manifest, verify_restored
from tocsin.ports import OnProgress, RepositoryAccess, RestoreSummary, Snapshot
from tocsin.recovery.ledger import LedgerSnapshot

OnStage = Callable[[str], None]
CLOCK_TOLERANCE = timedelta(hours=1)


def silent(stage: str) -> None:
    """Hear of a stage and say nothing."""


class SnapshotGone(OperationFailed):
    """The repository no longer holds the snapshot that our ledger has."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What an opened repository says it holds. `unreadable` pairs a snapshot's id with what is wrong."""

    access: RepositoryAccess = field(repr=False)
    snapshots: tuple[Snapshot, ...]
    unreadable: tuple[tuple[str, str], ...] = ()

    def find(self, snapshot: LedgerSnapshot) -> Snapshot | None:
        """Return the ledger's snapshot as it is called now, or None.

        An id is the hash of what it names. Only `original`, which tagging leaves, could be forged: then the tree
        must be the one we recorded, where we did, and the manifest is bound in any case.
        """
        if exact := next((found for found in self.snapshots if found.id == snapshot.id), None):
            return exact
        tagged = (found for found in self.snapshots if found.original == snapshot.id)
        return next((found for found in tagged if not snapshot.tree or found.tree == snapshot.tree), None)

    def foreign(self, known_ids: frozenset[str], now: datetime) -> tuple[Snapshot, ...]:
        """Return the snapshots that our ledger does not know, or that claim to be from the future."""
        return tuple(
            found
            for found in self.snapshots
            if found.identity not in known_ids or found.time > now + CLOCK_TOLERANCE
        )


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back. `manifest_problem` says why the manifest vouches for nothing; then nothing was compared."""

    snapshot: LedgerSnapshot
    summary: RestoreSummary
    comparison: Comparison | None
    manifest_problem: str | None
    fetch: timedelta
    verify: timedelta

    @property
    def ok(self) -> bool:
        """Whether every file is there and is what was backed up."""
        return self.summary.ok and self.comparison is not None and self.comparison.is_whole


def list_snapshots(ctx: Context, access: RepositoryAccess) -> Listing:
    """Ask the repository what it holds; what it cannot read is named, not left out."""
    unreadable: list[tuple[str, str]] = []
    found = ctx.restic.snapshots(access, on_damaged=lambda snapshot_id, why: unreadable.append((snapshot_id, why)))
    return Listing(access, found, tuple(unreadable))


def locate(listing: Listing, snapshot: LedgerSnapshot) -> Snapshot:
    """Return the snapshot under its present id. Raises SnapshotGone."""
    if found := listing.find(snapshot):
        return found
    for snapshot_id, why in listing.unreadable:
        if snapshot_id == snapshot.id:
            raise SnapshotGone(
                f"The repository {snapshot.repository} cannot read snapshot {snapshot.short_id}: {why}."
            )
    raise SnapshotGone(
        f"The repository {snapshot.repository} no longer holds snapshot {snapshot.short_id} of "
        f"{snapshot.time:%Y-%m-%d %H:%M} UTC, which our ledger says it must. It was deleted there, or replaced. "
        "Choose another with --snapshot or --before, and find out who did that."
    )


def restore_and_verify(
    ctx: Context,
    snapshot: LedgerSnapshot,
    listing: Listing,
    target: Path,
    *,
    include: Sequence[Path] = (),
    on_progress: OnProgress | None = None,
) -> Restored:
    """Restore `snapshot` into the empty folder `target` and compare every file with its manifest.

    Args:
        ctx: the tools.
        snapshot: the ledger's.
        listing: its repository, as `list_snapshots` opened it.
        target: an empty folder; restored paths lie under it in full.
        include: absolute paths to restore and compare; all when empty.
        on_progress: hears how far restic is.

    Raises:
        SnapshotGone: the repository does not hold it any more.
        OperationFailed, Temporary, ConfigurationError, Interrupted: the restore could not be tried.
    """
    found = locate(listing, snapshot)
    began = ctx.clock.monotonic()
    wanted = _patterns(snapshot, include)
    summary = ctx.restic.restore(listing.access, found.id, target, include=wanted, on_progress=on_progress)
    fetched = ctx.clock.monotonic()
    manifest, problem = bound_manifest(snapshot, target)
    comparison = (
        verify_restored(manifest, target, only=include, changed_during_backup=snapshot.changed)
        if manifest
        else None
    )
    verified = ctx.clock.monotonic()
    return Restored(
        snapshot=snapshot,
        summary=summary,
        comparison=comparison,
        manifest_problem=problem,
        fetch=timedelta(seconds=fetched - began),
        verify=timedelta(seconds=verified - fetched),
    )


def bound_manifest(snapshot: LedgerSnapshot, target: Path) -> tuple[Manifest | None, str | None]:
    """Return the restored manifest if it is the one our ledger recorded, else what is wrong with it."""
    if not snapshot.manifest_sha256 or not snapshot.manifest_folder:
        return None, "The snapshot was taken without a manifest, so nothing can be compared."
    try:
        folder = target / snapshot.manifest_folder.relative_to("/")
        return read_manifest(folder, sha256=snapshot.manifest_sha256), None
    except OperationFailed as fault:
        return None, str(fault).replace(str(target), "")  # the place in the snapshot, not in scratch


def _patterns(snapshot: LedgerSnapshot, include: Sequence[Path]) -> tuple[str, ...]:
    """Return restic's patterns; the manifest always comes along."""
    if not include:
        return ()
    wanted = [*include, *filter(None, [snapshot.manifest_folder])]
    return tuple(_literal(str(path)) for path in wanted)


def _literal(path: str) -> str:
    """Return a path as a restic pattern that means nothing but itself."""
    return "".join(f"\\{character}" if character in "*?[\\" else character for character in path)
