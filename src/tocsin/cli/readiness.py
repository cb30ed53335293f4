"""`tocsin readiness`: what would hurt tonight, the worst first, each with the command that fixes it."""

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit

if TYPE_CHECKING:
    from tocsin.context import Context
    from tocsin.readiness import Readiness


@click.command(epilog="Example: tocsin readiness --client harbour-dental --out questionnaire")
@click.option("--client", metavar="ID", help="One client's page: nothing of any other client is on it.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write HTML and PDF.")
@click.option("--html-only", is_flag=True, help="With --out: no PDF.")
@click.option("--ask-outside", is_flag=True, help="Let the doctor ask repositories and the mail server too.")
@common_options
def command(
    client: str | None,
    out: Path | None,
    html_only: bool,
    ask_outside: bool,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Show what would hurt tonight, the worst first, with the command that fixes each.

    Nothing is added up to a score: each line stands for itself, and says why it would hurt.
    """
    from tocsin.readiness import page_facts, readiness, write_readiness
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        examined = () if client else _examined(ctx, ask_outside=ask_outside)
        seen = readiness(ctx, client=client, examined=examined)
        written = write_readiness(ctx, seen, out, pdf=not html_only) if out else ()
        facts = page_facts(ctx, seen)
        if written:
            ctx.store.sign_head(ctx.actor)
    data = {
        "client": seen.client or None,
        "at": seen.at.isoformat(),
        "counts": seen.counts(),
        "left_out": seen.left_out,
        "rows": [
            {"code": row.code, "sentence": row.sentence, "why": row.kind.why, "fix": row.fix} for row in seen.rows
        ],
        "trend": facts["trend"],
        "files": [{"file": str(each.path), "sha256": each.sha256} for each in written],
    }
    emit(data, "\n".join([*_lines(seen), *(str(each.path) for each in written)]), as_json=as_json)


def _examined(ctx: "Context", *, ask_outside: bool) -> tuple[tuple[str, str], ...]:
    """Return what the doctor found wrong; what only shows who sits here is no matter of readiness."""
    from tocsin.doctor import Examination, Outcome, examine

    found = examine(ctx, Examination(offline=not ask_outside))
    return tuple(
        (f"{each.about}: {each.seen}", each.advice)
        for each in found
        if each.outcome is not Outcome.OK and each.about != "you"
    )


def _lines(seen: "Readiness") -> list[str]:
    if not seen.rows:
        return ["Nothing that is looked at here would hurt tonight."]
    lines = []
    for _, rows in groupby(seen.rows, key=lambda row: row.code):
        listed = list(rows)
        lines += ["", f"{listed[0].kind.title.upper()}: {listed[0].kind.why}"]
        for row in listed:
            lines.append(f"  {row.sentence}")
            lines += [f"      -> {row.fix}"] if row.fix else []
    if seen.left_out:
        lines += ["", f"{seen.left_out} lines are left out: they bear another client's mark."]
    return lines[1:]
