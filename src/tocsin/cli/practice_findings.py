"""`tocsin practice findings`: what worksheets and machine checks ask for, and what became of it."""

from pathlib import Path

import click

from tocsin.cli.output import common_options, emit
from tocsin.errors import UsageError


@click.command("findings")
@click.option("--settle", "finding", metavar="ID", help="Say what became of this finding.")
@click.option("--how", help="What was done about it, in a sentence; with --settle.")
@common_options
def findings(finding: str | None, how: str | None, workspace_folder: Path | None, as_json: bool) -> None:
    """List what worksheets and machine checks ask for and nobody has settled, or settle one.

    One that takes time becomes an action with an owner and a day: tocsin action add --finding ID

    \b
    Example:
      tocsin practice findings
      tocsin practice findings --settle 3f9a2c11 --how "Sam's account is closed."
    """
    from tocsin.cli.drill_words import data_of_finding
    from tocsin.findings import open_findings, settle
    from tocsin.wiring import open_context

    if bool(finding) != bool(how):
        raise UsageError("Give --settle ID and --how SENTENCE together. Nothing was changed.")
    with open_context(workspace_folder) as ctx:
        if finding and how:
            with ctx.store.write(ctx.actor) as tx:
                settled = settle(tx, finding, ctx.actor.person, how)
            ctx.store.sign_head(ctx.actor)
            emit([data_of_finding(settled)], f"Settled {settled.id[:8]}: {settled.sentence}", as_json=as_json)
            return
        with ctx.store.read() as connection:
            found = open_findings(connection, source="practice")
    lines = [
        f"{one.id[:8]}  {one.found_at:%Y-%m-%d}  {one.subject.removeprefix('practice:')}"
        f"{f', {one.times} times' if one.times > 1 else ''}\n          {one.sentence}"
        for one in found
    ]
    emit([data_of_finding(one) for one in found], "\n".join(lines) or "Nothing waits.", as_json=as_json)
