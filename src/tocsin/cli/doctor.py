"""`tocsin doctor`: would everything work tonight, on this machine, for this workspace?"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit

if TYPE_CHECKING:
    from tocsin.doctor import Finding


@click.command()
@click.option("--offline", is_flag=True, help="Ask nothing outside this machine: no repository, no mail server.")
@click.option("--all", "thorough", is_flag=True, help="Also start Prefect, as 'tocsin serve' will (some seconds).")
@common_options
def command(offline: bool, thorough: bool, workspace_folder: Path | None, as_json: bool) -> int:
    """Check this machine for this workspace; each line says ok, warning or failed, and what to do.

    Looks at Python, people and roles, private files, the store, the journal's key, the clock, free space, restic,
    each repository (opened with its password) and the mail server (connected to; nothing is sent).

    \b
    Example:
      tocsin doctor
      tocsin doctor --offline --json
    Exit code: 0 when all would work (warnings included), 1 when something failed.
    """
    from tocsin.doctor import Examination, Outcome, examine
    from tocsin.wiring import unopened_context

    findings: list[Finding] = []
    with unopened_context(workspace_folder) as ctx:
        for finding in examine(ctx, Examination(offline=offline, thorough=thorough)):
            findings.append(finding)
            emit({}, "" if as_json else _line(finding), as_json=False)
    failed = sum(finding.outcome is Outcome.FAILED for finding in findings)
    warned = sum(finding.outcome is Outcome.WARNING for finding in findings)
    data = [
        {"about": one.about, "outcome": one.outcome.value, "seen": one.seen, "advice": one.advice}
        for one in findings
    ]
    emit({"failed": failed, "warnings": warned, "findings": data}, _summary(failed, warned), as_json=as_json)
    return 1 if failed else 0


def _line(finding: "Finding") -> str:
    colour = {"ok": "green", "warning": "yellow", "failed": "red"}[finding.outcome.value]
    said = " ".join(finding.seen.split())
    line = f"{click.style(f'{finding.outcome.value:<7}', fg=colour)}  {finding.about}: {said}"
    return f"{line}\n         → {finding.advice}" if finding.advice else line


def _summary(failed: int, warned: int) -> str:
    warnings = f"{warned} warning{'' if warned == 1 else 's'}"
    if failed:
        return f"\n{failed} failed, {warnings}. What failed would fail tonight."
    return f"\nAll would work{f', {warnings}' if warned else ''}."
