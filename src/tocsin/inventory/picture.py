"""The map of the inventory: clients → datasets → systems → backups, as boxes and lines, and as one page.

A box is drawn `bad` where something about it must be mended, `open` where something should be or nobody has said,
`well` otherwise. Systems and backup plans stand near the data they serve, so that few lines cross.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from tocsin.boxes import Box, laid_out
from tocsin.inventory.findings import counted
from tocsin.model.coverage import plans_by_system
from tocsin.model.finding import Finding, Severity
from tocsin.model.holdings import Dataset, System
from tocsin.model.protection import BackupPlan
from tocsin.model.vocabulary import YesNoUnknown
from tocsin.model.workspace import Workspace
from tocsin.pages import render_page

TEMPLATE = "reports/inventory.html.j2"
OUR_OWN = "(our own)"
_HEADS = ("Whose data", "Datasets", "Systems", "Backup plans")


@dataclass(frozen=True, slots=True)
class InventoryMap:
    """What the map shows: datasets by whose they are, the systems under them, the plans under those."""

    datasets: tuple[Dataset, ...]
    systems: tuple[System, ...]
    plans: Mapping[str, tuple[BackupPlan, ...]]
    """The backup plans that cover each system."""
    findings: tuple[Finding, ...]

    def state_of(self, subject: str) -> str:
        """Return `bad`, `open` or `well` for `dataset:ID`, `system:ID`, `client:ID` or `backup_plan:ID`."""
        weights = {each.severity for each in self.findings if each.subject == subject and not each.waived}
        return "bad" if Severity.MUST in weights else "open" if weights else "well"


def inventory_map(workspace: Workspace, datasets: Iterable[Dataset], findings: Iterable[Finding]) -> InventoryMap:
    """Return the map of these datasets, grouped by whose they are; our own come last."""
    order = [*workspace.clients, None]
    shown = sorted(datasets, key=lambda each: order.index(each.client))
    keys = dict.fromkeys(key for each in shown for key in each.systems)
    return InventoryMap(
        tuple(shown), tuple(workspace.systems[key] for key in keys), plans_by_system(workspace), tuple(findings)
    )


def map_page(workspace: Workspace, found: InventoryMap, today: date, title: str) -> str:
    """Return the map and its findings as one self-contained page."""
    counts = counted(found.findings)
    facts = {
        "organisation": workspace.organisation.name,
        "title": title,
        "today": f"{today:%d %B %Y}".lstrip("0"),
        "picture": _picture(workspace, found),
        "counts": {severity.value: count for severity, count in counts.items()},
        "findings": [_row(each) for each in found.findings],
    }
    return render_page(workspace, TEMPLATE, facts)


def _row(finding: Finding) -> dict[str, object]:
    departure = finding.departure
    return {
        "severity": "agreed" if finding.waived else finding.severity.value,
        "subject": finding.subject.partition(":")[2],
        "sentence": finding.sentence,
        "fix": f"agreed by {departure.owner} until {departure.until}: {departure.reason}"
        if departure
        else finding.fix,
        "place": str(finding.place),
    }


def _picture(workspace: Workspace, found: InventoryMap) -> dict[str, object]:
    whose = dict.fromkeys(each.client or "" for each in found.datasets)
    plans = {plan.id: plan for system in found.systems for plan in found.plans[system.id]}
    boxes = [
        *(_client(workspace, found, key) for key in whose),
        *(_dataset(found, each) for each in found.datasets),
        *(_system(found, each) for each in found.systems),
        *(_plan(found, each) for each in plans.values()),
    ]
    links = [(f"client:{each.client or ''}", f"dataset:{each.id}") for each in found.datasets]
    links += [(f"dataset:{each.id}", f"system:{key}") for each in found.datasets for key in each.systems]
    links += [
        (f"system:{system.id}", f"backup_plan:{plan.id}")
        for system in found.systems
        for plan in found.plans[system.id]
    ]
    return laid_out(boxes, links, _HEADS)


def _client(workspace: Workspace, found: InventoryMap, key: str) -> Box:
    if not key:
        return Box("client:", 0, "ours", OUR_OWN, "controller")
    client = workspace.clients[key]
    foot = f"{client.notice_hours} h by contract" if client.notice_hours else "no hours agreed"
    return Box(f"client:{key}", 0, found.state_of(f"client:{key}"), client.name, foot)


def _dataset(found: InventoryMap, dataset: Dataset) -> Box:
    count = f"{dataset.people.count} people" if dataset.people.count else "people not counted"
    subject = f"dataset:{dataset.id}"
    return Box(subject, 1, found.state_of(subject), dataset.title, f"{dataset.label} · {count}")


def _system(found: InventoryMap, system: System) -> Box:
    disk = {
        YesNoUnknown.YES: "encrypted",
        YesNoUnknown.NO: "not encrypted",
        YesNoUnknown.UNKNOWN: "encryption not known",
    }
    subject = f"system:{system.id}"
    kind = system.kind.value.replace("_", " ")
    return Box(subject, 2, found.state_of(subject), system.title, f"{kind} · {disk[system.encrypted]}")


def _plan(found: InventoryMap, plan: BackupPlan) -> Box:
    subject = f"backup_plan:{plan.id}"
    return Box(subject, 3, found.state_of(subject), plan.title, f"into {', '.join(plan.repositories)}")
