"""An incident's times, duties and alarms in lines for a terminal; the commands are in `tocsin.cli.incident`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tocsin.cli.output import table

if TYPE_CHECKING:
    from tocsin.incidents import IncidentClock, Standing
    from tocsin.model.workspace import Workspace
    from tocsin.runbook.engine import Progressed
    from tocsin.situation import Decision, DutyRow, Situation

_WIDEST = 44


def next_lines(
    workspace: "Workspace",
    seen: "Situation",
    run: "Progressed",
    clocks: "Sequence[IncidentClock]",
    holders: "Mapping[str, str]",
) -> list[str]:
    """Return what happens next, in fewer than ten lines: it is three in the morning."""
    from tocsin.law.clocks import show_both
    from tocsin.model.roles import who_may

    zone = workspace.organisation.timezone
    done = sum(look.row.state == "done" for look in run.looks)
    lines = [
        f"{seen.incident} is open: {seen.title}",
        f"Playbook   {run.run.title} ({run.run.id}): {done} steps done, {len(run.waiting)} wait for a person.",
    ]
    if run.waiting:
        first = run.playbook.step(run.waiting[0].row.step)
        who = f", for {who_may(workspace, first.assign)}" if first.assign else ""
        lines.append(f"Now        {first.heading}{who}")
    if clocks:
        count = f", {len(clocks)} clocks in all" if len(clocks) > 1 else ""
        shadow = "" if clocks[0].legal else " (from the first alert)"
        lines.append(f"First due  {clocks[0].words}: {show_both(clocks[0].due, zone)}{shadow}{count}")
    if seen.aware_at is None:
        lines.append(f"Certain?   tocsin incident confirm {seen.incident} --at TIME")
    if holders:
        lines.append("Who        " + ", ".join(f"{role} {person}" for role, person in holders.items()))
    lines.append(f"Go on      tocsin run show {run.run.id}    All of it: tocsin incident show {seen.incident}")
    return lines


def reopened_lines(duties: "Sequence[DutyRow]", zone: str) -> list[str]:
    """Return what facts have opened again, for the very top."""
    from tocsin.law.clocks import show_both

    found = [each for each in duties if each.reopened_at and each.is_open]
    lines = [
        f"REOPENED  {each.key}: {each.reopened_why} ({show_both(each.reopened_at, zone)})"
        for each in found
        if each.reopened_at
    ]
    return [*lines, ""] if lines else []


def alarm_lines(alarms: "Sequence[Standing]") -> list[str]:
    """Return the alarms that stand, and who is on them."""
    lines = [
        f"ALARM     {each.text}" + (f"  [{each.acknowledged_by} is on it]" if each.acknowledged_by else "")
        for each in alarms
    ]
    return [*lines, ""] if lines else []


def time_lines(found: "Situation", duties: "Sequence[DutyRow]", zone: str) -> list[str]:
    """Return the four times: occurred, first alert, certain (by whom, why), reported."""
    from tocsin.law.clocks import parse_time, show_both

    occurred = found.facts().get("occurred")
    ends = occurred if isinstance(occurred, dict) else {}
    span = [f"{word} {show_both(parse_time(str(ends[word])), zone)}" for word in ("from", "to") if ends.get(word)]
    told = next((each.told_at for each in duties if each.key == "regulator" and each.told_at), None)
    certain = "not yet: tocsin incident confirm"
    if found.aware_at:
        why = f": {found.aware_reason}" if found.aware_reason else ""
        certain = f"{show_both(found.aware_at, zone)}, said by {found.aware_by or 'nobody known'}{why}"
    return [
        f"Occurred     {' '.join(span) or 'not known yet: the facts occurred.from and occurred.to'}",
        f"First alert  {show_both(found.first_alert_at, zone)}",
        f"Certain      {certain}",
        f"Reported     {show_both(told, zone) if told else 'not yet'}",
    ]


def duty_lines(duties: "Sequence[DutyRow]", decisions: "Sequence[Decision]") -> list[str]:
    """Return every duty that is or was owed: what is proposed, where it stands, what is still owed."""
    rows = [
        (each.key, _short(each.addressee), each.required, _state(each, decisions), "; ".join(each.owes()))
        for each in duties
        if each.state != "lapsed"
    ]
    return ["Duties:", table(("duty", "to", "proposed", "state", "still owed"), rows)] if rows else []


def settled_words(duties: "Sequence[DutyRow]") -> dict[str, str]:
    """Return what stopped a clock, by whom it is towards: `ico` or a client's id."""
    words = {"declined": "decided: not owed", "lapsed": "not owed"}
    found: dict[str, str] = {}
    for each in duties:
        whom = {"regulator": "ico" if each.key == "regulator" else "", "controllers": each.controller}
        if (each.told_at or each.state in words) and whom.get(each.toward):
            found[whom[each.toward]] = "told" if each.told_at else words[each.state]
    return found


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _state(duty: "DutyRow", decisions: "Sequence[Decision]") -> str:
    from tocsin.situation.decisions import waiting_decision

    waits = waiting_decision(decisions, duty)
    second = f", {waits.decided} waits for a second person" if waits else ""
    return f"{duty.state}{' (voluntary)' if duty.voluntary else ''}{second}"
