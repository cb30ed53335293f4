"""What is kept of a file that a playbook was imported from: `playbooks/NAME.cacao.json`, beside `NAME.yaml`.

A playbook of ours allows no unknown keys, and a run pins its text; so the foreign file is kept beside it, whole
but for its secrets. While the playbook says what it said when it was imported, its export is that file. Once a
person has changed it, it is a playbook of its own, derived from that one: its steps that are as they were keep
what the foreign steps said.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.cacao.extension import step_as_written
from tocsin.cacao.reading import UnreadableFile, parse_document
from tocsin.cacao.vocabulary import ACTION
from tocsin.errors import ConfigurationError, Place, Problem
from tocsin.model.document import Data
from tocsin.runbook.language import Playbook, Step

ABOUT = "The CACAO file that the playbook beside this was imported from, without its secrets. Exports go by it."
# The document in it was small enough to be imported, and stands there indented and with its record around it.
_LARGEST = 20_000_000
_FLOW = frozenset({"type", "on_completion", "on_success", "on_failure", "step_extensions", "agent"})
_OURS = frozenset(
    [
        "type",
        "spec_version",
        "id",
        "created_by",
        "created",
        "modified",
        "workflow",
        "workflow_start",
        "workflow_exception",
        "revoked",
        "signatures",
        "playbook_processing_summary",
        "playbook_types",
        "playbook_activities",
        "name",
        "description",
    ]
)


@dataclass(frozen=True, slots=True)
class Origin:
    """The foreign document, what the playbook was when it was imported, and which step stands for which."""

    document: dict[str, Data]
    playbook_sha256: str
    steps: Mapping[str, tuple[str, str]]
    source_sha256: str = ""

    def is_of(self, playbook: Playbook) -> bool:
        """Tell whether the playbook still says what it said when it was imported."""
        return playbook_sha256(playbook) == self.playbook_sha256

    def as_text(self) -> str:
        """Return it as the text of its file."""
        steps = {ours: {"cacao": theirs, "sha256": digest} for ours, (theirs, digest) in self.steps.items()}
        data = {
            "about": ABOUT,
            "version": 1,
            "source_sha256": self.source_sha256,
            "playbook_sha256": self.playbook_sha256,
            "steps": steps,
            "document": self.document,
        }
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def read_origin(content: bytes, name: str) -> Origin:
    """Return what stands in a side file. Raises ConfigurationError when it is damaged."""
    try:
        data = parse_document(content, _LARGEST)
    except UnreadableFile as fault:
        raise ConfigurationError(_damaged(name, str(fault))) from None
    document, steps, digest = data.get("document"), data.get("steps"), data.get("playbook_sha256")
    if not isinstance(document, dict) or not isinstance(steps, dict) or not isinstance(digest, str):
        raise ConfigurationError(_damaged(name, "a part of it is missing"))
    known = {
        ours: (str(one.get("cacao")), str(one.get("sha256")))
        for ours, one in steps.items()
        if isinstance(one, dict)
    }
    return Origin(document, digest, known, str(data.get("source_sha256", "")))


def origin_of(
    playbook: Playbook, document: dict[str, Data], steps: Mapping[str, str], source_sha256: str
) -> Origin:
    """Return what is kept of an import; `steps` names the foreign id of each step that stands for one."""
    known = {
        ours: (theirs, step_sha256(playbook.by_id[ours]))
        for ours, theirs in steps.items()
        if ours in playbook.by_id
    }
    return Origin(document, playbook_sha256(playbook), known, source_sha256)


def derived(
    exported: dict[str, Data], playbook: Playbook, origin: Origin, ids: Mapping[str, str]
) -> dict[str, Data]:
    """Return the export of a playbook that was changed since its import, with what is still the foreign file's.

    `ids` names the exported step of each step of the playbook.
    """
    foreign = origin.document
    merged = {
        **exported,
        **{key: value for key, value in foreign.items() if key not in _OURS and key not in exported},
    }
    for key in (
        "agent_definitions",
        "target_definitions",
        "extension_definitions",
        "playbook_variables",
        "playbook_extensions",
    ):
        theirs, ours = foreign.get(key), exported.get(key)
        if isinstance(theirs, dict):
            merged[key] = {**theirs, **(ours if isinstance(ours, dict) else {})}
    if isinstance(foreign_labels := foreign.get("labels"), list):
        labels = exported.get("labels")
        merged["labels"] = list(
            dict.fromkeys(map(str, [*(labels if isinstance(labels, list) else []), *foreign_labels]))
        )
    if isinstance(identifier := foreign.get("id"), str):
        merged["derived_from"] = [identifier]
    workflow, theirs = exported.get("workflow"), foreign.get("workflow")
    if isinstance(workflow, dict) and isinstance(theirs, dict):
        merged["workflow"] = {**workflow, **dict(_kept_steps(workflow, theirs, playbook, origin, ids))}
    return merged


def _kept_steps(
    workflow: dict[str, Data], theirs: dict[str, Data], playbook: Playbook, origin: Origin, ids: Mapping[str, str]
) -> list[tuple[str, Data]]:
    kept: list[tuple[str, Data]] = []
    for ours, (foreign_id, digest) in origin.steps.items():
        step, key = playbook.by_id.get(ours), ids.get(ours, "")
        mine, before = workflow.get(key), theirs.get(foreign_id)
        if (
            step is None
            or not isinstance(mine, dict)
            or not isinstance(before, dict)
            or step_sha256(step) != digest
        ):
            continue
        if mine.get("type") != ACTION or before.get("type") != ACTION:
            continue
        rest = {name: value for name, value in before.items() if name not in _FLOW}
        if "agent" in before and "commands" in before:
            rest["agent"] = before["agent"]
        kept.append((key, {**mine, **rest}))
    return kept


def playbook_sha256(playbook: Playbook) -> str:
    """Return the digest of what a playbook says, whatever its file looks like."""
    return _digest(playbook.model_dump(mode="json", by_alias=True))


def step_sha256(step: Step) -> str:
    """Return the digest of what a step says, but for where it stands."""
    written = {key: value for key, value in step_as_written(step).items() if key not in ("needs", "if")}
    return _digest(written)


def _digest(data: object) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _damaged(name: str, why: str) -> Problem:
    return Problem(
        Place(name), f"This record of an import is damaged: {why}. Import the file again, or take it away."
    )
