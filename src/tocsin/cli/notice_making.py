"""`tocsin notice draft`: a notice that no playbook step drafts, for whoever has to be told."""

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from tocsin.notices import Prevention

_BY = re.compile(r"^(?P<step>.+?)(?:\s+by\s+(?P<day>\d{4}-\d{2}-\d{2}))?$", re.DOTALL)


@click.command(epilog="Example: tocsin notice draft people/letter people --incident INC-2026-001")
@click.argument("template", metavar="TEMPLATE")
@click.argument("addressee", metavar="ADDRESSEE")
@click.option("--incident", "incident_id", metavar="ID", required=True, help="The incident it is about.")
@click.option(
    "--prevention",
    multiple=True,
    metavar="TEXT [by DATE]",
    help="For follow-ups: a step against a repeat, such as 'restore tests by 2026-12-31'. May be repeated.",
)
@common_options
def draft(
    template: str,
    addressee: str,
    incident_id: str,
    prevention: tuple[str, ...],
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Draft a notice from what is known now; one that is still open is found again, not doubled.

    ADDRESSEE is ico, a client's id, people (our own data), people:CLIENT, insurer, police, ncsc, bank, staff,
    press, supplier or sector:WORD, such as sector:fca. A follow-up (ico/follow-up, client/follow-up) says what is
    new since the last notice that was sent.
    """
    from dataclasses import replace

    from tocsin.notices import draft_notice, notices
    from tocsin.runbook.steps.notice import case_of
    from tocsin.situation import reconcile_duties, situation_of
    from tocsin.wiring import open_context

    steps = tuple(_step(text) for text in prevention)
    with open_context(workspace_folder) as ctx:
        with ctx.store.read() as connection:
            situation = situation_of(connection, ctx.workspace, incident_id)
        case = replace(case_of(ctx, situation, addressee), prevention=steps)
        left = [
            each
            for each in notices(ctx, incident=situation.incident)
            if (each.template, each.addressee) == (template, addressee) and each.state not in {"draft", "approved"}
        ]
        made_by = f"by-hand:{situation.incident}:{template}:{addressee}:{len(left) + 1}"
        before = {each.id for each in notices(ctx, incident=situation.incident)}
        made = draft_notice(ctx, case, template=template, addressee=addressee, made_by=made_by)
        reconcile_duties(ctx, situation.incident)
    name = made.id[:8]
    text = (
        f"Notice {name} was drafted before and is still {made.state}. Read it: tocsin notice show {name}"
        if made.id in before
        else f"Notice {name} is drafted. Read it: tocsin notice show {name}"
    )
    data = {"id": made.id, "state": made.state, "template": template, "addressee": addressee}
    emit({**data, "drafted": made.id not in before}, text, as_json=as_json)


def _step(text: str) -> "Prevention":
    from tocsin.notices import Prevention

    match = _BY.match(text.strip())
    if match is None:
        raise UsageError("--prevention needs a step, such as 'restore tests by 2026-12-31'. Nothing was drafted.")
    try:
        day = date.fromisoformat(match["day"]) if match["day"] else None
    except ValueError:
        raise UsageError(f"{match['day']} is no day of the calendar. Nothing was drafted.") from None
    return Prevention(match["step"], day)
