"""Where a playbook that another one calls by name is found: `NAME.yaml`, in the first folder that has it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tocsin.errors import UsageError, did_you_mean
from tocsin.runbook.language import Playbook


@dataclass(frozen=True, slots=True)
class Found:
    """A playbook, checked whole, with its text and the name of its file as a person knows it."""

    playbook: Playbook
    text: str
    name: str


# Raises UsageError when there is no playbook of that name, ConfigurationError when it is faulty.
Load = Callable[[str], Found]


def load_from(folders: Sequence[Path], root: Path, parse: Callable[[str, str], Playbook]) -> Load:
    """Return the loader of the playbooks in these folders; a file in an earlier one hides those in later ones."""

    @lru_cache
    def load(name: str) -> Found:
        for folder in folders:
            path = folder / f"{name}.yaml"
            if path.is_file():
                shown = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
                text = path.read_text(encoding="utf-8")
                return Found(parse(text, shown), text, shown)
        known = {path.stem for folder in folders for path in folder.glob("*.yaml")}
        raise UsageError(f"There is no playbook {name!r}.{did_you_mean(name, known)}")

    return load
