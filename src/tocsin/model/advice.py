"""What is not wrong in a workspace but will hurt on the night: warnings, each at its place."""

from collections.abc import Iterator
from pathlib import Path

from tocsin.errors import Problem
from tocsin.model.document import Document
from tocsin.model.document import Path as DataPath
from tocsin.model.fields import is_hourly, longest_gap, spell_duration
from tocsin.model.vocabulary import PersonRole
from tocsin.model.workspace import Workspace

_NEEDED_ROLES = (PersonRole.COMMANDER, PersonRole.DPO, PersonRole.TECHNICAL, PersonRole.COMMUNICATIONS)


def advise(workspace: Workspace, document: Document) -> tuple[Problem, ...]:
    """Return the warnings on a checked workspace; `document` holds the merged files' places."""
    found = [
        *_about_people(workspace),
        *_about_datasets(workspace),
        *_about_backups(workspace),
        *_about_channels(workspace),
    ]
    return tuple(Problem(document.key_place(path), message) for path, message in found)


def _about_people(workspace: Workspace) -> Iterator[tuple[DataPath, str]]:
    for person in workspace.people.values():
        if not person.deputy:
            yield ("people", person.id), f"{person.id} has no deputy: nobody takes over when they are silent."
        if person.login == "root":
            yield (
                ("people", person.id, "login"),
                f"{person.id} approves as root: whoever has root can approve in their name.",
            )
    for role in _NEEDED_ROLES:
        if not workspace.people_with(role):
            yield ("people",), f"Nobody has the role {role}."


def _about_datasets(workspace: Workspace) -> Iterator[tuple[DataPath, str]]:
    for dataset in workspace.datasets.values():
        path: DataPath = ("datasets", dataset.id)
        if not dataset.systems:
            yield path, f"{dataset.id} lives on no system: an incident will not find whose data it is."
        if not dataset.backup_plan:
            yield path, f"{dataset.id} has no backup plan."
        if not dataset.labelled:
            yield path, f"{dataset.id} has no label: until you choose one it is handled as {dataset.label}."
        elif careful := dataset.codes_above_label:
            highest = dataset.demanded_label
            yield (
                (*path, "label"),
                f"{dataset.id} is labelled {dataset.label} but holds {', '.join(careful)}: label it {highest}.",
            )


def _about_backups(workspace: Workspace) -> Iterator[tuple[DataPath, str]]:
    drilled = {drill.backup_plan for drill in workspace.drills.values()}
    for plan in workspace.backup_plans.values():
        path: DataPath = ("backup_plans", plan.id)
        gap = longest_gap(plan.schedule)
        if gap > plan.rpo:
            most, wait = spell_duration(plan.rpo), spell_duration(gap)
            yield (
                (*path, "rpo"),
                f"{plan.id} may lose {most} at most, yet up to {wait} pass between two of its runs.",
            )
        if plan.timezone not in {None, "UTC"} and is_hourly(plan.schedule):
            lost = f"in {plan.timezone} an hour of its runs is lost when the clocks go back"
            yield (*path, "timezone"), f"{plan.id} runs every hour or finer: {lost}. Leave timezone out for UTC."
        for repository in (workspace.repositories[key] for key in plan.repositories):
            location = Path(workspace.repository_location(repository))
            if any(location.is_relative_to(workspace.resolve(read)) for read in plan.read_paths):
                yield path, f"{plan.id} backs up the repository {repository.id} into itself: it grows each time."
        if plan.id not in drilled:
            yield path, f"{plan.id} has no drill: nobody knows that it can be restored."


def _about_channels(workspace: Workspace) -> Iterator[tuple[DataPath, str]]:
    for name in workspace.alarms:
        if name != "outbox" and getattr(workspace.channels, name) is None:
            yield ("alarms",), f"Alarms go by {name}, but channels.{name} is not set."
    if not workspace.alarms:
        yield ("alarms",), "No alarms are set: nobody will be told of a late backup or a deadline."
