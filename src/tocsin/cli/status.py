"""`tocsin status`: tonight's picture on one screen, the worst first."""

from pathlib import Path

import click

from tocsin.cli.output import common_options, emit


@click.command()
@click.option("--check", is_flag=True, help="Exit 1 when anything is overdue, late, failed or unknown.")
@common_options
def command(check: bool, workspace_folder: Path | None, as_json: bool) -> int:
    """Show tonight's picture: incidents and their clocks, what waits for whom, backups, drills.

    Looks at the store alone: no repository is asked ('tocsin watch' does that), nothing is written.

    \b
    Example:
      tocsin status
      tocsin status --check --json
    Exit code: 0; with --check, 1 when anything is overdue, late, failed or unknown.
    """
    from tocsin.cli.status_data import data_of
    from tocsin.cli.status_page import Page
    from tocsin.exercises import exercise_under_way
    from tocsin.tonight import look
    from tocsin.wiring import acting_person, load_workspace, opened_store

    workspace = load_workspace(workspace_folder)
    reader = acting_person(workspace, "cli").person
    with opened_store(workspace) as store, store.read_by(reader).read() as connection:
        picture = look(connection, workspace, store.now())
        under_way = exercise_under_way(connection)
    organisation = workspace.organisation
    text = "" if as_json else Page(organisation.name, organisation.timezone, picture).text()
    data = data_of(picture) if as_json else {}
    if under_way:
        data |= {"exercise_under_way": under_way[0]}
        text += f"\nEXERCISE {under_way[0]} is under way in {under_way[1]}. Nothing of it is shown here."
    emit(data, text, as_json=as_json)
    return 1 if check and picture.troubles() else 0
