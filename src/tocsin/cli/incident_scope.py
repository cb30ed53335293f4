"""What an incident reaches: `tocsin incident radius | add-system | merge | playbook`."""

from pathlib import Path

import click

from tocsin.cli.output import common_options, emit

_incident = click.argument("incident_id", metavar="INCIDENT")
_why = click.option("--reason", default="", metavar="TEXT", help="How you know, or why.")


@click.command()
@_incident
@click.option(
    "--out",
    "page",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the picture there; else to reports/incidents/ of the workspace.",
)
@common_options
def radius(incident_id: str, page: Path | None, workspace_folder: Path | None, as_json: bool) -> None:
    """Show everything that was hit: systems, data, people, clients with clocks and contacts, last clean snapshot.

    Writes the picture as a page, too: systems, datasets, clients, clocks.

    \b
    Example:
      tocsin incident radius INC-2026-001
    """
    from tocsin.cli.radius_words import radius_data, radius_text
    from tocsin.incidents.radius import radius_of, write_radius
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        found = radius_of(ctx, incident_id)
        written = write_radius(ctx, found, page)
        zone = ctx.workspace.organisation.timezone
        text = "" if as_json else f"{radius_text(found, zone)}\n\nThe picture: {written}"
    emit({**radius_data(found), "page": str(written)}, text, as_json=as_json)


@click.command("add-system")
@_incident
@click.argument("systems", nargs=-1, required=True, metavar="SYSTEM...")
@_why
@common_options
def add_system(
    incident_id: str, systems: tuple[str, ...], reason: str, workspace_folder: Path | None, as_json: bool
) -> None:
    """Say that further systems were hit: their data and clients join, and every open playbook learns of them.

    \b
    Example:
      tocsin incident add-system INC-2026-001 crm --reason "The same account logged in there"
    """
    from tocsin.incidents import add_systems
    from tocsin.runbook.engine import advance
    from tocsin.runbook.ledger import load_runs
    from tocsin.situation import situation_of
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        new = add_systems(ctx, incident_id, systems, reason)
        with ctx.store.read() as connection:
            clients = [client.id for client in situation_of(connection, ctx.workspace, incident_id).radius.clients]
            runs = [run.id for run in load_runs(connection, open_only=True, incident=incident_id)]
        for run in runs if new else ():
            advance(ctx, run)
        ctx.store.sign_head(ctx.actor)
    said = f"{', '.join(new)} joined {incident_id}." if new else f"{incident_id} had them already."
    data = {"incident": incident_id, "added": list(new), "clients": clients, "runs": runs}
    emit(data, f"{said} Clients now: {', '.join(clients) or 'none'}.", as_json=as_json)


@click.command()
@click.argument("gone", metavar="INCIDENT")
@click.argument("_word", metavar="into", type=click.Choice(["into", "INTO"]))
@click.argument("into", metavar="INCIDENT")
@_why
@common_options
def merge(gone: str, _word: str, into: str, reason: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Make two incidents one: everything of the first goes into the second; the clocks keep the earliest moments.

    The first is closed as merged; everything in it can still be read.

    \b
    Example:
      tocsin incident merge INC-2026-002 into INC-2026-001 --reason "The same stolen password"
    """
    from tocsin.incidents import merge as merge_incidents
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        done = merge_incidents(ctx, gone, into, reason)
    counts = ", ".join(f"{what} {count}" for what, count in {"facts": done.facts, **done.moved}.items())
    data = {
        "gone": gone,
        "into": into,
        "systems": list(done.systems),
        "facts": done.facts,
        **done.moved,
    }
    emit(data, f"{gone} went into {into}: {counts}. It is closed; `tocsin incident show {gone}`.", as_json=as_json)


@click.group("playbook")
def playbook() -> None:
    """Add a playbook to an incident while others run."""


@playbook.command("add")
@_incident
@click.argument("name", metavar="PLAYBOOK")
@common_options
def add(incident_id: str, name: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Start a further playbook in an open incident.

    \b
    Example:
      tocsin incident playbook add INC-2026-001 phished-mailbox
    """
    from tocsin.cli.run_report import run_as_json, run_as_text
    from tocsin.incidents import add_playbook, choose_playbook
    from tocsin.runbook.engine import advance
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        run = add_playbook(ctx, incident_id, choose_playbook(ctx, None, name))
        found = advance(ctx, run.id)
        ctx.store.sign_head(ctx.actor)
        emit(run_as_json(found), run_as_text(found, ctx.workspace), as_json=as_json)


COMMANDS = (radius, add_system, merge, playbook)
