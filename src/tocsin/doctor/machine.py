"""This machine: Python, time zones, text, the programs that some steps use, free space, Prefect."""

import locale
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from tocsin.context import Context
from tocsin.doctor.finding import Finding, failed, ok, warning
from tocsin.errors import TocsinError
from tocsin.model.workspace import Workspace
from tocsin.store.tables import snapshot

OLDEST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 200 * 1000**2
_PROGRAMS = {
    "ssh-keygen": "approvals signed with a person's key",
    "openssl": "looking at certificates and time stamps by hand",
    "psql": "looking into a PostgreSQL store by hand",
}
_IMPORT_SECONDS = 60


def check_machine(workspace: Workspace) -> Iterator[Finding]:
    """Look at Python, time zones and text, and tell which programs are here."""
    version = platform.python_version()
    if sys.version_info[:2] < OLDEST_PYTHON:
        yield failed("Python", f"{version} is too old.", "Install Python 3.11 or newer.")
    else:
        yield ok("Python", f"{version}, {sys.executable}")
    yield _time_zone(workspace.organisation.timezone)
    if "utf" not in locale.getpreferredencoding(do_setlocale=False).lower():
        yield warning("text", "This session does not write UTF-8: names may look wrong.", "Set LANG=C.UTF-8.")
    for program, purpose in _PROGRAMS.items():
        found = shutil.which(program)
        yield ok(program, found or f"not here; used for {purpose}.")


def _time_zone(name: str) -> Finding:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return failed("time zone", f"{name} is not known here.", "Install the system's tzdata.")
    return ok("time zone", name)


def check_disk(ctx: Context) -> Iterator[Finding]:
    """Compare the free space with what Tocsin itself needs, and with the largest snapshot."""
    folder = next(
        path for path in (ctx.workspace.state_folder, *ctx.workspace.state_folder.parents) if path.exists()
    )
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        advice = "Free some space: the journal and the backups need it."
        yield failed("disk", f"Only {_size(free)} free at {folder}.", advice)
        return
    largest = _largest_snapshot(ctx)
    if largest is not None and free < largest:
        yield warning(
            "disk",
            f"{_size(free)} free at {folder}; the largest snapshot is {_size(largest)}.",
            "A drill or recovery of it would not fit. Free some space.",
        )
        return
    than = f", the largest snapshot is {_size(largest)}" if largest is not None else ""
    yield ok("disk", f"{_size(free)} free at {folder}{than}")


def _largest_snapshot(ctx: Context) -> int | None:
    try:
        with ctx.store.read() as connection:
            found: int | None = connection.execute(select(func.max(snapshot.c.bytes))).scalar()
    except TocsinError:
        return None  # the check of the store tells why
    return found


def check_prefect() -> Finding:
    """Start an interpreter that imports Prefect: a wrong FastAPI beside it shows only then."""
    pair = ", ".join(f"{name} {_version(name)}" for name in ("prefect", "fastapi"))
    if wrong := _wrong_versions("prefect", "fastapi"):
        return failed("Prefect", f"{pair}: {wrong}.", "Run `make setup` in the checkout, or install tocsin again.")
    code = "import prefect, prefect.flows, fastapi"
    try:
        said = subprocess.run(
            [sys.executable, "-c", code],
            check=False,
            capture_output=True,
            text=True,
            timeout=_IMPORT_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return failed("Prefect", f"{pair}: importing it took longer than {_IMPORT_SECONDS} seconds.")
    if said.returncode:
        reason = (said.stderr.strip().splitlines() or ["it says nothing"])[-1]
        return failed("Prefect", f"{pair} cannot be imported: {reason}", "Install tocsin again, as it is locked.")
    return ok("Prefect", f"{pair}; only `tocsin serve` needs them")


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


def _wrong_versions(*names: str) -> str:
    """Say which of our own requirements on these packages is not met, '' when all are."""
    from packaging.requirements import Requirement  # noqa: PLC0415 - comes with Prefect, and only this check needs it

    for requirement in map(Requirement, metadata.requires("tocsin") or ()):
        if requirement.name in names and not requirement.specifier.contains(_version(requirement.name)):
            return f"tocsin needs {requirement}"
    return ""


def _size(count: int) -> str:
    return f"{count / 1000**3:.1f} GB" if count >= 1000**3 else f"{count / 1000**2:.0f} MB"
