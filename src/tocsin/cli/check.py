"""`tocsin check`: read every file of the workspace and say what is wrong, where."""

import os
from collections.abc import Sequence, Sized
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit
from tocsin.errors import ConfigurationError, Place, Problem

if TYPE_CHECKING:
    from tocsin.model.workspace import Workspace
    from tocsin.runbook.language import Playbook


@click.command(epilog="Example: tocsin check --workspace agency")
@common_options
def command(workspace_folder: Path | None, as_json: bool) -> int:
    """Check the workspace's files; exit 2 when something is wrong.

    Each problem is one line, FILE:LINE:COLUMN: what is wrong. Warnings do not fail the check. What a label asks of
    systems, datasets and backup plans, and is known not to be so, is a warning, with `label_rules: enforce` a
    problem; 'tocsin inventory check' says it one by one, with what nobody has said.
    """
    from tocsin.workspace import find, load

    folder = find(workspace_folder, os.environ, Path.cwd())
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    summary = ""
    try:
        workspace = load(folder)
    except ConfigurationError as error:
        problems = error.problems
    else:
        warnings = workspace.warnings
        playbooks, problems = _playbooks(workspace)
        recovery_plans, wrong = _recovery_plans(workspace)
        problems = (*problems, *wrong, *_templates(workspace), *_exercises(workspace))
        owed = _owed_to_labels(workspace)
        if workspace.label_rules == "enforce":
            problems = (*problems, *owed)
        else:
            warnings = (*warnings, *owed)
        summary = ", ".join(
            (
                _count(workspace.people, "person", "people"),
                _count(workspace.clients, "client"),
                _count(workspace.systems, "system"),
                _count(workspace.datasets, "dataset"),
                _count(workspace.backup_plans, "backup plan"),
                _count(workspace.drills, "drill"),
                _count(recovery_plans, "recovery plan"),
                _count(playbooks, "playbook"),
            )
        )
    data = {"workspace": str(folder), "problems": _plain(problems), "warnings": _plain(warnings)}
    emit(data, _report(problems, warnings, summary), as_json=as_json)
    return ConfigurationError.exit_code if problems else 0


def _playbooks(workspace: "Workspace") -> tuple[tuple["Playbook", ...], tuple[Problem, ...]]:
    from tocsin.incidents import check_playbooks

    return check_playbooks(workspace)


def _recovery_plans(workspace: "Workspace") -> tuple[tuple["Playbook", ...], tuple[Problem, ...]]:
    from tocsin.runbook.recovery_plans import check_recovery_plans

    return check_recovery_plans(workspace)


def _exercises(workspace: "Workspace") -> tuple[Problem, ...]:
    from tocsin.exercises import check_exercises

    return check_exercises(workspace) if workspace.exercises else ()


def _owed_to_labels(workspace: "Workspace") -> tuple[Problem, ...]:
    from tocsin.cli.today import today_at
    from tocsin.model.label_rules import label_problems

    return label_problems(workspace, today_at(workspace))


def _templates(workspace: "Workspace") -> tuple[Problem, ...]:
    from tocsin.notices.addressees import reserved_clients

    reserved = tuple(
        Problem(
            Place("tocsin.yaml"), f"clients.{client}: notices mean somebody else by {client!r}. Choose another id."
        )
        for client in reserved_clients(workspace)
    )
    if not (workspace.root / "templates").is_dir():
        return reserved
    from tocsin.notices.overrides import override_problems

    return (*reserved, *override_problems(workspace))


def _report(problems: Sequence[Problem], warnings: Sequence[Problem], summary: str) -> str:
    lines = [str(problem) for problem in problems]
    lines += [f"{warning.place}: warning: {warning.message}" for warning in warnings]
    if problems:
        lines.append(f"\n{_count(problems, 'problem')}. Nothing was changed.")
    else:
        told = f", {_count(warnings, 'warning')}" if warnings else ""
        lines.append(f"{chr(10) if warnings else ''}All well{told}: {summary}.")
    return "\n".join(lines)


def _count(found: Sized, one: str, many: str | None = None) -> str:
    return f"{len(found)} {one if len(found) == 1 else many or one + 's'}"


def _plain(problems: Sequence[Problem]) -> list[dict[str, object]]:
    return [
        {
            "file": problem.place.name,
            "line": problem.place.line,
            "column": problem.place.column,
            "message": problem.message,
            "nearest": problem.nearest,
        }
        for problem in problems
    ]
