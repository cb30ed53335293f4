"""`tocsin recover kit`: write, check and open the recovery kit."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit
from tocsin.errors import OperationFailed, UsageError

if TYPE_CHECKING:
    from tocsin.model.workspace import Workspace
    from tocsin.ports import Secrets
    from tocsin.recovery.kit import Kit, Opened, Written


@click.command()
@click.option(
    "--to",
    "places",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write it here; repeatable.",
)
@click.option("--if-due", is_flag=True, help="Write it only if the workspace's schedule says so.")
@click.option(
    "--check", "checked", type=click.Path(path_type=Path), metavar="FILE", help="Prove each key in this kit."
)
@click.option("--open", "opened", type=click.Path(path_type=Path), metavar="FILE", help="Open this kit.")
@click.option(
    "--into", type=click.Path(path_type=Path), metavar="DIR", help="With --open: an empty or new folder."
)
@click.option(
    "--passphrase", metavar="REFERENCE", help="Where it is found: file:PATH, env:NAME. Else it is asked for."
)
@common_options
def command(
    places: tuple[Path, ...],
    if_due: bool,
    checked: Path | None,
    opened: Path | None,
    into: Path | None,
    passphrase: str | None,
    workspace_folder: Path | None,
    as_json: bool,
) -> int:
    """Write the recovery kit: one encrypted file with repository addresses, keys, workspace and contacts.

    Without --to it goes where `recovery_kit:` says. A page to print lies beside it, no secret on it.
    Keep the kit off this machine, and the passphrase away from the kit.

    \b
    Examples:
      tocsin recover kit --to /media/usb/larkfield.kit
      tocsin recover kit --check /media/usb/larkfield.kit
      tocsin recover kit --open larkfield.kit --into recovered --passphrase file:passphrase
    """
    if sum(map(bool, (places or if_due, checked, opened))) > 1:
        raise UsageError("Write a kit, --check one or --open one: one at a time. Nothing was done.")
    if (opened is None) != (into is None):
        raise UsageError("--open FILE goes with --into DIR, an empty or new folder. Nothing was done.")
    if opened is not None and into is not None:
        return _open(Path.cwd() / opened, Path.cwd() / into, passphrase, as_json=as_json)
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        if checked is not None:
            from tocsin.recovery.kit import check_kit

            kit = _unsealed(Path.cwd() / checked, _passphrase(passphrase, ctx.secrets, ctx.workspace))
            return _told_check(check_kit(ctx, kit), kit, as_json=as_json)
        from tocsin.recovery.kit import kit_if_due, write_kit

        if if_due:
            written = kit_if_due(ctx, ctx.clock.now())
        else:
            targets = [Path.cwd() / place for place in places]
            settings = ctx.workspace.recovery_kit
            if not targets and settings is not None:
                targets = [ctx.workspace.resolve(place) for place in settings.to]
            if not targets:
                raise UsageError(
                    "Where the kit goes is not said: give --to FILE, or add `recovery_kit:` to tocsin.yaml."
                )
            written = write_kit(ctx, _passphrase(passphrase, ctx.secrets, ctx.workspace, is_new=True), targets)
    return _told_written(written, as_json=as_json)


def _passphrase(
    reference: str | None, secrets: "Secrets", workspace: "Workspace | None", *, is_new: bool = False
) -> str:
    if reference is None and workspace is not None and workspace.recovery_kit is not None:
        reference = workspace.recovery_kit.passphrase
    if reference is not None:
        return secrets.read(reference)
    answer: str = click.prompt("Passphrase of the kit", hide_input=True, confirmation_prompt=is_new, err=True)
    return answer


def _unsealed(path: Path, passphrase: str) -> "Kit":
    from tocsin.recovery.kit.contents import unpacked
    from tocsin.recovery.kit.sealing import unseal

    try:
        data = path.read_bytes()
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise UsageError(f"{path} cannot be read: {reason}. Name the kit's file.") from fault
    return unpacked(unseal(data, passphrase, str(path)), str(path))


def _open(path: Path, into: Path, reference: str | None, *, as_json: bool) -> int:
    from tocsin.recovery.kit import open_kit, take_over
    from tocsin.wiring import open_context, secrets_beside

    kit = _unsealed(path, _passphrase(reference, secrets_beside(Path.cwd()), None))
    folder = open_kit(kit, into)
    with open_context(folder) as ctx:
        opened = take_over(ctx, kit)
    lost = [one["repository"] for one in kit.index["repositories"] if one["in_workspace"]]
    data = {
        "workspace": str(folder),
        "made_at": opened.made_at,
        "snapshots": dict(opened.snapshots),
        "lost_repositories": lost,
    }
    emit(data, _told_opened(kit, folder, opened, lost), as_json=as_json)
    return 0


def _told_opened(kit: "Kit", folder: Path, opened: "Opened", lost: list[str]) -> str:
    lines = [
        f"The workspace of {kit.index['organisation']} is at {folder}, as it was at {opened.made_at[:16]} UTC.",
        *(f"  {plan}: {count} snapshots known" for plan, count in opened.snapshots.items()),
    ]
    if lost:
        lines.append(f"Gone with the server: the repository {', '.join(lost)}. The others have what it had.")
    lines += [
        "Snapshots taken after that moment are in the repositories, and not in this ledger.",
        f"The keys lie in {folder / '.tocsin/secrets'}. Nothing was restored yet. Next:",
        f"  cd {folder}",
        "  tocsin recover list",
    ]
    return "\n".join(lines)


def _told_written(written: "Written | None", *, as_json: bool) -> int:
    if written is None:
        emit({"written": False}, "The kit is not due.", as_json=as_json)
        return 0
    lines = [f"The recovery kit is at {place} (0600)." for place in written.places]
    lines += [f"It holds {written.keys} keys and {written.snapshots} snapshots. SHA-256 {written.sha256}"]
    lines += [f"Print {page}; no secret is on it." for page in written.pages[:1]]
    lines += [
        f"MIND: the repository {name} lies in the workspace, and would be gone with it." for name in written.lost
    ]
    lines += [f"NOT written: {fault}" for fault in written.faults]
    data = {
        "written": True,
        "places": [str(place) for place in written.places],
        "pages": [str(page) for page in written.pages],
        "sha256": written.sha256,
        "keys": written.keys,
        "snapshots": written.snapshots,
        "faults": list(written.faults),
        "lost_repositories": list(written.lost),
    }
    emit(data, "\n".join(lines), as_json=as_json)
    return OperationFailed.exit_code if written.faults else 0


def _told_check(proved: "tuple[object, ...]", kit: "Kit", *, as_json: bool) -> int:
    from dataclasses import asdict

    from tocsin.recovery.kit import KeyProved

    keys = [one for one in proved if isinstance(one, KeyProved)]
    words = {True: "opens", False: "DOES NOT OPEN", None: "out of reach; nothing was proved"}
    lines = [f"The kit of {kit.index['made_at'][:16]} UTC opens. Its keys alone, each on its repository:"]
    for one in keys:
        more = f", {one.snapshots} snapshots" if one.opens else f": {one.why}"
        lines.append(f"  {one.repository}: {words[one.opens]}{more}")
    data = {"made_at": kit.index["made_at"], "keys": [asdict(one) for one in keys]}
    emit(data, "\n".join(lines), as_json=as_json)
    if any(one.opens is False for one in keys):
        return OperationFailed.exit_code
    return 4 if any(one.opens is None for one in keys) else 0
