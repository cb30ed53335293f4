"""`tocsin incident`: declare one with five questions at most, then see it, feed it facts, follow it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli import (
    incident_case,
    incident_duties,
    incident_life,
    incident_people,
    incident_review,
    incident_scope,
)
from tocsin.cli.output import common_options, emit, table

if TYPE_CHECKING:
    from datetime import datetime

    from tocsin.context import Context
    from tocsin.incidents import Declared
    from tocsin.situation import DutyRow, Situation


@click.group()
def command() -> None:
    """Declare an incident and follow it to its end.

    \b
    Example:
      tocsin incident declare --system file-share --cause ransomware --title "Files renamed to .locked"
      tocsin incident show INC-2026-001
    """


@command.command(
    epilog='Example: tocsin incident declare --system file-share --cause ransomware --title "Files end in .locked"'
)
@click.option("--title", help="What is seen, in one line.")
@click.option("--system", "systems", multiple=True, help="A system that was hit; may be given several times.")
@click.option("--cause", help="What it looks like: ransomware, phishing, lost_device… Leave out when unsure.")
@click.option("--first-alert", help="When it was first noticed, with its offset: 2026-11-20T17:40+00:00.")
@click.option("--aware", help="From when it is certain that personal data is hit; the 72 hours run from there.")
@click.option("--playbook", help="A playbook by name, instead of the one for the cause.")
@click.option(
    "--need-to-know", "circle", multiple=True, metavar="PERSON", help="Who alone may see it, beside you."
)
@common_options
def declare(
    title: str | None,
    systems: tuple[str, ...],
    cause: str | None,
    first_alert: str | None,
    aware: str | None,
    playbook: str | None,
    circle: tuple[str, ...],
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Open an incident, start its clocks and its playbook, and say what happens next.

    Works with no server, no Slack and no network. Asks what is missing when a person sits at the terminal.
    """
    from dataclasses import replace

    from tocsin.cli.asking import completed
    from tocsin.incidents import Declaration
    from tocsin.incidents import declare as declare_incident
    from tocsin.law.clocks import parse_time
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        said = Declaration(
            title=title or "",
            systems=systems,
            cause=cause,
            first_alert_at=parse_time(first_alert) if first_alert else None,
            aware_at=parse_time(aware) if aware else None,
            playbook=playbook,
            need_to_know=circle,
        )
        if sys.stdin.isatty() and not as_json:
            said = completed(ctx, said)
        declared = declare_incident(ctx, said if said.title else replace(said, title="Reported without a title"))
        declared_now(ctx, declared, as_json=as_json)


def declared_now(ctx: "Context", declared: "Declared", *, as_json: bool) -> None:
    """Do what the playbook does by itself, say what happens next, and page whoever is on call."""
    from tocsin import alarms
    from tocsin.cli.action_words import promised
    from tocsin.cli.incident_words import next_lines
    from tocsin.cli.run_report import run_as_json
    from tocsin.incidents import clocks_of, roles_of
    from tocsin.runbook.engine import advance
    from tocsin.situation import situation_of

    found = advance(ctx, declared.run.id)
    ctx.store.sign_head(ctx.actor)
    with ctx.store.read() as connection:
        seen = situation_of(connection, ctx.workspace, declared.incident)
        holders = roles_of(connection, declared.incident)
    data: dict[str, object] = {}
    if as_json:
        paged = incident_people.page_data(declared.page) if declared.page else None
        data = {**incident_as_json(ctx, declared.incident), "run": run_as_json(found), "page": paged}
    lines = next_lines(
        ctx.workspace, seen, found, clocks_of(seen), {key: one.person for key, one in holders.items()}
    )
    lines += [str(each["sentence"]) for each in promised(ctx, declared.incident, seen.cause)]
    if declared.page:
        lines.append(incident_people.page_line(ctx, declared.page))
    emit(data, "\n".join(lines), as_json=as_json)
    # After the words: a mail server that is down is waited for, and nobody should wait with it.
    if alarms.deliver(ctx):
        ctx.store.sign_head(ctx.actor)


@command.command("list", epilog="Example: tocsin incident list")
@common_options
def list_incidents(workspace_folder: Path | None, as_json: bool) -> None:
    """List every incident, newest first."""
    from tocsin.incidents import all_incidents
    from tocsin.law.clocks import show_utc
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        found = all_incidents(ctx)
    head = ("incident", "state", "cause", "declared", "title")
    rows = [
        (
            row.id,
            f"merged into {row.merged_into}" if row.merged_into else row.state,
            row.cause or "-",
            show_utc(row.declared_at) if row.declared_at else "-",
            row.title or "-",
        )
        for row in found
    ]
    data = [
        {**dict(zip(head, row, strict=True)), "state": listed.state, "merged_into": listed.merged_into}
        for listed, row in zip(found, rows, strict=True)
    ]
    emit(data, table(head, rows) if rows else "There is no incident.", as_json=as_json)


@command.command(epilog="Example: tocsin incident show INC-2026-001")
@click.argument("incident_id", metavar="INCIDENT")
@common_options
def show(incident_id: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Show whose data was hit, the clocks, what is known, what is proposed, and what waits."""
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        emit(incident_as_json(ctx, incident_id), incident_as_text(ctx, incident_id), as_json=as_json)


@command.command()
@click.argument("incident_id", metavar="INCIDENT")
@click.argument("path", metavar="FACT")
@click.argument("value")
@click.option("--evidence", help="How you know.")
@click.option("--for", "controller", default="", help="Only for one client's data (its id), or `ourselves`.")
@common_options
def fact(
    incident_id: str,
    path: str,
    value: str,
    evidence: str | None,
    controller: str,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """State a fact: who said what, when, on what evidence. Nothing is overwritten.

    \b
    Example:
      tocsin incident fact INC-2026-001 exfiltration possible --evidence "2 GB left at 17:30"
    """
    from tocsin.runbook.steps.human import typed_answer
    from tocsin.situation import state_fact
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        stated = state_fact(
            ctx, incident_id, path, typed_answer(path, value), evidence=evidence, controller=controller
        )
        ctx.store.sign_head(ctx.actor)
        text = f"Version {stated.version}: {path} is {value}.\n\n{incident_as_text(ctx, incident_id)}"
        emit(incident_as_json(ctx, incident_id), text, as_json=as_json)


@command.command(epilog="Example: tocsin incident confirm INC-2026-001 --at 2026-11-20T17:40+00:00")
@click.argument("incident_id", metavar="INCIDENT")
@click.option("--at", "moment", required=True, help="From when it was certain: 2026-11-20T17:40+00:00.")
@click.option("--reason", default="", help="Why it is certain; needed when the moment is moved.")
@common_options
def confirm(incident_id: str, moment: str, reason: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Say from when it is certain that personal data was hit: the legal clock runs from there."""
    from tocsin.incidents import confirm as confirm_incident
    from tocsin.law.clocks import parse_time
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        confirm_incident(ctx, incident_id, parse_time(moment), reason)
        ctx.store.sign_head(ctx.actor)
        emit(incident_as_json(ctx, incident_id), incident_as_text(ctx, incident_id), as_json=as_json)


@command.command()
@click.argument("incident_id", metavar="INCIDENT")
@common_options
def story(incident_id: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Write the incident's story on one page, for ourselves, our lawyer and our insurer.

    \b
    Example:
      tocsin incident story INC-2026-001
    """
    from tocsin.incidents import write_story
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        written = write_story(ctx, incident_id)
        emit({"page": str(written.page), "sha256": written.sha256}, str(written.page), as_json=as_json)


for _part in (
    *incident_case.COMMANDS,
    *incident_duties.COMMANDS,
    *incident_life.COMMANDS,
    *incident_people.COMMANDS,
    *incident_review.COMMANDS,
    *incident_scope.COMMANDS,
):
    command.add_command(_part)


def incident_as_json(ctx: "Context", incident_id: str) -> dict[str, object]:
    """Return one incident as plain data."""
    from tocsin.cli.action_words import promised
    from tocsin.incidents import clocks_of, roles_of
    from tocsin.law.clocks import show_local, show_utc
    from tocsin.runbook.ledger import load_runs
    from tocsin.situation import duties_of, situation_of
    from tocsin.store.need_to_know import circle_of

    zone = ctx.workspace.organisation.timezone
    with ctx.store.read() as connection:
        found = situation_of(connection, ctx.workspace, incident_id)
        runs = load_runs(connection, incident=incident_id)
        duties = duties_of(connection, incident_id)
        holders = roles_of(connection, incident_id)
        circle = circle_of(connection, incident_id)
    clocks = [
        {
            "to": clock.to,
            "due": show_utc(clock.due),
            "due_local": show_local(clock.due, zone),
            "legal": clock.legal,
        }
        for clock in clocks_of(found)
    ]
    return {
        "incident": found.incident,
        "title": found.title,
        "cause": found.cause,
        "state": found.state,
        "first_alert": show_utc(found.first_alert_at),
        "aware": show_utc(found.aware_at) if found.aware_at else None,
        "aware_by": found.aware_by,
        "aware_reason": found.aware_reason,
        "occurred": found.facts().get("occurred"),
        "reported": next(
            (show_utc(each.told_at) for each in duties if each.key == "regulator" and each.told_at), None
        ),
        "systems": [system.id for system in found.radius.systems],
        "roles": {role: holder.person for role, holder in holders.items()},
        "need_to_know": None if circle is None else list(circle),
        "merged_into": found.merged_into,
        "was_to_be_fixed": promised(ctx, incident_id, found.cause),
        "datasets": [dataset.id for dataset in found.radius.datasets],
        "clients": [client.id for client in found.radius.clients],
        "clocks": clocks,
        "duties": [incident_duties.duty_data(each) for each in duties],
        "facts": found.facts(),
        "assessments": {key: assessment.to_json() for key, assessment in found.assessments.items()},
        "runs": [{"run": run.id, "state": run.state, "title": run.title} for run in runs],
    }


def _reported(duties: "tuple[DutyRow, ...]") -> "list[datetime]":
    return [duty.told_at for duty in duties if duty.key == "regulator" and duty.told_at]


def incident_as_text(ctx: "Context", incident_id: str) -> str:
    """Return one incident for a person at three in the morning: clocks first."""
    from tocsin.cli.action_words import promised
    from tocsin.cli.incident_words import alarm_lines, duty_lines, reopened_lines, settled_words, time_lines
    from tocsin.incidents import clocks_of, left, roles_of, standing_alarms
    from tocsin.law.clocks import show_both
    from tocsin.situation import decisions_of, duties_of, situation_of
    from tocsin.store.need_to_know import circle_of

    zone, now = ctx.workspace.organisation.timezone, ctx.clock.now()
    with ctx.store.read() as connection:
        found = situation_of(connection, ctx.workspace, incident_id)
        duties = duties_of(connection, incident_id)
        decisions = decisions_of(connection, incident_id)
        alarms = standing_alarms(connection, incident_id)
        holders = roles_of(connection, incident_id)
        circle = circle_of(connection, incident_id)
    state = f"merged into {found.merged_into}" if found.merged_into else found.state
    lines = [f"{found.incident}  {found.title}  [{state}]"]
    if circle is not None:
        lines.append(f"NEED TO KNOW: only {', '.join(circle)} may see this")
    if holders:
        lines.append(", ".join(f"{role}: {holder.person}" for role, holder in holders.items()))
    lines += [str(each["sentence"]) for each in promised(ctx, incident_id, found.cause)]
    lines.append("")
    lines += [*reopened_lines(duties, zone), *alarm_lines(alarms), *time_lines(found, duties, zone)]
    settled = settled_words(duties)
    for clock in clocks_of(found):
        name = f"{'Due' if clock.legal else 'Shadow'} {clock.words}"
        rest = settled.get(clock.to) or left(clock.due - now)
        lines.append(f"{name:<42} {show_both(clock.due, zone)}  ({rest})")
    lines += ["", *_whose_data(found), "", "Proposed (a person decides):", _proposals(found)]
    lines += ["", *duty_lines(duties, decisions)]
    open_facts = dict.fromkeys(
        question.fact for assessment in found.assessments.values() for question in assessment.open_questions
    )
    if open_facts:
        lines += ["", f"Would change it: {', '.join(list(open_facts)[:6])}"]
    return "\n".join(lines)


def _names(found: "Situation") -> dict[str, str]:
    from tocsin.situation import OURSELVES

    return {OURSELVES: "our own", **{client.id: client.name for client in found.radius.clients}}


def _whose_data(found: "Situation") -> list[str]:
    names = _names(found)
    rows = [
        (names[controller], dataset.title, str(dataset.label), str(dataset.people.count or "?"))
        for controller in found.radius.controllers
        for dataset in found.radius.datasets_of(controller)
    ]
    return [
        table(("whose data", "dataset", "label", "people"), rows) if rows else "No dataset is known to be there."
    ]


def _proposals(found: "Situation") -> str:
    names = _names(found)
    duties = ("regulator", "people", "controllers")
    rows = [
        [names.get(key, key), assessment.risk, *(str(assessment.duty(duty).required) for duty in duties)]
        for key, assessment in found.assessments.items()
    ]
    return table(("whose data", "risk", "tell ICO", "people", "client"), rows)
