"""`tocsin playbook`: the playbooks at hand, checked whole; simulate one, or start one in an incident."""

from pathlib import Path

import click

from tocsin.cli.output import common_options, emit, table
from tocsin.cli.playbook_cacao import export_playbook, import_playbook


@click.group()
def command() -> None:
    """List, check, simulate and start playbooks; import and export them.

    \b
    Example:
      tocsin playbook check
      tocsin playbook simulate ransomware --system file-share
      tocsin playbook import block-address.json --dry-run
    """


command.add_command(import_playbook)
command.add_command(export_playbook)


@command.command("list", epilog="Example: tocsin playbook list")
@common_options
def list_playbooks(workspace_folder: Path | None, as_json: bool) -> None:
    """List the playbooks and the causes they answer."""
    from tocsin.incidents import check_playbooks
    from tocsin.wiring import load_workspace

    well, problems = check_playbooks(load_workspace(workspace_folder))
    rows = [(book.playbook, ", ".join(book.for_.cause) or "-", str(len(book.steps)), book.title) for book in well]
    data = [dict(zip(("playbook", "cause", "steps", "title"), row, strict=True)) for row in rows]
    text = table(("playbook", "cause", "steps", "title"), rows)
    if problems:
        text += f"\n\n{len(problems)} problem(s) elsewhere: `tocsin playbook check` names them."
    emit(data, text, as_json=as_json)


@command.command(epilog="Example: tocsin playbook check")
@common_options
def check(workspace_folder: Path | None, as_json: bool) -> int:
    """Check every playbook whole; exit 2 when something is wrong."""
    from tocsin.incidents import check_playbooks
    from tocsin.wiring import load_workspace

    well, problems = check_playbooks(load_workspace(workspace_folder))
    data = {"well": [book.playbook for book in well], "problems": [str(problem) for problem in problems]}
    summary = f"{len(well)} playbooks are well."
    emit(data, "\n".join([*(str(problem) for problem in problems), summary]), as_json=as_json)
    return 2 if problems else 0


@command.command(epilog="Example: tocsin playbook simulate ransomware --system file-share")
@click.argument("name")
@click.option("--system", help="The system it is about.")
@common_options
def simulate(name: str, system: str | None, workspace_folder: Path | None, as_json: bool) -> None:
    """Walk through a playbook: every step says what it would do, nothing outside is touched."""
    _start(name, None, system, workspace_folder, as_json=as_json)


@command.command(epilog="Example: tocsin playbook start generic --incident INC-2026-001")
@click.argument("name")
@click.option("--incident", "incident_id", required=True, help="The incident it answers.")
@common_options
def start(name: str, incident_id: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Start a further playbook in an incident that is open."""
    _start(name, incident_id, None, workspace_folder, as_json=as_json)


def _start(name: str, incident_id: str | None, system: str | None, folder: Path | None, *, as_json: bool) -> None:
    from tocsin.cli.run_report import run_as_json, run_as_text
    from tocsin.incidents import add_playbook, choose_playbook, simulate_playbook
    from tocsin.runbook.engine import advance
    from tocsin.wiring import open_context

    with open_context(folder) as ctx:
        playbook = choose_playbook(ctx, None, name)
        run = add_playbook(ctx, incident_id, playbook) if incident_id else simulate_playbook(ctx, playbook, system)
        found = advance(ctx, run.id)
        ctx.store.sign_head(ctx.actor)
        emit(run_as_json(found), run_as_text(found, ctx.workspace), as_json=as_json)
