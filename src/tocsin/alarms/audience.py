"""Whom an alarm is for: named people and roles, and how far up the ladder it has climbed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tocsin.model.people import Person
from tocsin.model.workspace import Workspace

Level = Literal["role", "deputy", "everyone"]

LADDER: tuple[Level, ...] = ("role", "deputy", "everyone")


@dataclass(frozen=True, slots=True)
class Audience:
    """People by id, then whoever holds one of the roles; at `deputy` their deputies too, at `everyone` all."""

    people: tuple[str, ...] = ()
    roles: tuple[str, ...] = ("technical",)
    level: Level = "role"

    def kept(self) -> dict[str, object]:
        """Return it as its row keeps it."""
        return {"people": [*self.people], "roles": [*self.roles], "level": self.level}


def kept_audience(row: Mapping[str, Any] | None) -> Audience:
    """Return the audience a row keeps; of one that keeps none, the technical people."""
    return Audience(tuple(row["people"]), tuple(row["roles"]), row["level"]) if row else Audience()


def people_for(workspace: Workspace, audience: Audience) -> tuple[Person, ...]:
    """Return the people to tell, each once. Where none of them can be written to, everyone: better too many."""
    everyone = tuple(workspace.people.values())
    named = [workspace.people[key] for key in audience.people if key in workspace.people]
    holders = [person for role in audience.roles for person in workspace.people_with(role)]
    found = [*named, *holders]
    if audience.level == "deputy":
        found += [deputy for person in [*found] if (deputy := workspace.deputy_of(person.id))]
    if audience.level == "everyone" or not any(person.email or person.slack for person in found):
        found += everyone
    return tuple({person.id: person for person in found}.values())
