"""`tocsin init`: make a workspace, or a sample one to try things on."""

import getpass
import secrets
from pathlib import Path

import click

from tocsin.cli.output import emit
from tocsin.cli.schema import WORDS, schema_text


class SystemRandomness:
    """The operating system's random bytes."""

    def token(self, length: int) -> bytes:
        """Return `length` random bytes."""
        return secrets.token_bytes(length)


@click.command(epilog="Example: tocsin init --sample agency")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), metavar="[DIR]")
@click.option("--sample", is_flag=True, help="A made-up agency with 50 MB of data, to try everything on.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def command(folder: Path, sample: bool, as_json: bool) -> None:
    """Make a workspace in DIR (here, if left out). A file that is there is never overwritten."""
    from tocsin.workspace.making import PASSWORD, make_workspace

    schemas = {f"{word}.schema.json": schema_text(word) for word in WORDS}
    login = _system_user()
    made = make_workspace(folder, SystemRandomness(), login=login, schemas=schemas, sample=sample)
    data = {"workspace": str(made.folder), "files": made.files, "sample": sample, "login": made.login}
    emit(data, _next_steps(folder, PASSWORD, made.login, sample=sample), as_json=as_json)


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A user id without a name, as in some containers: nobody in the workspace has it for a login.
        return "nobody"


def _next_steps(folder: Path, password: str, login: str | None, *, sample: bool) -> str:
    here = folder == Path()
    go = "" if here else f"  cd {folder}\n"
    place = "this folder" if here else str(folder)
    if sample:
        who = f"\nYou are Maya here: her login is your system user, {login}." if login else ""
        return (
            f"The sample agency is in {place}: 4 people, 3 clients, 6 datasets, 50 MB of made-up files.{who}"
            f"\n\nNext:\n{go}  tocsin check\n  tocsin backup init local\n"
            "  tocsin backup run file-share\n  tocsin drill run file-share"
        )
    return (
        f"Your workspace is in {place}.\n\n"
        f"Next:\n{go}"
        "  1. Open tocsin.yaml and put in your own people, clients, systems and backup plans.\n"
        "  2. tocsin check           says what is wrong, and where\n"
        "  3. tocsin doctor          looks at this machine\n"
        "  4. tocsin backup run      takes the first backup\n\n"
        f"The repository's password is in {password}. Without it no backup can be read: keep a copy\n"
        "away from this machine, on paper in a safe for example. It is not in version control."
    )
