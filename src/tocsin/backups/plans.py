"""From a plan's name to what a backup needs of it: sources, repositories, where its manifest lies, its host."""

import re
from pathlib import Path

from tocsin.alarms import Audience
from tocsin.context import Context
from tocsin.errors import ConfigurationError, Place, Problem, UsageError, did_you_mean
from tocsin.manifest import Source, check_pattern
from tocsin.model.vocabulary import PersonRole
from tocsin.model.workspace import BackupPlan, Workspace
from tocsin.ports import Omissions

TAG = "tocsin"


def find_plan(ctx: Context, plan_id: str) -> BackupPlan:
    """Return the plan. Raises UsageError with the nearest known word."""
    plans = ctx.workspace.backup_plans
    if plan_id not in plans:
        raise UsageError(f"There is no backup plan {plan_id!r}.{did_you_mean(plan_id, plans)}")
    return plans[plan_id]


def sources_of(ctx: Context, plan: BackupPlan) -> tuple[Source, ...]:
    """Return the plan's sources with absolute paths. Raises ConfigurationError for an exclusion that is none."""
    for source in plan.sources:
        for pattern in source.exclude:
            try:
                check_pattern(pattern)
            except ValueError as wrong:
                raise ConfigurationError(Problem(Place(f"backup plan {plan.id}, exclude"), f"{wrong}.")) from wrong
    return tuple(
        Source(tuple(ctx.workspace.resolve(path) for path in source.paths), source.exclude)
        for source in plan.sources
        if source.paths
    )


def omissions_of(plan: BackupPlan) -> Omissions:
    """Return what the plan's sources leave out by what it is; the model saw to it that they agree."""
    source = next((source for source in plan.sources if source.paths), None)
    if source is None:
        return Omissions()
    return Omissions(
        source.exclude_caches, source.exclude_if_present, source.exclude_larger_than, source.one_file_system
    )


def manifest_folder(ctx: Context, plan_id: str) -> Path:
    """Return where a plan's manifest lies, here and in its snapshots."""
    return ctx.workspace.state_folder.absolute() / "manifests" / plan_id


def repositories_of(plan: BackupPlan, repository: str | None) -> tuple[str, ...]:
    """Return the repositories to serve: the one named, else all of the plan's. Raises UsageError."""
    if repository is None:
        return plan.repositories
    if repository not in plan.repositories:
        raise UsageError(
            f"The backup plan {plan.id!r} does not use the repository {repository!r}."
            f"{did_you_mean(repository, plan.repositories)}"
        )
    return (repository,)


def host_of(organisation: str) -> str:
    """Return the host that snapshots are filed under: the same in every container and on every machine."""
    return re.sub(r"[^a-z0-9]+", "-", organisation.lower()).strip("-") or TAG


def plan_audience(workspace: Workspace, plan_id: str) -> Audience:
    """Return whom an alarm about a plan is for: the owners of the systems it covers, then the technical people."""
    covered = [
        system
        for dataset in workspace.datasets.values()
        if dataset.backup_plan == plan_id
        for system in dataset.systems
    ]
    owners = [owner for key in covered if key in workspace.systems and (owner := workspace.systems[key].owner)]
    return Audience(tuple(dict.fromkeys(owners)), (str(PersonRole.TECHNICAL),))
