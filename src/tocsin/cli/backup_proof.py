"""`tocsin backup prove-append-only|key-check`: proofs that are tried, not asked of a setting."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit

if TYPE_CHECKING:
    from tocsin.backups import Proof


@click.command("prove-append-only", epilog="Example: tocsin backup prove-append-only files")
@click.argument("plan")
@click.option("--repository", metavar="NAME", help="This one of the plan's repositories, however it is marked.")
@common_options
def prove_append_only(plan: str, repository: str | None, workspace_folder: Path | None, as_json: bool) -> int:
    """Really try to overwrite, shrink and delete a scratch snapshot in PLAN's append-only repositories.

    With this machine's own credentials: what it cannot do, whoever takes it over cannot do either. The outcome is
    journalled. Exit code 1 when a repository let anything through.
    """
    from tocsin.backups import prove_append_only as prove
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        proofs = prove(ctx, plan, repository=repository)
    emit([_data(one) for one in proofs], "\n".join(_told(one) for one in proofs), as_json=as_json)
    return 0 if all(one.holds for one in proofs) else 1


@click.command("key-check", epilog="Example: tocsin backup key-check local --key /media/safe/local.password")
@click.argument("repository")
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The copy of the password from the safe.",
)
@common_options
def key_check(repository: str, key: Path, workspace_folder: Path | None, as_json: bool) -> int:
    """Open REPOSITORY with the copy of its password from the safe, and with nothing else.

    Exit code 1 when it does not open; that is journalled too.
    """
    from tocsin.backups import check_key
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        checked = check_key(ctx, repository, key)
    told = f"{repository} opens with the copy from the safe: {checked.snapshots} snapshots are there."
    if not checked.opens:
        told = f"{repository} does NOT open with the copy from the safe; make a new copy today. {checked.why}"
    data = {"repository": repository, "opens": checked.opens, "snapshots": checked.snapshots, "why": checked.why}
    emit(data, told, as_json=as_json)
    return 0 if checked.opens else 1


def _told(proof: "Proof") -> str:
    if proof.holds:
        return f"{proof.repository}: out of reach. It refused to {', '.join(proof.refused)}."
    let = [str(act) for act, refused in proof.refused.items() if not refused]
    return (
        f"{proof.repository}: NOT out of reach. With this machine's rights one can {', '.join(let)}. Whoever "
        "takes it over can take the backups along: make the server append-only."
    )


def _data(proof: "Proof") -> dict[str, object]:
    return {
        "repository": proof.repository,
        "holds": proof.holds,
        "refused": {str(act): refused for act, refused in proof.refused.items()},
        "snapshot": proof.snapshot,
    }
