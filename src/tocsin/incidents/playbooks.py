"""The playbooks at hand: the workspace's own, and the starter's where the workspace has none of that name."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tocsin.context import Context
from tocsin.errors import ConfigurationError, OperationFailed, Problem, UsageError, did_you_mean
from tocsin.model.workspace import Workspace
from tocsin.model.yaml_text import parse_yaml
from tocsin.runbook.checks import parse_playbook, problems_with_workspace
from tocsin.runbook.language import Playbook
from tocsin.workspace import starter

GENERIC = "generic"


@dataclass(frozen=True, slots=True)
class PlaybookFile:
    """One playbook's text; `name` is the path a person would open."""

    name: str
    text: str


def playbook_files(workspace: Workspace) -> Iterator[PlaybookFile]:
    """Yield every playbook file, the workspace's first; one of the same name hides the starter's."""
    seen: set[str] = set()
    for folder in (workspace.root / "playbooks", starter() / "playbooks"):
        for path in sorted(folder.glob("*.yaml")):
            if path.name not in seen:
                seen.add(path.name)
                yield PlaybookFile(_shown(path, workspace), _read(path))


def check_playbooks(workspace: Workspace) -> tuple[tuple[Playbook, ...], tuple[Problem, ...]]:
    """Return the playbooks that are well and every problem of the others."""
    well: list[Playbook] = []
    problems: list[Problem] = []
    for file in playbook_files(workspace):
        try:
            playbook = parse_playbook(file.text, file.name)
        except ConfigurationError as wrong:
            problems.extend(wrong.problems)
        else:
            found = list(problems_with_workspace(playbook, parse_yaml(file.text, file.name), workspace))
            problems.extend(found)
            if not found:
                well.append(playbook)
    return tuple(well), tuple(problems)


def choose_playbook(ctx: Context, cause: str | None, named: str | None = None) -> PlaybookFile:
    """Return the playbook named, else the one for this cause, else the generic one.

    A faulty file of another playbook does not stop this one: on the worst night what works must work.
    Raises UsageError for an unknown name, ConfigurationError when the chosen file itself is faulty.
    """
    found: dict[str, PlaybookFile] = {}
    by_cause: dict[str, PlaybookFile] = {}
    faulty: dict[str, ConfigurationError] = {}
    for file in playbook_files(ctx.workspace):
        try:
            playbook = parse_playbook(file.text, file.name)
        except ConfigurationError as wrong:
            faulty[Path(file.name).stem] = wrong
            continue
        found[playbook.playbook] = file
        for answered in playbook.for_.cause:
            by_cause.setdefault(answered.value, file)
    if named is not None:
        if named in faulty:
            raise faulty[named]
        if named not in found:
            raise UsageError(f"There is no playbook {named!r}.{did_you_mean(named, found)}")
        return found[named]
    chosen = by_cause.get(cause or "") or found.get(GENERIC)
    if chosen is None:
        raise next(iter(faulty.values()), UsageError("There is no playbook. `tocsin init` brings some."))
    return chosen


def _shown(path: Path, workspace: Workspace) -> str:
    return str(path.relative_to(workspace.root)) if path.is_relative_to(workspace.root) else str(path)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperationFailed(f"{path} cannot be read: {error}.") from error
