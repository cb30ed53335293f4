"""`tocsin status`: tonight's picture on one screen, the worst first."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit

if TYPE_CHECKING:
    from tocsin.tonight import Picture


@click.command()
@click.option("--check", is_flag=True, help="Exit 1 when anything is overdue, late, failed or unknown.")
@common_options
def command(check: bool, workspace_folder: Path | None, as_json: bool) -> int:
    """Show tonight's picture: incidents and their clocks, what waits for whom, backups, drills.

    Looks at the store alone: no repository is asked ('tocsin watch' does that), nothing is written.

    \b
    Example:
      tocsin status
      tocsin status --check --json
    Exit code: 0; with --check, 1 when anything is overdue, late, failed or unknown.
    """
    from tocsin.cli.status_page import Page
    from tocsin.tonight import look
    from tocsin.wiring import load_workspace, opened_store

    workspace = load_workspace(workspace_folder)
    with opened_store(workspace) as store, store.read() as connection:
        picture = look(connection, workspace, store.now())
    organisation = workspace.organisation
    text = "" if as_json else Page(organisation.name, organisation.timezone, picture).text()
    emit(_data(picture) if as_json else {}, text, as_json=as_json)
    return 1 if check and picture.troubles() else 0


def _data(picture: "Picture") -> dict[str, object]:
    """Return the picture as plain data: times in UTC, spans in seconds."""
    return {
        "at": _iso(picture.at),
        "troubles": list(picture.troubles()),
        "incidents": [
            {
                "id": one.id,
                "title": one.title,
                "state": one.state,
                "cause": one.cause,
                "systems": list(one.systems),
                "first_alert_at": _iso(one.first_alert_at),
                "aware_at": _iso(one.aware_at),
                "clocks": [
                    {
                        "who": clock.who,
                        "hours": clock.hours,
                        "due": _iso(clock.due),
                        "left_seconds": int(clock.left.total_seconds()),
                        "from": "awareness" if clock.legal else "first alert",
                        "overdue": clock.overdue,
                        "settled": clock.settled,
                    }
                    for clock in one.clocks
                ],
            }
            for one in picture.incidents
        ],
        "unknown": [
            {"what": one.what, "subject": one.subject, "since": _iso(one.since)} for one in picture.unknown
        ],
        "waiting": [
            {
                "run": one.run,
                "playbook": one.playbook,
                "incident": one.incident,
                "step": one.step,
                "kind": one.kind,
                "question": one.question,
                "who": one.who,
            }
            for one in picture.waiting
        ],
        "alarms": [
            {"kind": one.kind, "subject": one.subject, "text": one.text, "raised_at": _iso(one.raised_at)}
            for one in picture.alarms
        ],
        "backups": [
            {
                "plan": plan.freshness.plan,
                "state": plan.freshness.state.value,
                "age_seconds": _seconds(plan.freshness.age),
                "rpo_seconds": _seconds(plan.freshness.rpo),
                "last_good_at": _iso(plan.freshness.last_ok),
                "snapshot": plan.snapshot,
            }
            for plan in picture.plans
        ],
        "paused": {
            "since": _iso(picture.paused.since),
            "by": picture.paused.by,
            "reason": picture.paused.reason,
        }
        if picture.paused
        else None,
        "holds": [{"incident": hold.incident, "snapshots": hold.snapshots} for hold in picture.holds],
        "drills": [
            {
                "drill": drill.drill,
                "backup_plan": drill.backup_plan,
                "last": {"verdict": drill.last.verdict, "at": _iso(drill.last.started_at)} if drill.last else None,
                "proved": {"verdict": drill.proved.verdict, "at": _iso(drill.proved.started_at)}
                if drill.proved
                else None,
                "overdue_since": _iso(drill.overdue_since),
                "next_due": _iso(drill.next_due),
            }
            for drill in picture.drills
        ],
        "running": [
            {
                "what": one.what,
                "subject": one.subject,
                "since": _iso(one.since),
                "actor": one.actor,
                "host": one.host,
            }
            for one in picture.running
        ],
        "journal": {
            "seq": picture.journal[0],
            "at": _iso(picture.journal[1]),
            "signed_up_to": picture.signed_up_to,
        }
        if picture.journal
        else None,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())
