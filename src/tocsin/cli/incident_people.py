"""The people of an incident: on call, rota, pages, roles, need-to-know."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table

if TYPE_CHECKING:
    from tocsin.context import Context
    from tocsin.incidents import Holder, OnCall, Override, Page

_incident = click.argument("incident_id", metavar="INCIDENT")
_role = click.argument("role", metavar="ROLE")
_why = click.option("--reason", default="", metavar="TEXT", help="Why.")


@click.command()
@click.option("--at", "moment", metavar="TIME", help="At that time, with its offset; else now.")
@common_options
def oncall(moment: str | None, workspace_folder: Path | None, as_json: bool) -> None:
    """Show tonight's people with their numbers: who is on call for each role, until when, and who deputises.

    \b
    Example:
      tocsin incident oncall
      tocsin incident oncall --at 2026-12-25T03:00+00:00
    """
    from tocsin.incidents import on_call, overrides
    from tocsin.law.clocks import parse_time, show_both
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        at = parse_time(moment) if moment else ctx.clock.now()
        with ctx.store.read() as connection:
            found = on_call(connection, ctx.workspace, at)
            changed = overrides(connection, at)
        zone = ctx.workspace.organisation.timezone
        rows = [_on_call_row(ctx, each, zone) for each in found]
    head = ("role", "person", "phone", "until", "why", "deputy")
    text = table(head, rows)
    if changed:
        text += "\n\n" + "\n".join(_override_line(each, zone) for each in changed)
    data = {
        "at": show_both(at, zone),
        "on_call": [dict(zip(head, row, strict=True)) for row in rows],
        "overrides": [_override_data(each) for each in changed],
    }
    emit(data, text, as_json=as_json)


def _on_call_row(ctx: "Context", found: "OnCall", zone: str) -> tuple[str, ...]:
    from tocsin.law.clocks import show_both

    person = ctx.workspace.people.get(found.person)
    deputy = ctx.workspace.deputy_of(found.person) if person else None
    return (
        found.role,
        person.name if person else "NOBODY",
        (person.phone or "no number") if person else "-",
        show_both(found.until, zone) if found.until else "-",
        found.why,
        f"{deputy.name}, {deputy.phone or 'no number'}" if deputy else "-",
    )


def _override_line(each: "Override", zone: str) -> str:
    from tocsin.law.clocks import show_both

    return (
        f"{each.id[:8]}  {each.role}: {each.person} from {show_both(each.starts_at, zone)} to "
        f"{show_both(each.ends_at, zone)}, by {each.placed_by}: {each.reason}"
    )


def _override_data(each: "Override") -> dict[str, object]:
    from tocsin.law.clocks import show_utc

    return {
        "id": each.id,
        "role": each.role,
        "person": each.person,
        "from": show_utc(each.starts_at),
        "until": show_utc(each.ends_at),
        "reason": each.reason,
        "placed_by": each.placed_by,
    }


@click.group()
def rota() -> None:
    """Change who is on call, for a time and with a reason; the plan itself stands in tocsin.yaml."""


@rota.command("override")
@_role
@click.argument("person", metavar="PERSON")
@click.option("--from", "begins", metavar="TIME", help="Since when, with its offset; else now.")
@click.option("--until", "ends", metavar="TIME", required=True, help="Until when, with its offset.")
@_why
@common_options
def override(
    role: str,
    person: str,
    begins: str | None,
    ends: str,
    reason: str,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Put somebody on call until a moment; the rota counts again after it.

    \b
    Example:
      tocsin incident rota override commander tom --until 2026-11-23T08:00+00:00 --reason "Maya is ill"
    """
    from tocsin.incidents import place_override
    from tocsin.law.clocks import parse_time
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        placed = place_override(
            ctx,
            role,
            person,
            starts_at=parse_time(begins) if begins else None,
            ends_at=parse_time(ends),
            reason=reason,
        )
        text = _override_line(placed, ctx.workspace.organisation.timezone)
    emit(_override_data(placed), text, as_json=as_json)


@rota.command("lift", epilog='Example: tocsin incident rota lift 3f9a2c11 --reason "She is well again"')
@click.argument("identity", metavar="OVERRIDE")
@_why
@common_options
def lift(identity: str, reason: str, workspace_folder: Path | None, as_json: bool) -> None:
    """End an override before its time."""
    from tocsin.incidents import lift_override
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        gone = lift_override(ctx, identity, reason)
    emit(_override_data(gone), f"The rota counts again for {gone.role}.", as_json=as_json)


@click.command()
@_incident
@click.argument("role", metavar="[ROLE]", default="commander")
@click.option("--person", metavar="ID", help="Somebody by name, instead of who has the role.")
@common_options
def page(incident_id: str, role: str, person: str | None, workspace_folder: Path | None, as_json: bool) -> None:
    """Page who has a role; nobody answering, it goes on to the deputy and then to everyone.

    \b
    Example:
      tocsin incident page INC-2026-001
      tocsin incident page INC-2026-001 technical
    """
    from tocsin import alarms
    from tocsin.incidents import page as page_role
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        found = page_role(ctx, incident_id, role, person)
        said = alarms.deliver(ctx)
        ctx.store.sign_head(ctx.actor)
        channel = next((each.channel for each in said if set(found.paged) & set(each.people)), "")
        text = page_line(ctx, found) + (
            f" It went by {channel}." if channel else " NOTHING COULD CARRY IT: telephone."
        )
    emit({**page_data(found), "channel": channel}, text, as_json=as_json)


def page_line(ctx: "Context", found: "Page") -> str:
    """Return one page in a sentence, with the numbers to ring if nobody answers."""
    people = ctx.workspace.people
    names = ", ".join(
        f"{people[each].name} ({people[each].phone or 'no number'})" for each in found.paged if each in people
    )
    return f"Paged for {found.role} of {found.about}: {names}."


def page_data(found: "Page") -> dict[str, object]:
    """Return one page as plain data."""
    from tocsin.law.clocks import show_utc

    return {
        "page": found.id,
        "about": found.about,
        "role": found.role,
        "level": found.level,
        "people": list(found.paged),
        "raised_at": show_utc(found.raised_at),
        "next_at": show_utc(found.next_at) if found.waits else None,
        "acknowledged_by": found.acknowledged_by,
        "acknowledged_at": show_utc(found.acknowledged_at) if found.acknowledged_at else None,
    }


@click.command()
@_incident
@common_options
def acknowledge(incident_id: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Say that you are on it: you are not paged again, and alarms that stand are not repeated. The clocks run on.

    \b
    Example:
      tocsin incident acknowledge INC-2026-001
    """
    from tocsin import alarms
    from tocsin.incidents import acknowledge_all
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        paged, count = acknowledge_all(ctx, incident_id)
        alarms.deliver(ctx)
        ctx.store.sign_head(ctx.actor)
        person = ctx.actor.person
    lines = [f"{person} is on it. The clocks run on."]
    lines += [
        f"The page for {each.role} is over. To take the role: {_take(incident_id, each.role)}" for each in paged
    ]
    if count:
        lines.append(f"{count} alarm{'s are' if count > 1 else ' is'} not repeated.")
    data = {"incident": incident_id, "acknowledged": count, "pages": [each.id for each in paged], "person": person}
    emit(data, "\n".join(lines), as_json=as_json)


def _take(incident_id: str, role: str) -> str:
    return f"tocsin incident take {incident_id} {role}"


@click.command()
@_incident
@_role
@click.option("--note", default="", metavar="TEXT", help="How things stand, for whoever comes next.")
@common_options
def take(incident_id: str, role: str, note: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Take a role over yourself: a deputy needs nobody's leave.

    \b
    Example:
      tocsin incident take INC-2026-001 commander --note "Maya does not answer"
    """
    from tocsin import alarms
    from tocsin.incidents import acknowledge_page
    from tocsin.incidents import take as take_role
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        holder = take_role(ctx, incident_id, role, note)
        # Whoever takes the role is on it: nobody has to be woken for it any more.
        acknowledge_page(ctx, incident_id)
        alarms.deliver(ctx)
        ctx.store.sign_head(ctx.actor)
    emit(_holder_data(incident_id, holder), f"You have the role {role} in {incident_id}.", as_json=as_json)


@click.command()
@_incident
@_role
@click.option("--to", "person", required=True, metavar="PERSON", help="Who has it from now on.")
@click.option(
    "--note", default="", metavar="TEXT", help="How things stand: what is done, what waits, what to watch."
)
@common_options
def handover(
    incident_id: str, role: str, person: str, note: str, workspace_folder: Path | None, as_json: bool
) -> None:
    """Give a role to another person, with a note on how things stand.

    \b
    Example:
      tocsin incident handover INC-2026-001 commander --to maya --note "Isolated; two notices wait"
    """
    from tocsin.incidents import hand_over
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        holder = hand_over(ctx, incident_id, role, person, note)
    emit(_holder_data(incident_id, holder), f"{person} has the role {role} in {incident_id}.", as_json=as_json)


@click.command("roles", epilog="Example: tocsin incident roles INC-2026-001")
@_incident
@common_options
def show_roles(incident_id: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Show who has and had which role, with the handover notes, and the pages."""
    from tocsin.incidents import pages_of, role_history
    from tocsin.law.clocks import show_both
    from tocsin.store.need_to_know import must_be_theirs
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        must_be_theirs(connection, incident_id)
        found, paged = role_history(connection, incident_id), pages_of(connection, incident_id)
        zone = ctx.workspace.organisation.timezone
        lines = [page_line(ctx, each) + _answered(each) for each in paged]
    rows = [
        (
            each.role,
            each.person,
            each.how.replace("_", " "),
            show_both(each.since, zone),
            show_both(each.until, zone) if each.until else "now",
            each.note or "",
        )
        for each in found
    ]
    head = ("role", "person", "how", "since", "until", "note")
    text = "\n".join([table(head, rows) if rows else "Nobody has a role in it.", *(["", *lines] if lines else [])])
    data = {
        "incident": incident_id,
        "roles": [_holder_data(incident_id, each) for each in found],
        "pages": [page_data(each) for each in paged],
    }
    emit(data, text, as_json=as_json)


def _answered(found: "Page") -> str:
    if found.acknowledged_by:
        return f" {found.acknowledged_by} acknowledged."
    return " Nobody has acknowledged." if found.waits else " It ended without an answer."


def _holder_data(incident_id: str, holder: "Holder") -> dict[str, object]:
    from tocsin.law.clocks import show_utc

    return {
        "incident": incident_id,
        "role": holder.role,
        "person": holder.person,
        "how": holder.how,
        "by": holder.by,
        "since": show_utc(holder.since),
        "until": show_utc(holder.until) if holder.until else None,
        "note": holder.note,
    }


@click.command("need-to-know")
@_incident
@click.option(
    "--add", "added", multiple=True, metavar="PERSON", help="Let somebody in; may be given several times."
)
@click.option("--remove", "removed", metavar="PERSON", help="Take somebody out.")
@click.option("--lift", "lifted", is_flag=True, help="Open it to everybody again.")
@_why
@common_options
def need_to_know(
    incident_id: str,
    added: tuple[str, ...],
    removed: str | None,
    lifted: bool,
    reason: str,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Say who alone may see an incident; everybody else sees only that it exists, at every door.

    \b
    Example:
      tocsin incident need-to-know INC-2026-001 --add priya --reason "A colleague may be involved"
    """
    from tocsin.errors import UsageError
    from tocsin.incidents import let_out, open_to_all, restrict
    from tocsin.wiring import open_context

    if sum((bool(added), bool(removed), lifted)) != 1:
        raise UsageError("Say one of --add PERSON, --remove PERSON or --lift. Nothing was changed.")
    with open_context(workspace_folder) as ctx:
        if lifted:
            open_to_all(ctx, incident_id, reason)
            circle: tuple[str, ...] = ()
        else:
            circle = (
                let_out(ctx, incident_id, removed, reason)
                if removed
                else restrict(ctx, incident_id, added, reason)
            )
    text = (
        f"Only {', '.join(circle)} may see {incident_id}." if circle else f"Everybody may see {incident_id} again."
    )
    emit({"incident": incident_id, "need_to_know": list(circle)}, text, as_json=as_json)


COMMANDS = (oncall, rota, page, acknowledge, take, handover, show_roles, need_to_know)
