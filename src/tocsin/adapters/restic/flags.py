"""What a workspace says of omissions and limits, as restic's flags and as programs put before it."""

import shutil
from collections.abc import Sequence

from tocsin.adapters.restic.refusing import whole
from tocsin.ports import Omissions, RepositoryAccess, Throttle

_IONICE = {"idle": ["-c", "3"], "best-effort": ["-c", "2", "-n", "7"]}


def omission_flags(omissions: Omissions) -> list[str]:
    """Return restic's flags for what is left out by what it is; sizes go in plain bytes."""
    return [
        *(["--exclude-caches"] if omissions.caches else []),
        *(f"--exclude-if-present={name}" for name in omissions.if_present),
        *([f"--exclude-larger-than={omissions.larger_than}"] if omissions.larger_than else []),
        *(["--one-file-system"] if omissions.one_file_system else []),
    ]


def throttled(throttle: Throttle) -> tuple[list[str], list[str]]:
    """Return what to put before restic, as far as this machine has it, and the flags to give it."""
    prefix: list[str] = []
    if throttle.ionice and (ionice := shutil.which("ionice")):
        # -t: a kernel or container that refuses is no reason to have no backup.
        prefix += [ionice, "-t", *_IONICE[throttle.ionice]]
    if throttle.nice and (nice := shutil.which("nice")):
        prefix += [nice, "-n", str(throttle.nice)]
    flags = [
        *([f"--limit-upload={throttle.upload_kib}"] if throttle.upload_kib else []),
        *([f"--limit-download={throttle.download_kib}"] if throttle.download_kib else []),
    ]
    return prefix, flags


def backup_flags(repository: RepositoryAccess, tags: Sequence[str], host: str | None) -> list[str]:
    """Return what every backup begins with."""
    readers = repository.throttle.read_concurrency
    return [
        "backup",
        *(f"--tag={whole(tag)}" for tag in tags),
        *([f"--host={host}"] if host else []),
        *([f"--read-concurrency={readers}"] if readers else []),
    ]
