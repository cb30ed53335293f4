"""Everything in the inventory that is wrong or unsaid: one list, each with its place and what mends it. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from tocsin.inventory.datasets import dataset_findings
from tocsin.inventory.lack import Lack, as_finding
from tocsin.model.coverage import plans_by_system
from tocsin.model.finding import Finding, Severity
from tocsin.model.handling import Departure
from tocsin.model.holdings import Dataset, System
from tocsin.model.label_rules import label_findings
from tocsin.model.people import Client
from tocsin.model.workspace import Workspace

_WEIGHT = list(Severity)
_SOON = timedelta(days=30)


def findings(workspace: Workspace, today: date) -> tuple[Finding, ...]:
    """Return every finding: what must be mended first, then what should be, then what is to be asked."""
    found = [
        *label_findings(workspace, today),
        *dataset_findings(workspace, today),
        *_about_systems(workspace),
        *_about_clients(workspace),
        *_about_departures(workspace, today),
    ]
    return tuple(sorted(found, key=lambda each: (each.waived, _WEIGHT.index(each.severity))))


def concerning(
    found: Iterable[Finding], *, client: str | None = None, system: str | None = None
) -> tuple[Finding, ...]:
    """Return the findings of one client, of one system, or of both together."""
    return tuple(
        each
        for each in found
        if (client is None or client in each.clients) and (system is None or system in each.systems)
    )


def narrowed(workspace: Workspace, client: str) -> Workspace:
    """Return the workspace with one client's datasets alone, so that what is found names no other's data.

    A system or backup plan is then measured by this client's data only.
    """
    datasets = {key: each for key, each in workspace.datasets.items() if each.client == client}
    return replace(workspace, datasets=datasets, clients={client: workspace.clients[client]})


def counted(found: Iterable[Finding]) -> dict[Severity, int]:
    """Return how many findings there are of each weight; what a departure holds is not counted."""
    open_ones = [each for each in found if not each.waived]
    return {severity: sum(each.severity is severity for each in open_ones) for severity in Severity}


def _about_systems(workspace: Workspace) -> Iterator[Finding]:
    plans = plans_by_system(workspace)
    on_system: dict[str, list[Dataset]] = {}
    for dataset in workspace.datasets.values():
        for home in dataset.systems:
            on_system.setdefault(home, []).append(dataset)
    for key, held in on_system.items():
        for lack in _system_lacks(workspace.systems[key], held, covered=bool(plans[key])):
            yield as_finding(workspace, lack, ("systems", key), held, (key,))


def _system_lacks(system: System, held: Sequence[Dataset], *, covered: bool) -> Iterator[Lack]:
    if not covered:
        said = f"No backup plan covers {system.id}, and it holds {', '.join(each.id for each in held)}."
        fix = "write backed_up_by: PLAN here, or backup_plan: PLAN at the dataset"
        yield Lack("no-backup", Severity.MUST, said, fix, "P15")
    if not system.owner:
        said = f"Nobody answers for {system.id}: it has no owner."
        yield Lack("owner-missing", Severity.SHOULD, said, "write owner: PERSON", "P01")


def _about_clients(workspace: Workspace) -> Iterator[Finding]:
    of_client: dict[str, list[Dataset]] = {}
    for dataset in workspace.datasets.values():
        of_client.setdefault(dataset.client or "", []).append(dataset)
    for key, client in workspace.clients.items():
        for lack in _client_lacks(client):
            yield as_finding(workspace, lack, ("clients", key), of_client.get(key, []))


def _client_lacks(client: Client) -> Iterator[Lack]:
    if not client.contract:
        said = f"No contract with {client.name} is named: holding a client's data needs one (Art 28(3))."
        yield Lack("contract-missing", Severity.MUST, said, "write contract: WHICH, OF WHEN", "P08")
    if client.notice_hours is None:
        said = f"No notice hours are agreed with {client.name}: until then they are told without undue delay."
        fix = "agree a figure at the contract's review, and write notice_hours: 24"
        yield Lack("notice-terms-missing", Severity.SHOULD, said, fix, "P08")
    if not any(contact.email or contact.phone for contact in client.contacts):
        said = f"{client.name} has nobody to call or write to: on the night nobody can tell them."
        fix = "write contacts: [{name: …, email: …, phone: …}]"
        yield Lack("no-contact", Severity.MUST, said, fix, "P08")


def _about_departures(workspace: Workspace, today: date) -> Iterator[Finding]:
    """Yield those that ended or end soon, of things that hold data: where there is none, nothing is asked for."""
    for number, departure in enumerate(workspace.departures, start=1):
        held = _departing(workspace, departure)
        of = f"{departure.subject.partition(':')[2]} departs from {departure.rule} ({departure.owner})"
        if not held or departure.until - today > _SOON:
            continue
        if departure.holds(today):
            said = f"{of}: that ends on {departure.until}."
            lack = Lack("departure-ends-soon", Severity.SHOULD, said, "put it right before, or agree anew", "P03")
        else:
            said = f"{of}: that ended on {departure.until}, and the rule is asked for again."
            fix = "put it right, or agree anew; then take the line out or write a later until"
            lack = Lack("departure-ended", Severity.SHOULD, said, fix, "P03")
        yield as_finding(workspace, lack, ("departures", number - 1), held)


def _departing(workspace: Workspace, departure: Departure) -> tuple[Dataset, ...]:
    if departure.system:
        return workspace.datasets_on([departure.system])
    return tuple(
        each
        for key, each in workspace.datasets.items()
        if key == departure.dataset or (departure.backup_plan and each.backup_plan == departure.backup_plan)
    )
