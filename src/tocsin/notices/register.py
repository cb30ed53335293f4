"""The register of notices: drafted once, edited in versions, read back exactly as they would be sent.

`shown` is the heart of it: the very text that would leave, with its addresses, and its SHA-256. Approvals are
bound to that hash. A change of the text, the subject or the workspace's contacts changes it.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from tocsin.context import Context
from tocsin.errors import Refused, UsageError
from tocsin.model.workspace import Workspace
from tocsin.notices.addressees import addressed
from tocsin.notices.before import earlier_of, told_so_far
from tocsin.notices.carried import claims_carried
from tocsin.notices.drafting import drawn, is_follow_up
from tocsin.notices.drawing import Case
from tocsin.notices.guard import GuardFinding, check_notice
from tocsin.notices.recipient_rows import list_in
from tocsin.notices.sheet import PEOPLE, Addressee, Draft
from tocsin.notices.templates import duty_of
from tocsin.ports import Actor
from tocsin.store.database import Transaction
from tocsin.store.need_to_know import hidden_incidents, must_be_theirs
from tocsin.store.tables import delivery, notice, notice_version

SYSTEM = "tocsin"
"""The editor of drafts that nobody has touched yet."""
_SHORTEST_PREFIX = 4


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice in its current version. `edited_by` is a person's id, or `tocsin` for an untouched draft."""

    id: str
    incident: str
    template: str
    duty: str
    addressee: str
    state: str
    made_by: str
    drafted_at: datetime
    version: int
    subject: str
    body: str
    edited_by: str
    edited_at: datetime

    @property
    def draft(self) -> Draft:
        """The text alone."""
        return Draft(self.subject, self.body)


@dataclass(frozen=True, slots=True)
class Shown:
    """Exactly what would be sent: `sha256` is that of `text` in UTF-8. `findings` are the guard's."""

    notice: Notice
    addressee: Addressee
    text: str
    sha256: str
    findings: tuple[GuardFinding, ...]


def draft_notice(ctx: Context, case: Case, *, template: str, addressee: str, made_by: str) -> Notice:
    """Draft a notice from a template and journal it; a second call with the same `made_by` finds the first.

    The guard's findings do not stop a draft: they stop its approval. Raises UsageError for an unknown
    addressee or template, ConfigurationError for a template that is wrong.
    """
    if found := _made_by(ctx, made_by):
        return found
    duty = duty_of(template)
    whom = addressed(ctx.workspace, addressee)
    if whom.kind != duty:
        raise UsageError(
            f"The template {template} is for {duty}, and {addressee} is not one. No notice was drafted."
        )
    if is_follow_up(template) and case.earlier is None:
        earlier = earlier_of(ctx, incident=case.incident.id, duty=duty, addressee=addressee)
        case = replace(case, earlier=earlier)
    case = replace(case, told=case.told or told_so_far(ctx, case.incident.id))
    text = drawn(ctx.workspace, case, template, addressee, ctx.clock.now())
    identity = ctx.store.new_id()
    sha256 = hash_of(text, whom)
    with ctx.store.write(ctx.actor) as tx:
        # The write lock is ours now: whoever was faster is seen here.
        if (row := tx.execute(_current().where(notice.c.made_by == made_by)).first()) is not None:
            return _notice(row)
        tx.execute(
            insert(notice).values(
                id=identity,
                incident=case.incident.id,
                template=template,
                duty=duty,
                addressee=addressee,
                state="draft",
                made_by=made_by,
                drafted_at=tx.now,
            )
        )
        _add_version(tx, identity, 1, text, sha256, SYSTEM)
        tx.record(
            "notice.drafted",
            f"notice:{identity}",
            {
                "notice": identity,
                "incident": case.incident.id,
                "template": template,
                "addressee": addressee,
                "version": 1,
                "sha256": sha256,
            },
        )
    ctx.crash.reach("notice:drafted")
    return notice_of(ctx, identity)


def edit_notice(ctx: Context, identity: str, body: str, *, subject: str | None = None) -> Notice:
    """Write a new version and void any approval; the same text again changes nothing.

    Raises Refused when the notice, or a copy of it, has left or may have left, or when nobody in particular edits.
    """
    person = require_person(ctx.workspace, ctx.actor, "edit a notice")
    identity = notice_of(ctx, identity).id
    with ctx.store.write(ctx.actor) as tx:
        current = _locked(tx, identity)
        text = Draft(" ".join((subject or current.subject).split()), body.strip() + "\n")
        if text == current.draft:
            return current
        _refuse_if_gone(tx, current)
        version, sha256 = current.version + 1, hash_of(text, whom_of(tx.connection, ctx.workspace, current))
        _add_version(tx, identity, version, text, sha256, person)
        tx.execute(update(notice).where(notice.c.id == identity).values(state="draft"))
        # A copy that was still to go out must never go out in its old wording.
        tx.execute(
            update(delivery)
            .where(delivery.c.notice == identity, delivery.c.state == "intended")
            .values(state="failed", finished_at=tx.now, detail=f"overtaken by version {version}")
        )
        tx.record(
            "notice.edited", f"notice:{identity}", {"notice": identity, "version": version, "sha256": sha256}
        )
    ctx.crash.reach("notice:edited")
    return notice_of(ctx, identity)


def shown(ctx: Context, identity: str) -> Shown:
    """Return exactly what would be sent now, its hash, and what the guard says of it."""
    current = notice_of(ctx, identity)
    with ctx.store.read() as connection:
        return show(connection, ctx.workspace, current)


def show(connection: Connection, workspace: Workspace, current: Notice) -> Shown:
    """Return what `shown` does, for a notice already read."""
    whom = whom_of(connection, workspace, current)
    return Shown(
        notice=current,
        addressee=whom,
        text=text_of(current.draft, whom),
        sha256=hash_of(current.draft, whom),
        findings=check_notice(
            current.draft, whom, workspace, claims_carried(connection, current.incident, current.addressee)
        ),
    )


def whom_of(connection: Connection, workspace: Workspace, current: Notice) -> Addressee:
    """Return whom a notice goes to, the list of its readers included where one was loaded."""
    whom = addressed(workspace, current.addressee)
    listed = list_in(connection, current.id) if current.duty == PEOPLE else None
    return replace(whom, readers=listed.in_words) if listed else whom


def text_of(draft: Draft, whom: Addressee) -> str:
    """Return addresses, subject and body as one text; subject and addresses hold no line break.

    Where a list of readers was loaded, its hash stands among the addresses: an approval is bound to it too.
    """
    to = whom.readers or ", ".join(whom.addresses) or "by hand"
    return f"To: {whom.name} ({to})\nSubject: {draft.subject}\n\n{draft.body}"


def hash_of(draft: Draft, whom: Addressee) -> str:
    """Return the SHA-256 that approvals are bound to."""
    return hashlib.sha256(text_of(draft, whom).encode()).hexdigest()


def notice_of(ctx: Context, identity: str) -> Notice:
    """Return one notice by its id or the unambiguous beginning of it. Raises UsageError when there is none."""
    query = _current().where(notice.c.id.startswith(identity, autoescape=True)).limit(2)
    with ctx.store.read() as connection:
        rows = connection.execute(query).all() if len(identity) >= _SHORTEST_PREFIX else []
        if len(rows) == 1:
            must_be_theirs(connection, rows[0].incident)
            return _notice(rows[0])
    if rows:
        raise UsageError(f"More than one notice begins with {identity}. Give more of the id.")
    raise UsageError(f"There is no notice {identity}. `tocsin notice list` shows them.")


def notices(ctx: Context, *, incident: str | None = None) -> tuple[Notice, ...]:
    """Return the notices of one incident, or all, oldest first."""
    query = _current().order_by(notice.c.drafted_at, notice.c.addressee)
    if incident is not None:
        query = query.where(notice.c.incident == incident)
    with ctx.store.read() as connection:
        hidden = hidden_incidents(connection)
        return tuple(_notice(row) for row in connection.execute(query) if row.incident not in hidden)


def notice_for(ctx: Context, *, incident: str, template: str, addressee: str) -> Notice | None:
    """Return the newest notice of an incident to one addressee from one template, or None."""
    found = [
        each
        for each in notices(ctx, incident=incident)
        if (each.template, each.addressee) == (template, addressee) and each.state != "withdrawn"
    ]
    return found[-1] if found else None


def require_person(workspace: Workspace, actor: Actor, what: str) -> str:
    """Return the acting person's id. Raises Refused when it is nobody of the workspace."""
    if actor.person not in workspace.people:
        raise Refused(
            f"Only a person of the workspace may {what}, and {actor.person} is none. Nothing was changed. "
            "Add `login:` to that person in tocsin.yaml."
        )
    return actor.person


def current_notice(tx: Transaction, identity: str) -> Notice:
    """Read one notice inside a write transaction, by its full id."""
    return _locked(tx, identity)


def _made_by(ctx: Context, made_by: str) -> Notice | None:
    with ctx.store.read() as connection:
        row = connection.execute(_current().where(notice.c.made_by == made_by)).first()
    return _notice(row) if row is not None else None


def _locked(tx: Transaction, identity: str) -> Notice:
    row = tx.execute(_current().where(notice.c.id == identity)).first()
    if row is None:
        raise UsageError(f"There is no notice {identity}. `tocsin notice list` shows them.")
    return _notice(row)


def _refuse_if_gone(tx: Transaction, current: Notice) -> None:
    gone = tx.execute(
        select(func.count())
        .select_from(delivery)
        .where(
            delivery.c.notice == current.id,
            delivery.c.channel == "mail",
            delivery.c.state.in_(("trying", "sent", "unknown")),
        )
    ).scalar_one()
    listed = list_in(tx.connection, current.id)
    begun = listed is not None and listed.began_at is not None
    if gone or begun or current.state not in {"draft", "approved"}:
        raise Refused(
            f"Notice {current.id[:8]} has been sent, or a copy of it may have been, so it stays as it is. "
            "Write a follow-up instead."
        )


def _add_version(tx: Transaction, identity: str, version: int, text: Draft, sha256: str, editor: str) -> None:
    tx.execute(
        insert(notice_version).values(
            notice=identity,
            version=version,
            sha256=sha256,
            subject=text.subject,
            body=text.body,
            edited_by=editor,
            edited_at=tx.now,
        )
    )


def _current() -> Select[Any]:
    every = notice_version.alias()
    newest = select(func.max(every.c.version)).where(every.c.notice == notice.c.id).correlate(notice)
    joined = notice.join(
        notice_version,
        (notice_version.c.notice == notice.c.id) & (notice_version.c.version == newest.scalar_subquery()),
    )
    return select(
        notice,
        notice_version.c.version,
        notice_version.c.subject,
        notice_version.c.body,
        notice_version.c.edited_by,
        notice_version.c.edited_at,
    ).select_from(joined)


def _notice(row: Row[Any]) -> Notice:
    return Notice(**{name: getattr(row, name) for name in Notice.__slots__})
