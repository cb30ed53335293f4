"""Find the workspace a command is meant for, and the starter content a new one begins with."""

from collections.abc import Mapping
from pathlib import Path

from tocsin.errors import OperationFailed, UsageError

FILE = "tocsin.yaml"
VARIABLE = "TOCSIN_WORKSPACE"
STARTER_FOLDERS = ("playbooks", "drills", "templates", "flows")


def find(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """Return the workspace's folder: `--workspace`, else TOCSIN_WORKSPACE, else the nearest parent that is one.

    Raises UsageError saying how to name or make one.
    """
    if explicit:
        return _named(cwd / explicit, f"--workspace {explicit}")
    if named := environ.get(VARIABLE):
        return _named(cwd / Path(named).expanduser(), f"{VARIABLE}={named}")
    for folder in (cwd, *cwd.parents):
        if (folder / FILE).is_file():
            return folder
    raise UsageError(
        f"There is no workspace here: no {FILE} in {cwd} or above it. Name one with --workspace DIR, "
        "or make one with 'tocsin init DIR'."
    )


def _named(folder: Path, said: str) -> Path:
    if folder.name == FILE and folder.is_file():
        folder = folder.parent
    if not (folder / FILE).is_file():
        raise UsageError(f"{said} is not a workspace: it has no {FILE}. Make one with 'tocsin init {folder}'.")
    return folder.resolve()


def starter() -> Path:
    """Return the folder that holds the starter content: inside an installed wheel, else the checkout's root.

    Raises OperationFailed when neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "starter", package.parents[1]):
        if (folder / "playbooks").is_dir():
            return folder
    raise OperationFailed("The starter content is missing from this installation. Install tocsin again.")
