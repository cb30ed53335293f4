"""The room an exercise is played in: a workspace of its own, with its own store, clock and journal.

    exercises/EX-2026-001/          a copy of what the firm has written: people, clients, playbooks, templates
        exercise.json               whose room it is, how its clock runs, who sits at the keyboard, who is away
        .tocsin/                    its own store; the house's is never touched from here
        not-sent/                   what would have been sent

Whoever is in that folder (or names it with `--workspace`) is in the exercise: the same commands work, and none of
them can reach out. It is a separate place because a mark on rows could be forgotten by one of a hundred readers; a
store that holds nothing else cannot.
"""

import json
import shutil
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

from tocsin.durable import explained, private_folder, write_durably
from tocsin.errors import Refused, UsageError
from tocsin.model.workspace import DEFAULT_STATE, DEFAULT_STORE, Workspace

MARK = "exercise.json"
ROOMS = "exercises"
NOT_SENT = "not-sent"
_COPIED = frozenset({".yaml", ".yml", ".j2", ".jinja", ".jinja2", ".md", ".txt", ".html", ".json", ".css", ".typ"})
_FOLDERS = ("playbooks", "templates")
WORKSPACE_FILE = "tocsin.yaml"


@dataclass(frozen=True, slots=True)
class Hands:
    """How the exercise's clock runs: at `real` it was `played`, and `speed` times as fast since. 0: paused."""

    real: str
    played: str
    speed: int


@dataclass(frozen=True, slots=True)
class Room:
    """What `exercise.json` says. `began` is the exercise's own time, `away` maps people to since when."""

    folder: Path
    exercise: str
    scenario: str
    title: str
    system: str
    home: str
    began: str
    speed: int
    hands: Hands
    participants: tuple[str, ...] = ()
    seat: str | None = None
    away: dict[str, str] = field(default_factory=dict)
    ended: bool = False

    @property
    def began_at(self) -> datetime:
        """When the exercise began, by its own clock."""
        return datetime.fromisoformat(self.began)


def room_at(folder: Path) -> Room | None:
    """Return the room a workspace's folder is, None when it is an ordinary workspace. Cheap: one look."""
    try:
        text = (folder / MARK).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as fault:
        raise Refused(f"{folder / MARK} cannot be read ({fault.strerror}). Nothing was done.") from fault
    try:
        data = json.loads(text)
        hands = Hands(**data.pop("hands"))
        data["participants"] = tuple(data["participants"])
        return Room(folder=folder, hands=hands, **data)
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        # What might be an exercise must never be taken for the house.
        raise Refused(
            f"{folder / MARK} is damaged, and this folder is the room of an exercise. Nothing was done. "
            "Go back to your own workspace."
        ) from fault


def room_named(folder: Path) -> Room:
    """Return the room in a folder. Raises UsageError when there is none."""
    room = room_at(folder)
    if room is None:
        raise UsageError(f"{folder} is not the room of an exercise.")
    return room


def keep_room(room: Room) -> Room:
    """Write what the room is now, durably, and return it."""
    data = {key: value for key, value in asdict(room).items() if key != "folder"}
    write_durably(room.folder / MARK, json.dumps(data, indent=2).encode() + b"\n")
    return room


def make_room(workspace: Workspace, room: Room) -> Room:
    """Furnish a room for the workspace: copies of what is written, and nothing of what is kept.

    The mark is written first: a room that was cut off half way is one all the same. Refused when it is there.
    """
    if room.folder.exists():
        raise Refused(f"{room.folder} is there already. Nothing was changed.")
    private_folder(room.folder)
    try:
        keep_room(room)
        with explained(room.folder):
            for name in _written(workspace.root):
                target = room.folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(workspace.root / name, target)
    except BaseException:
        shutil.rmtree(room.folder, ignore_errors=True)
        raise
    return room


def _written(root: Path) -> list[str]:
    """Return the names of the files a room needs: the workspace's own, what it includes, playbooks, templates."""
    from tocsin.workspace.loading import included_files  # noqa: PLC0415 - every command asks whether it is in a room

    names = [WORKSPACE_FILE, *included_files(root)]
    for folder in _FOLDERS:
        found = sorted((root / folder).rglob("*"))
        names += [str(path.relative_to(root)) for path in found if path.is_file() and path.suffix in _COPIED]
    return list(dict.fromkeys(names))


def as_room(workspace: Workspace, room: Room) -> Workspace:
    """Return a room's workspace with all that leads out of it taken away: store, outbox, Slack, webhooks."""
    channels = workspace.channels.model_copy(update={"slack": None, "webhook": None, "command": None})
    return replace(
        workspace,
        exercise=room.exercise,
        channels=channels.model_copy(update={"outbox": NOT_SENT}),
        drills={},
        exercises={},
        alarms=("outbox",),
        webhooks={},
        reporters={},
        evidence=None,
        recovery_kit=None,
        store=DEFAULT_STORE,
        state=DEFAULT_STATE,
        warnings=(),
    )
