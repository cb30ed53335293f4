"""Make a playbook of ours from the bytes of a CACAO 2.0 file, with all that has to be said about it.

1. Read the JSON, which may have been written to do harm.
2. Take every literal secret out, before anything of the file is shown or kept.
3. Judge it: by the tables of the standard, and where its steps lead. A finding graded `reject` ends it here.
4. Take the playbook from our own extension, where what is seen agrees with it; else make steps of the workflow.
5. Check the result whole, as every playbook is.

Nothing is written here, and nothing of the file is obeyed: what acts is what a person has mapped.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from tocsin.cacao.agents import AS_WRITTEN, Agents, read_mapping
from tocsin.cacao.arriving import Arriving
from tocsin.cacao.exporting import ENGINE, Edition, export_playbook
from tocsin.cacao.extension import acting, has_extension, head_of, inert, restored, step_as_written
from tocsin.cacao.findings import Finding, Grade, draft, in_order, is_rejected, note, quoted, reject, seen
from tocsin.cacao.graph import Workflow, followed
from tocsin.cacao.literal_secrets import without_secrets
from tocsin.cacao.making import slug
from tocsin.cacao.origin import Origin, origin_of
from tocsin.cacao.reading import UnreadableFile, parse_document
from tocsin.cacao.rules import judged
from tocsin.cacao.variables import variables_of
from tocsin.cacao.yaml_out import yaml_of
from tocsin.errors import ConfigurationError
from tocsin.model.document import Data
from tocsin.runbook.checks import parse_playbook
from tocsin.runbook.language import Playbook

_LONGEST_NAME = 48
_LONGEST_TITLE = 200
_MOST_COMMENTS = 30
_SEEN = ("name", "description", "workflow", "workflow_start", "workflow_exception", "playbook_variables")
_SEEN_TOO = ("agent_definitions", "target_definitions", "playbook_extensions")


@dataclass(frozen=True)
class Known:
    """What the workspace knows: its playbooks by name, and the names of those it may call by the foreign id."""

    playbooks: Mapping[str, Playbook] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wish:
    """What the person asked for: a name for it, and what agents are mapped to."""

    name: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Imported:
    """What became of a file. Without a playbook it was rejected, and the findings say why."""

    findings: tuple[Finding, ...]
    playbook: Playbook | None = None
    text: str = ""
    origin: Origin | None = None
    mapped: Mapping[str, str] = field(default_factory=dict)

    def of_grade(self, grade: Grade) -> tuple[Finding, ...]:
        """Return the findings of one grade."""
        return tuple(one for one in self.findings if one.grade is grade)


def import_content(content: bytes, known: Known | None = None, wish: Wish | None = None) -> Imported:
    """Return what becomes of a file. Raises UsageError for a mapping that names nobody in it."""
    known, wish = known or Known(), wish or Wish()
    try:
        raw = parse_document(content)
    except UnreadableFile as fault:
        return Imported((Finding(Grade.REJECT, fault.path, fault.said),))
    cleaned = without_secrets(raw, _plain(raw.get("name"), "imported"))
    document = cleaned.document
    findings = [*cleaned.findings, *judged(document)]
    if is_rejected(findings):
        return Imported(in_order(findings))
    flow = Workflow(document)
    findings += followed(flow)
    if is_rejected(findings):
        return Imported(in_order(findings))
    mapping = read_mapping(document, wish.mapping)
    name = wish.name or named(document)
    data, origins, more = _ours(document, wish, known, mapping) or _theirs(document, flow, name, known, mapping)
    findings += more
    if was_changed_elsewhere(document):
        said = "It came from Tocsin and was changed since: it is taken as it is seen, not as it was."
        findings.append(draft(("playbook_extensions",), said))
    if cleaned.references and document.get("signatures"):
        findings.append(
            note(
                ("signatures",),
                "With its secrets taken out the file is another one: its signature will not verify.",
            )
        )
    return _checked(data, name, in_order(findings), content, document, origins, mapping)


def named(document: Mapping[str, Data]) -> str:
    """Return the name a playbook gets by its file's: lower-case words with dashes."""
    return slug(_plain(document.get("name"), ""))[:_LONGEST_NAME].strip("-") or "imported-playbook"


def _checked(  # noqa: PLR0913, PLR0917 - the parts of one result
    data: dict[str, Data],
    name: str,
    findings: tuple[Finding, ...],
    content: bytes,
    document: dict[str, Data],
    origins: Mapping[str, str],
    mapping: Mapping[str, str],
) -> Imported:
    try:
        text = yaml_of(data, _comments(document, findings))
        playbook = parse_playbook(text, f"{name}.yaml")
    except ConfigurationError as wrong:
        said = [
            reject((), f"It cannot be written as a playbook: {quoted(problem.message)}")
            for problem in wrong.problems
        ]
        return Imported(in_order([*findings, *said]))
    origin = origin_of(playbook, document, origins, hashlib.sha256(content).hexdigest())
    return Imported(findings, playbook, text, origin, mapping)


def _theirs(
    document: dict[str, Data], flow: Workflow, name: str, known: Known, mapping: Mapping[str, str]
) -> tuple[dict[str, Data], dict[str, str], list[Finding]]:
    """Make steps of a foreign workflow."""
    variables = variables_of(document)
    arriving = Arriving(flow, variables, Agents(document, mapping), known.called)
    steps = arriving.steps()
    data: dict[str, Data] = {
        "playbook": name,
        "title": _plain(document.get("name"), "An imported playbook")[:_LONGEST_TITLE],
    }
    if description := _plain(document.get("description"), ""):
        data["description"] = description
    if variables.inputs:
        data["inputs"] = {key: {**value} for key, value in variables.inputs.items()}
    data["steps"] = [*steps]
    return data, arriving.origins(), [*variables.findings, *arriving.findings]


def _ours(
    document: dict[str, Data], wish: Wish, known: Known, mapping: Mapping[str, str]
) -> tuple[dict[str, Data], dict[str, str], list[Finding]] | None:
    """Return the playbook that our own extension carries; None where there is none to be trusted."""
    if not has_extension(document):
        return None
    playbook = restored(document)
    if playbook is None or not _agrees(document, playbook):
        return None
    named_here = wish.name or playbook.playbook
    head: dict[str, Data] = {**head_of(playbook), "playbook": named_here}
    here = known.playbooks.get(playbook.playbook)
    outside = list(acting(playbook.steps))
    if not outside or here == playbook or AS_WRITTEN in mapping.values():
        return {**head, "steps": [step_as_written(step) for step in playbook.steps]}, {}, []
    names = ", ".join(dict.fromkeys(step.uses for step in outside))
    said = draft(
        ("workflow",),
        f"{len(outside)} steps would act outside ({names}). From another's file they are tasks for a person, "
        f"until you have read them and import with --map {ENGINE}={AS_WRITTEN}.",
    )
    return {**head, "steps": [inert(step) for step in playbook.steps]}, {}, [said]


def _agrees(document: Mapping[str, Data], playbook: Playbook) -> bool:
    """Tell whether what is seen is what the extension says: a file changed elsewhere is taken as it is seen."""
    edition = Edition(
        "", str(document.get("created")), str(document.get("modified")), str(document.get("created_by"))
    )
    exported = export_playbook(playbook, edition)
    return all(document.get(key) == exported.get(key) for key in (*_SEEN, *_SEEN_TOO))


def was_changed_elsewhere(document: Mapping[str, Data]) -> bool:
    """Tell whether a document carries our extension, and what is seen does not agree with it."""
    if not has_extension(document):
        return False
    playbook = restored(document)
    return playbook is None or not _agrees(document, playbook)


def _comments(document: Mapping[str, Data], findings: tuple[Finding, ...]) -> list[str]:
    lines = [
        f"Imported from CACAO 2.0: {quoted(str(document.get('id')))}, of {quoted(str(document.get('modified')))}."
    ]
    open_ones = [one for one in findings if one.grade is Grade.DRAFT]
    if open_ones:
        lines.append("To complete:")
        lines += [f"- {one.path}: {one.message}" for one in open_ones[:_MOST_COMMENTS]]
    if len(open_ones) > _MOST_COMMENTS:
        lines.append(f"- and {len(open_ones) - _MOST_COMMENTS} more: import it with --dry-run to see them.")
    return [" ".join(line.split()) for line in lines]


def _plain(value: Data, otherwise: str) -> str:
    text = " ".join(seen(value).split()) if isinstance(value, str) else ""
    return text or otherwise
