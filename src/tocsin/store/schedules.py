"""What is due by the clock, claimed once: missed moments collapse into one run, and two doors cannot both act.

Whoever rings the bell (a Prefect schedule, a person, a cron line) may ring it late, twice or from two
machines. What counts is the `schedule` table: the last due moment that was acted on.
"""

from datetime import datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from tocsin.model.schedule import latest_due
from tocsin.ports import Actor
from tocsin.store.database import Store
from tocsin.store.tables import schedule as schedules

# Two machines that share a store may differ by so much; a claim further ahead was made by a clock that was wrong.
CLOCKS_DIFFER = timedelta(hours=1)


def claim_due(store: Store, actor: Actor, name: str, cron: str, timezone: str, now: datetime) -> datetime | None:
    """Claim the latest due moment of the schedule `name` (`backup:files`, `drill:files`) and return it.

    Returns None when that moment was acted on before, or another process has just claimed it. A schedule
    never seen before is due at once, as if its last moment had been missed.
    """
    due, seen = latest_due(cron, timezone, now), _last_claim(store, name)
    if due is None or not _is_open(due, seen, now):
        return None
    return due if _claimed(store, actor, name, due, now if seen else None) else None


def is_due(store: Store, name: str, cron: str, timezone: str, now: datetime) -> bool:
    """Tell whether `claim_due` would find a moment to claim; nothing is changed."""
    due, seen = latest_due(cron, timezone, now), _last_claim(store, name)
    return due is not None and _is_open(due, seen, now)


def give_back(store: Store, actor: Actor, name: str, due: datetime) -> None:
    """Undo a claim whose work could not be done for now, so that the next ring of the bell tries again."""
    with store.write(actor) as tx:
        tx.execute(
            update(schedules)
            .where(schedules.c.name == name, schedules.c.last_due == due)
            .values(last_due=due - timedelta(seconds=1))
        )


def _last_claim(store: Store, name: str) -> datetime | None:
    with store.read() as connection:
        query = select(schedules.c.last_due).where(schedules.c.name == name)
        return connection.execute(query).scalar_one_or_none()


def _is_open(due: datetime, seen: datetime | None, now: datetime) -> bool:
    # A clock that had jumped ahead must not have claimed everything until then.
    return seen is None or seen < due or seen > now + CLOCKS_DIFFER


def _claimed(store: Store, actor: Actor, name: str, due: datetime, now: datetime | None) -> bool:
    """Write the claim, the first of its name without `now`; False when another process was quicker."""
    try:
        with store.write(actor) as tx:
            if now is None:
                tx.execute(insert(schedules).values(name=name, last_due=due, acted_at=tx.now))
                return True
            moved = tx.execute(
                update(schedules)
                .where(
                    schedules.c.name == name,
                    (schedules.c.last_due < due) | (schedules.c.last_due > now + CLOCKS_DIFFER),
                )
                .values(last_due=due, acted_at=tx.now)
            )
            return moved.rowcount == 1
    except IntegrityError:
        return False
