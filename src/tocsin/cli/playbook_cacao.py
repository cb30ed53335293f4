"""`tocsin playbook import | export`: playbooks from and for others, in CACAO 2.0."""

import re
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table

if TYPE_CHECKING:
    from tocsin.cacao.filing import Exported, Filed
    from tocsin.cacao.findings import Finding

_UUID = re.compile(r"--([0-9a-fA-F]{8})-[0-9a-fA-F-]{27}")

_format = click.option(
    "--format",
    type=click.Choice(["cacao"]),
    default="cacao",
    expose_value=False,
    help="The format: CACAO 2.0 (JSON), the only one so far.",
)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@_format
@click.option("--name", metavar="NAME", help="What the playbook shall be called here; else after its title.")
@click.option(
    "--map",
    "mapped",
    multiple=True,
    metavar="AGENT=KIND",
    help="Let an agent's commands become steps of a kind (command, ssh.command, http.request), or give its "
    "tasks to a role (technical, dpo, …). May be given again.",
)
@click.option(
    "--mapping",
    "mapping_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The same from a YAML file: a map of agents to kinds.",
)
@click.option("--replace", is_flag=True, help="Put it in the place of a playbook of that name.")
@click.option("--dry-run", is_flag=True, help="Show the playbook and the findings, and write nothing.")
@common_options
def import_playbook(
    file: Path,
    name: str | None,
    mapped: tuple[str, ...],
    mapping_file: Path | None,
    replace: bool,
    dry_run: bool,
    workspace_folder: Path | None,
    as_json: bool,
) -> int:
    """Import another's playbook into the workspace, and say what must be completed.

    Findings are graded: reject (it cannot be a playbook: exit 2, nothing is written), draft to complete (imported,
    with places a person must fill in), note. Foreign commands are shown as text and do nothing until you map their
    agent, and each then waits for an approval. A secret in the file is never imported.

    \b
    Example:
      tocsin playbook import block-address.json --dry-run
      tocsin playbook import block-address.json --name block-address --map "Firewall=http.request"
    """
    from tocsin.cacao.filing import import_file
    from tocsin.cacao.importing import Wish
    from tocsin.wiring import open_context

    wish = Wish(_checked_name(name), _mapping(mapped, mapping_file))
    with open_context(workspace_folder) as ctx:
        filed = import_file(ctx, file, wish, replaces=replace, is_trial=dry_run)
        if filed.is_written:
            ctx.store.sign_head(ctx.actor)
        root = ctx.workspace.root
    emit(_as_json(filed, root), _as_text(filed, root, dry_run=dry_run), as_json=as_json)
    return 0 if filed.imported.playbook is not None else 2


@click.command("export")
@click.argument("name")
@_format
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it there; else it is printed.")
@click.option(
    "--with-called", is_flag=True, help="With --out: write those it calls beside it, each to its own file."
)
@click.option("--replace", is_flag=True, help="Write over a file that is something else.")
@common_options
def export_playbook(
    name: str,
    out: Path | None,
    with_called: bool,
    replace: bool,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Hand a playbook out as a CACAO 2.0 document that other tools can follow.

    Importing it gives back the same playbook: what CACAO has no word for travels in an extension. One that was
    imported, and not changed since, is given back as it came, but for its secrets.

    \b
    Example:
      tocsin playbook export ransomware --format cacao --out ransomware.json
      tocsin playbook export generic --out shared/generic.json --with-called
    """
    from tocsin.cacao.filing import export_named
    from tocsin.wiring import open_context

    if with_called and out is None:
        raise click.UsageError("--with-called writes files: say with --out where the first one goes.")
    with open_context(workspace_folder) as ctx:
        exported = export_named(ctx, name)
        called = [export_named(ctx, other) for other in exported.calls] if with_called else []
    if out is None:
        emit(exported.document, exported.text.rstrip(), as_json=as_json)
        return
    written = _write_all(out, exported, called, replaces=replace)
    data = {"playbook": name, "files": [{"file": str(path), "changed": is_new} for path, is_new in written]}
    lines = [f"{path}: {'written' if is_new else 'unchanged'}." for path, is_new in written]
    if exported.calls and not with_called:
        lines.append(f"It calls {', '.join(exported.calls)}: hand those out too, or add --with-called.")
    emit({**data, "calls": list(exported.calls)}, "\n".join(lines), as_json=as_json)


def _write_all(
    out: Path, first: "Exported", called: list["Exported"], *, replaces: bool
) -> list[tuple[Path, bool]]:
    from tocsin.cacao.filing import ENDING, write_export

    files = [(out, first), *((out.with_name(f"{one.name}{ENDING}"), one) for one in called)]
    return [(path, write_export(one, path, replaces=replaces)) for path, one in files]


def _checked_name(name: str | None) -> str | None:
    from pydantic import TypeAdapter, ValidationError

    from tocsin.errors import UsageError
    from tocsin.runbook.language import StepId

    if name is None:
        return None
    try:
        return TypeAdapter(StepId).validate_python(name)
    except ValidationError:
        raise UsageError(
            f"{name!r} is no name for a playbook. Write lower-case letters, digits and dashes, a letter first, at "
            "most 48. Nothing was imported."
        ) from None


def _mapping(mapped: tuple[str, ...], file: Path | None) -> dict[str, str]:
    from tocsin.cacao.reading import read_file
    from tocsin.errors import UsageError
    from tocsin.model.yaml_text import parse_yaml

    found: dict[str, str] = {}
    if file is not None:
        data = parse_yaml(read_file(file).decode("utf-8", "replace"), str(file)).data
        if not isinstance(data, dict) or not all(isinstance(kind, str) for kind in data.values()):
            raise UsageError(
                f"{file} is no mapping. Write a line for each agent, such as 'Firewall: http.request'."
            )
        found |= {agent: str(kind) for agent, kind in data.items()}
    for one in mapped:
        agent, equals, kind = one.rpartition("=")
        if not equals or not agent or not kind:
            raise UsageError(f"--map {one!r} says no agent and kind. Write --map 'Firewall=http.request'.")
        found[agent.strip()] = kind.strip()
    return found


def _as_json(filed: "Filed", root: Path) -> dict[str, object]:
    imported = filed.imported
    return {
        "imported": filed.is_written,
        "playbook": imported.playbook.playbook if imported.playbook else None,
        "file": _shown(filed.path, root) if filed.path else None,
        "steps": len(imported.playbook.by_id) if imported.playbook else 0,
        "findings": [one.as_json() for one in imported.findings],
        "text": imported.text,
    }


def _as_text(filed: "Filed", root: Path, *, dry_run: bool) -> str:
    imported = filed.imported
    parts = []
    if dry_run and imported.playbook:
        parts.append(imported.text)
    if imported.findings:
        rows = [row for one in imported.findings for row in _rows(one)]
        parts.append(table(("grade", "where", "what"), rows) + "\n")
    parts.append(_summary(filed, root, dry_run=dry_run))
    return "\n".join(parts)


def _rows(finding: "Finding") -> list[tuple[str, str, str]]:
    """Return one finding as lines that fit a screen; its identifiers are cut, and stand whole in the JSON."""
    where = _UUID.sub(r"--\1…", finding.path)
    first, *rest = wrap(finding.message, 76, break_on_hyphens=False)
    return [(finding.grade.value, where, first), *(("", "", line) for line in rest)]


def _summary(filed: "Filed", root: Path, *, dry_run: bool) -> str:
    from tocsin.cacao.findings import Grade

    imported = filed.imported
    if imported.playbook is None or filed.path is None:
        return "Rejected: this cannot be a playbook. Nothing was written."
    where = _shown(filed.path, root)
    if dry_run:
        taken = " A playbook of that name is there already." if filed.path.exists() else ""
        return f"Nothing was written. It would become {where} with {len(imported.playbook.by_id)} steps.{taken}"
    open_ones = len(imported.of_grade(Grade.DRAFT))
    rest = f" {open_ones} place(s) to complete stand at its top." if open_ones else ""
    name = imported.playbook.playbook
    steps = f"{len(imported.playbook.by_id)} steps"
    return f"Imported as {where} with {steps}.{rest} Try it: tocsin playbook simulate {name}"


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
