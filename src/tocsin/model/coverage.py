"""Which backup plans cover which systems, for all at once: by the datasets, or by the paths they read. Pure.

`Workspace.plans_for` answers for a few systems; asked for each of hundreds it would compare every path with every
other. Here each path is looked up instead, with the folders above it.
"""

from collections import defaultdict
from pathlib import Path

from tocsin.model.protection import BackupPlan
from tocsin.model.workspace import Workspace

Plans = dict[Path, set[str]]


def plans_by_system(workspace: Workspace) -> dict[str, tuple[BackupPlan, ...]]:
    """Return what `plans_for` says of each system, by its id."""
    covering: dict[str, set[str]] = defaultdict(set)
    for dataset in workspace.datasets.values():
        for system in dataset.systems:
            covering[system] |= {dataset.backup_plan or ""}
    for each in workspace.systems.values():
        covering[each.id] |= {each.backed_up_by or ""}
    if any(system.paths for system in workspace.systems.values()):
        _add_by_paths(workspace, covering)
    order = {key: number for number, key in enumerate(workspace.backup_plans)}
    found = {key: sorted(covering[key] & order.keys(), key=order.__getitem__) for key in workspace.systems}
    return {key: tuple(workspace.backup_plans[name] for name in names) for key, names in found.items()}


def _add_by_paths(workspace: Workspace, covering: dict[str, set[str]]) -> None:
    read_at, read_below = _reading(workspace)
    for key, system in workspace.systems.items():
        for path in map(workspace.resolve, system.paths):
            covering[key] |= read_below.get(path, set())
            for place in (path, *path.parents):
                covering[key] |= read_at.get(place, set())


def _reading(workspace: Workspace) -> tuple[Plans, Plans]:
    """Return which plans read a path itself, and which read something below it."""
    read_at: Plans = defaultdict(set)
    read_below: Plans = defaultdict(set)
    for plan in workspace.backup_plans.values():
        for path in map(workspace.resolve, plan.read_paths):
            read_at[path].add(plan.id)
            for folder in path.parents:
                read_below[folder].add(plan.id)
    return read_at, read_below
