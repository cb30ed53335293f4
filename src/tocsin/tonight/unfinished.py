"""What is not finished: steps that wait for a person, outcomes nobody knows, operations under way, alarms.

Nothing is written: an operation whose process is gone is shown as unknown here, and turned to it by the next
command that touches the same thing.
"""

import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

import yaml
from sqlalchemy import Connection, exists, select

from tocsin.model.roles import who_may
from tocsin.model.workspace import Workspace
from tocsin.store.need_to_know import hidden_incidents, hidden_subjects
from tocsin.store.operations import is_alive
from tocsin.store.tables import alarm, delivery, notice, operation, recipient, run, step

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # written in C where the platform has it
# A delivery that has been trying for longer than any mail server takes was cut off.
_TRYING_AT_MOST = timedelta(minutes=10)
# Told in the list of backups already.
_TOLD_ELSEWHERE = ("backup.late", "backup.never")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step of an open run that waits: `kind` says what is wanted, `who` of whom ('' means anybody)."""

    run: str
    playbook: str
    incident: str | None
    step: str
    kind: str
    question: str
    who: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that may or may not have happened. `what` is `backup`, `drill`, `step`, `delivery`…"""

    what: str
    subject: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Running:
    """An operation that runs now, here or on another machine."""

    what: str
    subject: str
    since: datetime
    actor: str
    host: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An alarm that stands: its text holds ids and times alone."""

    kind: str
    subject: str
    text: str
    raised_at: datetime


def waiting_steps(connection: Connection, workspace: Workspace) -> tuple[Waiting, ...]:
    """Return the steps of open runs that wait for a person, the failed ones first, oldest run first."""
    hidden = hidden_incidents(connection)
    found = connection.execute(
        select(
            run.c.id,
            run.c.playbook,
            run.c.incident,
            step.c.key,
            step.c.step,
            step.c.state,
            step.c.asked,
            step.c.error,
        )
        .join_from(run, step, step.c.run == run.c.id)
        .where(run.c.state == "open", step.c.state.in_(("waiting", "failed")))
        .order_by(step.c.state, run.c.started_at, run.c.id, step.c.position, step.c.key)
    ).all()
    rows = [row for row in found if row.incident not in hidden and not _waits_by_itself(row.state, row.asked)]
    roles = _assigned_roles(connection, {row.id for row in rows if row.state == "waiting"})
    return tuple(
        Waiting(
            run=row.id,
            playbook=row.playbook,
            incident=row.incident,
            step=row.key,
            kind="failed" if row.state == "failed" else str((row.asked or {}).get("kind", "ask")),
            question=_question(row.state, row.asked, row.error),
            who=_who(workspace, row.asked, roles.get((row.id, row.step))),
        )
        for row in rows
    )


def _waits_by_itself(state: str, asked: dict[str, object] | None) -> bool:
    """Tell whether a step waits for a time, or for a run it has called: neither asks anything of a person."""
    return state == "waiting" and (asked or {}).get("kind") in ("wait", "playbook")


def _assigned_roles(connection: Connection, runs: set[str]) -> dict[tuple[str, str], str]:
    """Return which role each step of these runs is assigned to, by the text the run keeps.

    The text was checked whole when its run began. Here it is only looked up, in a tenth of the time that
    reading it as a playbook takes.
    """
    found = {}
    for row in connection.execute(select(run.c.id, run.c.text).where(run.c.id.in_(runs))):
        text = yaml.load(row.text, Loader=_LOADER)  # noqa: S506 - one of the two safe loaders
        steps = text.get("steps") if isinstance(text, dict) else None
        for one in steps if isinstance(steps, list) else ():
            if isinstance(one, dict) and one.get("assign"):
                found[row.id, str(one.get("id"))] = str(one["assign"])
    return found


def _who(workspace: Workspace, asked: dict[str, object] | None, role: str | None) -> str:
    if named := (asked or {}).get("who"):
        return str(named)
    return who_may(workspace, role) if role else ""


def _question(state: str, asked: dict[str, object] | None, error: str | None) -> str:
    if state == "failed":
        return error or "It failed."
    told = asked or {}
    return str(told.get("question") or told.get("title") or told.get("text") or "")


def operations_under_way(connection: Connection) -> tuple[tuple[Running, ...], tuple[Unknown, ...]]:
    """Return the operations that run, and those whose process is gone or whose outcome nobody knows.

    An unknown one is left out once the repository was asked about it, or the same thing was finished later.
    """
    later = operation.alias("later")
    done_since = exists().where(
        later.c.kind == operation.c.kind,
        later.c.subject == operation.c.subject,
        later.c.state == "finished",
        later.c.started_at > operation.c.started_at,
    )
    rows = connection.execute(
        select(operation)
        .where(
            (operation.c.state == "started")
            | ((operation.c.state == "unknown") & operation.c.verdict.is_(None) & ~done_since)
        )
        .order_by(operation.c.started_at)
    ).all()
    hidden = hidden_subjects(connection)
    rows = [row for row in rows if row.subject not in hidden]
    here = socket.gethostname()
    running = {row.id for row in rows if row.state == "started" and (row.host != here or is_alive(row.process))}
    return (
        tuple(Running(r.kind, r.subject, r.started_at, r.actor, r.host) for r in rows if r.id in running),
        tuple(Unknown(r.kind, r.subject, r.started_at) for r in rows if r.id not in running),
    )


def unknown_steps(connection: Connection) -> tuple[Unknown, ...]:
    """Return the steps of open runs of which nobody knows whether they happened."""
    rows = connection.execute(
        select(run.c.id, run.c.incident, step.c.key, step.c.claimed_at)
        .join_from(run, step, step.c.run == run.c.id)
        .where(run.c.state == "open", step.c.state == "unknown")
        .order_by(step.c.claimed_at)
    )
    hidden = hidden_incidents(connection)
    return tuple(
        Unknown("step", f"{row.key} of run {row.id}", row.claimed_at) for row in rows if row.incident not in hidden
    )


def unknown_deliveries(connection: Connection, now: datetime) -> tuple[Unknown, ...]:
    """Return the deliveries that may or may not have arrived; where they went stays in the notice itself."""
    rows = connection.execute(
        select(
            delivery.c.notice, delivery.c.channel, delivery.c.intended_at, notice.c.addressee, notice.c.incident
        )
        .join_from(delivery, notice, notice.c.id == delivery.c.notice)
        .where(
            (delivery.c.state == "unknown")
            | ((delivery.c.state == "trying") & (delivery.c.tried_at < now - _TRYING_AT_MOST))
        )
        .order_by(delivery.c.intended_at)
    )
    letters = connection.execute(
        select(recipient.c.notice, recipient.c.position, recipient.c.tried_at, notice.c.incident)
        .join_from(recipient, notice, notice.c.id == recipient.c.notice)
        .where(
            (recipient.c.state == "unknown")
            | ((recipient.c.state == "trying") & (recipient.c.tried_at < now - _TRYING_AT_MOST))
        )
        .order_by(recipient.c.tried_at)
    )
    hidden = hidden_incidents(connection)
    found = [
        (row.incident, f"notice {row.notice} to {row.addressee} by {row.channel}", row.intended_at) for row in rows
    ]
    found += [
        (row.incident, f"notice {row.notice}, letter number {row.position} of its list", row.tried_at)
        for row in letters
    ]
    return tuple(Unknown("delivery", about, since) for incident, about, since in found if incident not in hidden)


def standing_alarms(connection: Connection) -> tuple[Standing, ...]:
    """Return the alarms that stand, oldest first, but for those on late backups."""
    rows = connection.execute(
        select(alarm).where(alarm.c.cleared_at.is_(None)).order_by(alarm.c.raised_at, alarm.c.id)
    )
    hidden = hidden_incidents(connection)
    return tuple(
        Standing(row.kind, row.subject, row.text, row.raised_at)
        for row in rows
        if row.kind not in _TOLD_ELSEWHERE and not hidden & {row.incident, *row.subject.split(":")}
    )
