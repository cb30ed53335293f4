"""Facts as an append-only series of patches: who said what, when, on what evidence; later supersedes."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime

from tocsin.errors import UsageError, did_you_mean
from tocsin.law.facts.document import parse_facts
from tocsin.law.facts.paths import fact_paths
from tocsin.model.document import Data


@dataclass(frozen=True, slots=True)
class FactPatch:
    """One statement. `value` None or "unknown" takes back what was known; `at` is when it was said."""

    path: str
    value: object
    by: str
    at: datetime
    evidence: str | None = None


def check_patch(path: str, value: object) -> Data:
    """Return `value` in the contract's own words (None where it says "not known").

    `path` may also name a group such as `recipient`; its value is then a map.
    Raises UsageError for a path that does not exist, ConfigurationError for a value that cannot be.
    """
    _known(path)
    said: Data = parse_facts(_nested(path, value), name=f"The fact {path}").to_json()
    for step in path.split("."):
        said = said.get(step) if isinstance(said, dict) else None
    return said


def fold(patches: Iterable[FactPatch]) -> dict[str, Data]:
    """Return the document in force after all these patches, in their order. What is not known is not in it.

    Raises UsageError or ConfigurationError, with the nearest right word, for a patch that cannot be.
    """
    document: dict[str, Data] = {}
    for patch in patches:
        document = _patched(document, patch.path.split("."), check_patch(patch.path, patch.value))
    return parse_facts(document).to_json()


def value_at(document: Mapping[str, Data], path: str) -> Data:
    """Return what a document says of one fact, None where it says nothing."""
    found: Data = dict(document)
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _known(path: str) -> None:
    paths = fact_paths()
    groups = {known.rpartition(".")[0] for known in paths} - {""}
    if path not in paths and path not in groups:
        raise UsageError(f"There is no fact called {path!r}.{did_you_mean(path, [*paths, *groups])}")


def _nested(path: str, value: object) -> object:
    for step in reversed(path.split(".")):
        value = {step: value}
    return value


def _patched(document: dict[str, Data], steps: list[str], value: Data) -> dict[str, Data]:
    changed = deepcopy(document)
    target = changed
    for step in steps[:-1]:
        below = target.setdefault(step, {})
        target = below if isinstance(below, dict) else {}
    if value is None:
        target.pop(steps[-1], None)
    else:
        target[steps[-1]] = value
    return changed
