"""`tocsin notice page | export | diff`: a notice as files, and what changed between its versions."""

from pathlib import Path

import click

from tocsin.cli.output import common_options, emit

FORMATS = ("md", "html", "txt", "eml", "pdf")


@click.command(epilog="Example: tocsin notice page 1a2b3c4d")
@click.argument("identity", metavar="ID")
@click.option("--to", "to", type=click.Path(path_type=Path), help="Where to write it.  [default: reports/notices]")
@common_options
def page(identity: str, to: Path | None, workspace_folder: Path | None, as_json: bool) -> None:
    """Write a page with one copy button per field: the ICO's online form cannot be saved half-way."""
    from tocsin.durable import private_folder, write_durably
    from tocsin.notices import notice_of
    from tocsin.notices.papers import fields_page
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        notice = notice_of(ctx, identity)
        written = fields_page(ctx, notice.id)
        name = f"{notice.incident}-{notice.id[:8]}-v{notice.version}.html"
        path = to or private_folder(ctx.workspace.root / "reports" / "notices") / name
        write_durably(path, written.encode())
    emit({"path": str(path)}, f"Open it in a browser: {path}", as_json=as_json)


@click.command(epilog="Example: tocsin notice export 1a2b3c4d --format pdf --to letter.pdf")
@click.argument("identity", metavar="ID")
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="PDF needs the package typst.")
@click.option("--to", "to", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option("--large-print", is_flag=True, help="For readers who need it: 18 points, short lines.")
@common_options
def export(
    identity: str, form: str, to: Path, large_print: bool, workspace_folder: Path | None, as_json: bool
) -> None:
    """Write a notice to a file. A text that nobody approved says so at its head; no mail is made of it."""
    from tocsin.durable import write_durably
    from tocsin.notices.papers import export_notice
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        content = export_notice(ctx, identity, form, large_print=large_print)
        write_durably(to, content)
    data = {"path": str(to), "format": form, "bytes": len(content)}
    emit(data, f"Written: {to}", as_json=as_json)


@click.command(epilog="Example: tocsin notice diff 1a2b3c4d --from 1")
@click.argument("identity", metavar="ID")
@click.option(
    "--from",
    "from_",
    type=click.IntRange(min=1),
    metavar="N",
    help="The version to compare with.  [default: the last approved, else the one before]",
)
@common_options
def diff(identity: str, from_: int | None, workspace_folder: Path | None, as_json: bool) -> None:
    """Show what changed in a notice since an earlier version: what an approver has not read yet."""
    from tocsin.notices.versions import compared
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        found = compared(ctx, identity, from_)
    data = {
        "notice": found.notice,
        "from": found.older,
        "to": found.newer,
        "edited_by": found.edited_by,
        "diff": found.text,
    }
    head = f"Version {found.newer} by {found.edited_by}, beside version {found.older}:"
    emit(data, f"{head}\n\n{found.text}" if found.text else f"{head} nothing has changed.", as_json=as_json)
