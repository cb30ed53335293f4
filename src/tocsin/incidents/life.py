"""The life of an incident after it was declared: contained, recovered, reviewed, closed; or never a breach.

    suspected → confirmed → contained → recovered → reviewed → closed
        └──→ near_miss | not_a_breach ───────────────────────────┘

Each step is a moment that somebody names, with the reason where there is one, and the end has guards: what keeps
an incident open is told with the command that resolves it.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, func, select, update

from tocsin.context import Context
from tocsin.errors import Refused, UsageError
from tocsin.incidents.open_row import open_row
from tocsin.incidents.paging import end_pages_in
from tocsin.law.clocks import show_utc
from tocsin.runbook.containment import contained
from tocsin.situation import Decided, deciders, decisions_of, duties_of, situation_of
from tocsin.situation.decisions import decide_outcome_in
from tocsin.situation.duties import OUTCOMES
from tocsin.situation.owing import screened, unanswered
from tocsin.store.database import Transaction
from tocsin.store.tables import delivery, incident, notice, review, run, step

_MOMENTS = ("contained", "recovered", "reviewed")
_ENDS = ("reviewed", *OUTCOMES)
_PROFILE_KEYS = {
    "profile.regulated_as": "organisation.regulated_as",
    "profile.small": "organisation.size",
    "profile.policies": "organisation.insurance",
    "profile.clients": "clients",
}


@dataclass(frozen=True, slots=True)
class Closing:
    """What the register keeps of the end (UK GDPR Art 33(5)): effects on people, and what was put right."""

    effects: str = ""
    remedy: str = ""


def reach(ctx: Context, incident_id: str, moment: str, at: datetime | None = None, reason: str = "") -> None:
    """Say that an incident was contained, recovered or reviewed, in that order. Raises UsageError out of order."""
    _must_be_ours(ctx)
    when = at or ctx.clock.now()
    if when > ctx.clock.now():
        raise UsageError(f"{show_utc(when)} lies in the future. Nothing was recorded.")
    with ctx.store.write(ctx.actor) as tx:
        row = open_row(tx, incident_id)
        before = _MOMENTS[: _MOMENTS.index(moment)]
        if missing := [name for name in before if getattr(row, f"{name}_at") is None]:
            raise UsageError(
                f"{incident_id} was not {missing[0]} yet, so it cannot be {moment}. Nothing was recorded. Say "
                f"that first: tocsin incident {missing[0]} {incident_id}"
            )
        earlier = max((getattr(row, f"{name}_at") for name in before), default=row.first_alert_at)
        if moment == "reviewed":
            _must_be_signed(tx, incident_id)
        if when < earlier:
            raise UsageError(
                f"{show_utc(when)} is before {show_utc(earlier)}, when it began. Nothing was recorded."
            )
        # Before it is certain, stopping it changes nothing about what it may turn out to be.
        state = row.state if row.state in ("suspected", *OUTCOMES) else moment
        this = update(incident).where(incident.c.id == incident_id)
        tx.execute(this.values({f"{moment}_at": when, "state": state}))
        private = {"reason": reason.strip()} if reason.strip() else None
        tx.record(f"incident.{moment}", f"incident:{incident_id}", {"at": show_utc(when), "state": state}, private)
    ctx.crash.reach(f"incident:{moment}")


def _must_be_signed(tx: Transaction, incident_id: str) -> None:
    """Raise Refused unless the incident's review is signed off."""
    row = tx.execute(select(review.c.signed_at).where(review.c.incident == incident_id)).one_or_none()
    if row is None or row.signed_at is None:
        how = "--open" if row is None else "--sign"
        raise Refused(
            f"{incident_id} has no signed review, so it is not reviewed yet. Nothing was recorded. "
            f"{'Open it' if row is None else 'Sign it off'}: tocsin incident review {incident_id} {how}"
        )


def call_it(ctx: Context, incident_id: str, outcome: str, reason: str) -> Decided:
    """Decide that it was a near miss or no breach; below the proposal a second person has to agree."""
    with ctx.store.write(ctx.actor) as tx:
        open_row(tx, incident_id)
        return decide_outcome_in(tx, ctx.workspace, incident_id, outcome, reason)


def close(ctx: Context, incident_id: str, said: Closing) -> None:
    """Close an incident for good. Raises Refused with all that stands in the way; nothing is changed then."""
    if ctx.actor.person not in deciders(ctx.workspace):
        raise Refused(
            f"{ctx.actor.person} may not close an incident. It waits for {' or '.join(deciders(ctx.workspace))}."
        )
    with ctx.store.write(ctx.actor) as tx:
        row = open_row(tx, incident_id)
        effects, remedy = said.effects.strip() or row.effects, said.remedy.strip() or row.remedy
        obstacles = list(obstacles_to_closing(ctx, tx, row))
        if row.state not in OUTCOMES and not (effects and remedy):
            obstacles.append(
                "its entry in the register is not written: "
                f"tocsin incident close {incident_id} --effects TEXT --remedy TEXT"
            )
        if obstacles:
            raise Refused(
                f"{incident_id} cannot be closed yet; nothing was changed.\n"
                + "\n".join(f"- {each}" for each in obstacles)
            )
        tx.execute(
            update(incident)
            .where(incident.c.id == incident_id)
            .values(state="closed", closed_at=tx.now, effects=effects, remedy=remedy)
        )
        end_pages_in(tx, incident_id)
        private = {"effects": effects, "remedy": remedy}
        tx.record(
            "incident.closed",
            f"incident:{incident_id}",
            {"was": row.state},
            {word: text for word, text in private.items() if text} or None,
        )
    ctx.crash.reach("incident:closed")
    ctx.store.sign_head(ctx.actor)


def obstacles_to_closing(ctx: Context, tx: Transaction, row: Row[tuple[object, ...]]) -> tuple[str, ...]:
    """Return in words everything that keeps an incident open."""
    found = []
    if row.state not in _ENDS:
        found.append(f"it is {row.state}: it ends reviewed, or as a near miss or no breach: {_next_word(row)}")
    found += [
        f"the duty {duty.key} is {duty.state}: tocsin incident discharge {row.id} {duty.key} --how TEXT, "
        f"or tocsin incident decide {row.id} {duty.key} no --reason TEXT"
        for duty in duties_of(tx.connection, row.id)
        if duty.must_be_settled
    ]
    found += [
        f"the decision on {each.duty} waits for a second person: {_second(row.id, each.duty)}"
        for each in decisions_of(tx.connection, row.id)
        if each.is_pending
    ]
    runs = tx.execute(select(run.c.id).where(run.c.incident == row.id, run.c.state == "open")).scalars()
    found += [
        f"the run {each} is open: tocsin run show {each}, or tocsin run end {each} --reason TEXT" for each in runs
    ]
    found += [
        f"what {each.step} of {each.run} did is still in force: tocsin run undo {each.run} {each.step} "
        f"--reason TEXT, or for good: tocsin run keep {each.run} {each.step} --reason TEXT"
        for each in contained(tx.connection, incident=row.id)
    ]
    found += _unknown(tx, row.id)
    if row.state not in OUTCOMES:
        situation = situation_of(tx.connection, ctx.workspace, row.id)
        asked = unanswered(screened(situation, ctx.workspace, tx.now.date()))
        if keys := sorted({_PROFILE_KEYS.get(each, each) for each in asked}):
            found.append(f"which regimes apply is open: say {', '.join(keys)} in tocsin.yaml")
    return tuple(found)


def _next_word(row: Row[tuple[object, ...]]) -> str:
    if row.aware_at is None and row.state == "suspected":
        return f"tocsin incident confirm {row.id} --at TIME, near-miss {row.id} or not-a-breach {row.id}"
    reached = [name for name in _MOMENTS if getattr(row, f"{name}_at") is None]
    word = {"reviewed": "review"}.get(reached[0], reached[0]) if reached else "confirm"
    return f"tocsin incident {word} {row.id}"


def _second(incident_id: str, name: str) -> str:
    if name in OUTCOMES:
        return f"tocsin incident {name.replace('_', '-')} {incident_id} --second"
    return f"tocsin incident decide {incident_id} {name} --second"


def _unknown(tx: Transaction, incident_id: str) -> list[str]:
    steps = tx.execute(
        select(run.c.id, step.c.key)
        .join_from(run, step, step.c.run == run.c.id)
        .where(run.c.incident == incident_id, step.c.state == "unknown")
    ).all()
    unsure = tx.execute(
        select(func.count())
        .select_from(delivery.join(notice, notice.c.id == delivery.c.notice))
        .where(notice.c.incident == incident_id, delivery.c.state.in_(("unknown", "trying")))
    ).scalar_one()
    found = [
        f"nobody knows whether the step {row.key} of {row.id} happened: look, then say so: "
        f"tocsin run resolve {row.id} {row.key} --happened, or --did-not-happen"
        for row in steps
    ]
    return found + ([f"nobody knows whether {unsure} mails arrived: tocsin notice list"] if unsure else [])


def _must_be_ours(ctx: Context) -> None:
    if ctx.actor.person not in ctx.workspace.people:
        raise Refused(
            f"{ctx.actor.person} is nobody in the workspace, so nothing was recorded. Put their system user as "
            "`login:` beside a person in tocsin.yaml."
        )
