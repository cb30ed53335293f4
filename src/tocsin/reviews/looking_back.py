"""What the journal and the ledgers say of an incident, for its review: times, waiting, faults, changes. No blame.

People are named by their role where a role was asked; who was slow is not the question, what they waited for is.
Targets of our own are defaults and said to be that; the law's deadlines are the duties' own clocks.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from tocsin.context import Context
from tocsin.incidents.story import story_facts
from tocsin.practices import overdue_at
from tocsin.runbook.pinned import pinned_playbook
from tocsin.situation import DutyRow, Situation, decisions_of, duties_of, situation_of
from tocsin.store.tables import alarm, incident, page, run, step

OWN_TARGETS = {"detect": timedelta(hours=24), "declare": timedelta(hours=1), "contain": timedelta(hours=4)}
"""Our defaults, no law: noticed within a day, declared within an hour, stopped within four."""
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Span:
    """How long one part took, in minutes, against a target where there is one. `of_law` tells whose target."""

    name: str
    words: str
    minutes: int | None
    target_minutes: int | None
    of_law: bool

    @property
    def missed(self) -> bool | None:
        """Whether it took longer than the target; None where that cannot be said."""
        if self.minutes is None or self.target_minutes is None:
            return None
        return self.minutes > self.target_minutes


@dataclass(frozen=True, slots=True)
class Waited:
    """One step that waited for a person: which, for which role, how long; `handed_over`: to the deputy too."""

    step: str
    whom: str
    minutes: int
    handed_over: bool
    still: bool


@dataclass(frozen=True, slots=True)
class LookedBack:
    """All of it, as plain as the page shows it."""

    timeline: tuple[dict[str, object], ...]
    spans: tuple[Span, ...]
    waited: tuple[Waited, ...]
    faults: tuple[str, ...]
    changed: tuple[str, ...]
    unanswered: tuple[str, ...]
    overdue_then: tuple[str, ...]


def look_back(ctx: Context, incident_id: str) -> LookedBack:
    """Return what is known of an incident now. Raises Refused for one that is not the reader's to know."""
    now = ctx.clock.now()
    told = story_facts(ctx, incident_id)
    lines = told["lines"]
    with ctx.store.read() as connection:
        found = situation_of(connection, ctx.workspace, incident_id)
        late = overdue_at(connection, ctx.workspace, found.first_alert_at)
        return LookedBack(
            timeline=tuple(lines) if isinstance(lines, list) else (),
            spans=_spans(ctx, connection, found),
            waited=_waited(connection, incident_id, now),
            faults=_faults(connection, incident_id),
            changed=_changed(found),
            unanswered=_unanswered(connection, incident_id),
            overdue_then=tuple(dict.fromkeys(each.practice.title for each in late)),
        )


def _spans(ctx: Context, connection: Connection, found: Situation) -> tuple[Span, ...]:
    row = connection.execute(select(incident).where(incident.c.id == found.incident)).one()
    occurred = found.facts().get("occurred")
    began = (
        datetime.fromisoformat(str(occurred["from"]))
        if isinstance(occurred, dict) and "from" in occurred
        else None
    )
    duties = duties_of(connection, found.incident)
    stood = [each.stood_at for each in decisions_of(connection, found.incident) if each.stands]
    law = _first_deadline(duties, found)
    plans = ctx.workspace.plans_for(system.id for system in found.radius.systems)
    rto = max((plan.rto for plan in plans), default=None)
    alert, aware = found.first_alert_at, found.aware_at
    back = "from the first alert until data and service were back"
    decided = "from when it was certain to the first decision"
    return (
        _span("detect", "from when it began to the first alert", began, alert),
        _span("declare", "from the first alert to the declaration", alert, row.declared_at),
        _span("contain", "from the first alert until it went no further", alert, row.contained_at),
        _span("recover", back, alert, row.recovered_at, rto),
        _span("decide", decided, aware, min(stood, default=None), law, of_law=True),
        *(_told(each, found) for each in duties if each.told_at and not each.voluntary),
    )


def _first_deadline(duties: Iterable[DutyRow], found: Situation) -> timedelta | None:
    clocks = [each.clock(found.aware_at, found.first_alert_at) for each in duties]
    if found.aware_at is None:
        return None
    dues = [clock.due - found.aware_at for clock in clocks if clock is not None]
    return min(dues, default=None)


def _told(duty: DutyRow, found: Situation) -> Span:
    clock = duty.clock(found.aware_at, found.first_alert_at)
    start = found.aware_at or found.first_alert_at
    target = clock.due - start if clock else None
    return _span(f"tell {duty.key}", f"until {duty.addressee} was told", start, duty.told_at, target, of_law=True)


def _span(
    name: str,
    words: str,
    start: datetime | None,
    end: datetime | None,
    target: timedelta | None = None,
    *,
    of_law: bool = False,
) -> Span:
    target = target or OWN_TARGETS.get(name)
    minutes = None if start is None or end is None or end < start else round((end - start).total_seconds() / 60)
    return Span(name, words, minutes, None if target is None else round(target.total_seconds() / 60), of_law)


def _waited(connection: Connection, incident_id: str, now: datetime) -> tuple[Waited, ...]:
    """Return what waited for a person, the longest first."""
    query = (
        select(step, run.c.text, run.c.playbook)
        .join_from(run, step, step.c.run == run.c.id)
        .where(run.c.incident == incident_id, step.c.waiting_since.is_not(None), step.c.state != "skipped")
    )
    found = []
    for row in connection.execute(query):
        known = {each.id: each for each in pinned_playbook(row.text, row.playbook).steps}.get(row.step)
        # A step that ended without an answer (its run was ended) has no more waiting to tell of.
        end = row.finished_at or now
        minutes = max(round((end - row.waiting_since).total_seconds() / 60), 0)
        whom = str(known.assign) if known and known.assign else "anybody"
        heading = known.heading if known else row.key
        found.append(Waited(heading, whom, minutes, row.handed_over_at is not None, row.finished_at is None))
    return tuple(sorted(found, key=lambda each: -each.minutes))


def _faults(connection: Connection, incident_id: str) -> tuple[str, ...]:
    """Return the steps that failed, were left in doubt or overridden, and decisions below a proposal."""
    rows = connection.execute(
        select(step, run.c.text, run.c.playbook)
        .join_from(run, step, step.c.run == run.c.id)
        .where(run.c.incident == incident_id)
        .order_by(run.c.started_at, step.c.position)
    ).all()
    said = []
    for row in rows:
        if row.state == "failed":
            said.append(f"{row.key} failed.")
        elif row.state == "unknown":
            said.append(f"Nobody knows whether {row.key} happened.")
        elif row.error:
            said.append(f"{row.key} went wrong first and then came to {row.state}.")
        if row.retries:
            said.append(f"{row.key} was tried {row.retries + 1} times.")
        if row.resolved_by and row.state in ("failed", "skipped"):
            said.append(f"A person overrode {row.key}: {row.state}.")
    said += [
        f"The duty {each.duty} was proposed and decided against, by two people, with a reason."
        for each in decisions_of(connection, incident_id)
        if each.stands and each.proposed == "yes" and each.decided == "no"
    ]
    return tuple(said)


def _changed(found: Situation) -> tuple[str, ...]:
    """Return the facts that were stated differently later on."""
    stated: dict[tuple[str, str], list[str]] = {}
    for version in found.versions:
        stated.setdefault((version.path, version.controller), []).append(_value(version.value))
    said = []
    for (path, controller), values in stated.items():
        different = [value for number, value in enumerate(values) if not number or value != values[number - 1]]
        if len(different) > 1:
            whose = f" (for {controller})" if controller else ""
            said.append(f"{path}{whose}: {', then '.join(different)}.")
    return tuple(said)


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _unanswered(connection: Connection, incident_id: str) -> tuple[str, ...]:
    """Return what was rung and nobody took up: deadline alarms by duty, pages by how far they had to climb."""
    rows = connection.execute(
        select(alarm.c.duty).where(alarm.c.incident == incident_id, alarm.c.acknowledged_at.is_(None))
    )
    said = [
        f"{count} alarm{'' if count == 1 else 's'} of {duty} that nobody acknowledged."
        for duty, count in Counter(row.duty or "a deadline" for row in rows).items()
    ]
    for row in connection.execute(select(page).where(page.c.incident == incident_id)):
        if row.acknowledged_at is None:
            said.append(f"The page for the {row.role} was never acknowledged; it went as far as {row.level}.")
        elif row.level != "role":
            hours = round((row.acknowledged_at - row.raised_at).total_seconds() / _HOUR, 1)
            said.append(f"The page for the {row.role} was acknowledged after {hours} hours, at the {row.level}.")
    return tuple(said)
