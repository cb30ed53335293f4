"""Bring data back from a snapshot, verified: into scratch for a drill, into place for a recovery.

    snapshot = choose_snapshot(connection, "files")           ours, newest, good
    with scratch(ctx, "drill-files", needed_bytes=…) as area:  always removed again
        restored = restore_and_verify(ctx, snapshot, listing, area)
    recover(ctx, "files", Wish(Path("/srv/share")))            scratch, verified, then moved into place

Does not judge (drills do) and does not choose which backup is clean (a person does, with `--before`).
"""

from tocsin.recovery.amounts import spell_bytes, spell_span
from tocsin.recovery.choosing import LATEST, Choice, LastClean, Which, choose, parse_choice, parse_moment
from tocsin.recovery.damage import DamagedObject, Reach, damaged_objects, reach
from tocsin.recovery.fetching import Fetched, Wanted, choose_wanted, fetch
from tocsin.recovery.ledger import LedgerSnapshot, Where, agrees_with_journal, choose_snapshot
from tocsin.recovery.placing import Placement
from tocsin.recovery.recovering import Intent, Recovered, Wish, plan_recovery, recover, recover_from_some
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
from tocsin.recovery.run_area import kept_area, remove_run_area, run_area
from tocsin.recovery.scratch import NoRoom, remove_scratch, scratch, sweep_scratch

__all__ = [
    "LATEST",
    "Choice",
    "DamagedObject",
    "Fetched",
    "Intent",
    "LastClean",
    "LedgerSnapshot",
    "Listing",
    "NoRoom",
    "OnStage",
    "Placement",
    "Reach",
    "Recovered",
    "Restored",
    "SnapshotGone",
    "Wanted",
    "Where",
    "Which",
    "Wish",
    "agrees_with_journal",
    "choose",
    "choose_snapshot",
    "choose_wanted",
    "damaged_objects",
    "fetch",
    "kept_area",
    "list_snapshots",
    "locate",
    "parse_choice",
    "parse_moment",
    "plan_recovery",
    "reach",
    "recover",
    "recover_from_some",
    "remove_run_area",
    "remove_scratch",
    "restore_and_verify",
    "run_area",
    "scratch",
    "silent",
    "spell_bytes",
    "spell_span",
    "sweep_scratch",
]
