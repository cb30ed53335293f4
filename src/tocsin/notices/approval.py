"""Approve or reject a notice: bound to the exact text, by somebody with the role who did not write it last.

There is no way round this module: `send_notice` asks `approved_by` about the very hash it is about to send.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from tocsin.context import Context
from tocsin.errors import Refused, UsageError
from tocsin.model.vocabulary import PersonRole
from tocsin.model.workspace import Workspace
from tocsin.notices.guard import GuardFinding, blocks
from tocsin.notices.recipient_rows import list_in
from tocsin.notices.register import (
    Notice,
    Shown,
    current_notice,
    hash_of,
    notice_of,
    require_person,
    show,
    whom_of,
)
from tocsin.store.database import Transaction
from tocsin.store.tables import approval, notice

APPROVING = (PersonRole.DPO, PersonRole.COMMANDER)


@dataclass(frozen=True, slots=True)
class Approval:
    """One decision on one exact text."""

    id: str
    shown_sha256: str
    decision: str
    person: str
    door: str
    at: datetime
    reason: str | None


def approvers(workspace: Workspace) -> tuple[str, ...]:
    """Return who may approve a notice: data protection leads, commanders, and their deputies."""
    holders = [person.id for role in APPROVING for person in workspace.people_with(role)]
    deputies = [deputy.id for holder in holders if (deputy := workspace.deputy_of(holder))]
    return tuple(dict.fromkeys([*holders, *deputies]))


def approve_notice(ctx: Context, identity: str, shown_sha256: str, *, reason: str | None = None) -> Notice:
    """Approve exactly the text whose hash was shown.

    `reason` is needed where the guard leaves a finding to the approver's judgement. Approving the same text
    twice changes nothing. Where the workspace asks for two people (`approvals:`), it stands with the second.
    Raises Refused when the text is no longer the one shown, somebody rejected it, the
    guard blocks it, or this person may not approve it.
    """
    person = require_person(ctx.workspace, ctx.actor, "approve a notice")
    full = notice_of(ctx, identity).id
    with ctx.store.write(ctx.actor) as tx:
        now_shown = show(tx.connection, ctx.workspace, current_notice(tx, full))
        current = now_shown.notice
        _refuse_other_text(now_shown, shown_sha256)
        _refuse_wrong_person(ctx.workspace, person, current)
        _refuse_own_list(ctx.workspace, tx.connection, person, current)
        decisions = _decisions(tx.connection, current.id, shown_sha256)
        if current.state == "approved" and approved_by(tx.connection, ctx.workspace, current, shown_sha256):
            return current
        _refuse_decided(current, decisions)
        so_far = _approving(decisions, current)
        if person in so_far:
            raise Refused(
                f"{person} has approved this text already; notices to {current.duty} need two people. It waits "
                f"for {_second(ctx.workspace, {person, current.edited_by})}."
            )
        _refuse_findings(now_shown.findings, reason)
        stands = len({*so_far, person}) >= ctx.workspace.approvals.needed(current.duty)
        _decide(tx, ctx.store.new_id(), current, shown_sha256, _Decision("approved", reason, stands))
    ctx.crash.reach("notice:approved")
    return notice_of(ctx, full)


def reject_notice(ctx: Context, identity: str, shown_sha256: str, *, reason: str) -> Notice:
    """Reject exactly the text whose hash was shown; it has to be edited before it can be approved.

    Raises UsageError without a reason, Refused when the text is another by now or the person may not decide.
    """
    if not reason.strip():
        raise UsageError("A rejection needs a reason, so that whoever edits the text knows what to change.")
    person = require_person(ctx.workspace, ctx.actor, "reject a notice")
    full = notice_of(ctx, identity).id
    with ctx.store.write(ctx.actor) as tx:
        now_shown = show(tx.connection, ctx.workspace, current_notice(tx, full))
        current = now_shown.notice
        _refuse_other_text(now_shown, shown_sha256)
        if person not in approvers(ctx.workspace):
            raise _not_theirs(ctx.workspace, person)
        if current.state not in {"draft", "approved"}:
            raise Refused(
                f"Notice {current.id[:8]} has been sent already. Nothing was changed; write a follow-up."
            )
        _decide(tx, ctx.store.new_id(), current, shown_sha256, _Decision("rejected", reason, stands=False))
    return notice_of(ctx, full)


def approved_by(
    connection: Connection, workspace: Workspace, current: Notice, shown_sha256: str
) -> tuple[str, ...]:
    """Return who approved exactly this text; nobody while too few did, or when somebody rejected it.

    A text once rejected is never approved as it stands, so the order of decisions does not matter.
    """
    decisions = _decisions(connection, current.id, shown_sha256)
    if any(each.decision == "rejected" for each in decisions):
        return ()
    people = _approving(decisions, current)
    return people if len(people) >= workspace.approvals.needed(current.duty) else ()


def still_needed(ctx: Context, current: Notice) -> tuple[str, ...]:
    """Return who could approve a notice now: those with the role who neither wrote nor approved this version."""
    with ctx.store.read() as connection:
        sha256 = hash_of(current.draft, whom_of(connection, ctx.workspace, current))
        so_far = _approving(_decisions(connection, current.id, sha256), current)
        listed = list_in(connection, current.id)
    besides = {*so_far, current.edited_by, listed.loaded_by if listed else ""}
    return tuple(person for person in approvers(ctx.workspace) if person not in besides)


def _approving(decisions: tuple[Approval, ...], current: Notice) -> tuple[str, ...]:
    """Return who approved since the current version was written, each once: an edit voids what was before."""
    return tuple(
        dict.fromkeys(
            each.person for each in decisions if each.decision == "approved" and each.at >= current.edited_at
        )
    )


def _second(workspace: Workspace, but: set[str]) -> str:
    able = [person for person in approvers(workspace) if person not in but]
    return " or ".join(able) or "a second person with the role: name one in tocsin.yaml"


def approvals_of(ctx: Context, identity: str) -> tuple[Approval, ...]:
    """Return every decision on any version of a notice, oldest first."""
    with ctx.store.read() as connection:
        return _decisions(connection, identity, None)


def refuse_unready(ctx: Context, exact: Shown) -> None:
    """Raise Refused unless exactly this text is approved and the guard has nothing against it."""
    name = exact.notice.id[:8]
    with ctx.store.read() as connection:
        people = approved_by(connection, ctx.workspace, exact.notice, exact.sha256)
    if exact.notice.state != "approved" or not people:
        what = "this list of readers" if exact.addressee.readers else "these addresses"
        raise Refused(
            f"Nobody has approved notice {name} with exactly this text and {what} "
            f"({exact.sha256[:12]}…). Nothing was sent. Read it with `tocsin notice show {name}`, then approve it."
        )
    if blocking := blocks(exact.findings):
        raise Refused(
            f"The guard stops notice {name} although it was approved; nothing was sent. Edit it.\n"
            + "\n".join(f"- {finding.text}" for finding in blocking)
        )


def _decisions(connection: Connection, identity: str, shown_sha256: str | None) -> tuple[Approval, ...]:
    query = select(approval).where(approval.c.subject == f"notice:{identity}").order_by(approval.c.at)
    if shown_sha256 is not None:
        query = query.where(approval.c.shown_sha256 == shown_sha256)
    return tuple(
        Approval(row.id, row.shown_sha256, row.decision, row.person, row.door, row.at, row.reason)
        for row in connection.execute(query)
    )


@dataclass(frozen=True, slots=True)
class _Decision:
    """What is decided and why; `stands` when with it the text may leave."""

    word: str
    reason: str | None
    stands: bool


def _decide(tx: Transaction, identity: str, current: Notice, shown_sha256: str, decided: _Decision) -> None:
    """Write the decision, the state that follows from it and the journal entry, all at once."""
    tx.execute(
        insert(approval).values(
            id=identity,
            subject=f"notice:{current.id}",
            shown_sha256=shown_sha256,
            decision=decided.word,
            person=tx.actor.person,
            door=tx.actor.door,
            at=tx.now,
            reason=decided.reason,
        )
    )
    state = "approved" if decided.stands else "draft"
    tx.execute(update(notice).where(notice.c.id == current.id).values(state=state))
    tx.record(
        f"notice.{decided.word}",
        f"notice:{current.id}",
        {
            "notice": current.id,
            "version": current.version,
            "sha256": shown_sha256,
            "approval": identity,
            "stands": decided.stands,
        },
        {"reason": decided.reason} if decided.reason else None,
    )


def _refuse_other_text(now_shown: Shown, shown_sha256: str) -> None:
    if now_shown.sha256 != shown_sha256:
        raise Refused(
            f"The text of notice {now_shown.notice.id[:8]} is not the one you were shown "
            f"({shown_sha256[:12]}…): it or its addresses have changed ({now_shown.sha256[:12]}…). Nothing was "
            f"decided. Read it again with `tocsin notice show {now_shown.notice.id[:8]}`."
        )


def _refuse_wrong_person(workspace: Workspace, person: str, current: Notice) -> None:
    if person not in approvers(workspace):
        raise _not_theirs(workspace, person)
    if current.edited_by == person:
        raise Refused(
            f"{person} wrote the last version of notice {current.id[:8]} and cannot approve it too. It waits for "
            f"{_second(workspace, {person})}."
        )


def _refuse_own_list(workspace: Workspace, connection: Connection, person: str, current: Notice) -> None:
    listed = list_in(connection, current.id)
    if listed is not None and listed.loaded_by == person:
        raise Refused(
            f"{person} loaded the list of whom notice {current.id[:8]} goes to and cannot approve it too. It "
            f"waits for {_second(workspace, {person, current.edited_by})}."
        )


def _not_theirs(workspace: Workspace, person: str) -> Refused:
    able = " or ".join(approvers(workspace)) or "somebody with the role dpo or commander: name one in tocsin.yaml"
    return Refused(f"{person} may not decide on a notice. Nothing was changed. It waits for {able}.")


def _refuse_decided(current: Notice, decisions: tuple[Approval, ...]) -> None:
    if current.state not in {"draft", "approved"}:
        raise Refused(f"Notice {current.id[:8]} is {current.state} already; there is nothing left to approve.")
    if rejected := next((each for each in decisions if each.decision == "rejected"), None):
        raise Refused(
            f"{rejected.person} rejected exactly this text ({rejected.reason}). Edit it first: "
            f"`tocsin notice edit {current.id[:8]}`."
        )


def _refuse_findings(findings: tuple[GuardFinding, ...], reason: str | None) -> None:
    if blocking := blocks(findings):
        raise Refused(
            "The guard stops this notice; nothing was approved. Edit it and read it again.\n"
            + "\n".join(f"- {finding.text}" for finding in blocking)
        )
    if findings and not (reason or "").strip():
        raise Refused(
            "Something here is for your judgement: approve it with a reason (--reason), or edit it.\n"
            + "\n".join(f"- {finding.text}" for finding in findings)
        )
