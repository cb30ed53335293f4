"""`tocsin backup explain|last-clean`: what a doubted backup was, and which one to go back to."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from tocsin.backups import LastClean, Suspicion


@click.command(epilog='Example: tocsin backup explain files --expected --reason "We moved the archive here"')
@click.argument("plan")
@click.option("--expected", is_flag=True, help="It was our own work: its snapshots count as clean.")
@click.option("--damage", is_flag=True, help="It was damage, and the source is put right: they never will.")
@click.option("--reason", required=True, metavar="TEXT", help="Why, in a sentence; it is journalled.")
@common_options
def explain(
    plan: str, expected: bool, damage: bool, reason: str, workspace_folder: Path | None, as_json: bool
) -> None:
    """Say what it was that made PLAN's backups implausible, and let retention go on.

    After --damage what was flagged stays flagged and the held snapshots stay held; what is taken from now on is
    judged afresh, so put the source right first.
    """
    from tocsin.backups import Explanation, find_plan
    from tocsin.backups import explain as act
    from tocsin.wiring import open_context

    if expected == damage:
        raise UsageError("Give --expected or --damage, one of the two.")
    explanation = Explanation.EXPECTED if expected else Explanation.DAMAGE
    with open_context(workspace_folder) as ctx:
        explained = act(ctx, find_plan(ctx, plan).id, explanation, reason)
    outcome = "its snapshots count as clean" if expected else "what was flagged stays flagged and held"
    text = f"{plan}: explained as {explanation}; {outcome}. Retention may go on."
    emit([suspicion_data(one) for one in explained], text, as_json=as_json)


@click.command("last-clean", epilog="Example: tocsin backup last-clean file-share --before 2026-11-20T17:40Z")
@click.argument("system")
@click.option("--before", metavar="TIME", help="When the intrusion began, as far as anybody knows.")
@click.option("--checked", is_flag=True, help="Only a snapshot that a check has passed since.")
@common_options
def last_clean(
    system: str, before: str | None, checked: bool, workspace_folder: Path | None, as_json: bool
) -> int:
    """Name the snapshot of SYSTEM to go back to, why, and what would be lost.

    The newest that is whole, whose content is plausible, from before the intrusion, in a repository whose last
    check passed. Exit code 1 when there is none for one of its backup plans.
    """
    from tocsin.backups import last_clean_snapshot
    from tocsin.wiring import open_context

    moment = _moment(before) if before else None
    with open_context(workspace_folder) as ctx:
        found = last_clean_snapshot(ctx, system, moment, checked_only=checked)
    emit([_data(one) for one in found], "\n".join(_told(one) for one in found), as_json=as_json)
    return 0 if all(one.entry for one in found) else 1


def suspicion_data(suspicion: "Suspicion") -> dict[str, object]:
    """Return a suspicion for programs."""
    return {
        "id": suspicion.id,
        "plan": suspicion.plan,
        "since": suspicion.since.isoformat(),
        "score": suspicion.score,
        "reasons": [{"sign": code, "text": said} for code, said in suspicion.reasons],
    }


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise UsageError(f"--before: {text!r} is no time; write it as 2026-11-20T17:40Z.") from wrong
    if moment.tzinfo is None:
        raise UsageError(f"--before: {text!r} has no zone; write it as 2026-11-20T17:40Z or with +01:00.")
    return moment


def _told(one: "LastClean") -> str:
    lines = [f"{one.plan}: no snapshot to go back to."]
    if one.entry is not None:
        taken = f"{one.entry.time:%Y-%m-%d %H:%M} UTC"
        lines = [f"{one.plan}: snapshot {one.entry.short_id} in {one.entry.repository}, taken {taken}."]
    lines += [f"  {reason}" for reason in one.reasons]
    if one.lost is not None:
        lines.append(f"  What was done since is lost with it: {_spelled(one.lost)} of work.")
    lines += [
        f"  Not {passed.entry.short_id} of {passed.entry.time:%Y-%m-%d %H:%M} UTC: {passed.why}."
        for passed in one.passed_over
    ]
    return "\n".join(lines)


def _spelled(lost: timedelta) -> str:
    minutes = round(lost.total_seconds() / 60)
    if minutes < _TWO_HOURS:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < _TWO_DAYS else f"{minutes // 1440} days"


_TWO_HOURS, _TWO_DAYS = 120, 2880


def _data(one: "LastClean") -> dict[str, object]:
    return {
        "plan": one.plan,
        "snapshot": one.entry.id if one.entry else None,
        "repository": one.entry.repository if one.entry else None,
        "time": one.entry.time.isoformat() if one.entry else None,
        "reasons": list(one.reasons),
        "checked_at": one.checked_at.isoformat() if one.checked_at else None,
        "read_data": one.read_data,
        "lost_seconds": round(one.lost.total_seconds()) if one.lost is not None else None,
        "passed_over": [
            {"snapshot": passed.entry.id, "repository": passed.entry.repository, "why": passed.why}
            for passed in one.passed_over
        ],
    }
