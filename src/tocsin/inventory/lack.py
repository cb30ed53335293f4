"""What one entry of the inventory lacks, before it is known whose it is and where it stands."""

from collections.abc import Iterable
from dataclasses import dataclass

from tocsin.model.document import Path
from tocsin.model.finding import Finding, Severity
from tocsin.model.holdings import Dataset
from tocsin.model.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Lack:
    """A finding's words. `key` says where inside the entry it stands."""

    code: str
    severity: Severity
    sentence: str
    fix: str
    practice: str
    key: Path = ()


def as_finding(
    workspace: Workspace, lack: Lack, path: Path, held: Iterable[Dataset], systems: tuple[str, ...] | None = None
) -> Finding:
    """Return the finding of an entry at `path`; `held` is the data it is about, and says whose and where."""
    held = tuple(held)
    kind = {"datasets": "dataset", "systems": "system", "clients": "client"}.get(str(path[0]), "departure")
    return Finding(
        code=lack.code,
        severity=lack.severity,
        subject=f"{kind}:{path[1] if isinstance(path[1], str) else path[1] + 1}",
        sentence=lack.sentence,
        fix=lack.fix,
        place=workspace.written.key_place((*path, *lack.key)),
        clients=(str(path[1]),) if kind == "client" else tuple(dict.fromkeys(each.client or "" for each in held)),
        systems=tuple(dict.fromkeys(key for each in held for key in each.systems)) if systems is None else systems,
        practice=lack.practice,
    )
