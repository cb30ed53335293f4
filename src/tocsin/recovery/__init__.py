"""Bring data back from a snapshot, verified: into scratch for a drill, into place for a recovery.

    snapshot = choose_snapshot(connection, "files")           ours, newest, good
    with scratch(ctx, "drill-files", needed_bytes=…) as area:  always removed again
        restored = restore_and_verify(ctx, snapshot, listing, area)
    recover(ctx, "files", Wish(Path("/srv/share")))            scratch, verified, then moved into place

Does not judge (drills do) and does not choose which backup is clean (a person does, with `--before`).
"""

from tocsin.recovery.amounts import spell_bytes, spell_span
from tocsin.recovery.damage import DamagedObject, Reach, damaged_objects, reach
from tocsin.recovery.ledger import LedgerSnapshot, agrees_with_journal, choose_snapshot
from tocsin.recovery.placing import Placement
from tocsin.recovery.recovering import Intent, Recovered, Wish, plan_recovery, recover
from tocsin.recovery.restoring import (
    Listing,
    OnStage,
    Restored,
    SnapshotGone,
    list_snapshots,
    locate,
    restore_and_verify,
    silent,
)
from tocsin.recovery.scratch import NoRoom, scratch, sweep_scratch

__all__ = [
    "DamagedObject",
    "Intent",
    "LedgerSnapshot",
    "Listing",
    "NoRoom",
    "OnStage",
    "Placement",
    "Reach",
    "Recovered",
    "Restored",
    "SnapshotGone",
    "Wish",
    "agrees_with_journal",
    "choose_snapshot",
    "damaged_objects",
    "list_snapshots",
    "locate",
    "plan_recovery",
    "reach",
    "recover",
    "restore_and_verify",
    "scratch",
    "silent",
    "spell_bytes",
    "spell_span",
    "sweep_scratch",
]
