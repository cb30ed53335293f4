"""`tocsin evidence`: take it, see it, hand it on, bring it out; its chain of custody is never rewritten."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table

if TYPE_CHECKING:
    from tocsin.context import Context
    from tocsin.evidence import CustodyAct, Item, Wanted

_item = click.argument("item_id", metavar="ITEM")
_note = click.option("--note", default="", metavar="TEXT", help="What for.")


@click.group()
def command() -> None:
    """Take evidence into a repository of its own, and keep the chain of custody.

    \b
    Example:
      tocsin evidence collect INC-2026-001 /var/log --system web1
      tocsin evidence list INC-2026-001
    """


@command.command()
@click.argument("incident_id", metavar="INCIDENT")
@click.argument("words", nargs=-1, required=True, metavar="PATH...")
@click.option("--command", "is_command", is_flag=True, help="Take what a program says: its words follow `--`.")
@click.option("--system", metavar="ID", help="From the machine of this system (its `ssh` in tocsin.yaml).")
@click.option("--title", default="", metavar="TEXT", help="What it is, in one line.")
@common_options
def collect(
    incident_id: str,
    words: tuple[str, ...],
    is_command: bool,
    system: str | None,
    title: str,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Take files, folders or what a program says, here or over ssh; each path is an item of its own.

    \b
    Example:
      tocsin evidence collect INC-2026-001 /var/log/auth.log --system web1
      tocsin evidence collect INC-2026-001 --command --title "Open connections" -- ss -tanp
    """
    from tocsin.evidence import Wanted
    from tocsin.machines import machine_at
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        wanted = Wanted(
            incident=incident_id,
            paths=()
            if is_command
            else tuple(str(Path.cwd() / word) if system is None else word for word in words),
            argv=words if is_command else (),
            machine=machine_at(ctx, system=system) if system else None,
            title=title,
        )
        _collected(ctx, wanted, as_json=as_json)


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--incident", "incident_id", metavar="INCIDENT", help="Which incident it belongs to.")
@_note
@common_options
def add(file: Path, incident_id: str | None, note: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Put a file into the evidence: a photo of a screen, a saved mail, a scan.

    \b
    Example:
      tocsin evidence add note.jpg --incident INC-2026-001 --note "The ransom note, photographed by Maya"
    """
    from tocsin.evidence import Wanted
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        _collected(ctx, Wanted(incident=incident_id, paths=(str(file.absolute()),), title=note), as_json=as_json)


def _collected(ctx: "Context", wanted: "Wanted", *, as_json: bool) -> None:
    from tocsin.evidence import collect as take
    from tocsin.evidence.record import item_data

    found = take(ctx, wanted)
    lines = [
        f"{each.id}  {each.source}: {each.bytes} bytes, SHA-256 {each.sha256}, in {each.repository}, on hold."
        + (f" {len(each.changed)} files changed while they were taken." if each.changed else "")
        for each in found
    ]
    emit([item_data(each) for each in found], "\n".join(lines), as_json=as_json)


@command.command("list", epilog="Example: tocsin evidence list INC-2026-001")
@click.argument("incident_id", metavar="[INCIDENT]", required=False)
@common_options
def list_items(incident_id: str | None, workspace_folder: Path | None, as_json: bool) -> None:
    """List the items; one whose collection broke off is UNKNOWN."""
    from tocsin.evidence import items
    from tocsin.evidence.record import item_data
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        found = items(ctx, incident=incident_id)
    rows = [
        (
            each.id,
            each.incident or "-",
            each.state if each.is_kept else each.state.upper(),
            each.kind,
            f"{each.collected_at:%Y-%m-%d %H:%M} UTC",
            each.collector,
            (each.sha256 or "-")[:12],
            f"{each.source} on {each.host}",
        )
        for each in found
    ]
    head = ("item", "incident", "state", "kind", "collected", "by", "sha-256", "source")
    text = table(head, rows) if rows else "There is no evidence."
    if any(each.state == "unknown" for each in found):
        text += "\n\nUNKNOWN: its collection broke off, and nobody knows what was kept. Take it again."
    emit([item_data(each) for each in found], text, as_json=as_json)


@command.command(epilog="Example: tocsin evidence show EV-2026-001")
@_item
@common_options
def show(item_id: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Show an item and everybody who has had it."""
    from tocsin.evidence import custody_of, item_of
    from tocsin.evidence.record import act_data, item_data
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        found, chain = item_of(connection, item_id), custody_of(connection, item_id)
    emit(
        {**item_data(found), "custody": [act_data(each) for each in chain]},
        _item_text(found, chain),
        as_json=as_json,
    )


def _item_text(found: "Item", chain: "tuple[CustodyAct, ...]") -> str:
    import shlex

    lines = [
        f"{found.id}  {found.title or found.source}  [{found.state if found.is_kept else found.state.upper()}]",
        f"Taken    {found.source} on {found.host}",
        f"When     {found.collected_at:%Y-%m-%d %H:%M:%S} UTC by {found.collector}",
        f"How      {shlex.join(found.method)}",
        f"SHA-256  {found.sha256 or 'none'}{' (of its manifest)' if found.kind == 'folder' else ''}",
        f"Size     {found.bytes if found.bytes is not None else '?'} bytes, {found.files or 0} files",
        f"Kept     {found.repository}, snapshot {(found.snapshot or 'none')[:8]}, on hold",
    ]
    if found.problem:
        lines.append(f"Problem  {found.problem}")
    if found.changed:
        lines.append(f"Changed while it was taken: {', '.join(found.changed[:5])}")
    rows = [
        (
            str(each.seq),
            f"{each.at:%Y-%m-%d %H:%M} UTC",
            each.by,
            each.act.replace("_", " "),
            each.other or "",
            each.note or "",
        )
        for each in chain
    ]
    return "\n".join([*lines, "", table(("", "when", "who", "what", "whom, where", "note"), rows)])


def _written(item_id: str, what: str, other: str, note: str, folder: Path | None, *, as_json: bool) -> None:
    from tocsin.evidence import act
    from tocsin.evidence.record import act_data
    from tocsin.wiring import open_context

    with open_context(folder) as ctx:
        written = act(ctx, item_id, what, other=other, note=note)
    text = f"{item_id}: {what.replace('_', ' ')} {written.other or ''}".rstrip() + f", by {written.by}."
    emit({"item": item_id, **act_data(written)}, text, as_json=as_json)


@command.command(epilog='Example: tocsin evidence hand EV-2026-001 --to "DC Ahmed, Avon and Somerset Police"')
@_item
@click.option("--to", "other", required=True, metavar="WHOM", help="Name and organisation.")
@_note
@common_options
def hand(item_id: str, other: str, note: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Write down that an item was handed to somebody."""
    _written(item_id, "handed_to", other, note, workspace_folder, as_json=as_json)


@command.command("return", epilog='Example: tocsin evidence return EV-2026-001 --from "DC Ahmed"')
@_item
@click.option("--from", "other", required=True, metavar="WHOM", help="Who brought it back.")
@_note
@common_options
def give_back(item_id: str, other: str, note: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Write down that an item came back."""
    _written(item_id, "returned", other, note, workspace_folder, as_json=as_json)


@command.command(epilog='Example: tocsin evidence move EV-2026-001 --to "safe of the solicitor"')
@_item
@click.option("--to", "other", required=True, metavar="PLACE", help="Where it lies now.")
@_note
@common_options
def move(item_id: str, other: str, note: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Write down that an item lies somewhere else."""
    _written(item_id, "moved", other, note, workspace_folder, as_json=as_json)


@command.command("open", epilog='Example: tocsin evidence open EV-2026-001 --note "Read for the first login"')
@_item
@_note
@common_options
def open_item(item_id: str, note: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Write down that somebody looked into an item."""
    _written(item_id, "opened", "", note, workspace_folder, as_json=as_json)


@command.command(epilog="Example: tocsin evidence export EV-2026-001 --to /media/usb/EV-2026-001")
@_item
@click.option(
    "--to", "folder", type=click.Path(path_type=Path), required=True, metavar="DIR", help="An empty folder."
)
@_note
@common_options
def export(item_id: str, folder: Path, note: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Bring an item out of the repository, compare every hash, and write that into its chain of custody."""
    from tocsin.evidence import export_item
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        done = export_item(ctx, item_id, folder, reason=note)
    text = f"{item_id} lies in {done.path}. SHA-256 {done.sha256}: as it was taken."
    if done.changed:
        text += f" {len(done.changed)} files changed while they were taken, and are not vouched for."
    data = {"item": item_id, "path": str(done.path), "sha256": done.sha256, "verified": True}
    emit({**data, "changed": list(done.changed)}, text, as_json=as_json)


@command.command(epilog="Example: tocsin evidence record EV-2026-001 --format pdf --out EV-2026-001.pdf")
@_item
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "pdf"]),
    default="html",
    show_default=True,
    help="PDF needs the package typst.",
)
@click.option("--out", "file", type=click.Path(path_type=Path), required=True, metavar="FILE", help="Where to.")
@common_options
def record(item_id: str, form: str, file: Path, workspace_folder: Path | None, as_json: bool) -> None:
    """Write an item's record of custody, to be printed and signed."""
    from tocsin.durable import write_durably
    from tocsin.evidence import custody_record
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        write_durably(file, custody_record(ctx, item_id, form))
    emit({"item": item_id, "file": str(file), "format": form}, f"Wrote {file}.", as_json=as_json)
