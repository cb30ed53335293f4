"""Steps that bring data back from a snapshot, or prove that it could be."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, StringConstraints

from tocsin.context import Context
from tocsin.errors import OperationFailed
from tocsin.model.fields import Line
from tocsin.model.workspace import Workspace
from tocsin.recovery import Wish, choose_snapshot, list_snapshots, recover, restore_and_verify, scratch
from tocsin.repositories import repository_access
from tocsin.runbook.kinds import Done, Parameters, Place, Waits

SnapshotId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{6,64}$")]


class RecoverParameters(Parameters):
    """Which backup plan, and where to; `before` and `snapshot` choose another than the newest good snapshot."""

    backup_plan: Line
    to: Line
    before: AwareDatetime | None = None
    snapshot: SnapshotId | None = None
    replace: bool = False


class Recover:
    """Bring a backup plan's data back, every file compared with its manifest before it is put in place."""

    name: ClassVar[str] = "restore.recover"
    parameters: ClassVar[type[Parameters]] = RecoverParameters
    # What is there is moved aside each time, so that a second run is for a person to decide.
    idempotent: ClassVar[bool] = False
    destructive: ClassVar[bool] = False

    def run(self, ctx: Context, place: Place, parameters: RecoverParameters) -> Done | Waits:
        """Recover it."""
        wish = Wish(
            _path(ctx.workspace, parameters.to), parameters.snapshot, parameters.before, replace=parameters.replace
        )
        done = recover(ctx, parameters.backup_plan, wish)
        return Done(
            {
                "snapshot": done.snapshot.id,
                "destination": str(done.destination),
                "aside": str(done.aside) if done.aside else None,
                "files": done.files,
                "bytes": done.bytes,
                "took_seconds": int(done.took.total_seconds()),
                "age_seconds": int(done.age.total_seconds()),
            }
        )

    def simulate(self, parameters: RecoverParameters) -> str:
        """Say what would be brought back, and where to."""
        which = _which(parameters.snapshot, parameters.before)
        aside = ", what is there moved aside" if parameters.replace else ""
        return f"bring {parameters.backup_plan} back to {parameters.to} from {which}{aside}"


class VerifyRestoreParameters(Parameters):
    """Which backup plan; `before` and `snapshot` choose another than the newest good snapshot."""

    backup_plan: Line
    before: AwareDatetime | None = None
    snapshot: SnapshotId | None = None


class VerifyRestore:
    """Restore a snapshot into scratch, compare every file with its manifest, and remove it again."""

    name: ClassVar[str] = "restore.verify"
    parameters: ClassVar[type[Parameters]] = VerifyRestoreParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    is_isolated: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: VerifyRestoreParameters) -> Done | Waits:
        """Restore it, compare it, remove it."""
        with ctx.store.read() as connection:
            snapshot = choose_snapshot(
                connection,
                parameters.backup_plan,
                snapshot_id=parameters.snapshot,
                not_after=parameters.before,
            )
        listing = list_snapshots(ctx, repository_access(ctx, snapshot.repository))
        with scratch(ctx, "verify", needed_bytes=snapshot.bytes) as area:
            restored = restore_and_verify(ctx, snapshot, listing, area)
        if not restored.ok:
            raise OperationFailed(
                f"What came back from snapshot {snapshot.short_id} is not what was backed up: "
                f"{restored.manifest_problem or 'files are missing, damaged or have other content'}."
            )
        took = restored.fetch + restored.verify
        return Done({"passed": True, "snapshot": snapshot.id, "took_seconds": int(took.total_seconds())})

    def simulate(self, parameters: VerifyRestoreParameters) -> str:
        """Say what would be restored."""
        which = _which(parameters.snapshot, parameters.before)
        return f"restore {parameters.backup_plan} from {which} into scratch and compare every file"


def _which(snapshot: str | None, before: datetime | None) -> str:
    if snapshot is not None:
        return f"snapshot {snapshot}"
    return f"the newest good snapshot{f' before {before.isoformat()}' if before else ''}"


def _path(workspace: Workspace, text: str) -> Path:
    return workspace.resolve(text)
