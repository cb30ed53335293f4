"""The one pinned message of an incident: what it is, its clocks, who has which role, what waits for whom.

It tells when things are due, not how long is left, so that it changes only when something has: each change is
one `chat.update`. In a channel that others read too no client, title or question is in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, select

from tocsin.chat.audience import is_hidden
from tocsin.chat.blocks import Content, button, buttons, content, header, section, small
from tocsin.chat.waiting import Item, waiting_for
from tocsin.incidents import pages_of, roles_of, standing_alarms
from tocsin.law.clocks import show_both
from tocsin.model.slack_text import SECTION, escaped, joined
from tocsin.model.workspace import Workspace
from tocsin.ports import Block
from tocsin.situation import DutyRow, duties_of
from tocsin.store.tables import incident as incidents
from tocsin.store.tables import incident_system

ACKNOWLEDGE, TAKE_ROLE, OPEN = "tocsin.acknowledge", "tocsin.role", "tocsin.open"
MOST_ITEMS = 20
_LINE = 400
_TOWARD = {
    "regulator": "a regulator",
    "controllers": "a client",
    "people": "the people concerned",
    "insurer": "an insurer",
    "sector": "a sector regulator",
    "contract": "a contract's other side",
    "nis": "the NIS authority",
}
_LABELS = {"approve": "Read and decide", "notice": "Read and decide", "task": "Done?"}
_WORDS = {
    "approve": "Approve",
    "decide": "Decide",
    "task": "Do",
    "by_hand": "Send by hand",
    "failed": "FAILED",
    "unknown": "OUTCOME UNKNOWN",
}


@dataclass(frozen=True, slots=True)
class View:
    """One incident as it stands, for one audience."""

    row: Row[tuple[object, ...]]
    duties: tuple[DutyRow, ...]
    items: tuple[Item, ...]
    roles: dict[str, str]
    systems: tuple[str, ...]
    rings: bool
    is_public: bool
    can_act: bool
    zone: str


def status_of(
    connection: Connection, workspace: Workspace, incident: str, *, is_public: bool, can_act: bool = True
) -> Content:
    """Return what the incident's pinned message ought to show now."""
    row = connection.execute(select(incidents).where(incidents.c.id == incident)).one()
    if is_hidden(connection, incident):
        return _hidden(incident, row.state)
    systems = connection.execute(
        select(incident_system.c.system)
        .where(incident_system.c.incident == incident)
        .order_by(incident_system.c.system)
    ).scalars()
    view = View(
        row=row,
        duties=tuple(each for each in duties_of(connection, incident) if each.state != "lapsed"),
        items=waiting_for(connection, workspace, incident),
        roles={role: _name(workspace, held.person) for role, held in roles_of(connection, incident).items()},
        systems=tuple(_system(workspace, system) for system in systems),
        rings=_rings(connection, incident),
        is_public=is_public,
        can_act=can_act,
        zone=workspace.organisation.timezone,
    )
    return as_message(view)


def only_named(incident: str) -> Content:
    """Return a message that names an incident and tells nothing of it."""
    said = f"{incident} cannot be shown here right now. See: tocsin incident show {incident}"
    return content(said, [header(incident), section(escaped(said))])


def as_message(view: View) -> Content:
    """Return the message that shows this view."""
    return content(_notification(view), _blocks(view))


def _hidden(incident: str, state: str) -> Content:
    said = f"{incident} is need-to-know ({state}): its own people see it with `tocsin incident show {incident}`."
    return content(said, [header(f"{incident}: need-to-know"), section(escaped(said))])


def _notification(view: View) -> str:
    title = "" if view.is_public else f" {view.row.title}"
    return f"{view.row.id}{title}: {view.row.state}, {len(view.items)} waiting for a person"


def _blocks(view: View) -> Iterator[Block]:
    row = view.row
    yield header(f"{row.id}: {str(row.state).replace('_', ' ')}")
    yield section(_what(view))
    if row.closed_at is not None:
        yield small(f"Closed {show_both(row.closed_at, view.zone)}. The journal has all of it.")
        return
    yield section(_clocks(view))
    if view.roles:
        held = [f"• {escaped(role, 60)}: {escaped(name, 120)}" for role, name in sorted(view.roles.items())]
        yield section(joined(["*Who has which role*", *held]))
    yield section(f"*Waiting for a person: {len(view.items)}*" if view.items else "Nothing waits for a person.")
    for item in view.items[:MOST_ITEMS]:
        yield _item(item, view)
    if len(view.items) > MOST_ITEMS:
        yield section(f"… and {len(view.items) - MOST_ITEMS} more: `tocsin status` lists them.")
    on_it = [button("I am on it", ACKNOWLEDGE, row.id, style="primary")] if view.rings else []
    if view.can_act:
        yield from buttons([*on_it, button("Take a role", TAKE_ROLE, row.id)])
    yield small(f"A copy, kept true by Tocsin. The same, from any terminal: tocsin incident show {row.id}")


def _what(view: View) -> str:
    row, lines = view.row, []
    if not view.is_public:
        lines.append(f"*{escaped(row.title, 600)}*")
        lines.append(f"Cause: {(row.cause or 'not known yet').replace('_', ' ')}")
        lines.append(f"On: {escaped(', '.join(view.systems) or 'no system named', 800)}")
    else:
        lines.append(
            "Names and details are left out: this channel has other readers. `tocsin incident show` has them."
        )
    lines.append(f"First alert: {_time(row.first_alert_at, view)}")
    if row.aware_at:
        lines.append(f"Certain since: {_time(row.aware_at, view)}")
    else:
        lines.append("*Nobody has said yet since when it is certain*: the clocks run from the first alert.")
    return joined(lines)


def _clocks(view: View) -> str:
    lines = [_duty(duty, view) for duty in sorted(view.duties, key=lambda duty: _urgency(duty, view))]
    return joined(["*Clocks and duties*", *(lines or ["Nothing is owed to anybody as far as is known."])])


def _urgency(duty: DutyRow, view: View) -> tuple[bool, datetime, str]:
    clock = duty.clock(view.row.aware_at, view.row.first_alert_at)
    late = datetime.max.replace(tzinfo=view.row.first_alert_at.tzinfo)
    return (not duty.is_open, clock.due if clock else late, duty.key)


def _duty(duty: DutyRow, view: View) -> str:
    whom = _TOWARD.get(duty.toward, "somebody") if view.is_public else duty.addressee
    said = f"• {escaped(whom, 160)}"
    said += {"yes": "", "unclear": " (perhaps owed)", "no": " (not owed as proposed)"}[duty.required]
    if not duty.is_open:
        return f"{said}: {duty.state}"
    clock = duty.clock(view.row.aware_at, view.row.first_alert_at)
    when = f"due {_time(clock.due, view)}" if clock else escaped(duty.how_soon, 80)
    state = "" if duty.state == "owed" else f", {duty.state}"
    return f"{said}: {when}{state}"


def _item(item: Item, view: View) -> Block:
    word = _WORDS.get(item.kind, "Answer")
    if view.is_public:
        said = f"*{word}*: something of this incident" + (f", for {escaped(item.who, 200)}" if item.who else "")
    elif item.kind == "notice":
        said = (
            f"*Approve*: {escaped(item.question, _LINE)}\nFor {escaped(item.who or 'nobody with the role', 300)}"
        )
    else:
        said = f"*{word}*: {escaped(item.question or item.step, _LINE)}\n`{escaped(item.step, 200)}`"
        said += f", for {escaped(item.who, 300)}" if item.who else ""
    if item.can_be_done_here and view.can_act:
        label = _LABELS.get(item.kind, "Answer")
        return section(said[:SECTION], button=button(label, OPEN, item.name), identity=f"item-{item.name}")
    see = f"notice show {item.notice[:8]}" if item.notice else f"run show {escaped(item.run, 64)}"
    return section(f"{said}\nSee `tocsin {see}`", identity=f"item-{item.name}")


def _time(moment: datetime, view: View) -> str:
    return escaped(show_both(moment, view.zone), 120)


def _name(workspace: Workspace, person: str) -> str:
    return workspace.people[person].name if person in workspace.people else person


def _system(workspace: Workspace, system: str) -> str:
    return workspace.systems[system].title if system in workspace.systems else system


def _rings(connection: Connection, incident: str) -> bool:
    """Tell whether somebody is paged or an alarm is repeated, until somebody is on it."""
    return any(page.waits for page in pages_of(connection, incident)) or any(
        each.acknowledged_by is None for each in standing_alarms(connection, incident)
    )
