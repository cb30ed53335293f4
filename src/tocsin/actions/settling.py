"""Check, close, drop; attach and approve documents. The only ways an action ends, whichever door asks.

Closing makes the check again, there and then: a check that passed yesterday closes nothing today. Dropping one
takes a reason and a second person, and its risk stays on record.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row, insert, select, update

from tocsin.actions.checking import FAILED, PASSED, Verdict, keep_check, look
from tocsin.actions.ledger import Action, action_named
from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.errors import OperationFailed, Refused, UsageError
from tocsin.findings import finding_named, settle
from tocsin.store.columns import storable
from tocsin.store.database import Transaction
from tocsin.store.tables import action, action_document

FOLDER = "actions"
MOST_BYTES = 100 * 1024 * 1024
SHORTEST_HASH = 6


@dataclass(frozen=True, slots=True)
class Looked:
    """An action, what its check came to, and whether that opened it again."""

    action: Action
    found: Verdict
    reopened: bool = False


def check(ctx: Context, identity: str) -> Looked:
    """Make an action's check now and keep what it came to. A closed one whose check fails is open again."""
    with ctx.store.read() as connection:
        one = action_named(connection, identity)
    if one.state == "dropped":
        raise Refused(f"{one.id} was dropped, so there is nothing to check. Nothing was changed.")
    found = look(ctx, one)
    ctx.crash.reach("action:looked")
    with ctx.store.write(ctx.actor) as tx:
        reopened = keep_in(tx, one, found)
        now = action_named(tx.connection, one.id)
    ctx.store.sign_head(ctx.actor)
    return Looked(now, found, reopened)


def keep_in(tx: Transaction, one: Action, found: Verdict) -> bool:
    """Keep a check within a transaction; tell whether it opened the action again."""
    keep_check(tx, one, found)
    state = tx.execute(select(action.c.state).where(action.c.id == one.id)).scalar_one()
    if state != "closed" or found.verdict != FAILED:
        return False
    again = {"state": "open", "closed_by": None, "closed_at": None, "closed_on": None, "reopened_at": tx.now}
    tx.execute(update(action).where(action.c.id == one.id).values(**again, reopened=action.c.reopened + 1))
    told = {"incident": one.incident, "source": one.source, "source_id": one.source_id}
    tx.record("action.reopened", f"action:{one.id}", dict(told))
    return True


def close(ctx: Context, identity: str) -> Action:
    """Close an action on the strength of its check, made now. Raises Refused with what is missing."""
    _must_be_ours(ctx)
    with ctx.store.read() as connection:
        one = action_named(connection, identity)
    _must_be_open(one)
    found = look(ctx, one)
    ctx.crash.reach("action:looked")
    with ctx.store.write(ctx.actor) as tx:
        check_id = keep_check(tx, one, found)
        if found.verdict == PASSED:
            _close_in(tx, action_named(tx.connection, one.id), check_id)
    ctx.store.sign_head(ctx.actor)
    if found.verdict != PASSED:
        raise Refused(
            f"{one.id} stays open: {found.seen} It closes once {one.proof.sentence}.\n"
            f"See how it stands: tocsin action show {one.id}. If it is not to be done after all, two people may "
            f"say so: tocsin action drop {one.id} --reason TEXT"
        )
    with ctx.store.read() as connection:
        return action_named(connection, one.id)


def _close_in(tx: Transaction, one: Action, check_id: str) -> None:
    _must_be_open(one)
    values = {"state": "closed", "closed_by": tx.actor.person, "closed_at": tx.now, "closed_on": check_id}
    values |= {"drop_by": None, "drop_reason": None}
    tx.execute(update(action).where(action.c.id == one.id).values(**values))
    tx.record("action.closed", f"action:{one.id}", {"check": check_id, "proof": one.proof.kind})
    if one.source == "finding" and finding_named(tx.connection, one.source_id).settled_at is None:
        settle(tx, one.source_id, tx.actor.person, f"Put right by {one.id}: {one.title}")


def drop(ctx: Context, identity: str, reason: str) -> Action:
    """Ask that an action be dropped, with the reason. It stays open until a second person agrees."""
    _must_be_ours(ctx)
    if not reason.strip():
        raise UsageError("Say why it is not to be done (--reason TEXT): the risk it was to lower stays.")
    with ctx.store.write(ctx.actor) as tx:
        one = action_named(tx.connection, identity)
        _must_be_open(one)
        values = {"drop_by": tx.actor.person, "drop_reason": storable(reason.strip())}
        tx.execute(update(action).where(action.c.id == one.id).values(**values))
        tx.record("action.drop-asked", f"action:{one.id}", {}, {"reason": reason.strip()})
    ctx.store.sign_head(ctx.actor)
    return _again(ctx, identity)


def agree_to_drop(ctx: Context, identity: str) -> Action:
    """Agree, as the second person, that an action is dropped. Raises Refused for the one who asked."""
    _must_be_ours(ctx)
    with ctx.store.write(ctx.actor) as tx:
        one = action_named(tx.connection, identity)
        _must_be_open(one)
        if one.drop_by is None:
            raise UsageError(f"Nobody has asked that {one.id} be dropped. Nothing was changed.")
        if one.drop_by == tx.actor.person:
            raise Refused(f"You asked for it yourself: somebody else has to agree. {one.id} stays open.")
        tx.execute(
            update(action).where(action.c.id == one.id).values(state="dropped", drop_second=tx.actor.person)
        )
        tx.record("action.dropped", f"action:{one.id}", {"asked_by": one.drop_by})
    ctx.store.sign_head(ctx.actor)
    return _again(ctx, identity)


def attach(ctx: Context, identity: str, file: Path) -> str:
    """Keep a copy of a document for an action, and return its SHA-256. Another person then approves it."""
    _must_be_ours(ctx)
    with ctx.store.read() as connection:
        one = action_named(connection, identity)
    _must_be_open(one)
    if one.proof.kind != "document":
        raise UsageError(f"{one.id} is not proven by a document: it closes once {one.proof.sentence}.")
    content = _content(file)
    sha256 = hashlib.sha256(content).hexdigest()
    folder = ctx.workspace.state_folder / FOLDER
    private_folder(folder)
    write_durably(private_folder(folder / one.id) / sha256, content)
    ctx.crash.reach("action:copied")
    with ctx.store.write(ctx.actor) as tx:
        same = (action_document.c.action == one.id) & (action_document.c.sha256 == sha256)
        if tx.execute(select(action_document.c.id).where(same)).first():
            raise Refused(f"That very document is attached to {one.id} already. Nothing was changed.")
        tx.execute(
            insert(action_document).values(
                id=tx.new_id(),
                action=one.id,
                name=storable(file.name),
                path=f"{FOLDER}/{one.id}/{sha256}",
                sha256=sha256,
                attached_by=tx.actor.person,
                attached_at=tx.now,
            )
        )
        size = len(content)
        tx.record("action.attached", f"action:{one.id}", {"sha256": sha256, "bytes": size}, {"name": file.name})
    ctx.store.sign_head(ctx.actor)
    return sha256


def approve(ctx: Context, identity: str, sha256: str) -> Action:
    """Approve an attached document by its hash; whoever attached it cannot."""
    _must_be_ours(ctx)
    with ctx.store.write(ctx.actor) as tx:
        one = action_named(tx.connection, identity)
        _must_be_open(one)
        found = [
            each
            for each in _documents(tx, one.id)
            if len(sha256) >= SHORTEST_HASH and each.sha256.startswith(sha256)
        ]
        if len(found) != 1:
            raise UsageError(f"{one.id} has no one document {sha256!r}. See: tocsin action show {one.id}")
        if found[0].attached_by == tx.actor.person:
            raise Refused("You attached it yourself: another person has to approve it. Nothing was changed.")
        if found[0].approved_by:
            raise Refused(f"{found[0].approved_by} approved it already. Nothing was changed.")
        this = update(action_document).where(action_document.c.id == found[0].id)
        tx.execute(this.values(approved_by=tx.actor.person, approved_at=tx.now))
        tx.record("action.approved", f"action:{one.id}", {"sha256": found[0].sha256})
    ctx.store.sign_head(ctx.actor)
    return _again(ctx, identity)


def _documents(tx: Transaction, identity: str) -> list[Row[Any]]:
    return list(tx.execute(select(action_document).where(action_document.c.action == identity)))


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise UsageError(f"{file} is larger than 100 MB. Attach a report of it instead. Nothing was changed.")
        content = file.read_bytes()
    except OSError as fault:
        raise OperationFailed(f"{file} cannot be read: {fault.strerror}. Nothing was changed.") from fault
    if not content:
        raise UsageError(f"{file} is empty, which proves nothing. Nothing was changed.")
    return content


def _again(ctx: Context, identity: str) -> Action:
    with ctx.store.read() as connection:
        return action_named(connection, identity)


def _must_be_open(one: Action) -> None:
    if not one.is_open:
        who = f" by {one.closed_by}" if one.closed_by else ""
        raise Refused(f"{one.id} is {one.state}{who}. Nothing was changed.")


def _must_be_ours(ctx: Context) -> None:
    if ctx.actor.person not in ctx.workspace.people:
        raise Refused(
            f"{ctx.actor.person} is nobody in the workspace, so nothing was changed. Put their system user as "
            "`login:` beside a person in tocsin.yaml."
        )
