"""Can the repository be opened with what lies in the safe? Without that copy, a lost server is lost backups.

The copy alone is used: neither the password this machine knows, nor a key it has in its cache.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from tocsin.context import Context
from tocsin.errors import ConfigurationError, UsageError
from tocsin.ports import RepositoryAccess
from tocsin.repositories import repository_access
from tocsin.store.operations import begin, finish

KIND = "key-check"


@dataclass(frozen=True, slots=True)
class KeyChecked:
    """Whether the safe's copy opens the repository, how many snapshots it showed, or why it does not."""

    repository: str
    opens: bool
    snapshots: int = 0
    why: str = ""


def check_key(ctx: Context, repository: str, key: Path) -> KeyChecked:
    """Open a repository with the password in the file `key`, and journal whether it did.

    Raises UsageError for an unknown repository, or a copy that is no file or is the very file this machine uses;
    Temporary where the repository is out of reach, which says nothing about the key.
    """
    access = repository_access(ctx, repository)
    if not key.is_file():
        raise UsageError(f"{key} is no file. Give the copy from the safe, with the password as its first line.")
    if access.password_file is not None and key.resolve() == access.password_file.resolve():
        raise UsageError(
            f"{key} is the file this machine uses. Give the copy from the safe: that is what is checked."
        )
    with_copy = only_with(access, key)
    operation = begin(ctx.store, ctx.actor, KIND, f"repository:{repository}")
    checked: KeyChecked | None = None
    try:
        found = ctx.restic.snapshots(with_copy, on_damaged=lambda *_: None)
        checked = KeyChecked(repository, opens=True, snapshots=len(found))
    except ConfigurationError as fault:
        checked = KeyChecked(repository, opens=False, why=str(fault))
    finally:
        with ctx.store.write(ctx.actor) as tx:
            verdict = "unproven" if checked is None else "opens" if checked.opens else "does-not-open"
            finish(tx, operation, verdict, {"repository": repository})
        ctx.store.sign_head(ctx.actor)
    return checked


def only_with(access: RepositoryAccess, key: Path) -> RepositoryAccess:
    """Return how to open a repository with the password in the file `key`, and with nothing else."""
    environment = {name: value for name, value in access.environment.items() if name != "RESTIC_PASSWORD"}
    return replace(access, password_file=key.absolute(), password_command=None, environment=environment)
