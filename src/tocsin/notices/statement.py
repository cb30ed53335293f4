"""A statement to one client: how its data is collected, stored, used, backed up and protected. Pure.

The inventory says what and where; the caller says what was seen of backups and drills. What the inventory does
not hold is said to be not recorded: a statement promises nothing that nobody wrote down.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.model.holdings import Dataset, System
from tocsin.model.protection import BackupPlan, Retention
from tocsin.model.vocabulary import YesNoUnknown
from tocsin.model.workspace import Workspace
from tocsin.notices.addressees import addressed
from tocsin.notices.drawing import ourselves
from tocsin.notices.guard import blocks, check_notice
from tocsin.notices.sheet import DatasetStated, Draft, Moment, PlanStated, StatementSheet
from tocsin.notices.templates import render
from tocsin.notices.words import DATA, PEOPLE, listed

STATEMENT = "client/statement"
_NOT_RECORDED = "not recorded in our inventory"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one backup plan: its newest good snapshot, and its last drill with a verdict in words."""

    last_good: datetime | None = None
    drilled_at: datetime | None = None
    verdict: str = ""


def statement_for(
    workspace: Workspace, client: str, seen: Mapping[str, Seen], now: datetime, version: int | None = None
) -> Draft:
    """Return the statement for a client. `seen` is keyed by backup plan; `version` is its number once published.

    Raises UsageError for an unknown client, Refused when the guard stops the text (another client's name).
    """
    if client not in workspace.clients:
        raise UsageError(f"There is no client {client!r}.{did_you_mean(client, workspace.clients)}")
    text = render(workspace, STATEMENT, replace(statement_sheet(workspace, client, seen, now), version=version))
    whom = replace(addressed(workspace, client), kind="statement")
    if blocking := blocks(check_notice(text, whom, workspace)):
        raise Refused(
            "The guard stops this statement; nothing was written. Mend the inventory or the template.\n"
            + "\n".join(f"- {finding.text}" for finding in blocking)
        )
    return text


def statement_sheet(workspace: Workspace, client: str, seen: Mapping[str, Seen], now: datetime) -> StatementSheet:
    """Return what the template sees."""
    datasets = tuple(each for each in workspace.datasets.values() if each.client == client)
    named = dict.fromkeys(each.backup_plan for each in datasets if each.backup_plan)
    plans = [workspace.backup_plans[key] for key in named if key in workspace.backup_plans]
    zone = workspace.organisation.timezone
    return StatementSheet(
        organisation=ourselves(workspace),
        addressee=addressed(workspace, client, datasets),
        today=Moment(now, zone).day,
        datasets=tuple(_dataset(workspace, each) for each in datasets),
        plans=tuple(_plan(workspace, plan, seen.get(plan.id, Seen()), zone) for plan in plans),
        unprotected=tuple(each.title for each in datasets if each.backup_plan not in workspace.backup_plans),
    )


def _dataset(workspace: Workspace, dataset: Dataset) -> DatasetStated:
    return DatasetStated(
        title=dataset.title,
        label=str(dataset.label.value),
        data=listed(DATA, dataset.data) or _NOT_RECORDED,
        people=listed(PEOPLE, dataset.people.groups) or _NOT_RECORDED,
        count=f"{dataset.people.count:,}" if dataset.people.count else _NOT_RECORDED,
        purpose=dataset.purpose or _NOT_RECORDED,
        basis=dataset.lawful_basis.value.replace("_", " ") if dataset.lawful_basis else _NOT_RECORDED,
        systems=tuple(_system(workspace.systems[key]) for key in dataset.systems if key in workspace.systems),
        retention=span(dataset.retention) if dataset.retention else _NOT_RECORDED,
        plan=dataset.backup_plan or "",
    )


def _system(system: System) -> str:
    disk = {
        YesNoUnknown.YES: "encrypted disk",
        YesNoUnknown.NO: "its disk is not encrypted",
        YesNoUnknown.UNKNOWN: "whether its disk is encrypted is not recorded",
    }[system.encrypted]
    return f"{system.title} ({system.kind.value.replace('_', ' ')}; {disk})"


def _plan(workspace: Workspace, plan: BackupPlan, seen: Seen, zone: str) -> PlanStated:
    return PlanStated(
        title=plan.title,
        schedule=f"{spoken_schedule(plan.schedule)} ({plan.zone})",
        copies=tuple(_copy(workspace, key) for key in plan.repositories),
        rpo=span(plan.rpo),
        rto=span(plan.rto),
        retention=_kept(plan.retention),
        last_backup=str(Moment(seen.last_good, zone)) if seen.last_good else "none is on record",
        last_drill=f"{Moment(seen.drilled_at, zone)}: {seen.verdict}" if seen.drilled_at else "none is on record",
    )


def _copy(workspace: Workspace, key: str) -> str:
    repository = workspace.repositories[key]
    where = "in another place" if repository.offsite else "in the same place"
    lasting = ", cannot be deleted from our machines" if repository.append_only else ""
    return f"{where}{lasting}"


def _kept(retention: Retention | None) -> str:
    if retention is None:
        return "all of them"
    kinds = ("last", "daily", "weekly", "monthly", "yearly")
    return ", ".join(f"{count} {kind}" for kind in kinds if (count := getattr(retention, kind)))


_EVERY: Final = re.compile(r"^(?P<minute>\d+) (?P<hour>\d+|\*) \* \* (?P<day>\*|[0-7]|\d-\d)$")
_DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def spoken_schedule(cron: str) -> str:
    """Return a schedule in words where it is a usual one; else as it is written, with what its fields mean."""
    match = _EVERY.match(" ".join(cron.split()))
    if match is None:
        return f"{cron} (minute, hour, day, month, weekday)"
    if match["hour"] == "*":
        return f"every hour, at minute {match['minute']}"
    days = [_DAYS[int(day)] for day in match["day"].split("-")] if match["day"] != "*" else []
    when = {0: "every day", 1: f"every {days[0]}" if days else ""}.get(len(days)) or f"{days[0]} to {days[-1]}"
    return f"{when} at {int(match['hour']):02}:{int(match['minute']):02}"


def span(time: timedelta) -> str:
    """Return a length of time in the largest unit that fits it evenly: `4 hours`, `7 years`."""
    seconds = int(time.total_seconds())
    for unit, length in (("year", 31_536_000), ("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length and seconds % length == 0:
            count = seconds // length
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"
