"""What a backup would do: sources looked at, repositories named, restic not called and nothing written."""

from dataclasses import dataclass
from pathlib import Path

from tocsin.backups.copying import copies_of, plan_copies
from tocsin.backups.dumping import dump_commands, missing_for
from tocsin.backups.plans import find_plan, repositories_of, sources_of
from tocsin.context import Context
from tocsin.manifest import SourceFault, examine_source
from tocsin.repositories import repository_access


@dataclass(frozen=True, slots=True)
class PlannedBackup:
    """One plan's sources, each with what is wrong with it, its exclusions and the repositories it goes to.

    `copies` are (repository, filled from, snapshots that wait to be copied). `dumps` pairs each dump's name with
    the program or database that is not here, '' when all is.
    """

    plan: str
    sources: tuple[tuple[Path, SourceFault | None], ...]
    exclude: tuple[str, ...]
    repositories: tuple[str, ...]
    copies: tuple[tuple[str, str, int], ...] = ()
    dumps: tuple[tuple[str, str], ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing stands in the way of a good backup, as far as one can see without one."""
        return not any(fault for _, fault in self.sources) and not any(missing for _, missing in self.dumps)


def plan_backup(ctx: Context, plan_id: str, *, repository: str | None = None) -> PlannedBackup:
    """Say what `run_backup` would do. Raises the same UsageError and ConfigurationError."""
    plan = find_plan(ctx, plan_id)
    sources = sources_of(ctx, plan)
    names = repositories_of(plan, repository)
    has_copies = any(name in names for name, _ in copies_of(ctx.workspace, plan))
    for name in names:
        repository_access(ctx, name)
    return PlannedBackup(
        plan=plan.id,
        sources=tuple((path, examine_source(path)) for source in sources for path in source.paths),
        exclude=tuple(pattern for source in sources for pattern in source.exclude),
        repositories=tuple(name for name in names if ctx.workspace.repositories[name].filled_from is None),
        copies=tuple(
            (name, source, len(waiting))
            for name, source, waiting in (plan_copies(ctx, plan.id, repository=repository) if has_copies else ())
        ),
        dumps=tuple((name, missing_for(command)) for name, command in dump_commands(ctx, plan).items()),
    )
