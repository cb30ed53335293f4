"""Steps that bring data back from a snapshot, or prove that it could be."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, StringConstraints

from tocsin.context import Context
from tocsin.errors import OperationFailed, UsageError
from tocsin.model.fields import Line
from tocsin.model.workspace import Workspace
from tocsin.recovery import (
    Wanted,
    Wish,
    choose_snapshot,
    choose_wanted,
    fetch,
    list_snapshots,
    recover,
    recover_from_some,
    remove_scratch,
    restore_and_verify,
    run_area,
    scratch,
)
from tocsin.repositories import repository_access
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.language import Mode
from tocsin.runbook.steps.choosing import Choosing, told, wanted

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


class RestoreFilesParameters(Choosing):
    """Which snapshot (see `restore.choose`), only which paths of it, and where the files go when it is live.

    In a drill they go into the scratch area of the run and `to` is not touched.
    """

    to: Line | None = None
    replace: bool = False
    include: tuple[Line, ...] = ()


class RestoreFiles:
    """Bring files back, verified: into isolation in a drill, in place when it is live.

    A repository that is lost or damaged is passed over, and the plan's next one is tried.
    """

    name: ClassVar[str] = "restore.files"
    parameters: ClassVar[type[Parameters]] = RestoreFilesParameters
    # What is there is moved aside each time, so that a second run is for a person to decide.
    idempotent: ClassVar[bool] = False
    destructive: ClassVar[bool] = False
    is_isolated: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: RestoreFilesParameters) -> Done | Waits:
        """Restore them; `folder` of what it puts out is where they lie."""
        include = tuple(map(Path, parameters.include))
        asked = replace(wanted(ctx, parameters), include=include)
        if place.mode is Mode.LIVE:
            return self._in_place(ctx, asked, parameters)
        needed = choose_wanted(ctx, asked).bytes
        with run_area(ctx, place.run, needed_bytes=needed) as area:
            found = fetch(ctx, asked, emptied(area / "files" / place.step.id))
        return Done(
            {
                **told(found.snapshot),
                "folder": str(found.top),
                "files": found.files,
                "bytes": found.bytes,
                "fetch_ms": milliseconds(found.fetch),
                "verify_ms": milliseconds(found.verify),
                "passed_over": list(found.passed_over),
            }
        )

    def _in_place(self, ctx: Context, asked: Wanted, parameters: RestoreFilesParameters) -> Done:
        if parameters.to is None:
            raise UsageError("Where the files go when it is live is not said: add `to:` to the step.")
        destination = _path(ctx.workspace, parameters.to)
        done, passed_over = recover_from_some(ctx, asked, destination, replace_there=parameters.replace)
        return Done(
            {
                **told(done.snapshot),
                "folder": str(done.destination),
                "aside": str(done.aside) if done.aside else None,
                "files": done.files,
                "bytes": done.bytes,
                "fetch_ms": milliseconds(done.took),
                "verify_ms": 0,
                "passed_over": list(passed_over),
            }
        )

    def simulate(self, parameters: RestoreFilesParameters) -> str:
        """Say what would be brought back, and where to."""
        aside = ", what is there moved aside" if parameters.replace else ""
        goes = f"to {parameters.to}{aside}" if parameters.to else "into scratch"
        return f"restore {parameters.described} {goes}, and compare every file with what was backed up"


def milliseconds(span: timedelta) -> int:
    """Return a time span as later steps and reports read it."""
    return round(span.total_seconds() * 1000)


def emptied(folder: Path) -> Path:
    """Return a folder of the scratch area without what an earlier attempt left in it."""
    if folder.exists():
        remove_scratch(folder)
    return folder


def _which(snapshot: str | None, before: datetime | None) -> str:
    if snapshot is not None:
        return f"snapshot {snapshot}"
    return f"the newest good snapshot{f' before {before.isoformat()}' if before else ''}"


def _path(workspace: Workspace, text: str) -> Path:
    return workspace.resolve(text)
