"""`tocsin notice to-sign` and `approve-signed`: an approval by somebody who is not at this machine."""

from pathlib import Path

import click

from tocsin.cli.notice_words import let_its_duty_follow, notice_data
from tocsin.cli.output import common_options, emit


@click.command(name="to-sign", epilog="Example: tocsin notice to-sign 1a2b3c4d > approve.txt")
@click.argument("identity", metavar="ID")
@common_options
def to_sign(identity: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Print the statement that approves exactly this text, for a person elsewhere to sign.

    Send it along with the text (`tocsin notice show ID --text`). They sign with
    `ssh-keygen -Y sign -n tocsin -f KEY approve.txt` and send approve.txt and approve.txt.sig back.
    """
    from tocsin.notices import shown, statement_for
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        seen = shown(ctx, identity)
        statement = statement_for(ctx, seen)
    data = {"notice": seen.notice.id, "sha256": seen.sha256, "statement": statement}
    emit(data, statement.removesuffix("\n"), as_json=as_json)


@click.command(name="approve-signed", epilog="Example: tocsin notice approve-signed 1a2b3c4d approve.txt")
@click.argument("identity", metavar="ID")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--signature", type=click.Path(path_type=Path), help="The signature, where it is not FILE with .sig after it."
)
@common_options
def approve_signed(
    identity: str, file: Path, signature: Path | None, workspace_folder: Path | None, as_json: bool
) -> None:
    """Take an approval that was signed elsewhere; whose it is says the key on file in the workspace."""
    from tocsin.notices import approve_signed as approve
    from tocsin.notices import still_needed
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        approved, person = approve(ctx, identity, file, signature or Path(f"{file}.sig"))
        let_its_duty_follow(ctx, approved.incident)
        waits = "" if approved.state == "approved" else " or ".join(still_needed(ctx, approved))
    short = approved.id[:8]
    text = (
        f"{person} has approved notice {short} by signature; it needs two people and waits for {waits}."
        if waits
        else f"Notice {short} is approved by {person}, by signature. Send it: tocsin notice send {short}"
    )
    emit({**notice_data(approved), "person": person, "door": "file"}, text, as_json=as_json)
