"""Who did it: a member of our team in Slack, matched by the member id that the workspace gives a person."""

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.model.workspace import Person, Workspace
from tocsin.ports import Envelope

UNKNOWN = (
    "Tocsin does not know you, so nothing was done. Your member id is {member}: ask for it to be put as `slack:` "
    "beside your name in the workspace. If something is wrong right now, telephone."
)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent an envelope, as Slack says: the member, their team, and the channel it was done in."""

    member: str
    team: str
    room: str


def sender_of(envelope: Envelope) -> Sender:
    """Read who sent it; '' for what is not said."""
    payload = envelope.payload
    user, team, channel = (_part(payload, name) for name in ("user", "team", "channel"))
    return Sender(
        member=str(payload.get("user_id") or user.get("id") or ""),
        # A guest from another firm in a shared channel brings that firm's team along.
        team=str(user.get("team_id") or payload.get("team_id") or team.get("id") or ""),
        room=str(payload.get("channel_id") or channel.get("id") or ""),
    )


def person_of(workspace: Workspace, sender: Sender, *, team: str) -> Person | None:
    """Return the one person with this member id; nobody of another team, nobody where two claim the same id."""
    if not sender.member or (sender.team and team and sender.team != team):
        return None
    found = [person for person in workspace.people.values() if person.slack == sender.member]
    return found[0] if len(found) == 1 else None


def _part(payload: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = payload.get(name)
    return found if isinstance(found, dict) else {}
