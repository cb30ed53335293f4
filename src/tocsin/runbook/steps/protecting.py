"""Steps that take a backup now, and let scheduled ones run again."""

from typing import ClassVar

from tocsin.backups import resume_backups, run_backup
from tocsin.context import Context
from tocsin.errors import OperationFailed, UsageError
from tocsin.model.fields import Line
from tocsin.runbook.kinds import Done, Parameters, Place, Waits


class RunBackupParameters(Parameters):
    """Which backup plan; into one of its repositories, or into each."""

    backup_plan: Line
    repository: Line | None = None


class RunBackup:
    """Take a backup now: of what is left before anybody touches it, say."""

    name: ClassVar[str] = "backup.run"
    parameters: ClassVar[type[Parameters]] = RunBackupParameters
    # A second one is another snapshot, and harms nobody.
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False

    def run(self, ctx: Context, place: Place, parameters: RunBackupParameters) -> Done | Waits:
        """Back up; anything but a whole, plausible backup is a failure."""
        outcome = run_backup(ctx, parameters.backup_plan, repository=parameters.repository)
        if outcome.verdict != "ok":
            raise OperationFailed(
                f"The backup of {parameters.backup_plan} is {outcome.verdict}. {' '.join(outcome.reasons[:3])}"
            )
        entry = outcome.snapshot
        return Done({"backup_plan": outcome.plan, "snapshot": entry.id if entry else None})

    def simulate(self, parameters: RunBackupParameters) -> str:
        """Say what would be backed up."""
        into = f" into {parameters.repository}" if parameters.repository else ""
        return f"back up {parameters.backup_plan}{into}"


class ResumeParameters(Parameters):
    """Why scheduled backups may run again."""

    reason: Line


class ResumeBackups:
    """Let scheduled backups run again."""

    name: ClassVar[str] = "backup.resume"
    parameters: ClassVar[type[Parameters]] = ResumeParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False

    def run(self, ctx: Context, place: Place, parameters: ResumeParameters) -> Done | Waits:
        """Resume them; running already is as good."""
        try:
            resume_backups(ctx, parameters.reason)
        except UsageError:
            return Done({"resumed": False})
        return Done({"resumed": True})

    def simulate(self, parameters: ResumeParameters) -> str:
        """Say that backups would run again."""
        return "let scheduled backups run again"
