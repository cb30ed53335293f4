"""From a repository's name in the workspace to what restic needs to open it."""

from tocsin.context import Context
from tocsin.errors import UsageError, did_you_mean
from tocsin.model.protection import Limits
from tocsin.ports import RepositoryAccess, Throttle


def repository_access(
    ctx: Context, repository_id: str, *, for_maintenance: bool = False, limits: Limits | None = None
) -> RepositoryAccess:
    """Return how to open a repository of the workspace; `for_maintenance` with the rights to delete.

    `limits` are those of who asks; what the repository's own say comes first.

    A password that lies in a file or comes from a command is handed to restic as just that and never passes
    through us; one from the environment or from systemd reaches restic's environment alone.

    Raises:
        UsageError: the workspace names no such repository.
        ConfigurationError, Temporary: one of its secrets cannot be read.
    """
    known = ctx.workspace.repositories
    if repository_id not in known:
        raise UsageError(f"There is no repository {repository_id!r}.{did_you_mean(repository_id, known)}")
    repository = known[repository_id]
    if for_maintenance and (own := repository.maintenance):
        changed = {name: value for name in ("location", "password") if (value := getattr(own, name))}
        repository = repository.model_copy(
            update={**changed, "environment": {**repository.environment, **own.environment}}
        )
    environment = {name: ctx.secrets.read(reference) for name, reference in repository.environment.items()}
    kind, _, rest = repository.password.partition(":")
    if kind not in {"file", "command"}:
        environment["RESTIC_PASSWORD"] = ctx.secrets.read(repository.password)
    return RepositoryAccess(
        name=repository_id,
        location=ctx.workspace.repository_location(repository),
        password_file=ctx.workspace.resolve(rest) if kind == "file" else None,
        password_command=rest if kind == "command" else None,
        environment=environment,
        throttle=_throttle(repository.limits, limits),
    )


def _throttle(*limits: Limits | None) -> Throttle:
    """Return the first that is said of each limit."""
    said = [one for one in limits if one is not None]
    names = Throttle.__dataclass_fields__
    return Throttle(
        **{
            name: next((value for one in said if (value := getattr(one, name)) is not None), None)
            for name in names
        }
    )
