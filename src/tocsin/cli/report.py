"""`tocsin report`: anybody says what they noticed, without blame and if they like without a name."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tocsin.cli.output import common_options, emit, table

if TYPE_CHECKING:
    from tocsin.incidents import Report

_report = click.argument("report_id", metavar="REPORT")


@click.group(invoke_without_command=True)
@click.option("--what", metavar="TEXT", help="What you noticed, in your own words.")
@click.option("--near-miss", is_flag=True, help="Nothing happened, but it nearly did.")
@click.option("--system", metavar="ID", help="Where, if you know.")
@click.option("--noticed", metavar="TIME", help="When, with its offset: 2026-11-20T17:40+00:00.")
@click.option("--anonymous", is_flag=True, help="Keep nothing about you: no name, no login, no machine.")
@click.option("--name", default="", metavar="TEXT", help="How to call you, if you are not known here.")
@common_options
@click.pass_context
def command(
    click_context: click.Context,
    what: str | None,
    near_miss: bool,
    system: str | None,
    noticed: str | None,
    anonymous: bool,
    name: str,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Report a suspicion or a near miss. Nobody is blamed for it, and it needs no name.

    \b
    Example:
      tocsin report --what "I opened an invoice and the screen flickered"
      tocsin report --what "A list of patients lies in the printer" --near-miss --anonymous
    """
    if click_context.invoked_subcommand is None:
        _make(what, near_miss, system, noticed, anonymous, name, workspace_folder, as_json=as_json)


def _make(
    what: str | None,
    near_miss: bool,
    system: str | None,
    noticed: str | None,
    anonymous: bool,
    name: str,
    folder: Path | None,
    *,
    as_json: bool,
) -> None:
    import sys

    from tocsin import alarms
    from tocsin.incidents import Said, make_report
    from tocsin.law.clocks import parse_time
    from tocsin.wiring import open_context

    if what is None and sys.stdin.isatty() and not as_json:
        what = click.prompt("What did you notice? Just tell it; nobody is blamed.", prompt_suffix="\n> ")
    said = Said(
        what=what or "",
        kind="near_miss" if near_miss else "suspicion",
        system=system,
        noticed_at=parse_time(noticed) if noticed else None,
        anonymous=anonymous,
        name=name,
    )
    with open_context(folder) as ctx:
        kept = make_report(ctx, said)
        # What is delivered is marked with the machine that did it: for a nameless report the next round does it.
        if not anonymous:
            alarms.deliver(ctx)
    emit(
        {"report": kept.id, "kind": kept.kind, "named": kept.reported_by is not None},
        _thanks(kept),
        as_json=as_json,
    )


def _thanks(kept: "Report") -> str:
    lines = [f"Thank you. It was right to say so. Your report is {kept.id}."]
    if kept.reported_by is None:
        lines.append("Nothing about you was kept: no name, no login, no machine.")
    lines += [
        "What happens next: whoever is on call looks at it, and opens an incident or closes it with a reason.",
        "Leave things as they are: no switching off, no deleting. If you see more, report again.",
    ]
    return "\n".join(lines)


@command.command("list", epilog="Example: tocsin report list")
@click.option("--all", "everything", is_flag=True, help="Those that were looked at too.")
@common_options
def list_reports(everything: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """List the reports that wait to be looked at: for data protection leads, commanders and their deputies."""
    from tocsin.incidents import reports
    from tocsin.law.clocks import show_both
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        found = reports(ctx, waiting_only=not everything)
        zone = ctx.workspace.organisation.timezone
    rows = [
        (each.id, each.kind.replace("_", " "), show_both(each.reported_at, zone), _state(each), _short(each.what))
        for each in found
    ]
    head = ("report", "kind", "reported", "state", "what")
    text = table(head, rows) if rows else "No report waits."
    emit([_data(each) for each in found], text, as_json=as_json)


@command.command(epilog="Example: tocsin report show REP-2026-001")
@_report
@common_options
def show(report_id: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Show a report in full, and what can be made of it."""
    from tocsin.incidents import report_of
    from tocsin.law.clocks import show_both
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        found = report_of(ctx, report_id)
        zone = ctx.workspace.organisation.timezone
    lines = [
        f"{found.id}  {found.kind.replace('_', ' ')}  [{_state(found)}]",
        f"Reported  {show_both(found.reported_at, zone)} by {found.reported_by or 'somebody, without a name'}",
        f"Noticed   {show_both(found.noticed_at, zone) if found.noticed_at else 'not said'}",
        f"System    {found.system or 'not said'}",
        "",
        found.what,
    ]
    if found.state == "waiting":
        lines += [
            "",
            f"An incident of it:   tocsin report accept {found.id} --system ID --cause CAUSE",
            f"Nothing follows:     tocsin report close {found.id} --reason TEXT",
        ]
    emit(_data(found), "\n".join(lines), as_json=as_json)


@command.command()
@_report
@click.option("--system", "systems", multiple=True, help="A system that was hit; may be given several times.")
@click.option("--title", default="", help="What is seen, in one line; else the report's first words.")
@click.option("--cause", help="What it looks like; leave out when unsure.")
@click.option("--playbook", help="A playbook by name, instead of the one for the cause.")
@click.option("--need-to-know", "circle", multiple=True, metavar="PERSON", help="Who alone may see it.")
@common_options
def accept(
    report_id: str,
    systems: tuple[str, ...],
    title: str,
    cause: str | None,
    playbook: str | None,
    circle: tuple[str, ...],
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Make an incident of a report: its clocks and its playbook start.

    \b
    Example:
      tocsin report accept REP-2026-001 --system file-share --cause phishing
    """
    from tocsin.cli.incident import declared_now
    from tocsin.incidents import Declaration, accept_report
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        said = Declaration(title=title, systems=systems, cause=cause, playbook=playbook, need_to_know=circle)
        declared_now(ctx, accept_report(ctx, report_id, said), as_json=as_json)


@command.command("close")
@_report
@click.option("--reason", required=True, metavar="TEXT", help="Why nothing follows; the record keeps it.")
@common_options
def close_it(report_id: str, reason: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Close a report that is no incident.

    \b
    Example:
      tocsin report close REP-2026-001 --reason "The update does that; the laptop was looked at"
    """
    from tocsin.incidents import close_report
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        kept = close_report(ctx, report_id, reason)
    emit(_data(kept), f"{report_id} is closed. It stays in the record.", as_json=as_json)


@command.command(epilog="Example: tocsin report acknowledge REP-2026-001")
@_report
@common_options
def acknowledge(report_id: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Say that you look at it: nobody else is paged for it."""
    from tocsin import alarms
    from tocsin.incidents import acknowledge_page, report_of
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        report_of(ctx, report_id)
        paged = acknowledge_page(ctx, report_id)
        alarms.deliver(ctx)
        person = ctx.actor.person
    text = f"{person} looks at {report_id}." if paged else f"No page of {report_id} waits."
    emit({"report": report_id, "pages": [each.id for each in paged], "person": person}, text, as_json=as_json)


_WIDEST = 60


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…"


def _state(found: "Report") -> str:
    return f"became {found.incident}" if found.incident else found.state


def _data(found: "Report") -> dict[str, Any]:
    from tocsin.law.clocks import show_utc

    return {
        "report": found.id,
        "kind": found.kind,
        "what": found.what,
        "system": found.system,
        "noticed_at": show_utc(found.noticed_at) if found.noticed_at else None,
        "reported_at": show_utc(found.reported_at),
        "reported_by": found.reported_by,
        "state": found.state,
        "incident": found.incident,
        "settled_by": found.settled_by,
        "reason": found.reason,
    }
