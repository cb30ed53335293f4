"""Letters that came back: matched with whom they went to, so that it is known who was not reached.

Where telling people one by one does not reach them, Article 34(3)(c) UK GDPR asks for a public communication or
something as effective; so their number is what matters, and who they are stays in the private list.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select, update

from tocsin.context import Context
from tocsin.errors import UsageError
from tocsin.notices.batches import settle
from tocsin.notices.bounces import Report
from tocsin.notices.posting import Posted, posted
from tocsin.notices.recipient_rows import reader_of
from tocsin.notices.register import notice_of
from tocsin.store.database import JsonValue, Transaction
from tocsin.store.tables import recipient

_CAME_BACK = ("sent", "unknown", "trying")
_BOUNCED = (
    update(recipient)
    .where(recipient.c.notice == bindparam("of"), recipient.c.position == bindparam("at"))
    .values(state="bounced", code=bindparam("why"), finished_at=bindparam("now"), detail=None)
)


@dataclass(frozen=True, slots=True)
class CameBack:
    """What a mailbox told: newly bounced, bounced before, only delayed, of other mails, and not understood."""

    bounced: int
    known: int
    delayed: int
    others: int
    not_understood: int
    now: Posted


def read_bounces(ctx: Context, identity: str, reports: Iterable[Report]) -> CameBack:
    """Mark the readers of a notice whose mail came back for good; the same reports again change nothing.

    Raises UsageError when the notice has no list of readers, or it is forgotten.
    """
    current = notice_of(ctx, identity)
    so_far = posted(ctx, current)
    if so_far is None or so_far.recipients.state == "forgotten":
        what = "is forgotten, so no report can be matched" if so_far else "does not exist: nothing went to many"
        raise UsageError(f"The list of readers of notice {current.id[:8]} {what}. Nothing was changed.")
    count = dict.fromkeys(("bounced", "known", "delayed", "others", "not_understood"), 0)
    reports = tuple(reports)
    with ctx.store.write(ctx.actor) as tx:
        for report in reports:
            count[_take(tx, current.id, report)] += 1
        if count["bounced"]:
            payload: dict[str, JsonValue] = {"notice": current.id, "letters": count["bounced"]}
            tx.record("notice.bounced", f"notice:{current.id}", payload)
            settle(tx, current.id)
    ctx.crash.reach("notice:bounced")
    after = posted(ctx, notice_of(ctx, current.id))
    return CameBack(**count, now=after or so_far)


def _take(tx: Transaction, identity: str, report: Report) -> str:
    if not report.action:
        return "not_understood"
    reader = _matching(tx, identity, report)
    if reader is None:
        return "others"
    if report.action != "failed":
        return "delayed" if report.action == "delayed" else "known"
    if reader[1] not in _CAME_BACK:
        return "known"
    tx.connection.execute(
        _BOUNCED, {"of": identity, "at": reader[0], "why": report.code or "failed", "now": tx.now}
    )
    return "bounced"


def _matching(tx: Transaction, identity: str, report: Report) -> tuple[int, str] | None:
    query = select(recipient).where(recipient.c.notice == identity, recipient.c.way == "mail")
    if report.keys:
        rows = tx.execute(query.where(recipient.c.key.in_(report.keys)).limit(2)).all()
    elif report.returned or not report.address:
        return None  # the mail that it returns is another one
    else:
        same = func.lower(recipient.c.email) == report.address.lower()
        rows = tx.execute(query.where(same, recipient.c.tried_at.is_not(None)).limit(2)).all()
    if len(rows) != 1:
        return None
    reader = reader_of(rows[0])
    return reader.position, reader.state
