"""Who we are, as the regimes ask it: read from the workspace. What the workspace leaves out is not known."""

from tocsin.law.regimes import ClientTerms, Policy, Profile
from tocsin.model.regulated import Size
from tocsin.model.workspace import Workspace


def profile_of(workspace: Workspace) -> Profile:
    """Return the organisation's profile: what it is regulated as, its size, its contracts and its insurance."""
    ours = workspace.organisation
    return Profile(
        regulated_as=None if ours.regulated_as is None else frozenset(ours.regulated_as),
        small=None if ours.size is None else ours.size is Size.SMALL,
        clients=tuple(
            ClientTerms(client.id, client.name, client.notice_hours) for client in workspace.clients.values()
        ),
        policies=None
        if ours.insurance is None
        else tuple(Policy(each.insurer, each.policy, each.notice_hours) for each in ours.insurance),
    )
