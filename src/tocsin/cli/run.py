"""`tocsin run`: see where playbook runs stand, and take a person's part in them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table

if TYPE_CHECKING:
    from tocsin.context import Context


@click.group()
def command() -> None:
    """See and advance playbook runs; answer and approve.

    \b
    Example:
      tocsin run show RUN-0001
      tocsin run answer RUN-0001 ask-exfiltration possible --reason "Firewall log, 17:52"
    """


@command.command("list", epilog="Example: tocsin run list")
@click.option("--all", "everything", is_flag=True, help="Ended runs too.")
@common_options
def list_runs(everything: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """List the runs that are open."""
    from tocsin.runbook.ledger import load_runs
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        runs = load_runs(connection, open_only=not everything)
    rows = [(run.id, run.state, run.incident or "-", run.mode.value, run.title) for run in runs]
    data = [dict(zip(("run", "state", "incident", "mode", "title"), row, strict=True)) for row in rows]
    text = table(("run", "state", "incident", "mode", "title"), rows) if rows else "No run is open."
    emit(data, text, as_json=as_json)


@command.command(epilog="Example: tocsin run show RUN-0001")
@click.argument("run_id", metavar="RUN")
@common_options
def show(run_id: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Show every step, and what waits for whom."""
    from tocsin.cli.run_report import run_as_json, run_as_text
    from tocsin.runbook.engine import stand
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        found = stand(ctx, run_id)
        emit(run_as_json(found), run_as_text(found, ctx.workspace), as_json=as_json)


@command.command(epilog="Example: tocsin run advance RUN-0001")
@click.argument("run_id", metavar="RUN")
@common_options
def advance(run_id: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Do everything that is ready now, and stop."""
    _then_advance(workspace_folder, run_id, lambda _: None, as_json=as_json)


@command.command()
@click.argument("run_id", metavar="RUN")
@click.argument("step")
@click.argument("value", metavar="ANSWER")
@click.option("--reason", help="On what evidence, or why.")
@common_options
def answer(
    run_id: str, step: str, value: str, reason: str | None, workspace_folder: Path | None, as_json: bool
) -> None:
    """Answer what a step asks. `unknown` is a good answer; it never means no.

    \b
    Example:
      tocsin run answer RUN-0001 ask-logs partial --reason "Only the last two days are there"
    """
    from tocsin.runbook import decisions

    _then_advance(
        workspace_folder,
        run_id,
        lambda ctx: decisions.answer(ctx, run_id, step, value, reason=reason),
        as_json=as_json,
    )


@command.command()
@click.argument("run_id", metavar="RUN")
@click.argument("step")
@click.option("--hash", "shown", required=True, help="The hash of the text you read (at least 8 characters).")
@common_options
def approve(run_id: str, step: str, shown: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Approve exactly the text you were shown.

    \b
    Example:
      tocsin run approve RUN-0001 isolate --hash 3f9a2c11d0e4
    """
    from tocsin.runbook import decisions

    _then_advance(
        workspace_folder, run_id, lambda ctx: decisions.approve(ctx, run_id, step, shown), as_json=as_json
    )


@command.command(
    epilog='Example: tocsin run reject RUN-0001 isolate --hash 3f9a2c11 --reason "Not before the evidence is in"'
)
@click.argument("run_id", metavar="RUN")
@click.argument("step")
@click.option("--hash", "shown", required=True, help="The hash of the text you read.")
@click.option("--reason", required=True, help="What would have to be different.")
@common_options
def reject(run_id: str, step: str, shown: str, reason: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Reject the text you were shown."""
    from tocsin.runbook import decisions

    _then_advance(
        workspace_folder, run_id, lambda ctx: decisions.reject(ctx, run_id, step, shown, reason), as_json=as_json
    )


@command.command(epilog="Example: tocsin run retry RUN-0001 hold-snapshots")
@click.argument("run_id", metavar="RUN")
@click.argument("step")
@common_options
def retry(run_id: str, step: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Try a failed step again."""
    from tocsin.runbook import decisions

    _then_advance(workspace_folder, run_id, lambda ctx: decisions.retry(ctx, run_id, step), as_json=as_json)


@command.command(epilog='Example: tocsin run skip RUN-0001 ask-logs --reason "There are none"')
@click.argument("run_id", metavar="RUN")
@click.argument("step")
@click.option("--reason", required=True, help="Why the run may go on without it.")
@common_options
def skip(run_id: str, step: str, reason: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Go on without a step."""
    from tocsin.runbook import decisions

    _then_advance(workspace_folder, run_id, lambda ctx: decisions.skip(ctx, run_id, step, reason), as_json=as_json)


@command.command(epilog="Example: tocsin run resolve RUN-0001 isolate --happened")
@click.argument("run_id", metavar="RUN")
@click.argument("step")
@click.option("--happened/--did-not-happen", "happened", required=True, default=None, help="What you found out.")
@common_options
def resolve(run_id: str, step: str, happened: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Say whether a step that was interrupted did happen."""
    from tocsin.runbook import decisions

    _then_advance(
        workspace_folder,
        run_id,
        lambda ctx: decisions.resolve(ctx, run_id, step, happened=happened),
        as_json=as_json,
    )


@command.command(epilog='Example: tocsin run end RUN-0001 --reason "Merged into INC-2026-002"')
@click.argument("run_id", metavar="RUN")
@click.option("--reason", required=True, help="Why it ends here.")
@common_options
def end(run_id: str, reason: str, workspace_folder: Path | None, as_json: bool) -> None:
    """End a run by hand; what it still waited for is skipped."""
    from tocsin.runbook import decisions

    _then_advance(workspace_folder, run_id, lambda ctx: decisions.end(ctx, run_id, reason), as_json=as_json)


@command.command(epilog='Example: tocsin run undo RUN-0001 isolate --reason "The host is clean"')
@click.argument("run_id", metavar="RUN")
@click.argument("step", required=False)
@click.option("--all", "everything", is_flag=True, help="All that is in force, what was done last first.")
@click.option("--reason", required=True, help="Why it may be taken back.")
@common_options
def undo(
    run_id: str, step: str | None, everything: bool, reason: str, workspace_folder: Path | None, as_json: bool
) -> None:
    """Take back what a step did. `tocsin run contained` lists what is in force."""
    from tocsin.errors import UsageError
    from tocsin.runbook import decisions

    def act(ctx: "Context") -> None:
        if step is not None and not everything:
            decisions.undo(ctx, run_id, step, reason)
        elif everything and step is None:
            decisions.undo_all(ctx, run_id, reason)
        else:
            raise UsageError("Name one STEP, or say --all. Nothing was undone.")

    _then_advance(workspace_folder, run_id, act, as_json=as_json)


@command.command(epilog='Example: tocsin run keep RUN-0001 isolate --reason "The host was scrapped"')
@click.argument("run_id", metavar="RUN")
@click.argument("step")
@click.option("--reason", required=True, help="Why it stays for good.")
@common_options
def keep(run_id: str, step: str, reason: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Decide that what a step did stays for good, so that nobody is asked about it again."""
    from tocsin.runbook import decisions

    _then_advance(workspace_folder, run_id, lambda ctx: decisions.keep(ctx, run_id, step, reason), as_json=as_json)


@command.command(epilog="Example: tocsin run contained --incident INC-2026-001")
@click.option("--run", "run_id", help="Of one run only.")
@click.option("--incident", help="Of one incident only.")
@common_options
def contained(run_id: str | None, incident: str | None, workspace_folder: Path | None, as_json: bool) -> None:
    """List what runs have done that is still in force, the latest first."""
    from dataclasses import asdict

    from tocsin.runbook.containment import contained as contained_in
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        found = contained_in(connection, run=run_id, incident=incident)
    data = [
        {
            **asdict(one),
            "since": one.since.isoformat(),
            "expires_at": one.expires_at and one.expires_at.isoformat(),
        }
        for one in found
    ]
    rows = [
        (
            one.run,
            one.step,
            f"{one.since:%Y-%m-%d %H:%M}",
            f"{one.expires_at:%Y-%m-%d %H:%M}" if one.expires_at else "-",
            f"{one.title} (undo: {one.does})",
        )
        for one in found
    ]
    head = ("run", "step", "since (UTC)", "expires (UTC)", "what")
    emit(data, table(head, rows) if rows else "Nothing is in force.", as_json=as_json)


def _then_advance(folder: Path | None, run_id: str, act: Callable[["Context"], None], *, as_json: bool) -> None:
    """Do a person's act, advance the run at once in this very process, sign the journal, and show it."""
    from tocsin.cli.run_report import run_as_json, run_as_text
    from tocsin.runbook.engine import advance as advance_run
    from tocsin.wiring import open_context

    with open_context(folder) as ctx:
        act(ctx)
        found = advance_run(ctx, run_id)
        ctx.store.sign_head(ctx.actor)
        emit(run_as_json(found), run_as_text(found, ctx.workspace), as_json=as_json)
