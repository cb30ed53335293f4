"""`tocsin incident facts | assess | screen | decide | discharge`: the law of one incident."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table

if TYPE_CHECKING:
    from datetime import datetime

    from tocsin.context import Context
    from tocsin.model.document import Data
    from tocsin.situation import Decided, Decision, DutyRow, FactVersion

incident_argument = click.argument("incident_id", metavar="INCIDENT")


@click.command()
@incident_argument
@click.option("--at", "moment", metavar="TIME", help="As they stood then: 2026-11-21T09:00+00:00. Else now.")
@common_options
def facts(incident_id: str, moment: str | None, workspace_folder: Path | None, as_json: bool) -> None:
    """Show every statement, what superseded it, and the facts in force for each controller.

    \b
    Example:
      tocsin incident facts INC-2026-001 --at 2026-11-21T09:00Z
    """
    from tocsin.law.clocks import parse_time, show_utc
    from tocsin.situation import situation_of
    from tocsin.situation.facts import document, fact_versions
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        at = parse_time(moment) if moment else None
        with ctx.store.read() as connection:
            controllers = tuple(situation_of(connection, ctx.workspace, incident_id).assessments)
            versions = fact_versions(connection, incident_id, at=at)
        zone = ctx.workspace.organisation.timezone
        moment_shown = at or ctx.clock.now()
    overtaken = _overtaken(versions)
    data = {
        "incident": incident_id,
        "at": show_utc(moment_shown),
        "versions": [_version_data(each, overtaken.get(each.version)) for each in versions],
        "in_force": {controller: document(versions, controller) for controller in controllers},
    }
    emit(data, _facts_text(versions, overtaken, moment_shown, zone), as_json=as_json)


def _overtaken(versions: "Sequence[FactVersion]") -> dict[int, int]:
    """Return for each statement that no longer counts the one that superseded it."""
    found: dict[int, int] = {}
    for number, earlier in enumerate(versions):
        for later in versions[number + 1 :]:
            same = earlier.controller == later.controller
            if same and (earlier.path == later.path or earlier.path.startswith(f"{later.path}.")):
                found[earlier.version] = later.version
                break
    return found


def _version_data(version: "FactVersion", by: int | None) -> dict[str, object]:
    from tocsin.law.clocks import show_utc

    return {
        "version": version.version,
        "controller": version.controller,
        "path": version.path,
        "value": version.value,
        "stated_by": version.stated_by,
        "stated_at": show_utc(version.stated_at),
        "evidence": version.evidence,
        "superseded_by": by,
    }


def _facts_text(versions: "Sequence[FactVersion]", overtaken: dict[int, int], at: "datetime", zone: str) -> str:
    from tocsin.law.clocks import show_both

    rows = [
        (
            str(each.version),
            each.controller or "all",
            each.path,
            spoken(each.value),
            each.stated_by,
            show_both(each.stated_at, zone),
            f"superseded by {overtaken[each.version]}" if each.version in overtaken else "",
            each.evidence or "",
        )
        for each in versions
    ]
    head = ("version", "whose data", "fact", "value", "stated by", "at", "", "evidence")
    return f"What was known at {show_both(at, zone)}:\n\n" + (table(head, rows) if rows else "Nothing yet.")


def spoken(value: "Data") -> str:
    """Return a fact's value in words; nothing known reads `unknown`."""
    if value is None:
        return "unknown"
    return ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)


@click.command()
@incident_argument
@common_options
def assess(incident_id: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Explain the assessment for each controller: risk, duties with reasons, what does not fit, what to ask.

    \b
    Example:
      tocsin incident assess INC-2026-001
    """
    from tocsin.cli.assess import describe
    from tocsin.situation import situation_of
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        found = situation_of(connection, ctx.workspace, incident_id)
        names = {"ourselves": ctx.workspace.organisation.name} | {
            client.id: client.name for client in found.radius.clients
        }
    parts = [
        f"== Data of {names.get(key, key)} ==\n\n{describe(assessment)}"
        for key, assessment in found.assessments.items()
    ]
    data = {
        "incident": incident_id,
        "assessments": {key: each.to_json() for key, each in found.assessments.items()},
    }
    emit(data, "\n\n".join(parts), as_json=as_json)


@click.command()
@incident_argument
@common_options
def screen(incident_id: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Say which regimes apply, which do not and why, and which need an answer first.

    \b
    Example:
      tocsin incident screen INC-2026-001
    """
    from tocsin.situation import situation_of
    from tocsin.situation.owing import screened, unanswered
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx, ctx.store.read() as connection:
        found = situation_of(connection, ctx.workspace, incident_id)
        findings = screened(found, ctx.workspace, ctx.clock.now().date())
    lines = []
    # What holds for one controller's data is not listed again as not holding for another's.
    open_regimes = {finding.regime for finding in findings if finding.applies != "no"}
    for answer, title in (("yes", "Applies"), ("unclear", "Needs an answer first"), ("no", "Does not apply")):
        lines += [f"{title}:"]
        told = [each for each in findings if each.applies == answer]
        for each in (each for each in told if answer != "no" or each.regime not in open_regimes):
            lines += [f"  {each.name}, to {each.addressee}: {each.how_soon}  [{each.basis}]"]
            lines += [f"    {each.why}", *(f"    ? {ask}" for ask in each.asks if answer == "unclear")]
        lines += [""]
    asked = unanswered(findings)
    if asked:
        lines += [f"Say in tocsin.yaml under organisation: {', '.join(asked)}"]
    data = {"incident": incident_id, "regimes": [each.to_json() for each in findings], "unanswered": list(asked)}
    emit(data, "\n".join(lines).rstrip(), as_json=as_json)


@click.command()
@incident_argument
@click.argument("duty")
@click.argument("decision", required=False, type=click.Choice(["yes", "no"]))
@click.option("--reason", metavar="TEXT", help="Why; needed wherever the decision is not what is proposed.")
@click.option("--second", is_flag=True, help="Agree, as the second person, to a decision below the proposal.")
@common_options
def decide(
    incident_id: str,
    duty: str,
    decision: str | None,
    reason: str | None,
    second: bool,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Show the proposal for a duty with its reasons, and take a decision: name, reason, second person.

    Without yes or no it only shows. DUTY is a name from `incident show`, its beginning, or a client's id. Going
    below the proposal needs a reason and a second person.

    \b
    Example:
      tocsin incident decide INC-2026-001 regulator
      tocsin incident decide INC-2026-001 regulator yes
      tocsin incident decide INC-2026-001 people no --reason "Everybody concerned was called on Saturday"
      tocsin incident decide INC-2026-001 people --second
    """
    from tocsin.errors import UsageError
    from tocsin.situation import agree, decisions_of, duties_of
    from tocsin.situation import decide as decide_duty
    from tocsin.wiring import open_context

    if second and decision:
        raise UsageError("The second person agrees with --second alone; to decide otherwise, leave --second out.")
    with open_context(workspace_folder) as ctx:
        taken = None
        if second:
            taken = agree(ctx, incident_id, duty)
        elif decision:
            taken = decide_duty(ctx, incident_id, duty, decision, reason)
        if taken:
            ctx.store.sign_head(ctx.actor)
        with ctx.store.read() as connection:
            meant = _meant(duties_of(connection, incident_id), taken.duty if taken else duty)
            decisions = decisions_of(connection, incident_id)
        lines = [line for each in meant for line in _proposal(ctx, incident_id, each, decisions)]
        if taken:
            lines = [_taken(incident_id, taken), "", *lines]
    data = {
        "incident": incident_id,
        "duties": [duty_data(each) for each in meant],
        "decision": _decided_data(taken) if taken else None,
    }
    emit(data, "\n".join(lines).rstrip(), as_json=as_json)


def _meant(duties: "Sequence[DutyRow]", name: str) -> "tuple[DutyRow, ...]":
    from tocsin.errors import UsageError
    from tocsin.situation.duties import OUTCOMES, matching

    if name in OUTCOMES:
        return ()
    try:
        return matching(duties, name)
    except UsageError:
        if any(each.toward == name for each in duties):
            return tuple(each for each in duties if each.toward == name)
        raise


def _proposal(ctx: "Context", incident_id: str, duty: "DutyRow", decisions: "Sequence[Decision]") -> list[str]:
    """Explain one duty to a person: the proposal, why, what is unknown, what would change it."""
    from tocsin.law.facts import fact_paths
    from tocsin.situation import situation_of
    from tocsin.situation.decisions import waiting_decision
    from tocsin.situation.duties import standing_on

    words = {"yes": "YES, it is owed", "no": "no, it is not owed", "unclear": "NOT CLEAR YET"}
    lines = [f"{duty.key}: {duty.addressee}, {duty.how_soon}  [{duty.basis}]"]
    lines += [f"  Proposed: {words[duty.required]}.", *_due(ctx, incident_id, duty)]
    lines += [f"  - {why}" for why in duty.why]
    if duty.asks:
        with ctx.store.read() as connection:
            found = situation_of(connection, ctx.workspace, incident_id)
        assessment = found.assessments.get(duty.controller)
        said = {each.fact: each.why for each in assessment.open_questions} if assessment else {}
        lines += ["  Not known, and would change it:"]
        for ask in duty.asks:
            lines += [f"  - {said.get(ask) or (fact_paths()[ask].question if ask in fact_paths() else ask)}"]
    if waits := waiting_decision(decisions, duty):
        lines += [f"  {waits.decided_by} decided {waits.decided} ({waits.reason}). A second person has to agree."]
    if stands := standing_on(decisions, *duty.names):
        by = f"{stands.decided_by} and {stands.second_by}" if stands.second_by else stands.decided_by
        lines += [f"  Decided: {stands.decided}, by {by}: {stands.reason}."]
    return [*lines, ""]


def _due(ctx: "Context", incident_id: str, duty: "DutyRow") -> list[str]:
    from tocsin.incidents import left
    from tocsin.law.clocks import show_both
    from tocsin.situation import situation_of

    with ctx.store.read() as connection:
        found = situation_of(connection, ctx.workspace, incident_id)
    clock = duty.clock(found.aware_at, found.first_alert_at)
    if clock is None:
        return []
    shadow = "" if found.aware_at else ", counted from the first alert"
    due = show_both(clock.due, ctx.workspace.organisation.timezone)
    return [f"  Due {due} ({left(clock.due - ctx.clock.now())}{shadow})."]


def _taken(incident_id: str, taken: "Decided") -> str:
    if taken.stands:
        return f"Decided on {taken.duty}: {taken.decided} (proposed: {taken.proposed}), by {taken.decided_by}."
    others = " or ".join(taken.seconds)
    return (
        f"{taken.decided_by} decides {taken.decided} on {taken.duty}. That goes below the proposal "
        f"({taken.proposed}), so it does not stand yet: {others} has to agree with "
        f"`tocsin incident decide {incident_id} {taken.duty} --second`. The clocks run on."
    )


def _decided_data(taken: "Decided") -> dict[str, object]:
    from tocsin.law.clocks import show_utc

    return {
        "duty": taken.duty,
        "proposed": taken.proposed,
        "decided": taken.decided,
        "decided_by": taken.decided_by,
        "decided_at": show_utc(taken.decided_at),
        "stands": taken.stands,
        "seconds": list(taken.seconds),
    }


def duty_data(duty: "DutyRow") -> dict[str, object]:
    """Return one duty as plain data."""
    from tocsin.law.clocks import show_utc

    return {
        "duty": duty.key,
        "to": duty.toward,
        "whose_data": duty.controller or "all",
        "addressee": duty.addressee,
        "basis": duty.basis,
        "within_hours": duty.hours,
        "how_soon": duty.how_soon,
        "voluntary": duty.voluntary,
        "required": duty.required,
        "state": duty.state,
        "why": list(duty.why),
        "asks": list(duty.asks),
        "told_at": show_utc(duty.told_at) if duty.told_at else None,
        "told_how": duty.told_how,
        "still_owed": list(duty.owes()),
        "late_reasons": duty.late_reasons,
        "settled_by": duty.settled_by,
        "reopened_at": show_utc(duty.reopened_at) if duty.reopened_at else None,
        "reopened_why": duty.reopened_why,
    }


@click.command("discharge")
@incident_argument
@click.argument("duty")
@click.option("--how", default="", metavar="TEXT", help="How it was told: by whom, to whom, which number.")
@click.option("--at", "moment", metavar="TIME", help="When it was told, with its offset; else now.")
@click.option("--late-reasons", default="", metavar="TEXT", help="Why it was told after its deadline.")
@click.option("--first-report", is_flag=True, help="More will follow: it stays open with what is still owed.")
@click.option("--nothing-more", default="", metavar="TEXT", help="Why what was not told will not follow.")
@common_options
def discharge_duty(
    incident_id: str,
    duty: str,
    how: str,
    moment: str | None,
    late_reasons: str,
    first_report: bool,
    nothing_more: str,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Record that a duty was discharged outside Tocsin, or say why it was late.

    \b
    Example:
      tocsin incident discharge INC-2026-001 insurer --how "Called the claims line, reference 4711"
      tocsin incident discharge INC-2026-001 regulator --late-reasons "Found out on Sunday only"
    """
    from tocsin.law.clocks import parse_time
    from tocsin.situation.discharging import Discharge, discharge
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        at = parse_time(moment) if moment else None
        after = discharge(ctx, incident_id, duty, Discharge(how, at, late_reasons, first_report, nothing_more))
        ctx.store.sign_head(ctx.actor)
    rest = f" Still owed: {'; '.join(after.owes())}." if after.still_owed else ""
    emit(duty_data(after), f"The duty {after.key} is {after.state}.{rest}", as_json=as_json)


COMMANDS = (facts, assess, screen, decide, discharge_duty)
