"""Make an action's check: look at what is kept, run the program, ask the page. It never ends an action."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select

from tocsin.actions.ledger import Action, documents_of
from tocsin.context import Context
from tocsin.errors import Interrupted, TocsinError
from tocsin.model.workspace import Workspace
from tocsin.ports import Command, HttpRequest
from tocsin.store.columns import storable
from tocsin.store.database import Transaction
from tocsin.store.tables import action_check, operation, practice_done

PASSED, FAILED, UNKNOWN = "passed", "failed", "unknown"
TIME_FOR_A_COMMAND = timedelta(minutes=2)
TIME_FOR_A_PAGE = timedelta(seconds=20)
_JUDGED = ("passed", "failed")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check came to, in a sentence, with its evidence: ids, codes, hashes."""

    verdict: str
    seen: str
    evidence: dict[str, Any] = field(default_factory=dict)


def look(ctx: Context, one: Action) -> Verdict:
    """Make the check now. Nothing is written; what cannot be looked at is `unknown`, never passed."""
    try:
        return _LOOKS[one.proof.kind](ctx, one)
    except Interrupted:
        raise
    except TocsinError as fault:
        return Verdict(UNKNOWN, f"It could not be looked at ({type(fault).__name__}).")


def keep_check(tx: Transaction, one: Action, found: Verdict) -> str:
    """Write down what a check came to, and return its id."""
    identity = tx.new_id()
    tx.execute(
        insert(action_check).values(
            id=identity,
            action=one.id,
            at=tx.now,
            by=tx.actor.person,
            verdict=found.verdict,
            seen=storable(found.seen),
            evidence=found.evidence,
        )
    )
    tx.record(
        "action.checked", f"action:{one.id}", {"check": identity, "verdict": found.verdict, **found.evidence}
    )
    return identity


def _practice(ctx: Context, one: Action) -> Verdict:
    with ctx.store.read() as connection:
        query = select(practice_done).where(
            practice_done.c.practice == one.proof.name,
            practice_done.c.proof != "skipped",
            practice_done.c.done_at >= _since(ctx.workspace, one),
        )
        done = connection.execute(query.order_by(practice_done.c.done_at.desc())).all()
    if not done:
        return Verdict(FAILED, f"{one.proof.name} was not completed since then.")
    if missing := _still_missing(ctx.workspace, one.proof.name, {row.about for row in done}):
        return Verdict(FAILED, f"{one.proof.name} is not completed for {', '.join(missing)}.")
    last = done[0]
    seen = f"{one.proof.name} was completed on {last.done_at:%d %B %Y}, signed by {last.signed_by}."
    return Verdict(PASSED, seen, {"practice_done": last.id, "sha256": last.sha256})


def _still_missing(workspace: Workspace, name: str, abouts: set[str]) -> list[str]:
    """Return the people who have not done it, of a practice that each person does."""
    if abouts == {""}:
        return []
    choice = workspace.practices.get(name)
    asked = (choice.people if choice else ()) or tuple(workspace.people)
    done = {about.partition("/")[0] for about in abouts}
    return [person for person in asked if person not in done]


def _drill(ctx: Context, one: Action) -> Verdict:
    with ctx.store.read() as connection:
        last = _last_judged(connection, one.proof.name, _since(ctx.workspace, one))
    if last is None:
        return Verdict(FAILED, f"The drill {one.proof.name} has not been run to its end since then.")
    seen = f"The drill {one.proof.name} {last.verdict} on {last.started_at:%d %B %Y}."
    evidence = {"operation": last.id, "report_sha256": (last.detail or {}).get("report_sha256")}
    return Verdict(PASSED if last.verdict == "passed" else FAILED, seen, evidence)


def _last_judged(connection: Connection, drill: str, since: datetime) -> Any:  # noqa: ANN401 - a row
    query = select(operation).where(
        operation.c.kind == "drill",
        operation.c.subject == f"drill:{drill}",
        operation.c.verdict.in_(_JUDGED),
        operation.c.started_at >= since,
    )
    return connection.execute(query.order_by(operation.c.started_at.desc()).limit(1)).one_or_none()


def _command(ctx: Context, one: Action) -> Verdict:
    said = ctx.shell.run(Command(one.proof.argv, TIME_FOR_A_COMMAND, folder=ctx.workspace.root))
    if said.code is None:
        return Verdict(UNKNOWN, "It took longer than two minutes and was ended.")
    evidence = {"code": said.code, "output_sha256": hashlib.sha256(said.stdout.encode()).hexdigest()}
    return Verdict(PASSED if said.code == 0 else FAILED, f"It ended with code {said.code}.", evidence)


def _http(ctx: Context, one: Action) -> Verdict:
    answer = ctx.http.request(HttpRequest("GET", one.proof.url, TIME_FOR_A_PAGE))
    passed = answer.status == one.proof.status
    return Verdict(PASSED if passed else FAILED, f"It answered with {answer.status}.", {"status": answer.status})


def _document(ctx: Context, one: Action) -> Verdict:
    with ctx.store.read() as connection:
        found = documents_of(connection, one.id)
    approved = [each for each in found if each.approved_by]
    if not approved:
        waits = f"{found[-1].name} waits for another person's approval." if found else "No document is attached."
        return Verdict(FAILED, waits)
    last = approved[-1]
    try:
        content = (ctx.workspace.state_folder / last.path).read_bytes()
    except OSError:
        return Verdict(FAILED, f"Our copy of {last.name} is gone.", {"sha256": last.sha256})
    if hashlib.sha256(content).hexdigest() != last.sha256:
        return Verdict(FAILED, f"Our copy of {last.name} is not what was approved.", {"sha256": last.sha256})
    return Verdict(PASSED, f"{last.name}, approved by {last.approved_by}.", {"sha256": last.sha256})


def _since(workspace: Workspace, one: Action) -> datetime:
    """Return the moment from which it counts: the day that was named, else when the action was opened."""
    if one.proof.after is None:
        return one.opened_at
    zone = ZoneInfo(workspace.organisation.timezone)
    return datetime.combine(one.proof.after, time(), zone).astimezone(UTC)


_LOOKS: dict[str, Callable[[Context, Action], Verdict]] = {
    "practice": _practice,
    "drill": _drill,
    "command": _command,
    "http": _http,
    "document": _document,
}
