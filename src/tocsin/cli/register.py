"""`tocsin register`: every incident, near misses included, as the law wants it kept (UK GDPR Art 33(5))."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table

if TYPE_CHECKING:
    from tocsin.incidents.register import RegisterEntry

client_option = click.option("--client", metavar="ID", help="Only what is this client's to know.")


@click.group()
def command() -> None:
    """Show and export the breach register: every incident, notifiable or not, and near misses.

    \b
    Example:
      tocsin register list
      tocsin register export --format html --client harbour-dental
    """


@command.command("list", epilog="Example: tocsin register list --client harbour-dental")
@client_option
@common_options
def list_entries(client: str | None, workspace_folder: Path | None, as_json: bool) -> None:
    """List every incident: when, what came of it, how many people, what is still open."""
    from tocsin.incidents.register import hidden_from_register, register
    from tocsin.law.clocks import show_both
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        entries = register(ctx, client=client)
        hidden = hidden_from_register(ctx)
        zone = ctx.workspace.organisation.timezone
    head = ("incident", "first alert", "outcome", "state", "cause", "people", "open duties", "title")
    rows = [
        (
            each.incident,
            show_both(each.times["first_alert"], zone),
            each.outcome,
            each.state,
            each.cause,
            str(each.people),
            str(sum(duty.state in ("owed", "drafted", "approved", "told") for duty in each.duties)),
            each.title,
        )
        for each in entries
    ]
    data = [{name.replace(" ", "_"): cell for name, cell in zip(head, row, strict=True)} for row in rows]
    text = table(head, rows) if rows else "The register is empty."
    text += "".join(f"\n{each} is need-to-know: only its own people see more." for each in hidden)
    emit(data, text, as_json=as_json)


@command.command(epilog="Example: tocsin register show INC-2026-001")
@click.argument("incident_id", metavar="INCIDENT")
@client_option
@common_options
def show(incident_id: str, client: str | None, workspace_folder: Path | None, as_json: bool) -> None:
    """Show one incident's entry: facts, effects, remedial action, decisions with reasons, times."""
    from tocsin.incidents.register import entry_of
    from tocsin.incidents.register_files import plain
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        entry = entry_of(ctx, incident_id, client=client)
        zone = ctx.workspace.organisation.timezone
    emit(plain(entry), _text(entry, zone), as_json=as_json)


def _text(entry: "RegisterEntry", zone: str) -> str:
    from tocsin.law.clocks import show_both

    nothing = "not yet said"
    lines = [
        f"{entry.incident}  {entry.title}  [{entry.state}, {entry.outcome.replace('_', ' ')}]",
        "",
        *(f"{name.replace('_', ' '):<12} {show_both(at, zone)}" for name, at in entry.times.items()),
        *(f"occurred {end:<3} {at}" for end, at in entry.occurred.items()),
        f"certain by   {entry.aware_by or nothing}{f': {entry.aware_reason}' if entry.aware_reason else ''}",
        f"cause        {entry.cause}",
        f"kinds        {', '.join(entry.kinds) or 'not known'}",
        f"data of      {', '.join(entry.whose)}",
        f"people       about {entry.people}",
        f"effects      {entry.effects or nothing}",
        f"put right    {' '.join(entry.remedy) or nothing}",
        "",
        "Duties:",
    ]
    for duty in entry.duties:
        told = f", told {show_both(duty.told_at, zone)}{' LATE' if duty.late else ''}" if duty.told_at else ""
        late = f" Why late: {duty.late_reasons}." if duty.late_reasons else ""
        lines += [f"  {duty.duty} (proposed {duty.proposed}): {duty.state}{told}. {duty.how}{late}".rstrip()]
        lines += [f"    still owed: {each}" for each in duty.still_owed]
    lines += ["", "Decisions:"]
    for each in entry.decisions:
        by = f"{each.by} and {each.second}" if each.second else each.by
        fallen = "" if each.stands else " (does not stand)"
        said = f"{each.duty}: {each.decided} (proposed {each.proposed}), by {by}: {each.reason}{fallen}"
        lines += [f"  {show_both(each.at, zone)}  {said}"]
    return "\n".join(lines)


@command.command(epilog="Example: tocsin register export --format csv --client harbour-dental --to register.csv")
@click.option(
    "--format", "form", type=click.Choice(["csv", "json", "html", "pdf"]), default="html", show_default=True,
    help="The kind of file; PDF needs the package typst.",
)  # fmt: skip
@client_option
@click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Else reports/register/."
)
@common_options
def export(form: str, client: str | None, to: Path | None, workspace_folder: Path | None, as_json: bool) -> None:
    """Write the register to a file, whole or one client's copy, and journal its hash.

    A client's copy holds that client's own data alone: no other client's name, and nothing told of all together.
    """
    from tocsin.incidents.register_files import export_register
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        written = export_register(ctx, form, client=client, to=to)
        ctx.store.sign_head(ctx.actor)
    data = {"file": str(written.path), "sha256": written.sha256, "incidents": written.incidents}
    emit(data, str(written.path), as_json=as_json)


@command.command(epilog="Example: tocsin register trends")
@client_option
@common_options
def trends(client: str | None, workspace_folder: Path | None, as_json: bool) -> None:
    """Show the quarters: kinds, causes, hours to detect, contain, decide and notify, people affected."""
    from tocsin.incidents.register import register
    from tocsin.incidents.register_files import quarter_data
    from tocsin.incidents.trends import SPANS
    from tocsin.incidents.trends import trends as trends_of
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        quarters = trends_of(register(ctx, client=client), ctx.workspace.organisation.timezone)
    head = (
        "quarter",
        "incidents",
        "near misses",
        "people",
        "kinds",
        "causes",
        *(f"h to {span}" for span in SPANS),
    )
    rows = [
        (
            each.quarter,
            str(each.incidents),
            str(each.near_misses),
            str(each.people),
            ", ".join(f"{kind} {count}" for kind, count in each.kinds.items()),
            ", ".join(f"{cause} {count}" for cause, count in each.causes.items()),
            *(str(each.hours.get(span, "-")) for span in SPANS),
        )
        for each in quarters
    ]
    data = [quarter_data(each) for each in quarters]
    emit(data, table(head, rows) if rows else "The register is empty.", as_json=as_json)


@command.command(epilog="Example: tocsin register expired")
@common_options
def expired(workspace_folder: Path | None, as_json: bool) -> None:
    """List the closed incidents that were kept for as long as tocsin.yaml says. Nothing is deleted."""
    from tocsin.incidents.register import expired as expired_of
    from tocsin.incidents.register import register
    from tocsin.law.clocks import show_utc
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        years = ctx.workspace.organisation.breach_record_years
        found = expired_of(register(ctx), years, ctx.clock.now())
    rows = [(each.incident, show_utc(each.times["closed"]), each.title) for each in found]
    data = [{"incident": each, "closed": closed, "title": title} for each, closed, title in rows]
    text = table(("incident", "closed", "title"), rows) if rows else f"None was closed over {years} years ago."
    emit(data, text, as_json=as_json)
