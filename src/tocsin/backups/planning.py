"""What a backup would do: sources looked at, repositories named, restic not called and nothing written."""

from dataclasses import dataclass
from pathlib import Path

from tocsin.backups.plans import find_plan, repositories_of, sources_of
from tocsin.context import Context
from tocsin.manifest import SourceFault, examine_source
from tocsin.repositories import repository_access


@dataclass(frozen=True, slots=True)
class PlannedBackup:
    """One plan's sources, each with what is wrong with it, its exclusions and the repositories it goes to."""

    plan: str
    sources: tuple[tuple[Path, SourceFault | None], ...]
    exclude: tuple[str, ...]
    repositories: tuple[str, ...]


def plan_backup(ctx: Context, plan_id: str, *, repository: str | None = None) -> PlannedBackup:
    """Say what `run_backup` would do. Raises the same UsageError and ConfigurationError."""
    plan = find_plan(ctx, plan_id)
    sources = sources_of(ctx, plan)
    names = repositories_of(plan, repository)
    for name in names:
        repository_access(ctx, name)
    return PlannedBackup(
        plan=plan.id,
        sources=tuple((path, examine_source(path)) for source in sources for path in source.paths),
        exclude=tuple(pattern for source in sources for pattern in source.exclude),
        repositories=names,
    )
