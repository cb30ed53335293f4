"""Which restic is used: found once, its version asked once."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tocsin.adapters.restic.parse import message_of
from tocsin.errors import ConfigurationError, Place, Problem

OLDEST_VERSION = (0, 17)
_ADVICE = "run `make setup` in the checkout, install restic 0.17 or newer, or name one in TOCSIN_RESTIC"
_SECONDS = 20


def find_restic(environ: Mapping[str, str]) -> Path:
    """Return a restic that is new enough: TOCSIN_RESTIC, else the checkout's own, else the first on PATH.

    Raises:
        ConfigurationError: there is none, or it is too old; says what to do.
    """
    if named := environ.get("TOCSIN_RESTIC"):
        found = shutil.which(named, path=environ.get("PATH"))
        if found is None:
            raise _unusable("TOCSIN_RESTIC", f"{named} is no program that can be run; {_ADVICE}")
        return _new_enough(Path(found))
    own = Path(__file__).parents[4] / ".tools" / "bin" / "restic"
    if os.access(own, os.X_OK):
        return _new_enough(own)
    on_path = shutil.which("restic", path=environ.get("PATH"))
    if on_path is None:
        raise _unusable("restic", f"not found; {_ADVICE}")
    return _new_enough(Path(on_path))


def version_of(binary: Path) -> str:
    """Return a binary's version, asked once per file. Raises ConfigurationError when it is unusable."""
    try:
        changed = binary.stat().st_mtime_ns
    except OSError as error:
        raise _unusable("restic", f"{binary}: {error.strerror}; {_ADVICE}") from error
    version = _asked(binary, changed)
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST_VERSION:
        raise _unusable("restic", f"{binary} is version {version}, which is too old; {_ADVICE}")
    return version


def _new_enough(binary: Path) -> Path:
    version_of(binary)
    return binary


@cache
def _asked(binary: Path, changed: int) -> str:  # noqa: ARG001 - part of the key: a replaced binary is asked anew
    try:
        said = subprocess.run(
            [binary, "version", "--json"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unusable("restic", f"{binary} cannot be run ({error}); {_ADVICE}") from error
    message = message_of(said.stdout.strip())
    # Before 0.17 the version was a sentence even with --json: `restic 0.14.0 compiled with go1.19.8 …`
    words = str(message.get("version", "")) if message else " ".join(said.stdout.split()[1:2])
    if said.returncode != 0 or not re.match(r"\d+\.\d+", words):
        raise _unusable("restic", f"{binary} does not answer like restic; {_ADVICE}")
    return words


def _unusable(place: str, message: str) -> ConfigurationError:
    return ConfigurationError(Problem(Place(place), message))
