"""Actions in plain data and in lines for a terminal; the commands are in `tocsin.cli.action`."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tocsin.actions import Action, Checked, Document
    from tocsin.context import Context
    from tocsin.reviews import Proposal

_SHOWN = 5


def data_of(one: "Action", day: date) -> dict[str, object]:
    """Return one action as plain data."""
    return {
        "id": one.id,
        "title": one.title,
        "risk": one.risk,
        "owner": one.owner,
        "deputy": one.deputy,
        "due_on": one.due_on.isoformat(),
        "overdue": one.is_overdue(day),
        "state": one.state,
        "source": one.source,
        "source_id": one.source_id,
        "incident": one.incident,
        "causes": list(one.causes),
        "proof": one.proof.as_json(),
        "closes_once": one.proof.sentence,
        "opened_by": one.opened_by,
        "opened_at": one.opened_at.isoformat(),
        "closed_by": one.closed_by,
        "closed_at": one.closed_at.isoformat() if one.closed_at else None,
        "reopened": one.reopened,
        "drop_asked_by": one.drop_by,
        "drop_reason": one.drop_reason,
        "last_check": {"at": one.last.at.isoformat(), "verdict": one.last.verdict, "seen": one.last.seen}
        if one.last
        else None,
    }


def row_of(one: "Action", day: date) -> tuple[str, ...]:
    """Return one action as a line of the list."""
    again = "OPEN AGAIN" if one.reopened and one.is_open else one.state
    state = f"{again}, OVERDUE" if one.is_overdue(day) else again
    return (one.id, one.due_on.isoformat(), state, one.owner, one.came_from, one.title)


def told(one: "Action", checks: "Sequence[Checked]", papers: "Sequence[Document]", day: date) -> str:
    """Return one action in full."""
    lines = [
        f"{one.id}  {one.title}  [{row_of(one, day)[2]}]",
        "",
        f"Risk          {one.risk}",
        f"Owner         {one.owner}{f', deputy {one.deputy}' if one.deputy else ''}",
        f"Due           {one.due_on}",
        f"Came from     {one.source} {one.source_id}{f' ({one.incident})' if one.incident else ''}".rstrip(),
        f"Prevents      {', '.join(each.replace('_', ' ') for each in one.causes) or 'not said'}",
        f"Closes once   {one.proof.sentence}",
    ]
    if one.drop_by and one.is_open:
        how = f"tocsin action drop {one.id} --second"
        lines.append(f"Drop asked    by {one.drop_by}: {one.drop_reason}. A second person agrees: {how}")
    if one.state == "dropped":
        lines.append(f"Dropped       by {one.drop_by} and {one.drop_second}: {one.drop_reason}")
    if one.state == "closed":
        lines.append(f"Closed        by {one.closed_by}")
    for each in papers:
        approved = f"approved by {each.approved_by}" if each.approved_by else "waits for another person"
        lines.append(f"Document      {each.name}, {each.sha256[:12]}, from {each.attached_by}: {approved}")
    lines += ["", "Checks, the newest first:"]
    lines += [f"  {each.at:%Y-%m-%d %H:%M} UTC  {each.verdict:<8} {each.seen}" for each in checks[:_SHOWN]]
    return "\n".join(lines if checks else [*lines, f"  none yet: tocsin action check {one.id}"])


def document_data(each: "Document") -> dict[str, object]:
    """Return a document as plain data."""
    return {
        "name": each.name,
        "sha256": each.sha256,
        "attached_by": each.attached_by,
        "approved_by": each.approved_by,
    }


def promised(ctx: "Context", incident_id: str, cause: str | None) -> list[dict[str, object]]:
    """Return what was to prevent this cause and is overdue, as plain data with a sentence."""
    from tocsin.actions import promised_against

    with ctx.store.read() as connection:
        found = promised_against(connection, ctx.workspace, cause, ctx.clock.now(), besides=incident_id)
    return [
        {
            "action": each.id,
            "title": each.title,
            "owner": each.owner,
            "due_on": each.due_on.isoformat(),
            "incident": each.incident,
            "sentence": f"This was to be fixed by {each.due_on} ({each.came_from}): {each.title}. "
            f"Owner {each.owner}, {each.id} is overdue.",
        }
        for each in found
    ]


def proposal_data(each: "Proposal") -> dict[str, object]:
    """Return a proposal as plain data."""
    return {
        "key": each.key,
        "source": each.source,
        "source_id": each.source_id,
        "title": each.title,
        "risk": each.risk,
        "why": each.why,
        "due_days": each.due_days,
        "proof": each.proof.as_json(),
        "closes_once": each.proof.sentence,
        "backing": list(each.backing),
    }


def proposal_lines(each: "Proposal") -> list[str]:
    """Return a proposal in lines for a terminal."""
    return [
        f"{each.title}",
        f"    why     {each.why}",
        f"    lowers  {each.risk}",
        f"    within  {each.due_days} days; closes once {each.proof.sentence}",
        *(f"    source  {line}" for line in each.backing),
    ]
