"""`tocsin watch`: ring for deadlines that come near, judge how fresh the backups are, raise alarms."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table

if TYPE_CHECKING:
    from tocsin.backups import Alarm, PlanFreshness, Watched


@click.command(epilog="Example: tocsin watch")
@common_options
def command(workspace_folder: Path | None, as_json: bool) -> int:
    """Ring for deadlines that come near, judge how fresh the backups are, and raise alarms.

    Each repository is asked once and compared with our own ledger: a snapshot that is gone, changed, damaged,
    dated in the future or not ours is an alarm, and so is a plan that is late. Exit code 1 while an alarm stands.
    """
    from tocsin.backups import watch
    from tocsin.incidents import raise_due_alarms
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        rung = [alarm.text for alarm in raise_due_alarms(ctx)]
        seen = watch(ctx)
        ctx.store.sign_head(ctx.actor)
    emit({**_data(seen), "deadlines": rung}, "\n".join([*rung, _told(seen)]), as_json=as_json)
    return 1 if seen.standing or rung else 0


def _told(seen: "Watched") -> str:
    new = {(alarm.kind, alarm.subject) for alarm in seen.raised}
    rows = [(plan.plan, str(plan.state), _when(plan)) for plan in seen.plans]
    lines = [table(("plan", "state", "last good snapshot"), rows)]
    lines += [
        f"{'NEW ' if (alarm.kind, alarm.subject) in new else ''}ALARM {alarm.kind}: {alarm.text}"
        for alarm in seen.standing
    ]
    lines += [f"Over: {alarm.text}" for alarm in seen.cleared]
    return "\n".join(lines)


def _when(plan: "PlanFreshness") -> str:
    return f"{plan.last_ok:%Y-%m-%d %H:%M} UTC" if plan.last_ok else "none"


def _data(seen: "Watched") -> dict[str, object]:
    return {
        "plans": [
            {
                "plan": plan.plan,
                "state": str(plan.state),
                "last_ok": plan.last_ok.isoformat() if plan.last_ok else None,
                "age_seconds": round(plan.age.total_seconds()) if plan.age is not None else None,
                "rpo_seconds": round(plan.rpo.total_seconds()),
            }
            for plan in seen.plans
        ],
        "standing": [_alarm(alarm) for alarm in seen.standing],
        "raised": [_alarm(alarm) for alarm in seen.raised],
        "cleared": [_alarm(alarm) for alarm in seen.cleared],
    }


def _alarm(alarm: "Alarm") -> dict[str, str]:
    return {"kind": alarm.kind, "subject": alarm.subject, "text": alarm.text}
