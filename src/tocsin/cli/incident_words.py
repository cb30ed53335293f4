"""An incident's times, duties and alarms in lines for a terminal; the commands are in `tocsin.cli.incident`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tocsin.cli.output import table

if TYPE_CHECKING:
    from tocsin.incidents import Standing
    from tocsin.situation import Decision, DutyRow, Situation

_WIDEST = 44


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
