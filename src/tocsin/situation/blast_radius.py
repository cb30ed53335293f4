"""Whose data was on the systems that were hit: a query on the inventory, and the first facts it gives.

Pure. "Which clients, by when?" is answered here; facts that the inventory already knows (whose data, which
codes, roughly how many people) are offered as overlays, one per controller: ourselves, and each client.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tocsin.model.document import Data
from tocsin.model.holdings import Dataset, System
from tocsin.model.people import Client
from tocsin.model.vocabulary import DataCode
from tocsin.model.workspace import Workspace

OURSELVES = "ourselves"
FROM_INVENTORY = "the inventory"
"""The evidence of facts that nobody had to state."""
_NAMING = {DataCode.NAME, DataCode.CONTACT, DataCode.NATIONAL_ID, DataCode.ID_DOCUMENT, DataCode.PHOTO}


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """Systems hit, and through the inventory everything that follows."""

    systems: tuple[System, ...]
    datasets: tuple[Dataset, ...]
    clients: tuple[Client, ...]
    backup_plans: tuple[str, ...]
    dependents: tuple[System, ...] = ()
    """Systems that lean on those that were hit: not hit as far as anybody knows, and the next to be looked at."""

    @property
    def controllers(self) -> tuple[str, ...]:
        """Everyone whose data it is: `ourselves` where some is our own, then the clients by id."""
        own = (OURSELVES,) if any(dataset.client is None for dataset in self.datasets) else ()
        return (*own, *(client.id for client in self.clients))

    def datasets_of(self, controller: str) -> tuple[Dataset, ...]:
        """Return the hit datasets of one controller."""
        client = None if controller == OURSELVES else controller
        return tuple(dataset for dataset in self.datasets if dataset.client == client)


def blast_radius(workspace: Workspace, systems: tuple[str, ...]) -> BlastRadius:
    """Follow the inventory from systems to data, clients and backups."""
    datasets = workspace.datasets_on(systems)
    return BlastRadius(
        systems=tuple(workspace.systems[system] for system in systems if system in workspace.systems),
        datasets=datasets,
        clients=workspace.clients_of(datasets),
        backup_plans=tuple(plan.id for plan in workspace.plans_for(systems)),
        dependents=leaning_on(workspace, systems),
    )


def leaning_on(workspace: Workspace, systems: Iterable[str]) -> tuple[System, ...]:
    """Return the systems that depend on any of these, near or far, in the file's order; these themselves not."""
    hit = set(systems)
    reached = set(hit)
    while (
        further := {system.id for system in workspace.systems.values() if reached & set(system.depends_on)}
        - reached
    ):
        reached |= further
    return tuple(system for system in workspace.systems.values() if system.id in reached - hit)


def facts_from_inventory(radius: BlastRadius, controller: str) -> dict[str, Data]:
    """Return what the inventory knows of one controller's data, as facts by path."""
    datasets = radius.datasets_of(controller)
    if not datasets:
        return {}
    facts: dict[str, Data] = {
        "role": "controller" if controller == OURSELVES else "processor",
        "personal_data": "yes" if any(dataset.data for dataset in datasets) else None,
        "data": _each_once(code for dataset in datasets for code in dataset.data),
        "people.groups": _each_once(group for dataset in datasets for group in dataset.people.groups),
        # One person may be in two datasets: the sum is the most it can be, and is said to be an estimate.
        "people.count": sum(dataset.people.count or 0 for dataset in datasets) or None,
        "people.count_basis": "estimate",
    }
    if {code for dataset in datasets for code in dataset.data} & _NAMING:
        facts["identification"] = "direct"
    if controller != OURSELVES:
        facts["clients"] = [controller]
    return {path: value for path, value in facts.items() if value not in (None, [])}


def _each_once(words: Iterable[str]) -> list[Data]:
    return list(dict.fromkeys(str(word) for word in words))
