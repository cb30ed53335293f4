"""The review after an incident: opened, filled in, every proposal decided, then signed off by a named person.

open_review(ctx, INC)                       once it is recovered; again: nothing is lost, new proposals are added
say(ctx, INC, causes=..., answers=...)      the causes, and what helped, what was hard, what surprised
accept(ctx, INC, number, Accepted(...))     a proposal becomes an action
refuse(ctx, INC, number, reason)
sign(ctx, INC)                              writes the page, binds it by its hash; the incident is reviewed then
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from tocsin.actions import Proof, Wanted, kept_proof, open_in, today
from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.incidents import reach
from tocsin.incidents.open_row import known_row
from tocsin.reviews.proposing import Proposal, check_causes, propose
from tocsin.situation import deciders, situation_of
from tocsin.store.columns import storable
from tocsin.store.database import Transaction
from tocsin.store.need_to_know import must_be_theirs
from tocsin.store.tables import incident, review, review_proposal

QUESTIONS = {
    "helped": "What helped?",
    "hard": "What made it hard?",
    "surprised": "What surprised us?",
    "next_time": "What will be different next time?",
}


@dataclass(frozen=True, slots=True)
class KeptProposal:
    """One proposal and what a person decided of it."""

    number: int
    key: str
    source: str
    source_id: str
    title: str
    risk: str
    why: str
    due_days: int
    proof: Proof
    backing: tuple[str, ...]
    state: str
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None
    action: str | None


@dataclass(frozen=True, slots=True)
class Review:
    """A review as it stands."""

    incident: str
    opened_by: str
    opened_at: datetime
    causes: tuple[str, ...]
    answers: Mapping[str, str]
    signed_by: str | None
    signed_at: datetime | None
    sha256: str | None
    path: str | None
    proposals: tuple[KeptProposal, ...]

    @property
    def undecided(self) -> tuple[KeptProposal, ...]:
        """The proposals nobody has decided."""
        return tuple(each for each in self.proposals if each.state == "proposed")


@dataclass(frozen=True, slots=True)
class Accepted:
    """How a proposal becomes an action; what is left out is as proposed."""

    owner: str
    due_on: date | None = None
    title: str = ""
    proof: Proof | None = None
    deputy: str | None = None


def open_review(ctx: Context, incident_id: str) -> Review:
    """Open an incident's review, or bring the proposals of an open one up to date; nothing decided is lost."""
    _must_be_ours(ctx)
    with ctx.store.read() as connection:
        situation_of(connection, ctx.workspace, incident_id)
        found = connection.execute(select(incident).where(incident.c.id == incident_id)).one()
        kept = _row(connection, incident_id)
    if kept is not None and kept.signed_at is not None:
        raise Refused(f"The review of {incident_id} was signed by {kept.signed_by}. Nothing was changed.")
    if found.recovered_at is None and found.state not in ("near_miss", "not_a_breach", "closed"):
        raise UsageError(
            f"{incident_id} is {found.state}: it is looked back on once it is over. Say so first: tocsin incident "
            f"{'recovered' if found.contained_at else 'contained'} {incident_id}. Nothing was changed."
        )
    causes = tuple(kept.causes) if kept is not None else tuple(filter(None, (found.cause,)))
    proposed = propose(ctx, causes, incident=incident_id, at=found.first_alert_at)
    with ctx.store.write(ctx.actor) as tx:
        if _row(tx.connection, incident_id) is None:
            tx.execute(
                insert(review).values(
                    incident=incident_id,
                    opened_by=tx.actor.person,
                    opened_at=tx.now,
                    causes=list(causes),
                    answers={},
                )
            )
            tx.record("review.opened", f"incident:{incident_id}", {"causes": list(causes)})
        _add(tx, incident_id, proposed)
    ctx.store.sign_head(ctx.actor)
    return review_of(ctx, incident_id)


def review_of(ctx: Context, incident_id: str) -> Review:
    """Return an incident's review. Raises UsageError while there is none, Refused where it is not theirs."""
    with ctx.store.read() as connection:
        must_be_theirs(connection, incident_id)
        row = _row(connection, incident_id)
        if row is None:
            raise UsageError(
                f"{incident_id} has no review yet. Open it: tocsin incident review {incident_id} --open"
            )
        mine = select(review_proposal).where(review_proposal.c.incident == incident_id)
        rows = connection.execute(mine.order_by(review_proposal.c.number)).all()
    values = {name: getattr(row, name) for name in Review.__slots__ if name != "proposals"}
    values["causes"] = tuple(row.causes)
    return Review(**values, proposals=tuple(_proposal(each) for each in rows))


def say(
    ctx: Context, incident_id: str, *, causes: Iterable[str] = (), answers: Mapping[str, str] | None = None
) -> Review:
    """Say the causes (the first first, contributing ones after it) and answer questions; proposals follow."""
    _must_be_ours(ctx)
    wanted, said = check_causes(tuple(causes)), dict(answers or {})
    for word in said:
        if word not in QUESTIONS:
            raise UsageError(
                f"The review does not ask {word!r}.{did_you_mean(word, QUESTIONS)} Nothing was changed."
            )
    with ctx.store.write(ctx.actor) as tx:
        row = _open(tx, incident_id)
        values: dict[str, object] = {
            "answers": {**row.answers, **{key: storable(text) for key, text in said.items()}}
        }
        if wanted:
            values["causes"] = list(wanted)
        tx.execute(update(review).where(review.c.incident == incident_id).values(**values))
        told = {"causes": list(wanted or row.causes), "answered": sorted(said)}
        tx.record("review.said", f"incident:{incident_id}", told, said or None)
    return open_review(ctx, incident_id)


def accept(ctx: Context, incident_id: str, number: int, accepted: Accepted) -> str:
    """Make a proposal an action, as it is or edited, and return the action's id."""
    _must_be_ours(ctx)
    with ctx.store.write(ctx.actor) as tx:
        row = _open(tx, incident_id)
        one = _undecided(tx, incident_id, number)
        due = accepted.due_on or today(ctx.workspace, tx.now) + timedelta(days=one.due_days)
        title = accepted.title.strip() or one.title
        proof = accepted.proof or one.proof
        source, source_id = (one.source, one.source_id) if one.source == "finding" else ("review", one.key)
        wanted = Wanted(title, one.risk, accepted.owner, due, proof, accepted.deputy, source, source_id)
        identity = open_in(tx, ctx.workspace, replace(wanted, incident=incident_id, causes=tuple(row.causes)))
        _decide(tx, incident_id, number, "accepted", action=identity)
    ctx.store.sign_head(ctx.actor)
    return identity


def refuse(ctx: Context, incident_id: str, numbers: Iterable[int], reason: str) -> None:
    """Refuse proposals, with the reason."""
    _must_be_ours(ctx)
    if not reason.strip():
        raise UsageError("Say why it is not to be done (--reason TEXT). Nothing was changed.")
    with ctx.store.write(ctx.actor) as tx:
        _open(tx, incident_id)
        for number in numbers:
            _undecided(tx, incident_id, number)
            _decide(tx, incident_id, number, "refused", reason=reason.strip())
    ctx.store.sign_head(ctx.actor)


def sign(ctx: Context, incident_id: str, page: bytes) -> Review:
    """Sign a review off: its page is kept under its hash, and the incident is reviewed from now on.

    Raises Refused with all that is missing; nothing is changed then.
    """
    if ctx.actor.person not in deciders(ctx.workspace):
        raise Refused(
            f"{ctx.actor.person} may not sign a review. It waits for {' or '.join(deciders(ctx.workspace))}."
        )
    if missing := missing_for_signing(review_of(ctx, incident_id)):
        raise Refused(
            f"The review of {incident_id} cannot be signed yet; nothing was changed.\n"
            + "\n".join(f"- {each}" for each in missing)
        )
    sha256 = hashlib.sha256(page).hexdigest()
    path = page_path(ctx, incident_id)
    private_folder(path.parent)
    write_durably(path, page)
    ctx.crash.reach("review:written")
    with ctx.store.write(ctx.actor) as tx:
        _open(tx, incident_id)
        values = {"signed_by": tx.actor.person, "signed_at": tx.now, "sha256": sha256}
        shown = str(path.relative_to(ctx.workspace.root))
        tx.execute(update(review).where(review.c.incident == incident_id).values(**values, path=shown))
        tx.record("review.signed", f"incident:{incident_id}", {"sha256": sha256})
        row = known_row(tx, incident_id)
    if row.reviewed_at is None and row.recovered_at is not None and row.closed_at is None:
        reach(ctx, incident_id, "reviewed", reason=f"Review signed by {ctx.actor.person}")
    ctx.store.sign_head(ctx.actor)
    return review_of(ctx, incident_id)


def missing_for_signing(found: Review) -> tuple[str, ...]:
    """Return in words what keeps a review from being signed, with the command for each. Pure."""
    base = f"tocsin incident review {found.incident}"
    if found.signed_by:
        return (f"{found.signed_by} signed it already.",)
    missing = []
    if not found.causes:
        missing.append(f"no cause is chosen: {base} --cause CAUSE")
    missing += [
        f"nobody has answered: {question} {base} --say {word}=TEXT"
        for word, question in QUESTIONS.items()
        if word not in found.answers
    ]
    if found.undecided:
        numbers = ", ".join(str(each.number) for each in found.undecided)
        how = f"{base} --accept N --owner PERSON, or --refuse N --reason TEXT"
        missing.append(f"the proposals {numbers} are not decided: {how}")
    return tuple(missing)


def page_path(ctx: Context, incident_id: str) -> Path:
    """Return where the signed page lies."""
    return ctx.workspace.root / "reports" / "reviews" / f"{incident_id}-review.html"


def _add(tx: Transaction, incident_id: str, proposed: Iterable[Proposal]) -> None:
    known = set(
        tx.execute(select(review_proposal.c.key).where(review_proposal.c.incident == incident_id)).scalars()
    )
    mine = select(func.max(review_proposal.c.number)).where(review_proposal.c.incident == incident_id)
    number = tx.execute(mine).scalar() or 0
    for each in proposed:
        if each.key in known:
            continue
        number += 1
        names = ("key", "source", "source_id", "title", "risk", "why", "due_days")
        values = {name: getattr(each, name) for name in names}
        values |= {"proof": each.proof.as_json(), "backing": list(each.backing)}
        tx.execute(insert(review_proposal).values(incident=incident_id, number=number, state="proposed", **values))
        told = {"number": number, "source": values["source"], "key": values["key"]}
        tx.record("review.proposed", f"incident:{incident_id}", told)


def _decide(
    tx: Transaction,
    incident_id: str,
    number: int,
    state: str,
    *,
    action: str | None = None,
    reason: str | None = None,
) -> None:
    this = (review_proposal.c.incident == incident_id) & (review_proposal.c.number == number)
    values = {"state": state, "decided_by": tx.actor.person, "decided_at": tx.now, "action": action}
    tx.execute(update(review_proposal).where(this).values(**values, reason=storable(reason) if reason else None))
    told = {"number": number, "action": action}
    tx.record(f"review.{state}", f"incident:{incident_id}", told, {"reason": reason} if reason else None)


def _undecided(tx: Transaction, incident_id: str, number: int) -> KeptProposal:
    this = (review_proposal.c.incident == incident_id) & (review_proposal.c.number == number)
    row = tx.execute(select(review_proposal).where(this)).one_or_none()
    if row is None:
        raise UsageError(f"The review of {incident_id} has no proposal {number}. Nothing was changed.")
    if row.state != "proposed":
        raise Refused(f"Proposal {number} was {row.state} by {row.decided_by}. Nothing was changed.")
    return _proposal(row)


def _open(tx: Transaction, incident_id: str) -> Row[Any]:
    known_row(tx, incident_id)
    row = _row(tx.connection, incident_id)
    if row is None:
        raise UsageError(f"{incident_id} has no review yet. Open it: tocsin incident review {incident_id} --open")
    if row.signed_at is not None:
        raise Refused(f"The review of {incident_id} was signed by {row.signed_by}. Nothing was changed.")
    return row


def _row(connection: Connection, incident_id: str) -> Row[Any] | None:
    query = select(review).where(review.c.incident == incident_id)
    found: Row[Any] | None = connection.execute(query).one_or_none()
    return found


def _proposal(row: Row[Any]) -> KeptProposal:
    values = {name: getattr(row, name) for name in KeptProposal.__slots__}
    return KeptProposal(**{**values, "proof": kept_proof(row.proof), "backing": tuple(row.backing)})


def _must_be_ours(ctx: Context) -> None:
    if ctx.actor.person not in ctx.workspace.people:
        raise Refused(
            f"{ctx.actor.person} is nobody in the workspace, so nothing was recorded. Put their system user as "
            "`login:` beside a person in tocsin.yaml."
        )
