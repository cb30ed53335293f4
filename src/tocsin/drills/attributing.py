"""Which system each proof of a drill belongs to: a loaded shop says nothing of the books beside it."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from tocsin.drills.climbing import climb
from tocsin.drills.seen import Seen
from tocsin.model.drill import ApplicationCheck, DatabaseCheck, Drill
from tocsin.model.ladder import Rung
from tocsin.model.workspace import Workspace

Climbed = tuple[Rung | None, Rung | None]


def climbed_by_system(
    workspace: Workspace, drill: Drill, seen: Seen, in_plan: Collection[str] = ()
) -> dict[str, Climbed]:
    """Return, for each system that the drill's backup plan covers, the rung reached and the one that broke; pure.

    Files prove every system whose files they are. A database or a check proves the system it names, or whose path
    it lies in, or the only one there is. `in_plan` are the systems that the drill's recovery plan brings back.
    """
    systems = systems_of(workspace, drill)
    found = {}
    for system in dict.fromkeys((*systems, *in_plan)):
        only = len(systems) == 1
        own = replace(
            seen,
            databases=tuple(
                loaded
                for check, loaded in zip(drill.databases, seen.databases, strict=False)
                if _belongs(workspace, check, system, only=only)
            ),
            checks=tuple(
                asked
                for check, asked in zip(drill.checks, seen.checks or (), strict=False)
                if _belongs(workspace, check, system, only=only)
            ),
            steps=seen.steps if system in in_plan else None,
        )
        found[system] = climb(own)
    return found


def systems_of(workspace: Workspace, drill: Drill) -> tuple[str, ...]:
    """Return the systems that a drill's backup plan covers."""
    return tuple(
        system
        for system in workspace.systems
        if drill.backup_plan in {plan.id for plan in workspace.plans_for((system,))}
    )


def _belongs(workspace: Workspace, check: DatabaseCheck | ApplicationCheck, system: str, *, only: bool) -> bool:
    if check.system:
        return check.system == system
    if only:
        return True
    path = check.dump if isinstance(check, DatabaseCheck) else check.file
    return bool(path) and _is_in(workspace, str(path), workspace.systems[system].paths)


def _is_in(workspace: Workspace, path: str, folders: Iterable[str]) -> bool:
    resolved = workspace.resolve(path)
    return any(resolved.is_relative_to(workspace.resolve(folder)) for folder in folders)
