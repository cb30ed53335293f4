"""Who plays what: the names for an exercise's texts and the system it hits, from the firm's own workspace."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from tocsin.errors import ConfigurationError, Place, Problem, TocsinError, UsageError, did_you_mean
from tocsin.incidents import on_call, roles_of
from tocsin.law.facts import check_patch
from tocsin.model.exercise import DAYS, ROLES, Exercise
from tocsin.model.workspace import Workspace
from tocsin.runbook.checks import library_of


def exercise_named(workspace: Workspace, name: str) -> Exercise:
    """Return the exercise of that id. Raises UsageError naming the nearest."""
    if name in workspace.exercises:
        return workspace.exercises[name]
    near = did_you_mean(name, workspace.exercises)
    raise UsageError(f"There is no exercise {name!r}.{near or ' Add one to drills/.'}")


def check_exercises(workspace: Workspace) -> tuple[Problem, ...]:
    """Return what is wrong with the workspace's exercises: a playbook or a fact that there is not."""
    return tuple(problem for exercise in workspace.exercises.values() for problem in _wrong(workspace, exercise))


def _wrong(workspace: Workspace, exercise: Exercise) -> Iterator[Problem]:
    place = Place(f"drills/ (exercise {exercise.id})")
    load = library_of(workspace)
    for name in dict.fromkeys((exercise.playbook, exercise.expects.playbook or exercise.playbook)):
        try:
            load(name)
        except TocsinError as missing:
            yield Problem(place, str(missing))
    for path, value in exercise.expected_facts.items():
        try:
            check_patch(path, value)
        except (UsageError, ConfigurationError) as wrong:
            yield Problem(place, f"expects: {wrong}")


def system_of(workspace: Workspace, exercise: Exercise, named: str | None) -> str:
    """Return the system that is hit. Raises UsageError when it has to be named."""
    wanted = named or exercise.system
    if wanted in workspace.systems:
        return str(wanted)
    with_data = [system for system in workspace.systems if workspace.datasets_on([system])]
    if named is None and exercise.system is None and with_data:
        return with_data[0]
    near = did_you_mean(wanted or "", workspace.systems)
    raise UsageError(
        f"Say which of your systems is hit in this exercise (--system ID): "
        f"{', '.join(workspace.systems) or 'the workspace names none'}.{near}"
    )


def begin_at(workspace: Workspace, exercise: Exercise, now: datetime) -> datetime:
    """Return what time it is when the exercise begins: the last such day and hour, else now; pure."""
    if exercise.begins is None:
        return now
    day, _, hour = exercise.begins.partition(" ")
    zone = ZoneInfo(workspace.organisation.timezone)
    local = now.astimezone(zone)
    hours, minutes = hour.split(":")
    wanted = local.replace(hour=int(hours), minute=int(minutes), second=0, microsecond=0)
    wanted -= timedelta(days=(wanted.weekday() - DAYS.index(day)) % 7)
    return (wanted if wanted <= local else wanted - timedelta(days=7)).astimezone(now.tzinfo)


def players(connection: Connection, workspace: Workspace, now: datetime) -> dict[str, str]:
    """Return who has which role before anything is declared: the ids of the people on call."""
    return {one.role: one.person for one in on_call(connection, workspace, now) if one.person}


def holder_of(connection: Connection, workspace: Workspace, incident: str | None, role: str, now: datetime) -> str:
    """Return the person who has a role at this moment of the exercise; '' for nobody."""
    if incident:
        held = roles_of(connection, incident).get(role)
        if held:
            return held.person
    return players(connection, workspace, now).get(role, "")


def names_for(workspace: Workspace, system: str, who: Mapping[str, str]) -> dict[str, str]:
    """Return what stands for each placeholder of an exercise's texts."""
    clients = [client.name for client in workspace.clients_of(workspace.datasets_on([system]))]
    people = {
        role: workspace.people[who[role]].name if who.get(role) in workspace.people else f"the {role}"
        for role in ROLES
    }
    return {
        "system": workspace.systems[system].title if system in workspace.systems else system,
        "client": clients[0] if clients else "a client",
        "clients": ", ".join(clients) or "your clients",
        "firm": workspace.organisation.name,
        **people,
    }


def filled(text: str, names: Mapping[str, str]) -> str:
    """Return a text with the names in place of its placeholders."""
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text
