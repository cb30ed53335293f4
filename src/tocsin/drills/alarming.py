"""The watch over the drills themselves: one that is overdue, was never run, or failed raises its own alarm.

A drill that nobody runs proves nothing, and says so to nobody. A drill that could not run leaves what was due due.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from tocsin import alarms
from tocsin.context import Context
from tocsin.drills.history import PastDrill, drill_history
from tocsin.model.drill import Drill
from tocsin.model.schedule import latest_due
from tocsin.store.tables import snapshot as snapshots

OVERDUE, NEVER_RUN, FAILED = "drill.overdue", "drill.never-run", "drill.failed"
KINDS = (OVERDUE, NEVER_RUN, FAILED)
# A drill may be rung late, wait for a lock, or take hours: only then is it owed.
GRACE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Owed:
    """One thing that is wrong with a drill now."""

    kind: str
    drill: str
    text: str


def watch_drills(ctx: Context) -> tuple[Owed, ...]:
    """Raise what is wrong with the drills, clear what no longer is; return what stands."""
    now = ctx.clock.now()
    with ctx.store.read() as connection:
        found = {
            (one.kind, one.drill): one
            for drill in ctx.workspace.drills.values()
            if (one := owed(drill, drill_history(connection, drill.id), first_good(connection, drill), now))
        }
    with ctx.store.write(ctx.actor) as tx:
        for drill in ctx.workspace.drills.values():
            for kind in KINDS:
                wrong = found.get((kind, drill.id))
                if wrong is None:
                    alarms.clear(tx, kind=kind, subject=f"drill:{drill.id}")
                    continue
                people = tuple(person for person in (drill.owner, drill.deputy) if person)
                audience = alarms.Audience(people=people, roles=("technical",))
                alarms.raise_alarm(tx, alarms.Alarm(kind, f"drill:{drill.id}", wrong.text, audience))
    return tuple(found.values())


def owed(drill: Drill, history: tuple[PastDrill, ...], good_since: datetime | None, now: datetime) -> Owed | None:
    """Return what is wrong with one drill, the worst alone; pure.

    `history` is newest first; `good_since` is when its plan's first good snapshot was taken, None while there is
    none: then the watch over the backups tells of that, and there is nothing to drill.
    """
    if good_since is None or (history and history[0].verdict is None):
        return None
    proved = next((past for past in history if past.verdict in {"passed", "failed"}), None)
    run = f"Run 'tocsin drill run {drill.id}'."
    if proved is None:
        if now - good_since < GRACE:
            return None
        return Owed(NEVER_RUN, drill.id, f"The drill {drill.id} has never been run to its end. {run}")
    if proved.verdict == "failed":
        day = f"{proved.started_at:%Y-%m-%d %H:%M} UTC"
        text = f"The drill {drill.id} failed at {day}. See 'tocsin drill report {drill.id}'."
        return Owed(FAILED, drill.id, text)
    due = latest_due(drill.schedule, drill.zone, now)
    if due is not None and proved.started_at < due and now - due >= GRACE:
        return Owed(OVERDUE, drill.id, f"The drill {drill.id} is overdue since {due:%Y-%m-%d %H:%M} UTC. {run}")
    return None


def first_good(connection: Connection, drill: Drill) -> datetime | None:
    """Return when the plan's first good snapshot was taken, None while there is none."""
    query = select(func.min(snapshots.c.time, type_=snapshots.c.time.type)).where(
        snapshots.c.backup_plan == drill.backup_plan, snapshots.c.verdict == "ok"
    )
    found: datetime | None = connection.execute(query).scalar()
    return found
