"""Page whoever is on call, and go up until somebody acknowledges: the person, the deputy too, then everyone.

    page               a row and an alarm in one transaction; `alarms.deliver` says it by the first channel
    escalate_pages     the round's part: whose time is over goes one rung up
    acknowledge_page   by any door; the page ends, whoever was told is told so

A page's text is fixed: the incident's id, the role, the people's ids. What happened is not in it, for a mailbox or
a chat may be in the attacker's hands.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from tocsin import alarms
from tocsin.context import Context
from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.incidents.oncall import ROLES
from tocsin.incidents.open_row import open_row
from tocsin.incidents.roles import roles_of
from tocsin.model.roles import may_act_as
from tocsin.model.workspace import Workspace
from tocsin.store.database import Transaction
from tocsin.store.need_to_know import circle_of, hidden_incidents
from tocsin.store.tables import page as pages

COMMANDER = "commander"


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it stands; `paged` is everyone it has reached for, `level` how far up it has gone."""

    id: str
    incident: str | None
    report: str | None
    role: str
    person: str
    level: str
    turn: int
    paged: tuple[str, ...]
    raised_by: str
    raised_at: datetime
    next_at: datetime
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    ended_at: datetime | None

    @property
    def waits(self) -> bool:
        """Whether nobody has acknowledged it yet."""
        return self.acknowledged_at is None and self.ended_at is None

    @property
    def about(self) -> str:
        """The id of what it is about."""
        return self.incident or self.report or ""


def page(ctx: Context, incident_id: str, role: str = COMMANDER, person: str | None = None) -> Page:
    """Page the person who has a role in an incident, or somebody by name.

    A second page of the same role goes one rung up at once. Raises UsageError where nobody could be paged.
    """
    if role not in ROLES:
        raise UsageError(f"There is no role {role!r} in an incident.{did_you_mean(role, ROLES)}")
    if person is not None and person not in ctx.workspace.people:
        raise UsageError(f"There is no person {person!r}.{did_you_mean(person, ctx.workspace.people)}")
    with ctx.store.write(ctx.actor) as tx:
        open_row(tx, incident_id)
        standing = [each for each in _waiting(tx.connection) if (each.incident, each.role) == (incident_id, role)]
        if standing and person is None:
            _go_up(tx, ctx.workspace, standing[0])
            found = _one(tx, standing[0].id)
        else:
            for each in standing:
                _end(tx, each)
            whom = person or _whom(tx.connection, ctx.workspace, incident_id, role)
            if not whom:
                raise UsageError(f"Nobody has the role {role}: give it to a person in tocsin.yaml, or name one.")
            found = _raise(tx, ctx.workspace, incident_id, None, role, whom)
    ctx.crash.reach("page:raised")
    ctx.store.sign_head(ctx.actor)
    return found


def page_at_declare(tx: Transaction, workspace: Workspace, incident_id: str) -> Page | None:
    """Page the commander of a new incident, unless that is who declares it, or nobody is to be paged."""
    whom = _whom(tx.connection, workspace, incident_id, COMMANDER)
    if not workspace.paging.at_declare or not whom or whom == tx.actor.person:
        return None
    return _raise(tx, workspace, incident_id, None, COMMANDER, whom)


def page_for_report(tx: Transaction, workspace: Workspace, report_id: str, whom: str, role: str) -> Page:
    """Page whoever is to look at a report."""
    return _raise(tx, workspace, None, report_id, role, whom)


def escalate_pages(ctx: Context) -> tuple[Page, ...]:
    """Take every page whose time is over one rung up; the caller delivers. Returns those that went up."""
    now = ctx.clock.now()
    with ctx.store.read() as connection:
        due = [each for each in _waiting(connection) if each.next_at <= now]
    if not due:
        return ()
    gone_up = []
    for found in due:
        with ctx.store.write(ctx.actor) as tx:
            current = _one(tx, found.id)
            if current.waits and current.next_at <= tx.now:
                _go_up(tx, ctx.workspace, current)
                gone_up.append(_one(tx, found.id))
    ctx.crash.reach("page:escalated")
    return tuple(gone_up)


def acknowledge_page(ctx: Context, about: str) -> tuple[Page, ...]:
    """Say that one is on it, for every page of an incident or report that waits. Empty when none does.

    Raises Refused for somebody who is not in the workspace, or whom a need-to-know incident is hidden from.
    """
    person = ctx.actor.person
    if person not in ctx.workspace.people:
        raise Refused(f"{person} is nobody in the workspace, so the page goes on. Nothing was recorded.")
    with ctx.store.write(ctx.actor) as tx:
        if about in hidden_incidents(tx.connection):
            raise Refused(f"{about} is need-to-know and {person} is not of its people: the page goes on.")
        found = [each for each in _waiting(tx.connection) if each.about == about]
        for each in found:
            this = pages.c.id == each.id
            tx.execute(update(pages).where(this).values(acknowledged_by=person, acknowledged_at=tx.now))
            tx.record("page.acknowledged", _subject(each), {"page": each.id, "role": each.role, "person": person})
            alarms.clear(tx, kind=_kind(each.role), subject=_subject(each))
    return tuple(found)


def end_pages_in(tx: Transaction, about: str) -> None:
    """End every page of an incident or report that is over, without telling anybody."""
    for each in _waiting(tx.connection):
        if each.about == about:
            _end(tx, each)


def pages_of(connection: Connection, incident_id: str) -> tuple[Page, ...]:
    """Return every page of an incident, oldest first."""
    query = select(pages).where(pages.c.incident == incident_id).order_by(pages.c.raised_at, pages.c.id)
    return tuple(_page(row) for row in connection.execute(query))


def _waiting(connection: Connection) -> tuple[Page, ...]:
    query = select(pages).where(pages.c.acknowledged_at.is_(None), pages.c.ended_at.is_(None))
    return tuple(_page(row) for row in connection.execute(query.order_by(pages.c.raised_at, pages.c.id)))


def _one(tx: Transaction, identity: str) -> Page:
    return _page(tx.execute(select(pages).where(pages.c.id == identity)).one())


def _page(row: Row[Any]) -> Page:
    return Page(**{name: getattr(row, name) for name in Page.__slots__ if name != "paged"}, paged=tuple(row.paged))


def _whom(connection: Connection, workspace: Workspace, incident_id: str, role: str) -> str:
    """Return who has the role; in a need-to-know incident where nobody has it, the first of its circle."""
    holder = roles_of(connection, incident_id).get(role)
    if holder is not None:
        return holder.person
    circle = circle_of(connection, incident_id)
    if circle is not None:
        return next((each for each in circle if each in workspace.people), "")
    first = next(iter(workspace.people_with(role)), None)
    return first.id if first else ""


def _raise(
    tx: Transaction, workspace: Workspace, incident_id: str | None, report_id: str | None, role: str, whom: str
) -> Page:
    identity = tx.new_id()
    tx.execute(
        insert(pages).values(
            id=identity,
            incident=incident_id,
            report=report_id,
            role=role,
            person=whom,
            level="role",
            turn=0,
            paged=[whom],
            raised_by=tx.actor.person,
            raised_at=tx.now,
            next_at=tx.now + workspace.paging.acknowledge_within,
        )
    )
    found = _one(tx, identity)
    _ring(tx, found)
    return found


def _go_up(tx: Transaction, workspace: Workspace, found: Page) -> None:
    """Reach for the next rung; at the top the same people are paged again."""
    level = alarms.LADDER[min(alarms.LADDER.index(_level(found)) + 1, len(alarms.LADDER) - 1)]
    further = _rung(tx.connection, workspace, found, level)
    if level == "deputy" and set(further) <= set(found.paged):
        level = "everyone"
        further = _rung(tx.connection, workspace, found, level)
    paged = list(dict.fromkeys([*found.paged, *further]))
    tx.execute(
        update(pages)
        .where(pages.c.id == found.id)
        .values(
            level=level, turn=found.turn + 1, paged=paged, next_at=tx.now + workspace.paging.acknowledge_within
        )
    )
    _silence(tx, found)
    _ring(tx, _one(tx, found.id))


def _level(found: Page) -> alarms.Level:
    return next(level for level in alarms.LADDER if level == found.level)


def _rung(connection: Connection, workspace: Workspace, found: Page, level: alarms.Level) -> tuple[str, ...]:
    circle = circle_of(connection, found.incident) if found.incident else None
    everyone = tuple(workspace.people) if circle is None else circle
    if level == "everyone":
        return everyone
    deputy = workspace.deputy_of(found.person)
    others = [each for each in workspace.people if may_act_as(workspace, each, found.role)]
    wanted = [deputy.id] if deputy else others
    return tuple(each for each in wanted if each in everyone)


def _ring(tx: Transaction, found: Page) -> None:
    raised = alarms.Alarm(
        _kind(found.role),
        _subject(found),
        page_text(found),
        alarms.Audience(people=found.paged, roles=(), level="role"),
        remind_every=None,  # it goes up instead
    )
    alarms.raise_alarm(tx, raised)
    tx.record(
        "incident.paged" if found.incident else "report.paged",
        _subject(found),
        {"page": found.id, "role": found.role, "level": found.level, "people": [*found.paged]},
    )


def page_text(found: Page) -> str:
    """Return the fixed text of a page: ids alone."""
    if found.report is not None:
        return (
            f"{found.report} waits to be looked at ({found.role}). See: tocsin report show {found.report}. "
            f"Say that you are on it: tocsin report acknowledge {found.report}"
        )
    earlier = found.paged[: -1 if found.level == "deputy" else 1]
    silent = "" if found.level == "role" else f"{_and(earlier)} did not answer. "
    role = f" You may take the role: tocsin incident take {found.incident} {found.role}." if silent else ""
    return (
        f"{found.incident}: {silent}You are paged for {found.role}. "
        f"Say that you are on it: tocsin incident acknowledge {found.incident}.{role} "
        f"See: tocsin incident show {found.incident}"
    )


def _and(people: Iterable[str]) -> str:
    return " and ".join(people)


def _end(tx: Transaction, found: Page) -> None:
    tx.execute(update(pages).where(pages.c.id == found.id).values(ended_at=tx.now))
    _silence(tx, found)


def _silence(tx: Transaction, found: Page) -> None:
    """End the alarm of the rung that is left behind; nobody is told that it is over, for it is not."""
    rung = alarms.standing(tx.connection, (_kind(found.role),))
    alarms.end(tx, [row.id for row in rung if row.subject == _subject(found)], say_so=False)


def _kind(role: str) -> str:
    return f"page.{role}"


def _subject(found: Page) -> str:
    return f"incident:{found.incident}" if found.incident else f"report:{found.report}"
