"""Back up, know how fresh and whole the backups are, and keep them from being pruned when they are needed.

    run_backup(ctx, "files")                  journal → manifest → one restic call → verdict → journal
    backup_if_due(ctx, "files", now)          the same by the clock: due, paused, claimed once
    freshness(connection, workspace, now)     how much work would be lost now, from the ledger
    watch(ctx)                                the same against the repositories themselves; raises alarms
    hold_snapshots(ctx, plans, reason, incident)
    last_good_snapshot(connection, "files", not_after=...)

Does not restore (recovery does) and deletes nothing.
"""

from typing import TYPE_CHECKING

from tocsin.backups.freshness import Freshness, PlanFreshness, freshness, last_good_snapshot
from tocsin.backups.ledger import LedgerEntry, held_snapshots, ledger
from tocsin.lazily import handed_out

if TYPE_CHECKING:
    from tocsin.backups.creating import create_repository
    from tocsin.backups.due import Pause, Skipped, backup_if_due, pause_backups, paused, resume_backups
    from tocsin.backups.holding import Hold, active_holds, all_active_holds, hold_snapshots, release_hold
    from tocsin.backups.judging import BackupFacts, BackupVerdict, Reason, Verdict, judge_backup
    from tocsin.backups.planning import PlannedBackup, plan_backup
    from tocsin.backups.running import BackupOutcome, Copy, find_plan, run_backup
    from tocsin.backups.unknown import Settled, settle_unknown
    from tocsin.backups.watching import Alarm, Watched, watch

__all__ = [
    "Alarm",
    "BackupFacts",
    "BackupOutcome",
    "BackupVerdict",
    "Copy",
    "Freshness",
    "Hold",
    "LedgerEntry",
    "Pause",
    "PlanFreshness",
    "PlannedBackup",
    "Reason",
    "Settled",
    "Skipped",
    "Verdict",
    "Watched",
    "active_holds",
    "all_active_holds",
    "backup_if_due",
    "create_repository",
    "find_plan",
    "freshness",
    "held_snapshots",
    "hold_snapshots",
    "judge_backup",
    "last_good_snapshot",
    "ledger",
    "pause_backups",
    "paused",
    "plan_backup",
    "release_hold",
    "resume_backups",
    "run_backup",
    "settle_unknown",
    "watch",
]

# Reading the ledger must not wait for what a backup itself needs.
__getattr__ = handed_out(
    __name__,
    {
        "creating": ("create_repository",),
        "due": (
            "Pause",
            "Skipped",
            "backup_if_due",
            "pause_backups",
            "paused",
            "resume_backups",
        ),
        "holding": (
            "Hold",
            "active_holds",
            "all_active_holds",
            "hold_snapshots",
            "release_hold",
        ),
        "judging": (
            "BackupFacts",
            "BackupVerdict",
            "Reason",
            "Verdict",
            "judge_backup",
        ),
        "planning": (
            "PlannedBackup",
            "plan_backup",
        ),
        "running": (
            "BackupOutcome",
            "Copy",
            "find_plan",
            "run_backup",
        ),
        "unknown": (
            "Settled",
            "settle_unknown",
        ),
        "watching": (
            "Alarm",
            "Watched",
            "watch",
        ),
    },
)
