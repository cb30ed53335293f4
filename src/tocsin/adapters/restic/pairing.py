"""Two repositories in one call, and a new password on its way into restic.

restic knows a second repository by `RESTIC_FROM_…`, but takes the settings of a cloud's account from one place for
both: two that ask for different ones cannot be copied directly.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile

from tocsin.adapters.restic.access import PASSWORD_NAMES, refuse_unusable_password_file, wrong
from tocsin.ports import RepositoryAccess

COPIED = re.compile(r"^(snapshot [0-9a-f]+ saved|skipping source snapshot)")
KEY_SAVED = re.compile(r"saved new key with ID (?P<id>[0-9a-f]{8,64})")


def with_source(
    repository: RepositoryAccess, source: RepositoryAccess, environ: Mapping[str, str]
) -> RepositoryAccess:
    """Return `repository` with what restic needs to read from `source` as well.

    Raises ConfigurationError where both need the same setting with another value, or there is no password.
    """
    told = {"RESTIC_FROM_REPOSITORY": source.location}
    if source.password_file is not None:
        refuse_unusable_password_file(source, source.password_file)
        told["RESTIC_FROM_PASSWORD_FILE"] = str(source.password_file)
    elif source.password_command:
        told["RESTIC_FROM_PASSWORD_COMMAND"] = source.password_command
    else:
        given = {name: source.environment.get(name) or environ.get(name) for name in PASSWORD_NAMES}
        told |= {name.replace("RESTIC_", "RESTIC_FROM_"): value for name, value in given.items() if value}
    for name, value in source.environment.items():
        if name in PASSWORD_NAMES:
            continue
        if repository.environment.get(name, value) != value:
            raise wrong(
                repository,
                f"{name} is one value here and another in {source.name}, and restic takes one for both. Reach one "
                "of them another way (rclone has settings of its own), or leave `from` out",
            )
        told[name] = value
    return replace(repository, environment={**repository.environment, **told})


@contextmanager
def as_file(secret: str) -> Iterator[Path]:
    """Lend a secret as a path that restic can read, on no disk where the system can do that."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("secret", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, secret.encode())
            yield Path(f"/proc/{os.getpid()}/fd/{descriptor}")
        finally:
            os.close(descriptor)
        return
    with NamedTemporaryFile() as file:  # 0600, and gone afterwards
        file.write(secret.encode())
        file.flush()
        yield Path(file.name)
