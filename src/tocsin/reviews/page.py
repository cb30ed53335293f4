"""The review as one page, for the firm, its insurer and whoever asks what was learned: HTML, or PDF."""

from tocsin.actions import actions, today
from tocsin.context import Context
from tocsin.pages import render_page, render_pdf
from tocsin.reviews.keeping import QUESTIONS, review_of
from tocsin.reviews.looking_back import LookedBack, Span, look_back
from tocsin.situation import situation_of

TEMPLATE = "reports/review.html.j2"
PRINTED = "reports/review.typ"
_LONGEST = 10
_HOUR, _DAY = 60, 24 * 60


def review_page(ctx: Context, incident_id: str, *, signed_by: str = "") -> bytes:
    """Return the page as HTML; `signed_by` names who is signing it now."""
    return render_page(ctx.workspace, TEMPLATE, review_facts(ctx, incident_id, signed_by=signed_by)).encode()


def review_pdf(ctx: Context, incident_id: str) -> bytes:
    """Return the page as PDF. Raises UsageError where typst is not installed."""
    return render_pdf(PRINTED, review_facts(ctx, incident_id))


def review_facts(ctx: Context, incident_id: str, *, signed_by: str = "") -> dict[str, object]:
    """Return everything the page shows, as plain data."""
    found, seen = review_of(ctx, incident_id), look_back(ctx, incident_id)
    with ctx.store.read() as connection:
        situation = situation_of(connection, ctx.workspace, incident_id)
        opened = {each.id: each for each in actions(connection)}
    day = today(ctx.workspace, ctx.clock.now())
    names = {person.id: person.name for person in ctx.workspace.people.values()}
    signer = signed_by or found.signed_by or ""
    return {
        "organisation": ctx.workspace.organisation.name,
        "written_at": ctx.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z"),
        "incident": incident_id,
        "title": situation.title,
        "systems": [system.title for system in situation.radius.systems],
        "causes": [each.replace("_", " ") for each in found.causes],
        "answers": [
            {"question": question, "answer": found.answers.get(word, "")} for word, question in QUESTIONS.items()
        ],
        "signed_by": names.get(signer, signer),
        "signed_on": day.isoformat() if signer else "",
        **back_facts(seen),
        "proposals": [
            {
                "number": each.number,
                "title": opened[each.action].title if each.action in opened else each.title,
                "why": each.why,
                "risk": each.risk,
                "closes_once": each.proof.sentence,
                "backing": list(each.backing),
                "state": each.state,
                "reason": each.reason or "",
                "action": each.action or "",
                "owner": names.get(opened[each.action].owner, "") if each.action in opened else "",
                "due_on": opened[each.action].due_on.isoformat() if each.action in opened else "",
            }
            for each in found.proposals
        ],
        "undecided": len(found.undecided),
    }


def back_facts(seen: LookedBack) -> dict[str, object]:
    """Return what the journal says, as plain data."""
    return {
        "timeline": [{"at": each["at"], "lane": each["lane"], "text": each["text"]} for each in seen.timeline],
        "spans": [_span(each) for each in seen.spans],
        "waited": [
            {
                "step": each.step,
                "whom": each.whom,
                "took": spell(each.minutes),
                "handed_over": each.handed_over,
                "still": each.still,
            }
            for each in seen.waited[:_LONGEST]
        ],
        "faults": list(seen.faults),
        "changed": list(seen.changed),
        "unanswered": list(seen.unanswered),
        "overdue_then": list(seen.overdue_then),
    }


def _span(each: Span) -> dict[str, object]:
    whose = "by law or contract" if each.of_law else "our own target"
    return {
        "name": each.name,
        "words": each.words,
        "took": spell(each.minutes) if each.minutes is not None else "not known",
        "target": f"{spell(each.target_minutes)}, {whose}" if each.target_minutes is not None else "none set",
        "missed": each.missed,
        # Bars of the picture: the target, or what it took, fills it.
        "width": _width(each),
    }


def _width(each: Span) -> int:
    if each.minutes is None or not each.target_minutes:
        return 0
    return min(round(100 * each.minutes / each.target_minutes), 100)


def spell(minutes: int) -> str:
    """Return so many minutes as a person says them. Pure."""
    if minutes < _HOUR:
        return f"{minutes} min"
    if minutes < 2 * _DAY:
        hours, rest = divmod(minutes, _HOUR)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, rest = divmod(minutes, _DAY)
    return f"{days} days {rest // _HOUR} h" if rest // _HOUR else f"{days} days"
