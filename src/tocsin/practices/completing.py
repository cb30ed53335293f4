"""A practice done: only with evidence, signed by a named person, with who took part; or skipped, with a reason.

    complete(ctx, practice, abouts, Evidence(...), by="maya", participants=("sam",))
    skip(ctx, practice, abouts, by="maya", reason="…")

Evidence is one of four: a worksheet signed off, a file (its hash, and a private copy under the state folder), a
drill that passed, a machine check that found everything current. Nothing else closes a practice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

from sqlalchemy import insert

from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.practices.ledger import SKIPPED, Standing, standing_of, today_of
from tocsin.practices.practice import Practice
from tocsin.store.columns import storable
from tocsin.store.database import JsonValue, Transaction
from tocsin.store.tables import practice_done

EVIDENCE_FOLDER = "practices"
MOST_BYTES = 100 * 1024 * 1024
SERVICE = "service:tocsin"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What proves it: `sheet`, `file`, `drill` or `check`, with its hash and where it lies."""

    proof: str
    sha256: str
    path: str | None = None
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was written: the obligation and the day of the calendar that it settled."""

    practice: str
    about: str
    due_on: date
    proof: str


def signer(ctx: Context, by: str | None) -> str:
    """Return who signs: the person named, else who acts.

    Raises UsageError for nobody of the workspace, Refused for signing in another person's name.
    """
    who = by or ctx.actor.person
    if who not in ctx.workspace.people:
        raise UsageError(
            f"{who!r} is nobody of the workspace, and a person of it has to sign. Give --by NAME."
            f"{did_you_mean(who, ctx.workspace.people)} Nothing was changed."
        )
    if ctx.actor.person in ctx.workspace.people and ctx.actor.person != who:
        raise Refused(
            f"You are {ctx.actor.person}, and cannot sign for {who}. Let {who} do it under their own login, or "
            "sign yourself. Nothing was changed."
        )
    return who


def known_people(ctx: Context, names: Iterable[str]) -> tuple[str, ...]:
    """Return people by id, each once. Raises UsageError with the nearest for one who is nobody here."""
    found = tuple(dict.fromkeys(names))
    for name in found:
        if name not in ctx.workspace.people:
            raise UsageError(
                f"There is no person {name!r} in the workspace.{did_you_mean(name, ctx.workspace.people)}"
            )
    return found


def abouts_of(practice: Practice, people: Sequence[str], topics: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what is completed: the practice, or all that it asks of these people (on these topics)."""
    if not practice.people:
        if people:
            raise UsageError(f"{practice.name} does not ask each person. Name who took part by --with.")
        return ("",)
    for name in people:
        if name not in practice.people:
            raise UsageError(f"{practice.name} does not ask {name!r}.{did_you_mean(name, practice.people)}")
    for topic in topics:
        if topic not in practice.topics:
            raise UsageError(f"{practice.name} has no topic {topic!r}.{did_you_mean(topic, practice.topics)}")
    if not people:
        raise UsageError(f"{practice.name} asks each person. Say who did it: --person NAME, or give a worksheet.")
    wanted = [about.partition("/") for about in practice.abouts]
    return tuple(
        f"{who}{slash}{topic}" for who, slash, topic in wanted if who in people and (not topics or topic in topics)
    )


def kept_file(ctx: Context, practice: Practice, path: Path) -> Evidence:
    """Copy a file into the state folder, private, under its hash, and return it as evidence.

    Raises UsageError for one that cannot be read, is empty, or is larger than 100 MiB.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"{path} is larger than 100 MiB: too large to be kept as evidence of a practice.")
        content = path.read_bytes()
    except OSError as fault:
        raise UsageError(f"{path} cannot be read: {fault.strerror}. Nothing was changed.") from fault
    if not content:
        raise UsageError(f"{path} is empty and proves nothing. Nothing was changed.")
    digest = sha256(content).hexdigest()
    folder = private_folder(ctx.workspace.state_folder / EVIDENCE_FOLDER / practice.name)
    suffix = path.suffix if path.suffix.removeprefix(".").isalnum() else ""
    copy = folder / f"{digest[:16]}{suffix.lower()}"
    if not copy.exists():
        write_durably(copy, content)
    root = ctx.workspace.root
    return Evidence("file", digest, str(copy.relative_to(root) if copy.is_relative_to(root) else copy))


def complete(
    ctx: Context,
    practice: Practice,
    abouts: Sequence[str],
    evidence: Evidence,
    *,
    by: str,
    participants: Sequence[str] = (),
) -> tuple[Recorded, ...]:
    """Record that it was done, in one transaction, and sign the journal's head."""
    if evidence.proof not in practice.proof:
        words = " or ".join(practice.proof)
        raise Refused(
            f"{practice.name} is not proven by a {evidence.proof}, only by a {words}. Nothing was changed."
        )
    with ctx.store.write(ctx.actor) as tx:
        done = record_done(ctx, tx, practice, abouts, evidence, by=by, participants=participants)
    ctx.store.sign_head(ctx.actor)
    return done


def record_done(  # noqa: PLR0913 - by name
    ctx: Context,
    tx: Transaction,
    practice: Practice,
    abouts: Sequence[str],
    evidence: Evidence,
    *,
    by: str,
    participants: Sequence[str] = (),
) -> tuple[Recorded, ...]:
    """Record that it was done, in the caller's transaction."""
    return tuple(
        _write(tx, _settling(ctx, one), one, evidence, by, participants, None)
        for one in _wanted(ctx, tx, practice, abouts)
    )


def skip(ctx: Context, practice: Practice, abouts: Sequence[str], *, by: str, reason: str) -> tuple[Recorded, ...]:
    """Pass over what is due now; it comes again on its next day. Raises UsageError without a reason."""
    if not reason.strip():
        raise UsageError("Say why it is skipped, in a sentence: --reason TEXT. Nothing was changed.")
    with ctx.store.write(ctx.actor) as tx:
        found = _wanted(ctx, tx, practice, abouts)
        done = tuple(
            _write(tx, _settling(ctx, one), one, Evidence(SKIPPED, ""), by, (), reason.strip()) for one in found
        )
    ctx.store.sign_head(ctx.actor)
    return done


def _wanted(ctx: Context, tx: Transaction, practice: Practice, abouts: Sequence[str]) -> tuple[Standing, ...]:
    found = standing_of(tx.connection, ctx.workspace, practice, tx.now)
    return tuple(one for one in found if one.about in abouts)


def _settling(ctx: Context, one: Standing) -> date:
    """Return the day that doing it now settles; done twice in one round, it settles no day to come."""
    settled = one.settled
    if settled is not None and today_of(ctx.workspace, ctx.clock.now()) <= settled.due_on:
        return settled.due_on
    return one.day.settles


def _write(  # noqa: PLR0913, PLR0917 - one row's content
    tx: Transaction,
    due_on: date,
    one: Standing,
    evidence: Evidence,
    by: str,
    participants: Sequence[str],
    reason: str | None,
) -> Recorded:
    people = list(
        dict.fromkeys([*participants, *([one.about.partition("/")[0]] if one.about and not reason else [])])
    )
    tx.execute(
        insert(practice_done).values(
            id=tx.new_id(),
            practice=one.practice.name,
            about=one.about,
            due_on=due_on.isoformat(),
            done_at=tx.now,
            signed_by=by,
            proof=evidence.proof,
            sheet=evidence.sheet,
            sha256=evidence.sha256 or None,
            path=evidence.path,
            participants=people,
            reason=None if reason is None else storable(reason),
        )
    )
    told = {"practice": one.practice.name, "about": one.about, "due_on": due_on.isoformat(), "by": by}
    subject = f"practice:{one.practice.name}"
    if reason is not None:
        tx.record("practice.skipped", subject, dict(told), {"reason": reason})
    else:
        proof: dict[str, JsonValue] = {"proof": evidence.proof, "sha256": evidence.sha256}
        proof["participants"] = [*people]
        tx.record("practice.completed", subject, {**told, **proof})
    return Recorded(one.practice.name, one.about, due_on, evidence.proof)
