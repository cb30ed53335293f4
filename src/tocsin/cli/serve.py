"""`tocsin serve`: run the schedules until a signal comes."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table

if TYPE_CHECKING:
    from tocsin.serve import Served


@click.command(epilog="Example: tocsin serve --port 4200")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=4200, show_default=True, help="On 127.0.0.1; 0: any."
)
@click.option("--no-ui", is_flag=True, help="Without Prefect's pages.")
@common_options
def command(port: int, no_ui: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Run the schedules: Prefect's server, and our flows served on it.

    Backups and drills run when their plans say so, the watch every five minutes; what was missed while nothing was
    served is done once, at the start. Everything stays on this machine. Ctrl-C or SIGTERM stops it cleanly. Exit
    code 1 when Prefect's server cannot start or dies, 4 when this workspace is served already.
    """
    from tocsin.serve import serve
    from tocsin.wiring import load_workspace, opened_store

    workspace = load_workspace(workspace_folder)
    with opened_store(workspace):
        pass  # a store that cannot be opened is said now, not by each flow
    if not as_json:
        click.echo("Starting Prefect's server …", err=True)
    serve(workspace, port=port, ui=not no_ui, on_ready=lambda served: _show(served, as_json=as_json))
    if not as_json:
        click.echo("Stopped.", err=True)


def _show(served: "Served", *, as_json: bool) -> None:
    rows = [
        (
            bell.flow,
            bell.name,
            bell.cron or ("every 5 min" if bell.every else "when asked"),
            bell.zone if bell.cron else "",
        )
        for bell in served.bells
    ]
    data = {
        "url": served.url,
        "ui": served.has_ui,
        "login_file": str(served.login_file),
        "bells": [dict(zip(("flow", "name", "schedule", "timezone"), row, strict=True)) for row in rows],
        "warnings": list(served.warnings),
    }
    pages = "pages" if served.has_ui else "API (no pages)"
    lines = [
        table(("FLOW", "NAME", "SCHEDULE", "TIME ZONE"), rows),
        "",
        *(f"Warning: {warning}" for warning in served.warnings),
        f"Prefect's {pages}: {served.url}  (this machine only; the login is the line in {served.login_file})",
        "Ctrl-C stops it.",
    ]
    emit(data, "\n".join(lines), as_json=as_json)
    sys.stdout.flush()
