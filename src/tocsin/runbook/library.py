"""Where playbooks are found by name: the workspace's own, and the starter's where it has none of that name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tocsin.errors import OperationFailed, UsageError, did_you_mean
from tocsin.model.workspace import Workspace
from tocsin.runbook.language import Playbook
from tocsin.workspace import starter


@dataclass(frozen=True, slots=True)
class PlaybookFile:
    """One playbook's text; `name` is the path a person would open."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """A playbook, checked whole, with its text and the name of its file as a person knows it."""

    playbook: Playbook
    text: str
    name: str


# Raises UsageError when there is no playbook of that name, ConfigurationError when it is faulty.
Load = Callable[[str], Found]


def playbook_files(workspace: Workspace) -> Iterator[PlaybookFile]:
    """Yield every playbook file, the workspace's first; one of the same name hides the starter's."""
    for path in _paths(workspace).values():
        yield _read(path, workspace)


def load_from(workspace: Workspace, parse: Callable[[str, str], Playbook]) -> Load:
    """Return the loader by which a playbook calls another: by the name of its file."""

    @lru_cache
    def load(name: str) -> Found:
        paths = _paths(workspace)
        if name not in paths:
            raise UsageError(f"There is no playbook {name!r}.{did_you_mean(name, paths)}")
        file = _read(paths[name], workspace)
        return Found(parse(file.text, file.name), file.text, file.name)

    return load


def _paths(workspace: Workspace) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in (workspace.root / "playbooks", starter() / "playbooks"):
        for path in sorted(folder.glob("*.yaml")):
            found.setdefault(path.stem, path)
    return found


def _read(path: Path, workspace: Workspace) -> PlaybookFile:
    name = str(path.relative_to(workspace.root)) if path.is_relative_to(workspace.root) else str(path)
    try:
        return PlaybookFile(name, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise OperationFailed(f"{path} cannot be read: {error}.") from error
