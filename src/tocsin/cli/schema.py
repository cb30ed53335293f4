"""`tocsin schema`: the JSON Schema of a file, for editors."""

import json

import click

from tocsin.errors import UsageError, did_you_mean

WORDS = ("workspace", "included", "drill")


@click.command(epilog="Example: tocsin schema workspace")
@click.argument("kind", default="workspace", metavar="[workspace|included|drill]")
def command(kind: str) -> None:
    """Print the JSON Schema of tocsin.yaml (workspace), of a file it includes, or of a drill.

    A file names its schema in its first line, as `tocsin init` writes it:
    # yaml-language-server: $schema=schemas/workspace.schema.json
    """
    if kind not in WORDS:
        raise UsageError(f"There is no schema of {kind!r}.{did_you_mean(kind, WORDS)}")
    click.echo(schema_text(kind).decode(), nl=False)


def schema_text(kind: str) -> bytes:
    """Return one schema as it is printed and written."""
    from tocsin.model.schema import SCHEMAS

    return json.dumps(SCHEMAS[kind](), indent=2, ensure_ascii=False).encode() + b"\n"
