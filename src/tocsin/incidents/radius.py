"""The blast radius of an incident: systems, datasets, people, clients with their clocks and contacts, backups.

Composed here, because it takes what the inventory says (situation) and what the backups' ledger says together.
Systems that lean on those that were hit are shown beside them, and so is their data: nobody has said that they
were hit, so no duty hangs on them; `tocsin incident add-system` says it.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tocsin.backups import LastClean
from tocsin.backups.last_clean import choose_last_clean
from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.incidents.clocks import IncidentClock, clocks_of
from tocsin.incidents.radius_picture import picture
from tocsin.law.clocks import show_both, show_utc
from tocsin.model.holdings import Dataset, System
from tocsin.model.people import Client
from tocsin.pages import render_page
from tocsin.situation import Situation, situation_of

TEMPLATE = "reports/radius.html.j2"


@dataclass(frozen=True, slots=True)
class Radius:
    """Everything an incident reaches. `leaning` and `leaning_datasets` were not said to be hit."""

    incident: str
    title: str
    found: Situation
    leaning: tuple[System, ...]
    leaning_datasets: tuple[Dataset, ...]
    clocks: dict[str, IncidentClock]
    plans: tuple[LastClean, ...]
    at: datetime

    @property
    def systems(self) -> tuple[System, ...]:
        """The systems that were hit."""
        return self.found.radius.systems

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """The datasets on them."""
        return self.found.radius.datasets

    @property
    def clients(self) -> tuple[Client, ...]:
        """The clients whose data that is."""
        return self.found.radius.clients

    @property
    def people(self) -> int:
        """How many people it may be about, at most: one person may be in two datasets."""
        return sum(dataset.people.count or 0 for dataset in self.datasets)


def radius_of(ctx: Context, incident_id: str) -> Radius:
    """Return it as it stands. Raises UsageError for an unknown incident, Refused where not theirs to know."""
    now = ctx.clock.now()
    with ctx.store.read() as connection:
        found = situation_of(connection, ctx.workspace, incident_id)
        plans = tuple(
            choose_last_clean(connection, plan, now=now, not_after=found.first_alert_at, dump=dump)
            for plan in found.radius.backup_plans
            for dump in ctx.workspace.backup_plans[plan].series
        )
    leaning = found.radius.dependents
    hit = set(found.radius.datasets)
    further = ctx.workspace.datasets_on(system.id for system in leaning)
    return Radius(
        incident=found.incident,
        title=found.title,
        found=found,
        leaning=leaning,
        leaning_datasets=tuple(dataset for dataset in further if dataset not in hit),
        clocks={clock.to: clock for clock in clocks_of(found)},
        plans=plans,
        at=now,
    )


def write_radius(ctx: Context, radius: Radius, path: Path | None = None) -> Path:
    """Write the picture as one page, durably: for ourselves, since it names several clients."""
    if path is None:
        path = private_folder(ctx.workspace.root / "reports" / "incidents") / f"{radius.incident}-radius.html"
    facts = radius_facts(radius, ctx.workspace.organisation.timezone)
    facts["organisation"] = ctx.workspace.organisation.name
    write_durably(path, render_page(ctx.workspace, TEMPLATE, facts).encode())
    return path


def radius_facts(radius: Radius, zone: str) -> dict[str, object]:
    """Return everything the page shows, as plain data."""
    return {
        "incident": radius.incident,
        "title": radius.title,
        "written_at": show_utc(radius.at),
        "people": radius.people,
        "systems": [_system(each, "hit") for each in radius.systems]
        + [_system(each, "leans on it") for each in radius.leaning],
        "datasets": [_dataset(each) for each in radius.datasets],
        "leaning_datasets": [_dataset(each) for each in radius.leaning_datasets],
        "clients": [_client(each, radius.clocks.get(each.id), zone) for each in radius.clients],
        "regulator": _clock(radius.clocks.get("ico"), zone),
        "plans": [_plan(each) for each in radius.plans],
        "picture": picture(radius.found, radius.leaning, radius.leaning_datasets, radius.clocks, zone),
    }


def _system(system: System, how: str) -> dict[str, object]:
    return {
        "id": system.id,
        "title": system.title,
        "kind": str(system.kind),
        "how": how,
        "depends_on": list(system.depends_on),
    }


def _dataset(dataset: Dataset) -> dict[str, object]:
    return {
        "id": dataset.id,
        "title": dataset.title,
        "label": str(dataset.label),
        "data": [str(code) for code in dataset.data],
        "groups": [str(group) for group in dataset.people.groups],
        "people": dataset.people.count,
        "client": dataset.client,
        "systems": list(dataset.systems),
        "backup_plan": dataset.backup_plan,
    }


def _client(client: Client, clock: IncidentClock | None, zone: str) -> dict[str, object]:
    return {
        "id": client.id,
        "name": client.name,
        "contract": client.contract,
        "notice_hours": client.notice_hours,
        "clock": _clock(clock, zone),
        "contacts": [
            {"name": each.name, "email": each.email, "phone": each.phone, "hours": each.hours}
            for each in client.contacts
        ],
    }


def _clock(clock: IncidentClock | None, zone: str) -> dict[str, object] | None:
    if clock is None:
        return None
    return {"due": show_utc(clock.due), "due_both": show_both(clock.due, zone), "legal": clock.legal}


def plan_name(last: LastClean) -> str:
    """Return which backup plan it is, and which of its dumps."""
    return f"{last.plan}/{last.dump}" if last.dump else last.plan


def _plan(last: LastClean) -> dict[str, object]:
    entry = last.entry
    return {
        "backup_plan": plan_name(last),
        "snapshot": entry.id if entry else None,
        "repository": entry.repository if entry else None,
        "taken_at": show_utc(entry.time) if entry else None,
        "checked_at": show_utc(last.checked_at) if last.checked_at else None,
        "reasons": list(last.reasons),
        "passed_over": [{"snapshot": each.entry.id, "why": each.why} for each in last.passed_over],
    }
