"""Bring a snapshot into scratch from whichever repository still has it whole.

1. Choose it from our own ledger, and ask the journal whether that row is as it was written.
2. Restore and verify it: files against their manifest, a dump against its recorded digest.
3. A repository that is lost, or gives back something else, is passed over and named; the next copy is tried.
"""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from tocsin.context import Context
from tocsin.durable import private_folder
from tocsin.errors import ConfigurationError, OperationFailed, Temporary
from tocsin.recovery.choosing import Choice, LastClean, Which, choose
from tocsin.recovery.ledger import LedgerSnapshot, Where, agrees_with_journal
from tocsin.recovery.placing import below, root_of
from tocsin.recovery.restoring import list_snapshots, locate, restore_and_verify
from tocsin.recovery.scratch import NoRoom, refuse_without_room
from tocsin.repositories import repository_access

_TOKEN_BYTES = 16


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to bring back: from where, which snapshot, and only these paths; the backups say what is clean.

    A relative path of `include` is meant as in the workspace, wherever that lay when the backup was taken.
    """

    where: Where
    choice: Choice
    last_clean: LastClean | None = None
    include: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back, verified. `top` is where the data lies; `passed_over` tells which copies would not do."""

    snapshot: LedgerSnapshot
    top: Path
    files: int
    bytes: int
    fetch: timedelta
    verify: timedelta
    passed_over: tuple[str, ...] = field(default=())


def choose_wanted(ctx: Context, wanted: Wanted) -> LedgerSnapshot:
    """Return the snapshot that is wanted, vouched for by the journal. Raises as `choose` does."""
    with ctx.store.read() as connection:
        token = ctx.randomness.token(_TOKEN_BYTES)
        snapshot = choose(connection, wanted.where, wanted.choice, last_clean=wanted.last_clean, token=token)
        if not agrees_with_journal(connection, snapshot):
            raise OperationFailed(
                f"Our ledger's row of snapshot {snapshot.short_id} does not agree with the journal: one of them "
                "was altered. Nothing was restored. Run 'tocsin journal verify', and choose another snapshot."
            )
    return snapshot


def fetch(ctx: Context, wanted: Wanted, folder: Path) -> Fetched:
    """Restore what is wanted into the empty or missing `folder`, verified, from the first copy that is whole.

    Raises OperationFailed when no copy would do, with what was wrong with each; UsageError for a wrong wish;
    NoRoom before anything is restored.
    """
    passed_over: list[str] = []
    lost = set(wanted.where.without)
    while True:
        try:
            snapshot = choose_wanted(ctx, replace(wanted, where=replace(wanted.where, without=frozenset(lost))))
        except OperationFailed as none:
            raise no_copy(none, passed_over) from none
        refuse_without_room(private_folder(folder).parent, snapshot.bytes)
        try:
            return replace(_fetched(ctx, snapshot, wanted, folder), passed_over=tuple(passed_over))
        except (Temporary, OperationFailed, ConfigurationError) as fault:
            if isinstance(fault, NoRoom) or wanted.choice.which is Which.NAMED:
                raise
            passed_over.append(f"{snapshot.repository}: {fault}")
            lost.add(snapshot.repository)
        for left in folder.iterdir():
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()


def no_copy(none: OperationFailed, passed_over: Sequence[str]) -> OperationFailed:
    """Return the error for when every copy was tried: what was wrong with each."""
    if not passed_over:
        return none
    return OperationFailed("No copy would do:\n  " + "\n  ".join(passed_over))


def _fetched(ctx: Context, snapshot: LedgerSnapshot, wanted: Wanted, folder: Path) -> Fetched:
    listing = list_snapshots(ctx, repository_access(ctx, snapshot.repository))
    if snapshot.dump:
        began = ctx.clock.monotonic()
        summary = ctx.restic.restore(listing.access, locate(listing, snapshot).id, folder)
        fetched = ctx.clock.monotonic()
        if not summary.ok:
            raise OperationFailed(f"restic could not bring snapshot {snapshot.short_id} back whole.")
        top = below(folder, Path(snapshot.paths[0]))
        _refuse_other(top, snapshot)
        verify = timedelta(seconds=ctx.clock.monotonic() - fetched)
        return Fetched(snapshot, top, 1, snapshot.bytes, timedelta(seconds=fetched - began), verify)
    restored = restore_and_verify(
        ctx, snapshot, listing, folder, include=[snapshot.original(path) for path in wanted.include]
    )
    if not restored.ok or restored.comparison is None:
        found = restored.comparison
        wrong = [*found.missing, *found.changed] if found else []
        shown = ", ".join(wrong[:3]) + (" and more" if len(wrong) > 3 else "")  # noqa: PLR2004 - a line's worth
        why = shown or restored.manifest_problem or "restic named no file"
        raise OperationFailed(
            f"What came back from snapshot {snapshot.short_id} is not what was backed up: {why.rstrip('.')}."
        )
    counted = restored.comparison
    top = below(folder, root_of(snapshot.sources))
    return Fetched(snapshot, top, counted.matching, counted.hashed_bytes, restored.fetch, restored.verify)


def _refuse_other(dump: Path, snapshot: LedgerSnapshot) -> None:
    """Raise OperationFailed unless a restored dump has the digest that was recorded when it was made."""
    if not dump.is_file():
        raise OperationFailed(f"Snapshot {snapshot.short_id} does not hold the dump {dump.name}.")
    with dump.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not snapshot.dump_sha256:
        raise OperationFailed(f"The dump of snapshot {snapshot.short_id} was recorded without a digest.")
    if digest != snapshot.dump_sha256:
        raise OperationFailed(
            f"The dump that came back from snapshot {snapshot.short_id} has other content than was backed up."
        )
