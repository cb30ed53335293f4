"""Deciding on a duty: one rule, whichever door the decision comes through.

    as proposed                         the person's name is enough
    beyond it (to tell where no or an open answer is proposed)   a written reason
    below it (not to tell although the facts propose it, or leave it open)   a reason and a second person

The person must be a data protection lead, a commander or a deputy of one. Until the second person agrees the
decision does not stand, and the clocks and alarms of the duty go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, update

from tocsin.context import Context
from tocsin.errors import Refused, UsageError
from tocsin.model.roles import who_may
from tocsin.model.vocabulary import PersonRole
from tocsin.model.workspace import Workspace
from tocsin.situation.duties import (
    OUTCOMES,
    Decision,
    DutyRow,
    decisions_of,
    duties_of,
    matching,
    pending_on,
)
from tocsin.situation.owing import CORE, Owed, owed_now
from tocsin.situation.reading import STRENGTH, situation_of
from tocsin.situation.reconciling import reconcile_in, strongest
from tocsin.store.database import Transaction
from tocsin.store.tables import decision

DECIDING = (PersonRole.DPO, PersonRole.COMMANDER)
YES_NO = ("yes", "no")


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of deciding: `stands` is false while one of `seconds` has yet to agree."""

    duty: str
    proposed: str
    decided: str
    decided_by: str
    decided_at: datetime
    stands: bool
    seconds: tuple[str, ...] = ()


def deciders(workspace: Workspace) -> tuple[str, ...]:
    """Return the ids of those who may decide: data protection leads, commanders, and their deputies."""
    holders = [person.id for role in DECIDING for person in workspace.people_with(role)]
    deputies = [deputy.id for holder in holders if (deputy := workspace.deputy_of(holder))]
    return tuple(dict.fromkeys([*holders, *deputies]))


def is_below(proposed: str, decided: str, toward: str) -> bool:
    """Tell whether a decision asks for less than the proposal.

    Where a further regime is open only because a person has to judge, judging it is no departure.
    """
    if decided != "no" or proposed == "no":
        return False
    return proposed == "yes" or toward in CORE or toward in OUTCOMES


def decide(ctx: Context, incident_id: str, name: str, decided: str, reason: str | None = None) -> Decided:
    """Take a decision on the duty or duties a person means by `name`, in a transaction of its own."""
    with ctx.store.write(ctx.actor) as tx:
        taken = decide_in(tx, ctx.workspace, incident_id, name, decided, reason)
    ctx.crash.reach("duty:decided")
    return taken


def decide_in(
    tx: Transaction, workspace: Workspace, incident_id: str, name: str, decided: str, reason: str | None
) -> Decided:
    """Take the decision. Raises UsageError for a missing reason, Refused for a person who may not decide."""
    _must_decide(workspace, tx.actor.person)
    if decided not in YES_NO:
        raise UsageError(f"A decision is yes or no, not {decided!r}. Nothing was recorded.")
    name, toward, proposed = _meant(tx, workspace, incident_id, name)
    return _enter(tx, workspace, incident_id, _Wish(name, toward, proposed, decided, reason))


def decide_outcome_in(
    tx: Transaction, workspace: Workspace, incident_id: str, outcome: str, reason: str
) -> Decided:
    """Decide that an incident was a near miss or no breach: below the proposal while any duty may be owed."""
    _must_decide(workspace, tx.actor.person)
    if not reason.strip():
        raise UsageError("Say why (--reason TEXT): the register keeps it. Nothing was recorded.")
    proposed = strongest(_owed(tx, workspace, incident_id))
    return _enter(tx, workspace, incident_id, _Wish(outcome, outcome, proposed, "no", reason))


def agree(ctx: Context, incident_id: str, name: str) -> Decided:
    """Agree, as the second person, to a decision below the proposal; from then on it stands."""
    with ctx.store.write(ctx.actor) as tx:
        agreed = agree_in(tx, ctx.workspace, incident_id, name)
    ctx.crash.reach("duty:agreed")
    return agreed


def agree_in(tx: Transaction, workspace: Workspace, incident_id: str, name: str) -> Decided:
    """Do the same in the caller's transaction.

    Raises UsageError when no decision waits, Refused for the same person again, for one who may not decide, and
    when the facts propose more by now than when the first person decided.
    """
    person = tx.actor.person
    _must_decide(workspace, person)
    waits = pending_on(decisions_of(tx.connection, incident_id), *_names(tx, workspace, incident_id, name))
    if waits is None:
        raise UsageError(f"No decision on {name} waits for a second person in {incident_id}.")
    if waits.decided_by == person:
        raise Refused(
            f"{person} took this decision and cannot be the second person too. It waits for "
            f"{_or(seconds_for(workspace, person))}."
        )
    now = _proposed_now(tx, workspace, incident_id, waits.duty)
    if STRENGTH[now] > STRENGTH[waits.proposed]:
        raise Refused(
            f"The facts have changed since {waits.decided_by} decided: the proposal was {waits.proposed} and is "
            f"{now} now. Nothing was recorded. Decide again: tocsin incident decide {incident_id} {waits.duty}."
        )
    _supersede(tx, incident_id, waits.duty, but=waits.id)
    tx.execute(update(decision).where(decision.c.id == waits.id).values(second_by=person, second_at=tx.now))
    tx.record(
        "duty.agreed",
        f"incident:{incident_id}",
        {"duty": waits.duty, "decided": waits.decided, "first": waits.decided_by},
    )
    reconcile_in(tx, workspace, incident_id)
    return Decided(waits.duty, waits.proposed, waits.decided, waits.decided_by, waits.decided_at, stands=True)


def seconds_for(workspace: Workspace, person: str) -> tuple[str, ...]:
    """Return who can be the second person beside `person`."""
    return tuple(each for each in deciders(workspace) if each != person)


def waiting_decision(decisions: Sequence[Decision], duty: DutyRow) -> Decision | None:
    """Return the decision on this duty that waits for a second person."""
    return pending_on(decisions, *duty.names)


@dataclass(frozen=True, slots=True)
class _Wish:
    name: str
    toward: str
    proposed: str
    decided: str
    reason: str | None


def _enter(tx: Transaction, workspace: Workspace, incident_id: str, wish: _Wish) -> Decided:
    reason = (wish.reason or "").strip()
    below = is_below(wish.proposed, wish.decided, wish.toward)
    if wish.decided != wish.proposed and not reason:
        raise UsageError(
            f"The proposal is {wish.proposed}; deciding {wish.decided} needs a written reason (--reason TEXT). "
            "Nothing was recorded."
        )
    seconds = seconds_for(workspace, tx.actor.person)
    if below and not seconds:
        raise Refused(
            f"Deciding {wish.decided} goes below the proposal and needs a second person, and there is none: give "
            "another person the role dpo or commander, or a deputy, in tocsin.yaml. Nothing was recorded."
        )
    _supersede(tx, incident_id, wish.name, pending_only=below)
    identity = tx.new_id()
    tx.execute(
        insert(decision).values(
            id=identity,
            incident=incident_id,
            duty=wish.name,
            proposed=wish.proposed,
            decided=wish.decided,
            decided_by=tx.actor.person,
            decided_at=tx.now,
            reason=reason or "as proposed",
            second_asked_at=tx.now if below else None,
        )
    )
    tx.record(
        "duty.proposed_below" if below else "duty.decided",
        f"incident:{incident_id}",
        {"duty": wish.name, "proposed": wish.proposed, "decided": wish.decided},
        {"reason": reason} if reason else None,
    )
    reconcile_in(tx, workspace, incident_id)
    return Decided(
        wish.name, wish.proposed, wish.decided, tx.actor.person, tx.now, not below, seconds if below else ()
    )


def _supersede(tx: Transaction, incident_id: str, name: str, *, but: str = "", pending_only: bool = False) -> None:
    """Let go of earlier decisions on the same duty: the newest that stands is the one that counts."""
    names = OUTCOMES if name in OUTCOMES else (name,)
    earlier = (
        (decision.c.incident == incident_id)
        & decision.c.duty.in_(names)
        & decision.c.withdrawn_at.is_(None)
        & (decision.c.id != but)
    )
    if pending_only:
        earlier &= decision.c.second_asked_at.is_not(None) & decision.c.second_at.is_(None)
    tx.execute(update(decision).where(earlier).values(withdrawn_at=tx.now))


def _meant(tx: Transaction, workspace: Workspace, incident_id: str, name: str) -> tuple[str, str, str]:
    """Return the name to keep, what it is toward, and the strongest proposal among the duties meant."""
    owed = _owed(tx, workspace, incident_id)
    if name in owed:
        return name, owed[name].toward, owed[name].required
    rows = {row.key: row for row in duties_of(tx.connection, incident_id)}
    known: list[Owed | DutyRow] = [*owed.values(), *(row for row in rows.values() if row.key not in owed)]
    current = [each for each in matching(known, name) if isinstance(each, Owed)]
    if not current:
        raise UsageError(f"Nothing is owed under {name!r} any more; there is nothing to decide.")
    proposed = max((each.required for each in current), key=STRENGTH.__getitem__)
    kept = current[0].key if len(current) == 1 else current[0].toward
    return kept, current[0].toward, proposed


def _names(tx: Transaction, workspace: Workspace, incident_id: str, name: str) -> tuple[str, ...]:
    if name in OUTCOMES:
        return OUTCOMES
    return (name, _meant(tx, workspace, incident_id, name)[0])


def _proposed_now(tx: Transaction, workspace: Workspace, incident_id: str, name: str) -> str:
    if name in OUTCOMES:
        return strongest(_owed(tx, workspace, incident_id))
    return _meant(tx, workspace, incident_id, name)[2]


def _owed(tx: Transaction, workspace: Workspace, incident_id: str) -> dict[str, Owed]:
    found = situation_of(tx.connection, workspace, incident_id)
    return {each.key: each for each in owed_now(found, workspace, tx.now.date())}


def _must_decide(workspace: Workspace, person: str) -> None:
    if person not in deciders(workspace):
        able = " or ".join(who_may(workspace, role) for role in DECIDING if workspace.people_with(role))
        raise Refused(
            f"{person} may not decide on a duty. It waits for {able or 'somebody: give a person the role dpo'}. "
            "Nothing was recorded."
        )


def _or(people: Sequence[str]) -> str:
    return " or ".join(people) or "nobody: name a second person with the role dpo or commander in tocsin.yaml"
