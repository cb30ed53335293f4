"""The people: is somebody there for each role, with a deputy, and does this machine know who sits before it?"""

from collections.abc import Iterator

from tocsin.doctor.finding import Finding, ok, warning
from tocsin.model.vocabulary import PersonRole
from tocsin.model.workspace import Workspace
from tocsin.ports import Actor

# The roles our playbooks ask for; the others are asked only where a firm has them.
NEEDED = (PersonRole.COMMANDER, PersonRole.DPO, PersonRole.TECHNICAL, PersonRole.COMMUNICATIONS)


def check_people(workspace: Workspace, actor: Actor) -> Iterator[Finding]:
    """Look at who this is, at roles nobody holds, and at holders nobody stands in for."""
    yield _who(workspace, actor)
    empty = [role.value for role in NEEDED if not workspace.people_with(role)]
    if empty:
        yield warning(
            "roles",
            f"Nobody is {', '.join(empty)}.",
            "Give each a holder under `people`: their questions would wait for ever.",
        )
    lonely = [
        person.name
        for person in workspace.people.values()
        if set(person.roles) & set(NEEDED) and workspace.deputy_of(person.id) is None
    ]
    if lonely:
        yield warning(
            "deputies",
            f"Nobody stands in for {', '.join(lonely)}.",
            "Name a `deputy`, or see to it that several people hold the role.",
        )
    if not empty and not lonely:
        yield ok("roles", "every role has a holder, every holder a deputy")
    if workspace.warnings:
        count = len(workspace.warnings)
        yield warning("workspace", f"{count} warning{'s' if count > 1 else ''}.", "`tocsin check` shows them.")


def _who(workspace: Workspace, actor: Actor) -> Finding:
    if actor.person in workspace.people:
        return ok("you", f"{workspace.people[actor.person].name} ({actor.person})")
    user = actor.person.removeprefix("user:")
    return warning(
        "you",
        f"The system user {user} is nobody in the workspace: it may look and back up, and approve nothing.",
        f"Write `login: {user}` under the person it belongs to.",
    )
