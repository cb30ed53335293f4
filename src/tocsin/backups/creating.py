"""A repository is created once, on purpose: a backup never makes one, lest a mistyped path swallow the night."""

from tocsin.context import Context
from tocsin.repositories import repository_access
from tocsin.store.operations import begin, finish


def create_repository(ctx: Context, repository: str) -> str:
    """Create a repository of the workspace and return restic's id of it.

    One that is filled from another cuts files where that one does, which therefore must be there first.

    Raises UsageError for an unknown name, OperationFailed where one exists already, and what restic's other
    failures raise; nothing is then left behind but the journal's word of it.
    """
    access = repository_access(ctx, repository)
    like = None
    if (source := ctx.workspace.repositories[repository].filled_from) is not None:
        like = repository_access(ctx, source)
        ctx.restic.chunker(like)  # so that what is wrong with that one is said of that one
    operation = begin(ctx.store, ctx.actor, "repository", f"repository:{repository}")
    identity: str | None = None
    try:
        identity = ctx.restic.init(access, like=like)
    finally:
        with ctx.store.write(ctx.actor) as tx:
            finish(tx, operation, "created" if identity else "failed", {"id": identity})
        ctx.store.sign_head(ctx.actor)
    return identity
