"""`tocsin serve`: run the schedules until a signal comes."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table

if TYPE_CHECKING:
    from tocsin.model.workspace import Workspace
    from tocsin.serve import Served


@click.command(epilog="Example: tocsin serve --port 4200")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=4200, show_default=True, help="On 127.0.0.1; 0: any."
)
@click.option(
    "--reports-port",
    type=click.IntRange(0, 65535),
    default=4210,
    show_default=True,
    help="Where reporters of the workspace are listened for, on 127.0.0.1; 0: any.",
)
@click.option("--no-ui", is_flag=True, help="Without Prefect's pages.")
@click.option("--slack-only", is_flag=True, help="Serve Slack and nothing else, without Prefect.")
@click.option("--no-slack", is_flag=True, help="Without Slack, which another machine serves.")
@common_options
def command(
    port: int,
    reports_port: int,
    no_ui: bool,
    slack_only: bool,
    no_slack: bool,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Run the schedules: Prefect's server, and our flows served on it.

    Backups and drills run when their plans say so, the watch every five minutes; what was missed while nothing was
    served is done once, at the start. Slack is served beside it where the workspace has one; all else stays on
    this machine. Ctrl-C or SIGTERM stops it cleanly. Exit code 1 when Prefect's server cannot start or dies,
    4 when this workspace is served already.
    """
    from contextlib import nullcontext

    from tocsin.chat import beside
    from tocsin.errors import UsageError
    from tocsin.wiring import load_workspace, opened_store

    workspace = load_workspace(workspace_folder)
    if workspace.exercise:
        raise UsageError(f"{workspace.exercise} is an exercise: nothing is served there. Nothing was started.")
    with opened_store(workspace):
        pass  # a store that cannot be opened is said now, not by each flow
    if slack_only and no_slack:
        raise UsageError("--slack-only and --no-slack leave nothing to serve.")
    if slack_only:
        _serve_slack(workspace)
        return
    from tocsin.serve import Doors, serve

    if not as_json:
        click.echo("Starting Prefect's server …", err=True)
    doors = Doors(port, reports_port, ui=not no_ui)
    with nullcontext() if no_slack else beside(workspace, _say):
        serve(workspace, doors, on_ready=lambda served: _show(served, as_json=as_json))
    if not as_json:
        click.echo("Stopped.", err=True)


def _serve_slack(workspace: "Workspace") -> None:
    """Serve Slack until a signal comes."""
    import signal
    import threading

    from tocsin.chat import can_be_served, serve_chat
    from tocsin.errors import UsageError

    if not can_be_served(workspace):
        raise UsageError(
            "There is no Slack to serve: put channels.slack with a token into tocsin.yaml (docs/slack.md)."
        )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: stop.set())
    _say("Serving Slack. Ctrl-C stops it.")
    serve_chat(workspace.root, stop, _say)
    _say("Stopped.")


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)


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
        "reports_url": served.reports_url,
        "bells": [dict(zip(("flow", "name", "schedule", "timezone"), row, strict=True)) for row in rows],
        "warnings": list(served.warnings),
    }
    pages = "pages" if served.has_ui else "API (no pages)"
    lines = [
        table(("FLOW", "NAME", "SCHEDULE", "TIME ZONE"), rows),
        "",
        *(f"Warning: {warning}" for warning in served.warnings),
        f"Prefect's {pages}: {served.url}  (this machine only; the login is the line in {served.login_file})",
        *([f"Reports: {served.reports_url}REPORTER  (this machine only; signed)"] if served.reports_url else []),
        "Ctrl-C stops it.",
    ]
    emit(data, "\n".join(lines), as_json=as_json)
    sys.stdout.flush()
