"""`tocsin inventory`: whose data lives where."""

import os
from collections.abc import Mapping
from pathlib import Path

import click

from tocsin.cli.output import common_options, emit, table
from tocsin.model.fields import spell_duration
from tocsin.model.workspace import Dataset, Workspace


@click.group()
def command() -> None:
    """Show whose data lives where."""


@command.command(epilog="Example: tocsin inventory show")
@common_options
@click.option("--system", "system", metavar="ID", help="Only what lives on this system.")
@click.option("--client", "client", metavar="ID", help="Only this client's data.")
def show(workspace_folder: Path | None, as_json: bool, system: str | None, client: str | None) -> None:
    """List clients, their datasets, the systems these live on and the backup plans that cover them."""
    from tocsin.workspace import find, load

    workspace = load(find(workspace_folder, os.environ, Path.cwd()))
    chosen = _chosen(workspace, system, client)
    rows = [
        (
            workspace.clients[dataset.client].name if dataset.client else "(our own)",
            dataset.id,
            str(dataset.label),
            "" if dataset.people.count is None else str(dataset.people.count),
            ", ".join(dataset.systems) or "-",
            dataset.backup_plan or "-",
        )
        for dataset in chosen
    ]
    text = (
        table(("client", "dataset", "label", "people", "systems", "backup plan"), rows) if rows else "No datasets."
    )
    emit({"datasets": [_plain(dataset) for dataset in chosen]}, text, as_json=as_json)


def _chosen(workspace: Workspace, system: str | None, client: str | None) -> list[Dataset]:
    _known("system", system, workspace.systems)
    _known("client", client, workspace.clients)
    order = [*workspace.clients, None]
    found = workspace.datasets_on([system]) if system else tuple(workspace.datasets.values())
    wanted = [dataset for dataset in found if client is None or dataset.client == client]
    return sorted(wanted, key=lambda dataset: order.index(dataset.client))


def _known(kind: str, word: str | None, known: Mapping[str, object]) -> None:
    from tocsin.errors import UsageError, did_you_mean

    if word is not None and word not in known:
        raise UsageError(f"There is no {kind} {word!r}.{did_you_mean(word, known)}")


def _plain(dataset: Dataset) -> dict[str, object]:
    return {
        "id": dataset.id,
        "title": dataset.title,
        "client": dataset.client,
        "label": str(dataset.label),
        "data": [str(code) for code in dataset.data],
        "people": dataset.people.count,
        "systems": list(dataset.systems),
        "retention": spell_duration(dataset.retention) if dataset.retention else None,
        "backup_plan": dataset.backup_plan,
    }
