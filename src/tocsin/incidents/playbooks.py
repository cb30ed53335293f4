"""The playbooks at hand, checked, and the one that answers a breach: named, for its cause, or the generic one."""

from pathlib import Path

from tocsin.context import Context
from tocsin.errors import ConfigurationError, Problem, UsageError, did_you_mean
from tocsin.model.vocabulary import PersonRole
from tocsin.model.workspace import Workspace
from tocsin.model.yaml_text import parse_yaml
from tocsin.runbook.checks import parse_playbook, problems_with_workspace
from tocsin.runbook.language import Playbook
from tocsin.runbook.library import PlaybookFile, playbook_files

GENERIC = "generic"


def check_playbooks(workspace: Workspace) -> tuple[tuple[Playbook, ...], tuple[Problem, ...]]:
    """Return the playbooks that are well and every problem of the others."""
    well: list[Playbook] = []
    problems: list[Problem] = []
    told: set[PersonRole] = set()
    for file in playbook_files(workspace):
        try:
            playbook = parse_playbook(file.text, file.name)
        except ConfigurationError as wrong:
            problems.extend(wrong.problems)
        else:
            found = list(problems_with_workspace(playbook, parse_yaml(file.text, file.name), workspace, told))
            problems.extend(found)
            if not found:
                well.append(playbook)
    # A fault in a playbook that others call is found once for each of them.
    return tuple(well), tuple(dict.fromkeys(problems))


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
