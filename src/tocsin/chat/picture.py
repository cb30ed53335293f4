"""Tonight's picture in a few lines, for one person who asked `/tocsin status`."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from tocsin.context import Context
from tocsin.law.clocks import show_both
from tocsin.store.need_to_know import hidden_incidents
from tocsin.store.tables import incident as incidents
from tocsin.tonight import OpenIncident, Picture, look

MOST = 10


def words_for(ctx: Context) -> str:
    """Return what is open, late or waiting, as its reader may know it."""
    with ctx.store.read() as connection:
        picture = look(connection, ctx.workspace, ctx.clock.now())
    zone = ctx.workspace.organisation.timezone
    return "\n".join([f"{ctx.workspace.organisation.name}, {show_both(picture.at, zone)}", *_lines(picture, zone)])


def open_incidents(connection: Connection) -> tuple[str, ...]:
    """Return the ids of the incidents that are open and that this reader may see, the newest first."""
    hidden = hidden_incidents(connection)
    query = select(incidents.c.id).where(incidents.c.closed_at.is_(None)).order_by(incidents.c.declared_at.desc())
    return tuple(each for each in connection.execute(query).scalars() if each not in hidden)


def _lines(picture: Picture, zone: str) -> Iterator[str]:
    troubles = picture.troubles()
    yield f"{', '.join(troubles)}." if troubles else "Nothing is late, failed or unknown."
    if not picture.incidents:
        yield "No incident is open."
    for one in picture.incidents[:MOST]:
        yield from _incident(one, zone)
    if len(picture.incidents) > MOST:
        yield f"… and {len(picture.incidents) - MOST} more incidents: `tocsin status`"
    waiting = [step for step in picture.waiting if step.kind != "failed"]
    if waiting:
        yield f"{len(waiting)} waiting for a person:"
    for step in waiting[:MOST]:
        yield f"• {step.incident or step.playbook}: {step.step}, for {step.who or 'anybody of ours'}"
    if len(waiting) > MOST:
        yield f"… and {len(waiting) - MOST} more"


def _incident(one: OpenIncident, zone: str) -> Iterator[str]:
    yield f"{one.id} {one.title} [{one.state}]"
    running = [clock for clock in one.clocks if clock.settled is None]
    soonest = min(running, key=lambda clock: clock.due, default=None)
    if soonest is not None:
        word = "OVERDUE since" if soonest.overdue else "next due"
        yield f"    {word} {show_both(soonest.due, zone)}: {soonest.name}"
