"""Back up, know how fresh and whole the backups are, and keep them from being pruned when they are needed.

    run_backup(ctx, "files")                  journal → manifest → one restic call → verdict → journal
    backup_if_due(ctx, "files", now)          the same by the clock: due, paused, claimed once
    freshness(connection, workspace, now)     how much work would be lost now, from the ledger
    watch(ctx)                                the same against the repositories themselves; raises alarms
    copy_plan(ctx, "files", "offsite")        fill a second repository from the first
    hold_snapshots(ctx, plans, reason, incident)
    last_good_snapshot(connection, "files", not_after=...)
    last_clean_snapshot(ctx, "file-share", not_after=...)     plausible, before the intrusion, data checked
    explain(ctx, "files", Explanation.EXPECTED, reason)       a suspicion, explained by a person

    check_repository(ctx, "local"); forget_snapshots(ctx, "local"); prune_repository(ctx, "local")

Does not restore (recovery does). Deletes nothing but what a plan's retention lets go.
"""

from typing import TYPE_CHECKING

from tocsin.backups.freshness import Freshness, PlanFreshness, freshness, last_good_snapshot
from tocsin.backups.ledger import LedgerEntry, held_snapshots, ledger
from tocsin.lazily import handed_out

if TYPE_CHECKING:
    from tocsin.backups.checking import Checked, check_repository
    from tocsin.backups.copying import Copied, copy_plan, plan_copies
    from tocsin.backups.creating import create_repository
    from tocsin.backups.due import Pause, Skipped, backup_if_due, pause_backups, paused, resume_backups
    from tocsin.backups.holding import Hold, active_holds, all_active_holds, hold_snapshots, release_hold
    from tocsin.backups.judging import BackupFacts, BackupVerdict, Reason, Verdict, judge_backup
    from tocsin.backups.key_check import KeyChecked, check_key
    from tocsin.backups.keys import Rotated, add_key, list_keys, remove_key, rotate_key
    from tocsin.backups.last_clean import LastClean, choose_last_clean, last_clean_snapshot
    from tocsin.backups.maintaining import (
        Forgotten,
        Maintained,
        forget_snapshots,
        maintain_if_due,
        prove_now,
        prune_repository,
    )
    from tocsin.backups.out_of_reach import Attempt, Proof, prove_append_only
    from tocsin.backups.planning import PlannedBackup, plan_backup
    from tocsin.backups.plans import find_plan
    from tocsin.backups.running import BackupOutcome, Copy, attempt_backup, copy_behind, run_backup
    from tocsin.backups.suspecting import Explanation, Suspicion, explain, standing_suspicions
    from tocsin.backups.together import each_at_once
    from tocsin.backups.unknown import Settled, settle_unknown
    from tocsin.backups.watching import Watched, watch

__all__ = [
    "Attempt",
    "BackupFacts",
    "BackupOutcome",
    "BackupVerdict",
    "Checked",
    "Copied",
    "Copy",
    "Explanation",
    "Forgotten",
    "Freshness",
    "Hold",
    "KeyChecked",
    "LastClean",
    "LedgerEntry",
    "Maintained",
    "Pause",
    "PlanFreshness",
    "PlannedBackup",
    "Proof",
    "Reason",
    "Rotated",
    "Settled",
    "Skipped",
    "Suspicion",
    "Verdict",
    "Watched",
    "active_holds",
    "add_key",
    "all_active_holds",
    "attempt_backup",
    "backup_if_due",
    "check_key",
    "check_repository",
    "choose_last_clean",
    "copy_behind",
    "copy_plan",
    "create_repository",
    "each_at_once",
    "explain",
    "find_plan",
    "forget_snapshots",
    "freshness",
    "held_snapshots",
    "hold_snapshots",
    "judge_backup",
    "last_clean_snapshot",
    "last_good_snapshot",
    "ledger",
    "list_keys",
    "maintain_if_due",
    "pause_backups",
    "paused",
    "plan_backup",
    "plan_copies",
    "prove_append_only",
    "prove_now",
    "prune_repository",
    "release_hold",
    "remove_key",
    "resume_backups",
    "rotate_key",
    "run_backup",
    "settle_unknown",
    "standing_suspicions",
    "watch",
]

# Reading the ledger must not wait for what a backup itself needs.
__getattr__ = handed_out(
    __name__,
    {
        "copying": ("Copied", "copy_plan", "plan_copies"),
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
        "key_check": ("KeyChecked", "check_key"),
        "keys": ("Rotated", "add_key", "list_keys", "remove_key", "rotate_key"),
        "last_clean": (
            "LastClean",
            "choose_last_clean",
            "last_clean_snapshot",
        ),
        "judging": (
            "BackupFacts",
            "BackupVerdict",
            "Reason",
            "Verdict",
            "judge_backup",
        ),
        "checking": ("Checked", "check_repository"),
        "maintaining": (
            "Forgotten",
            "forget_snapshots",
            "Maintained",
            "maintain_if_due",
            "prove_now",
            "prune_repository",
        ),
        "out_of_reach": ("Attempt", "Proof", "prove_append_only"),
        "planning": (
            "PlannedBackup",
            "plan_backup",
        ),
        "running": (
            "BackupOutcome",
            "Copy",
            "attempt_backup",
            "copy_behind",
            "run_backup",
        ),
        "together": ("each_at_once",),
        "plans": ("find_plan",),
        "suspecting": (
            "Explanation",
            "Suspicion",
            "explain",
            "standing_suspicions",
        ),
        "unknown": (
            "Settled",
            "settle_unknown",
        ),
        "watching": (
            "Watched",
            "watch",
        ),
    },
)
