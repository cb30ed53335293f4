"""The whole picture, and what in it must not wait until the morning."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, distinct, func, select

from tocsin.actions.ledger import Action, overdue
from tocsin.backups.freshness import Freshness, PlanFreshness, freshness, newest_good
from tocsin.drills.history import PastDrill, drill_history
from tocsin.drills.ladder import SystemProof, proven_systems
from tocsin.model.drill import Drill
from tocsin.model.schedule import latest_due, next_due
from tocsin.model.workspace import Workspace
from tocsin.store.need_to_know import hidden_incidents
from tocsin.store.tables import hold, journal, journal_head, pause
from tocsin.tonight.clocks import OpenIncident, hidden_open_incidents, open_incidents
from tocsin.tonight.doubts import (
    AppendOnly,
    Distrusted,
    Doubted,
    append_only_proofs,
    distrusted_channels,
    doubted_plans,
)
from tocsin.tonight.unfinished import (
    Running,
    Standing,
    Unknown,
    Waiting,
    operations_under_way,
    standing_alarms,
    unknown_deliveries,
    unknown_steps,
    waiting_steps,
)

_JUDGED = ("passed", "failed")


@dataclass(frozen=True, slots=True)
class PlanState:
    """One backup plan: how fresh it is, and its newest good snapshot."""

    freshness: PlanFreshness
    snapshot: str | None


@dataclass(frozen=True, slots=True)
class DrillState:
    """One drill. `last` is its newest run that ended; `proved` its newest that passed or failed.

    A drill that could not run proved nothing: it is neither passed nor failed, and what was due stays due.
    """

    drill: str
    backup_plan: str
    last: PastDrill | None
    proved: PastDrill | None
    overdue_since: datetime | None
    next_due: datetime | None

    @property
    def in_trouble(self) -> bool:
        """Whether somebody should see to it: never proved, failed, unknown, could not run, or overdue."""
        return self.overdue_since is not None or self.last is None or self.last.verdict != "passed"


@dataclass(frozen=True, slots=True)
class Paused:
    """All scheduled backups are held: by whom, since when, why."""

    since: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Holds:
    """How many snapshots one incident, or a person by hand (None), keeps from being pruned."""

    incident: str | None
    snapshots: int


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything at one moment; `journal` is the last entry's sequence and time, None while there is none."""

    at: datetime
    incidents: tuple[OpenIncident, ...]
    unknown: tuple[Unknown, ...]
    waiting: tuple[Waiting, ...]
    alarms: tuple[Standing, ...]
    plans: tuple[PlanState, ...]
    paused: Paused | None
    holds: tuple[Holds, ...]
    drills: tuple[DrillState, ...]
    proven: tuple[SystemProof, ...]
    running: tuple[Running, ...]
    journal: tuple[int, datetime] | None
    signed_up_to: int | None
    doubted: tuple[Doubted, ...] = ()
    append_only: tuple[AppendOnly, ...] = ()
    distrusted: tuple[Distrusted, ...] = ()
    need_to_know: tuple[str, ...] = ()
    """Open incidents of which the reader may know only that they exist."""
    owed: tuple[Action, ...] = ()
    """Prevention actions that are overdue."""

    def troubles(self) -> tuple[str, ...]:
        """Return what makes `status --check` fail, each in a few words, the worst first."""
        overdue = sum(clock.overdue for incident in self.incidents for clock in incident.clocks)
        failed = sum(step.kind == "failed" for step in self.waiting)
        counted = (
            (overdue, "clock overdue", "clocks overdue"),
            (len(self.unknown), "unknown outcome", "unknown outcomes"),
            (failed, "failed step", "failed steps"),
            (len(self.alarms), "standing alarm", "standing alarms"),
            (len(self.owed), "prevention action overdue", "prevention actions overdue"),
            (sum(plan.freshness.state is Freshness.LATE for plan in self.plans), "backup late", "backups late"),
            (
                sum(plan.freshness.state is Freshness.NEVER for plan in self.plans),
                "plan never backed up",
                "plans never backed up",
            ),
            (sum(drill.in_trouble for drill in self.drills), "drill owed", "drills owed"),
            (
                sum(proof.in_trouble for proof in self.append_only),
                "proof of append-only owed",
                "proofs of append-only owed",
            ),
        )
        return tuple(f"{count} {one if count == 1 else many}" for count, one, many in counted if count)


def look(connection: Connection, workspace: Workspace, now: datetime) -> Picture:
    """Return the picture at `now`, from one consistent view of the store."""
    running, unknown = operations_under_way(connection)
    last = connection.execute(
        select(journal.c.seq, journal.c.at).order_by(journal.c.seq.desc()).limit(1)
    ).one_or_none()
    return Picture(
        at=now,
        incidents=open_incidents(connection, workspace, now),
        unknown=(*unknown_deliveries(connection, now), *unknown_steps(connection), *unknown),
        waiting=waiting_steps(connection, workspace),
        alarms=standing_alarms(connection),
        plans=_plans(connection, workspace, now),
        paused=_paused(connection),
        holds=_holds(connection),
        drills=tuple(_drill(connection, drill, now) for drill in workspace.drills.values()),
        proven=proven_systems(connection, workspace),
        running=running,
        journal=(last.seq, last.at) if last else None,
        signed_up_to=connection.execute(select(func.max(journal_head.c.seq))).scalar(),
        doubted=doubted_plans(connection),
        append_only=append_only_proofs(connection, workspace, now),
        distrusted=distrusted_channels(connection),
        need_to_know=hidden_open_incidents(connection),
        owed=overdue(connection, workspace, now),
    )


def _plans(connection: Connection, workspace: Workspace, now: datetime) -> tuple[PlanState, ...]:
    """Return the plans, the worst first."""
    worst_first = (Freshness.NEVER, Freshness.LATE, Freshness.FRESH)
    found = sorted(freshness(connection, workspace, now), key=lambda plan: worst_first.index(plan.state))
    newest = newest_good(connection, now)
    return tuple(PlanState(plan, newest.get((plan.plan, plan.series))) for plan in found)


# Two queries of our own: the modules that place and lift these load all that a backup needs.


def _paused(connection: Connection) -> Paused | None:
    standing = select(pause).where(pause.c.what == "backups", pause.c.lifted_at.is_(None))
    row = connection.execute(standing.order_by(pause.c.placed_at).limit(1)).one_or_none()
    return None if row is None else Paused(row.placed_at, row.placed_by, row.reason)


def _holds(connection: Connection) -> tuple[Holds, ...]:
    counted = (
        select(hold.c.incident, func.count(distinct(hold.c.repository + "/" + hold.c.snapshot)))
        .where(hold.c.released_at.is_(None))
        .group_by(hold.c.incident)
        .order_by(func.min(hold.c.placed_at))
    )
    hidden = hidden_incidents(connection)
    return tuple(
        Holds(incident, count) for incident, count in connection.execute(counted) if incident not in hidden
    )


def _drill(connection: Connection, drill: Drill, now: datetime) -> DrillState:
    past = drill_history(connection, drill.id)
    proved = next((one for one in past if one.verdict in _JUDGED), None)
    due = latest_due(drill.schedule, drill.zone, now)
    under_way = bool(past) and past[0].verdict is None
    overdue = due is not None and not under_way and (proved is None or proved.started_at < due)
    return DrillState(
        drill=drill.id,
        backup_plan=drill.backup_plan,
        last=next((one for one in past if one.verdict is not None), None),
        proved=proved,
        overdue_since=due if overdue else None,
        next_due=next_due(drill.schedule, drill.zone, now),
    )
