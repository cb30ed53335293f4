"""Put an imported playbook into the workspace, and hand one out: the only place that touches files.

An import writes `playbooks/NAME.cacao.json` first and `playbooks/NAME.yaml` last: until then nothing is new.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tocsin.cacao.exporting import Edition, export_playbook, exported_ids, playbook_identifier
from tocsin.cacao.findings import Finding, Grade, draft, in_order
from tocsin.cacao.importing import Imported, Known, Wish, import_content
from tocsin.cacao.origin import Origin, derived, read_origin
from tocsin.cacao.reading import UnreadableFile, parse_document, read_file
from tocsin.context import Context
from tocsin.durable import explained, write_durably
from tocsin.errors import ConfigurationError, Refused, TocsinError, UsageError
from tocsin.model.document import Data
from tocsin.model.workspace import Workspace
from tocsin.model.yaml_text import parse_yaml
from tocsin.runbook.called import parts_of
from tocsin.runbook.checks import library_of, problems_with_workspace
from tocsin.runbook.language import Playbook
from tocsin.store.chain import JsonValue
from tocsin.workspace import starter

ENDING = ".cacao.json"


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of an import, and the file it was or would be written to."""

    imported: Imported
    path: Path | None = None
    is_written: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """A playbook as a document of the standard, and the names of those it calls, near or far."""

    name: str
    document: dict[str, Data]
    calls: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return the text of its file."""
        return json.dumps(self.document, indent=2, ensure_ascii=False) + "\n"


def import_file(ctx: Context, path: Path, wish: Wish, *, replaces: bool = False, is_trial: bool = False) -> Filed:
    """Import a CACAO file as a playbook of the workspace; a trial writes nothing.

    Raises UsageError when there is no such file or the wish cannot be, Refused when the name is taken.
    """
    try:
        content = read_file(path)
    except UnreadableFile as fault:
        return Filed(Imported((Finding(Grade.REJECT, fault.path, fault.said),)))
    imported = import_content(content, _known(ctx.workspace, wish.name), wish)
    if imported.playbook is None or imported.origin is None:
        return Filed(imported)
    name = imported.playbook.playbook
    more = [*_same_id(ctx.workspace, name, imported.origin), *_workspace_findings(ctx.workspace, imported)]
    imported = replace(imported, findings=in_order([*imported.findings, *more]))
    target = ctx.workspace.root / "playbooks" / f"{name}.yaml"
    if not replaces and _is_taken(target, name):
        if is_trial:
            return Filed(imported, target)
        raise Refused(
            f"There is a playbook {name!r} already, and it was left as it is. Import under another name with "
            "--name, or put this one in its place with --replace."
        )
    if not is_trial:
        _write(ctx, target, imported)
    return Filed(imported, target, is_written=not is_trial)


def export_named(ctx: Context, name: str) -> Exported:
    """Return a playbook of the workspace as a CACAO document. Raises UsageError when there is none of that name.

    One that was imported and says what it said then is given back as it came, but for its secrets.
    """
    load = library_of(ctx.workspace)
    found = load(name)
    calls = tuple(parts_of(found.playbook, found.text, found.name, load))
    path = _file_of(ctx.workspace, name)
    origin = _origin(path)
    if origin is not None and origin.is_of(found.playbook):
        return Exported(name, origin.document, calls)
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    at = f"{written:%Y-%m-%dT%H:%M:%S}.{written.microsecond // 1000:03}Z"
    document = export_playbook(found.playbook, Edition(ctx.workspace.organisation.name, at, at))
    if origin is not None:
        document = derived(document, found.playbook, origin, exported_ids(found.playbook))
    return Exported(name, document, calls)


def write_export(exported: Exported, path: Path, *, replaces: bool = False) -> bool:
    """Write an export to a file; tell whether anything changed.

    An earlier export of the same playbook keeps its time of creation, and is left alone where nothing changed.

    Raises Refused when the file is something else.
    """
    document = exported.document
    if path.exists() and not replaces:
        earlier = _earlier(path)
        if earlier is None or earlier.get("id") != document.get("id"):
            raise Refused(
                f"{path} is there already and is no export of {exported.name!r}. Name another, or add --replace."
            )
        if _same_but_time(earlier, document):
            return False
        created = earlier.get("created")
        if isinstance(created, str) and created <= str(document.get("modified")):
            document = {**document, "created": created}
    write_durably(path, replace(exported, document=document).text.encode(), mode=0o644)
    return True


def _write(ctx: Context, target: Path, imported: Imported) -> None:
    if imported.origin is None:
        return
    name = target.stem
    subject = f"playbook:{name}"
    payload: dict[str, JsonValue] = {
        "source_sha256": imported.origin.source_sha256,
        "playbook_sha256": hashlib.sha256(imported.text.encode()).hexdigest(),
        "to_complete": len(imported.of_grade(Grade.DRAFT)),
        "mapped": [*sorted(set(imported.mapped.values()))],
    }
    with ctx.store.write(ctx.actor) as tx:
        tx.record("playbook.import_started", subject, payload)
    side = target.with_name(f"{name}{ENDING}")
    with explained(side):
        target.parent.mkdir(parents=True, exist_ok=True)
        before = side.read_bytes() if side.is_file() else None
    try:
        write_durably(side, imported.origin.as_text().encode(), mode=0o644)
        ctx.crash.reach("cacao.import.between_files")
        write_durably(target, imported.text.encode(), mode=0o644)
    except TocsinError:
        if before is None:
            side.unlink(missing_ok=True)
        else:
            write_durably(side, before, mode=0o644)
        raise
    with ctx.store.write(ctx.actor) as tx:
        tx.record("playbook.imported", subject, payload)


def _known(workspace: Workspace, named: str | None) -> Known:
    playbooks: dict[str, Playbook] = {}
    called: dict[str, str] = {}
    load = library_of(workspace)
    for name in _names(workspace):
        try:
            playbooks[name] = load(name).playbook
        except (ConfigurationError, UsageError):
            continue  # `playbook check` says what is wrong with it
        if name != named and not any(wanted.required for wanted in playbooks[name].inputs.values()):
            called[playbook_identifier(name)] = name
            origin = _origin(_file_of(workspace, name), is_needed=False)
            identifier = origin.document.get("id") if origin else None
            if isinstance(identifier, str):
                called.setdefault(identifier, name)
    return Known(playbooks, called)


def _names(workspace: Workspace) -> list[str]:
    folders = (workspace.root / "playbooks", starter() / "playbooks")
    return sorted({path.stem for folder in folders for path in folder.glob("*.yaml")})


def _file_of(workspace: Workspace, name: str) -> Path:
    mine = workspace.root / "playbooks" / f"{name}.yaml"
    return mine if mine.is_file() else starter() / "playbooks" / f"{name}.yaml"


def _is_taken(target: Path, name: str) -> bool:
    return target.exists() or (starter() / "playbooks" / f"{name}.yaml").is_file()


def _origin(path: Path, *, is_needed: bool = True) -> Origin | None:
    """Return the record of an import beside a playbook, or None. Raises ConfigurationError where it is damaged."""
    side = path.with_name(f"{path.stem}{ENDING}")
    if not side.is_file():
        return None
    try:
        return read_origin(side.read_bytes(), str(side))
    except ConfigurationError:
        if is_needed:
            raise
        return None


def _same_id(workspace: Workspace, name: str, origin: Origin) -> Iterator[Finding]:
    """Yield the playbooks that were imported from another file with the same id."""
    for side in sorted((workspace.root / "playbooks").glob(f"*{ENDING}")):
        other = side.name.removesuffix(ENDING)
        known = _origin(side.with_name(f"{other}.yaml"), is_needed=False)
        if known is None or other == name or known.document.get("id") != origin.document.get("id"):
            continue
        same = "the same file" if known.source_sha256 == origin.source_sha256 else "another file with the same id"
        yield draft(("id",), f"The playbook '{other}' was imported from {same}. Keep the one that is meant.")


def _workspace_findings(workspace: Workspace, imported: Imported) -> Iterator[Finding]:
    """Yield what keeps the playbook from running in this workspace."""
    if imported.playbook is None:
        return
    document = parse_yaml(imported.text, f"{imported.playbook.playbook}.yaml")
    for problem in dict.fromkeys(
        one.message for one in problems_with_workspace(imported.playbook, document, workspace)
    ):
        yield draft((), problem)


def _earlier(path: Path) -> Mapping[str, Data] | None:
    try:
        return parse_document(path.read_bytes()) if path.is_file() else None
    except UnreadableFile:
        return None


def _same_but_time(earlier: Mapping[str, Data], now: Mapping[str, Data]) -> bool:
    times = ("created", "modified")
    return {key: value for key, value in earlier.items() if key not in times} == {
        key: value for key, value in now.items() if key not in times
    }
