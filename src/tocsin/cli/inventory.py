"""`tocsin inventory`: whose data lives where, what is missing or wrong in that, and how each label is handled."""

import os
from collections.abc import Mapping
from pathlib import Path

import click

from tocsin.cli.inventory_words import (
    dataset_data,
    departure_lines,
    finding_data,
    findings_text,
    map_data,
    map_text,
    matrix_data,
    matrix_text,
)
from tocsin.cli.output import common_options, emit, table
from tocsin.model.workspace import Dataset, Workspace

system_option = click.option("--system", "system", metavar="ID", help="Only what lives on this system.")
client_option = click.option("--client", "client", metavar="ID", help="Only this client's data.")


@click.group()
def command() -> None:
    """Show whose data lives where, and what is open about it."""


@command.command(epilog="Example: tocsin inventory show")
@common_options
@system_option
@client_option
def show(workspace_folder: Path | None, as_json: bool, system: str | None, client: str | None) -> None:
    """List clients, their datasets, the systems these live on and the backup plans that cover them."""
    workspace = _loaded(workspace_folder)
    chosen = _chosen(workspace, system, client)
    rows = [
        (
            workspace.clients[dataset.client].name if dataset.client else "(our own)",
            dataset.id,
            str(dataset.label) if dataset.labelled else f"none ({dataset.label})",
            "" if dataset.people.count is None else str(dataset.people.count),
            ", ".join(dataset.systems) or "-",
            dataset.backup_plan or "-",
        )
        for dataset in chosen
    ]
    text = (
        table(("client", "dataset", "label", "people", "systems", "backup plan"), rows) if rows else "No datasets."
    )
    emit({"datasets": [dataset_data(workspace, dataset) for dataset in chosen]}, text, as_json=as_json)


@command.command(epilog="Example: tocsin inventory check --client harbour-dental")
@common_options
@system_option
@client_option
@click.option("--report-only", is_flag=True, help="End with 0 also when something must be mended.")
def check(
    workspace_folder: Path | None, as_json: bool, system: str | None, client: str | None, report_only: bool
) -> int:
    """Say what is wrong in the inventory, what nobody has said, and what mends it; exit 1 when something must be.

    Unlabelled data, data with no purpose or past its retention, data on systems that are unencrypted, unbacked or
    entered by shared logins, and all else the label asks for. What nobody has said is asked, never taken for a no.
    An agreed departure is shown until it ends, and does not count.
    """
    from tocsin.cli.today import today_at
    from tocsin.inventory import Severity, concerning, counted, findings, narrowed

    workspace = _loaded(workspace_folder)
    _known("system", system, workspace.systems)
    _known("client", client, workspace.clients)
    seen = narrowed(workspace, client) if client else workspace
    found = concerning(findings(seen, today_at(workspace)), system=system)
    counts = counted(found)
    data = {
        "counts": {**{str(each): count for each, count in counts.items()}, "agreed": sum(x.waived for x in found)},
        "findings": [finding_data(each) for each in found],
    }
    emit(data, findings_text(found), as_json=as_json)
    return 1 if counts[Severity.MUST] and not report_only else 0


@command.command("map", epilog="Example: tocsin inventory map --html map.html")
@common_options
@system_option
@client_option
@click.option("--html", "page", type=click.Path(path_type=Path), help="Write it as a page with a picture.")
def draw(
    workspace_folder: Path | None, as_json: bool, system: str | None, client: str | None, page: Path | None
) -> None:
    """Draw clients, datasets, systems and backups, and mark what is open about each.

    With --client it names no other client's data, also where they share a system.
    """
    from tocsin.cli.today import today_at
    from tocsin.inventory import concerning, findings, inventory_map, narrowed

    workspace = _loaded(workspace_folder)
    chosen, today = _chosen(workspace, system, client), today_at(workspace)
    seen = narrowed(workspace, client) if client else workspace
    drawn = inventory_map(workspace, chosen, concerning(findings(seen, today), system=system))
    data = map_data(workspace, drawn)
    if page is None:
        emit(data, map_text(workspace, drawn) if chosen else "No datasets.", as_json=as_json)
        return
    from tocsin.durable import write_durably
    from tocsin.inventory import map_page

    what = f"Data of {workspace.clients[client].name}" if client else "Whose data lives where"
    title = f"{what}, on {workspace.systems[system].title}" if system else what
    write_durably(page, map_page(workspace, drawn, today, title).encode())
    emit({**data, "path": str(page)}, f"Written: {page}", as_json=as_json)


@command.command(epilog="Example: tocsin inventory handling")
@common_options
def handling(workspace_folder: Path | None, as_json: bool) -> None:
    """Show how each label is handled, why, and every agreed departure."""
    from tocsin.cli.today import today_at

    workspace = _loaded(workspace_folder)
    rows, today = matrix_data(workspace), today_at(workspace)
    departures = [
        {**each.model_dump(mode="json", exclude_none=True), "holds": each.holds(today)}
        for each in workspace.departures
    ]
    text = matrix_text(rows, departure_lines(workspace, today))
    emit({"rules": rows, "departures": departures}, text, as_json=as_json)


def _loaded(folder: Path | None) -> Workspace:
    from tocsin.workspace import find, load

    return load(find(folder, os.environ, Path.cwd()))


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
