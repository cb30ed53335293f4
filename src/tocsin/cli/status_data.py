"""The picture as plain data, for `tocsin status --json`: times in UTC, spans in seconds."""

from datetime import datetime, timedelta
from typing import Any

from tocsin.tonight import Countdown, DrillState, OpenIncident, Picture, PlanState, Waiting

Data = dict[str, Any]


def data_of(picture: Picture) -> Data:
    """Return the whole picture, section by section as `status_page.Page` shows it."""
    return {
        "at": _iso(picture.at),
        "troubles": list(picture.troubles()),
        "incidents": [_incident(one) for one in picture.incidents],
        "need_to_know": list(picture.need_to_know),
        "unknown": [
            {"what": one.what, "subject": one.subject, "since": _iso(one.since)} for one in picture.unknown
        ],
        "waiting": [_waiting(one) for one in picture.waiting],
        "alarms": [
            {"kind": one.kind, "subject": one.subject, "text": one.text, "raised_at": _iso(one.raised_at)}
            for one in picture.alarms
        ],
        "overdue_actions": [
            {"action": one.id, "due_on": one.due_on.isoformat(), "owner": one.owner, "from": one.came_from}
            for one in picture.owed
        ],
        "distrusted_channels": [
            {"channel": one.channel, "since": _iso(one.since), "by": one.by} for one in picture.distrusted
        ],
        "backups": [_plan(plan) for plan in picture.plans],
        "paused": _paused(picture),
        "holds": [{"incident": hold.incident, "snapshots": hold.snapshots} for hold in picture.holds],
        "doubted": [
            {
                "plan": one.plan,
                "since": _iso(one.since),
                "signs": list(one.signs),
                "retention_stopped": one.retention_stopped,
            }
            for one in picture.doubted
        ],
        "append_only": [
            {"repository": one.repository, "verdict": one.verdict, "at": _iso(one.at), "owed": one.is_owed}
            for one in picture.append_only
        ],
        "drills": [_drill(drill) for drill in picture.drills],
        "proven": [
            {
                "system": one.system,
                "rung": one.proven.rung and str(one.proven.rung),
                "at": _iso(one.proven.at),
                "by": one.proven.by or None,
            }
            for one in picture.proven
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
        "journal": _journal(picture),
    }


def _incident(one: OpenIncident) -> Data:
    return {
        "id": one.id,
        "title": one.title,
        "state": one.state,
        "cause": one.cause,
        "systems": list(one.systems),
        "first_alert_at": _iso(one.first_alert_at),
        "aware_at": _iso(one.aware_at),
        "clocks": [_clock(clock) for clock in one.clocks],
    }


def _clock(clock: Countdown) -> Data:
    return {
        "who": clock.who,
        "hours": clock.hours,
        "due": _iso(clock.due),
        "left_seconds": int(clock.left.total_seconds()),
        "from": "awareness" if clock.legal else "first alert",
        "overdue": clock.overdue,
        "settled": clock.settled,
    }


def _waiting(one: Waiting) -> Data:
    return {
        "run": one.run,
        "playbook": one.playbook,
        "incident": one.incident,
        "step": one.step,
        "kind": one.kind,
        "question": one.question,
        "who": one.who,
    }


def _plan(plan: PlanState) -> Data:
    return {
        "plan": plan.freshness.plan,
        "state": plan.freshness.state.value,
        "age_seconds": _seconds(plan.freshness.age),
        "rpo_seconds": _seconds(plan.freshness.rpo),
        "last_good_at": _iso(plan.freshness.last_ok),
        "snapshot": plan.snapshot,
        "dump": plan.freshness.series or None,
    }


def _paused(picture: Picture) -> Data | None:
    if (pause := picture.paused) is None:
        return None
    return {"since": _iso(pause.since), "by": pause.by, "reason": pause.reason}


def _drill(drill: DrillState) -> Data:
    return {
        "drill": drill.drill,
        "backup_plan": drill.backup_plan,
        "last": {"verdict": drill.last.verdict, "at": _iso(drill.last.started_at)} if drill.last else None,
        "proved": {"verdict": drill.proved.verdict, "at": _iso(drill.proved.started_at)} if drill.proved else None,
        "overdue_since": _iso(drill.overdue_since),
        "next_due": _iso(drill.next_due),
    }


def _journal(picture: Picture) -> Data | None:
    if picture.journal is None:
        return None
    seq, at = picture.journal
    return {"seq": seq, "at": _iso(at), "signed_up_to": picture.signed_up_to}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())
