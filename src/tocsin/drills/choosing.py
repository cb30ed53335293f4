"""Which copy of the data a drill takes: the repository whose turn it is, and one of its snapshots.

Every choice is made from our own ledger, never from what the repository says, and among whole snapshots that
nobody doubts. The random one is drawn from the context's randomness, so that a drill can be repeated in a test.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from tocsin.context import Context
from tocsin.drills.history import PastDrill
from tocsin.model.drill import Drill
from tocsin.model.protection import BackupPlan
from tocsin.recovery import LedgerSnapshot
from tocsin.recovery.choosing import Which, choose, parse_choice
from tocsin.recovery.ledger import Where, good_snapshots, newest_snapshot
from tocsin.runbook.steps.choosing import judged_clean
from tocsin.store.tables import snapshot as snapshots

PROVING = ("passed", "failed")
_RANDOM_BYTES = 16
# A run's dumps are made before its files are read, or after: no longer apart than this.
_ONE_RUN = timedelta(hours=12)
_WHY = {
    Which.LATEST: "the newest good one",
    Which.LAST_CLEAN: "the last clean one",
    Which.OLDEST_KEPT: "the oldest one kept",
    Which.RANDOM: "drawn at random",
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The snapshot to restore, why this one, and when the newest good one beside it was taken.

    How much work would be lost is told by the newest; an older one is restored to see whether it still can be.
    """

    snapshot: LedgerSnapshot
    why: str
    newest: datetime


def repository_to_drill(repositories: Sequence[str], history: Sequence[PastDrill]) -> str:
    """Return the repository whose last proof is the oldest, so that each gets its turn; pure.

    Args:
        repositories: the plan's, in its order.
        history: the drill's earlier runs, newest first.
    """
    last = {past.repository: past.started_at for past in reversed(history) if past.verdict in PROVING}
    never = [repository for repository in repositories if repository not in last]
    return never[0] if never else min(repositories, key=lambda repository: last[repository])


def choose_for_drill(ctx: Context, connection: Connection, drill: Drill, repository: str) -> Chosen:
    """Return the snapshot that a drill restores from `repository`. Raises OperationFailed when there is none."""
    where = Where(drill.backup_plan, main_series(ctx.workspace.backup_plans[drill.backup_plan]), repository)
    newest = newest_snapshot(connection, where)
    choice = parse_choice(drill.snapshot)
    token = ctx.randomness.token(_RANDOM_BYTES) if choice.which is Which.RANDOM else b""
    snapshot = choose(connection, where, choice, last_clean=judged_clean(ctx), token=token)
    return Chosen(snapshot, _WHY.get(choice.which, choice.spelled), newest.time)


def dump_beside(connection: Connection, snapshot: LedgerSnapshot, dump: str) -> LedgerSnapshot:
    """Return the dump that was made with a snapshot, else the newest before it. Raises OperationFailed."""
    where = Where(snapshot.backup_plan, dump, snapshot.repository)
    same = [each for each in good_snapshots(connection, where) if each.operation == snapshot.operation]
    return same[-1] if same else newest_snapshot(connection, where, snapshot.time + _ONE_RUN)


def main_series(plan: BackupPlan) -> str:
    """Return what a plan's drill restores first: its files, or its first dump where it has no files."""
    return "" if plan.paths or not plan.dumps else plan.dumps[0].name


def has_good_snapshot(connection: Connection, plan: str) -> bool:
    """Tell whether there is anything to drill at all."""
    query = select(func.count()).where(snapshots.c.backup_plan == plan, snapshots.c.verdict == "ok")
    return bool(connection.execute(query).scalar())
