"""`tocsin notice draft | statement`: texts that no playbook step drafts, for whoever has to be told."""

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from tocsin.context import Context
    from tocsin.notices import Prevention
    from tocsin.notices.statement import Seen

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


@click.command(epilog="Example: tocsin notice statement acme --to acme.pdf --format pdf")
@click.argument("client", metavar="CLIENT")
@click.option(
    "--format",
    "form",
    type=click.Choice(("md", "html", "txt", "pdf")),
    default="md",
    show_default=True,
    help="PDF needs the package typst.",
)
@click.option("--to", "to", type=click.Path(path_type=Path), help="The file to write; else it is shown (md, txt).")
@click.option("--publish", is_flag=True, help="Keep it as the next version, in every form, in published/.")
@common_options
def statement(
    client: str, form: str, to: Path | None, publish: bool, workspace_folder: Path | None, as_json: bool
) -> None:
    """Say how one client's data is collected, stored, used, backed up and protected, by the records of today.

    It is drawn from the inventory, the backup plans, their newest good snapshots and last drills. The guard reads
    it as it reads a notice; you read it before you hand it over. With --publish it is numbered and kept; where
    nothing has changed since, the last version stands. 'tocsin notice published' says which have grown stale.
    """
    from tocsin.durable import write_durably
    from tocsin.notices.papers import as_paper
    from tocsin.notices.statement import statement_for
    from tocsin.wiring import open_context

    if publish:
        from tocsin.cli.notice_published import tell_published
        from tocsin.notices.publishing import publish_statement

        if to is not None:
            raise UsageError("--publish chooses the file itself: leave --to out. Nothing was written.")
        with open_context(workspace_folder) as ctx:
            tell_published(*publish_statement(ctx, client, _seen(ctx)), as_json=as_json)
        return
    if to is None and form in {"html", "pdf"}:
        raise UsageError(f"Say where to write the {form} file: --to FILE. Nothing was written.")
    with open_context(workspace_folder) as ctx:
        text = statement_for(ctx.workspace, client, _seen(ctx), ctx.clock.now())
        content = as_paper(text, form)
    if to is None:
        emit({"client": client, "text": content.decode()}, content.decode().rstrip("\n"), as_json=as_json)
        return
    write_durably(to, content)
    emit({"client": client, "path": str(to), "format": form}, f"Written: {to}", as_json=as_json)


def _seen(ctx: "Context") -> "dict[str, Seen]":
    """Return what was seen of each backup plan: its newest good snapshot and the last drill that ended."""
    from tocsin.backups import freshness
    from tocsin.drills.history import last_drill
    from tocsin.notices.statement import Seen

    seen = {}
    with ctx.store.read() as connection:
        fresh = {each.plan: each.last_ok for each in freshness(connection, ctx.workspace, ctx.clock.now())}
        for plan in ctx.workspace.backup_plans:
            drills = [last_drill(connection, drill.id) for drill in ctx.workspace.drills_of(plan)]
            ended = [drill for drill in drills if drill and drill.finished_at and drill.verdict]
            last = max(ended, key=lambda drill: drill.finished_at or drill.started_at, default=None)
            verdict = (last.verdict or "").replace("-", " ") if last else ""
            seen[plan] = Seen(fresh.get(plan), last.finished_at if last else None, verdict)
    return seen


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
