"""A repository is created once, on purpose: a backup never makes one, lest a mistyped path swallow the night."""

from tocsin.context import Context
from tocsin.repositories import repository_access
from tocsin.store.operations import begin, finish


def create_repository(ctx: Context, repository: str) -> str:
    """Create a repository of the workspace and return restic's id of it.

    Raises UsageError for an unknown name, OperationFailed where one exists already, and what restic's other
    failures raise; nothing is then left behind but the journal's word of it.
    """
    access = repository_access(ctx, repository)
    operation = begin(ctx.store, ctx.actor, "repository", f"repository:{repository}")
    identity: str | None = None
    try:
        identity = ctx.restic.init(access)
    finally:
        with ctx.store.write(ctx.actor) as tx:
            finish(tx, operation, "created" if identity else "failed", {"id": identity})
        ctx.store.sign_head(ctx.actor)
    return identity
