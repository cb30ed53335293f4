"""`tocsin metrics`: the state of the backups for Prometheus."""

from pathlib import Path

import click

from tocsin.cli.output import emit, workspace_option


@click.command(epilog="Example: tocsin metrics > /var/lib/node_exporter/tocsin.prom")
@workspace_option
@click.option("--json", "as_json", is_flag=True, help="The same text, as one JSON string.")
def command(workspace_folder: Path | None, as_json: bool) -> None:
    """Print the state of the backups as Prometheus reads it; asks our ledger, not the repositories."""
    from tocsin.backups.metrics import metrics
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        text = metrics(connection, ctx.workspace, ctx.clock.now())
    emit({"metrics": text}, text.rstrip("\n"), as_json=as_json)
