"""What went to an addressee before: the last notice that left, as drafted, as sent, and its reference."""

from sqlalchemy import Connection, select

from tocsin.context import Context
from tocsin.notices.addressees import addressed
from tocsin.notices.following import Earlier
from tocsin.notices.sheet import CONTROLLERS, PEOPLE
from tocsin.store.tables import journal, journal_private, notice, notice_version

_GONE = ("sent", "recorded")


def earlier_of(ctx: Context, *, incident: str, duty: str, addressee: str) -> Earlier | None:
    """Return the last notice of an incident that went to an addressee; None when none has."""
    about = (notice.c.incident == incident, notice.c.duty == duty, notice.c.addressee == addressee)
    query = select(notice).where(*about, notice.c.state.in_(_GONE)).order_by(notice.c.left_at, notice.c.drafted_at)
    with ctx.store.read() as connection:
        gone = connection.execute(query).all()
        if not gone:
            return None
        last = gone[-1]
        bodies = connection.execute(
            select(notice_version.c.body)
            .where(notice_version.c.notice == last.id)
            .order_by(notice_version.c.version)
        ).scalars()
        drafted, *edited = bodies
        reference = _reference(connection, [row.id for row in gone])
    first = gone[0].left_at or gone[0].drafted_at
    sent_at = last.left_at or last.drafted_at
    return Earlier(drafted, edited[-1] if edited else drafted, sent_at, reference, first)


def told_so_far(ctx: Context, incident: str) -> tuple[str, ...]:
    """Return who has been told, in the order they were; clients and people together, none of them by name."""
    query = (
        select(notice.c.duty, notice.c.addressee)
        .where(notice.c.incident == incident, notice.c.state.in_(_GONE))
        .order_by(notice.c.left_at, notice.c.drafted_at)
    )
    with ctx.store.read() as connection:
        rows = connection.execute(query).all()
    grouped = {CONTROLLERS: "the clients whose data is concerned", PEOPLE: "people whose data is concerned"}
    return tuple(
        dict.fromkeys(grouped.get(row.duty) or addressed(ctx.workspace, row.addressee).name for row in rows)
    )


def _reference(connection: Connection, identities: list[str]) -> str:
    """Return the reference recorded last with any of these notices; empty when none was, or it was erased."""
    query = (
        select(journal_private.c.text)
        .join(journal, journal.c.seq == journal_private.c.seq)
        .where(
            journal.c.kind == "notice.recorded",
            journal.c.subject.in_([f"notice:{identity}" for identity in identities]),
            journal_private.c.name == "reference",
        )
        .order_by(journal.c.seq.desc())
        .limit(1)
    )
    return connection.execute(query).scalar() or ""
