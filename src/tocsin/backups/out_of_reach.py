"""Can this machine delete its own backups? Not asked of a setting: tried, on a scratch snapshot.

    proof = prove_append_only(ctx, "files")

For each repository of the plan that is marked append-only, with the host's own credentials: a scratch snapshot of
two small files is taken and entered in the ledger; then it is tried to overwrite its tags, to put one without the
second file in its place, and to delete it. What restic says of that counts for nothing, for it exits 0 when a
server refuses a deletion: the snapshots are listed again after each attempt. Pruning is not tried: with nothing to
remove it succeeds anywhere. A repository that lets anything through fails.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import insert, update

from tocsin.backups.plans import TAG, find_plan, host_of
from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.errors import OperationFailed, TocsinError, UsageError
from tocsin.ports import RepositoryAccess, Snapshot
from tocsin.repositories import repository_access
from tocsin.store.database import JsonValue
from tocsin.store.operations import Operation, begin, finish
from tocsin.store.tables import snapshot as snapshots

KIND = "append-only-proof"
SCRATCH = "append-only-proof"
_OVERWRITTEN = "overwritten"
_FIRST, _SECOND = "scratch-one", "scratch-two"


class Attempt(StrEnum):
    """What was tried against a repository."""

    OVERWRITE = "overwrite"
    SHRINK = "shrink"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of each attempt in one repository: True where it was refused."""

    repository: str
    refused: dict[Attempt, bool]
    snapshot: str

    @property
    def holds(self) -> bool:
        """Whether nothing got through."""
        return all(self.refused.values())


def prove_append_only(ctx: Context, plan_id: str, *, repository: str | None = None) -> tuple[Proof, ...]:
    """Try to harm the plan's append-only repositories, and record what they let through.

    `repository` names one of the plan's, marked append-only or not. Raises UsageError when there is none to try,
    and what restic raises when one cannot be reached at all: that proves nothing, either way.
    """
    plan = find_plan(ctx, plan_id)
    marked = [name for name in plan.repositories if ctx.workspace.repositories[name].append_only]
    names = [repository] if repository else marked
    if not names or not set(names) <= set(plan.repositories):
        raise UsageError(
            f"The backup plan {plan.id!r} has no repository to try: none of {', '.join(plan.repositories)} is "
            "marked append_only: true. Name one with --repository to try it all the same."
        )
    return tuple(_prove(ctx, plan.id, name) for name in names)


def _prove(ctx: Context, plan: str, repository: str) -> Proof:
    operation = begin(ctx.store, ctx.actor, KIND, f"repository:{repository}")
    proof: Proof | None = None
    try:
        access = repository_access(ctx, repository)
        scratch = _scratch(ctx, plan, repository, access, operation)
        proof = Proof(repository, _attempt_all(ctx, access, scratch), scratch.id)
    finally:
        verdict = "unproven" if proof is None else "proven" if proof.holds else "refuted"
        refused: dict[str, JsonValue] = {}
        if proof is not None:
            refused |= {str(act): held for act, held in proof.refused.items()}
        with ctx.store.write(ctx.actor) as tx:
            if proof is not None and not proof.holds:
                tx.execute(
                    update(snapshots)
                    .where(snapshots.c.id == proof.snapshot, snapshots.c.repository == repository)
                    .values(gone_at=tx.now)
                )
            finish(tx, operation, verdict, {"repository": repository, "refused": refused})
        ctx.store.sign_head(ctx.actor)
    return proof


def _scratch(ctx: Context, plan: str, repository: str, access: RepositoryAccess, operation: Operation) -> Snapshot:
    """Take the scratch snapshot and enter it in the ledger, so that it is no stranger there."""
    folder = private_folder(ctx.workspace.state_folder / SCRATCH)
    for name in (_FIRST, _SECOND):
        write_durably(folder / name, ctx.store.new_id().encode())
    tags = [TAG, f"plan:{plan}", f"operation:{operation.id}"]
    host = host_of(ctx.workspace.organisation.name)
    summary = ctx.restic.backup(access, [folder], tags=[*tags, SCRATCH], host=host)
    found = next((one for one in _listed(ctx, access) if one.id == summary.snapshot_id), None)
    if found is None:
        raise OperationFailed(f"repository {repository}: the scratch snapshot was not saved; nothing is proven.")
    with ctx.store.write(ctx.actor) as tx:
        row = {
            "id": found.id, "repository": repository, "backup_plan": plan, "tree": found.tree, "time": found.time,
            "verdict": "scratch", "files": 1, "bytes": summary.total_bytes, "added_bytes": 0,
            "paths": list(found.paths), "operation": operation.id,
        }  # fmt: skip
        tx.execute(insert(snapshots).values(row))
        tx.record("backup.scratch", f"repository:{repository}", {"snapshot": found.id, "operation": operation.id})
    return found


def _attempt_all(ctx: Context, access: RepositoryAccess, scratch: Snapshot) -> dict[Attempt, bool]:
    """Try each on what is left of the scratch snapshot, and believe only a new listing."""
    target, mine = scratch.id, next(tag for tag in scratch.tags if tag.startswith("operation:"))
    refused = {}
    acts: dict[Attempt, Callable[[str], object]] = {
        Attempt.OVERWRITE: lambda target: ctx.restic.tag(access, target, add=[_OVERWRITTEN]),
        Attempt.SHRINK: lambda target: ctx.restic.shrink(access, target, without=_SECOND),
        Attempt.DELETE: lambda target: ctx.restic.forget(access, [target]),
    }
    for attempt, act in acts.items():
        with suppress(TocsinError):
            act(target)
        # By its own tag: what restic calls the original changes when a rewritten one is rewritten again.
        left = [one for one in _listed(ctx, access) if mine in one.tags]
        refused[attempt] = target in {one.id for one in left}
        if not refused[attempt] and left:
            target = left[-1].id  # what took its place
    return refused


def _listed(ctx: Context, access: RepositoryAccess) -> tuple[Snapshot, ...]:
    return ctx.restic.snapshots(access, on_damaged=lambda *_: None)
