"""`tocsin watch`: ring for deadlines that come near, judge how fresh the backups are, raise alarms."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.cli.output import common_options, emit, table
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from tocsin.alarms import Alarm
    from tocsin.backups import PlanFreshness, Watched


@click.command(epilog="Example: tocsin watch")
@common_options
def command(workspace_folder: Path | None, as_json: bool) -> int:
    """Ring for deadlines that come near, judge how fresh the backups are, and raise alarms.

    Each repository is asked once and compared with our own ledger: a snapshot that is gone, changed, damaged,
    dated in the future or not ours is an alarm, and so is a plan that is late. Exit code 1 while an alarm stands.
    Notices that the mail server put off are tried again, and lists of readers are forgotten when their time is up.
    """
    from tocsin.actions import go_action_round
    from tocsin.alarms import deliver
    from tocsin.backups import watch
    from tocsin.drills import watch_drills
    from tocsin.exercises import watch_exercises
    from tocsin.incidents import raise_due_alarms
    from tocsin.incidents.mail_round import go_mail_round
    from tocsin.practices import go_practice_round
    from tocsin.readiness import keep_week_if_due
    from tocsin.webhooks import tell_webhooks
    from tocsin.wiring import open_context

    with open_context(workspace_folder) as ctx:
        if ctx.workspace.exercise:
            raise UsageError("An exercise has no watch: see tocsin drill exercise status. Nothing was done.")
        rung = [alarm.text for alarm in raise_due_alarms(ctx)]
        seen = watch(ctx)
        owed = [*(one.text for one in watch_drills(ctx)), *watch_exercises(ctx)]
        prevention = go_practice_round(ctx)
        go_action_round(ctx)
        keep_week_if_due(ctx)
        deliver(ctx)
        tell_webhooks(ctx)
        mail = go_mail_round(ctx)
        ctx.store.sign_head(ctx.actor)
    text = "\n".join([*rung, _told(seen), *_alarmed(owed), *prevention.sentences, *mail.sentences])
    emit(
        {
            **_data(seen),
            "deadlines": rung,
            "drills": owed,
            "practices": list(prevention.sentences),
            "notices": list(mail.sentences),
        },
        text,
        as_json=as_json,
    )
    return 1 if seen.standing or rung or owed else 0


def _alarmed(owed: list[str]) -> list[str]:
    return [f"ALARM {one}" for one in owed]


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
    taken = f"{plan.last_ok:%Y-%m-%d %H:%M} UTC" if plan.last_ok else "none"
    return f"{taken} (dump {plan.series})" if plan.series else taken


def _data(seen: "Watched") -> dict[str, object]:
    return {
        "plans": [
            {
                "plan": plan.plan,
                "state": str(plan.state),
                "dump": plan.series or None,
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
