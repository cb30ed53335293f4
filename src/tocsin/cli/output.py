"""What every command shares: its two options, and one way to show a result.

A command builds plain data and a text; `emit` shows one or the other. Commands never print otherwise.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import click

F = TypeVar("F", bound=Callable[..., object])

workspace_option = click.option(
    "--workspace",
    "workspace_folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The workspace (else TOCSIN_WORKSPACE, else the nearest tocsin.yaml above).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def common_options(command: F) -> F:
    """Give a command `--workspace` (as `workspace_folder: Path | None`) and `--json` (as `as_json: bool`)."""
    return workspace_option(json_option(command))


def emit(data: Mapping[str, object] | Sequence[object], text: str, *, as_json: bool) -> None:
    """Show `data` as JSON or `text` as it is. In an exercise's room the JSON names the exercise."""
    if as_json:
        here = click.get_current_context(silent=True)
        exercise = here.find_root().obj if here else None
        if exercise and isinstance(data, Mapping):
            data = {"exercise": exercise, **data}
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
    elif text:
        click.echo(text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return an aligned plain-text table; reads the same in a terminal, a mail and a log."""
    lines = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    written = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    ]
    return "\n".join([written[0], "  ".join("-" * width for width in widths), *written[1:]])
