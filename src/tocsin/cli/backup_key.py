"""`tocsin backup key`: list, add, rotate and remove the keys of a repository. No password is ever shown."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from tocsin.ports import Key

safe_option = click.option(
    "--safe",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The copy of the password from the safe: it must open the repository without the old key.",
)


@click.group(epilog="Example: tocsin backup key list local")
def key() -> None:
    """List, add, rotate and remove the keys that open a repository."""


@key.command("list", epilog="Example: tocsin backup key list local")
@click.argument("repository")
@common_options
def list_(repository: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Show the keys of REPOSITORY; the one this machine uses is marked."""
    from tocsin.backups import list_keys
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        found = list_keys(ctx, repository)
    emit([_data(one) for one in found], _shown(found), as_json=as_json)


@key.command(epilog="Example: tocsin backup key add local --new file:/media/safe/local.password")
@click.argument("repository")
@click.option(
    "--new", required=True, metavar="REFERENCE", help="Where the new password lies: file:PATH, env:NAME…"
)
@common_options
def add(repository: str, new: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Add a key to REPOSITORY for a password that lies at REFERENCE already, and prove that it opens.

    So the safe can have a key of its own, which rotating this machine's leaves alone.
    """
    from tocsin.backups import add_key
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        added = add_key(ctx, repository, new)
    emit(
        {"repository": repository, "key": added}, f"{repository} opens with the key {added[:8]}.", as_json=as_json
    )


@key.command(epilog="Example: tocsin backup key rotate local --safe /media/safe/local.password")
@click.argument("repository")
@click.option("--new", metavar="REFERENCE", help="Where the new password lies (else one is made).")
@click.option("--store", metavar="COMMAND", help="The firm's command that keeps it; it gets it on standard input.")
@safe_option
@common_options
def rotate(
    repository: str,
    new: str | None,
    store: str | None,
    safe: Path | None,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Put a new password in the place of the one this machine opens REPOSITORY with.

    It is written where the workspace's reference points, and proved, before anything is removed. The old key goes
    only when the safe's copy opens the repository without it; until then both open it.
    """
    from tocsin.backups import rotate_key
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        done = rotate_key(ctx, repository, new=new, store=store, safe=safe)
    told = f"{repository} opens with the new key {done.new[:8]}, and this machine uses it."
    if done.removed:
        told += f" The old one, {done.old[:8]}, is gone."
    else:
        told += (
            f"\nThe old key {done.old[:8]} opens it still, for the safe may need it. Put the new password in the "
            f"safe, then: tocsin backup key remove {repository} {done.old[:8]} --safe FILE"
        )
    data = {"repository": repository, "new": done.new, "old": done.old, "old_removed": done.removed}
    emit(data, told, as_json=as_json)


@key.command(epilog="Example: tocsin backup key remove local 33b2feb1 --safe /media/safe/local.password")
@click.argument("repository")
@click.argument("key_id", metavar="KEY")
@safe_option
@click.option("--not-in-safe", is_flag=True, help="The safe holds no copy of any password of this repository.")
@common_options
def remove(
    repository: str,
    key_id: str,
    safe: Path | None,
    not_in_safe: bool,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Remove KEY, by the first digits of its id, from REPOSITORY.

    Refused (exit code 3) for the last key, the one this machine uses, and the one the safe's copy opens it with.
    """
    from tocsin.backups import remove_key
    from tocsin.wiring import open_context

    if (safe is None) != not_in_safe:
        raise UsageError("Give --safe with the copy from the safe, or --not-in-safe: one of the two.")
    with open_context(workspace_folder) as ctx:
        gone = remove_key(ctx, repository, key_id, safe=safe)
    emit(_data(gone), f"The key {gone.id[:8]} opens {repository} no more.", as_json=as_json)


def _data(one: "Key") -> dict[str, object]:
    return {"id": one.id, "in_use": one.is_current, "user": one.user, "host": one.host, "created": one.created}


def _shown(found: tuple["Key", ...]) -> str:
    rows = [
        (one.id[:8], "this machine's" if one.is_current else "", f"{one.user}@{one.host}", one.created)
        for one in found
    ]
    return table(("key", "in use", "made by", "made"), rows)
