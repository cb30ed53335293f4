"""Who may decide: a person of the workspace who holds the role, or is the deputy of one who does."""

from tocsin.model.vocabulary import PersonRole
from tocsin.model.workspace import Workspace


def may_act_as(workspace: Workspace, person_id: str, role: PersonRole | str) -> bool:
    """Tell whether this person may decide in that role. Somebody who is not in the workspace never may."""
    person = workspace.people.get(person_id)
    if person is None:
        return False
    holders = workspace.people_with(role)
    return any(person_id in (holder.id, holder.deputy) for holder in holders)


def who_may(workspace: Workspace, role: PersonRole | str) -> str:
    """Return the holders of a role and their deputies by name, for a sentence: `Maya Lind (deputy: Tom Reed)`."""
    holders = workspace.people_with(role)
    if not holders:
        return f"nobody: no person of the workspace has the role {role}"
    names = [holder.name for holder in holders]
    deputies = [
        workspace.people[holder.deputy].name
        for holder in holders
        if holder.deputy in workspace.people and workspace.people[holder.deputy].name not in names
    ]
    return ", ".join(names) + (f" (deputy: {', '.join(dict.fromkeys(deputies))})" if deputies else "")
