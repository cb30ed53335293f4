"""`tocsin schema`: the JSON Schema of a file, for editors."""

import json

import click

from tocsin.errors import UsageError, did_you_mean

RECOVERY_PLAN = "recovery-plan"
WORDS = ("workspace", "included", "drill", "exercise", RECOVERY_PLAN)
"""Those that `tocsin init` writes beside a new workspace."""
PLAYBOOK = "playbook"


@click.command(epilog="Example: tocsin schema workspace")
@click.argument("kind", default="workspace", metavar="[workspace|included|drill|exercise|recovery-plan|playbook]")
def command(kind: str) -> None:
    """Print the JSON Schema of tocsin.yaml (workspace), or of another of the files that a person writes.

    A file names its schema in its first line, as `tocsin init` writes it:
    # yaml-language-server: $schema=schemas/workspace.schema.json
    """
    known = (*WORDS, PLAYBOOK)
    if kind not in known:
        raise UsageError(f"There is no schema of {kind!r}.{did_you_mean(kind, known)}")
    click.echo(schema_text(kind).decode(), nl=False)


def schema_text(kind: str) -> bytes:
    """Return one schema as it is printed and written."""
    from tocsin.model.schema import SCHEMAS

    if kind in (PLAYBOOK, RECOVERY_PLAN):
        from tocsin.runbook.reference import playbook_schema, recovery_plan_schema

        schema = playbook_schema() if kind == PLAYBOOK else recovery_plan_schema()
    else:
        schema = SCHEMAS[kind]()
    return json.dumps(schema, indent=2, ensure_ascii=False).encode() + b"\n"
