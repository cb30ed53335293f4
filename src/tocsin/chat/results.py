"""What backups and drills came to: what failed soon, what went well once a day, at night nothing.

A result is news, not an alarm: alarms go by `tocsin.alarms`, at any hour. In the quiet hours results wait for
their end; an open incident's messages never do.
"""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from tocsin.chat.audience import settings_of
from tocsin.chat.blocks import content, section
from tocsin.chat.outbox import Wanted, put
from tocsin.context import Context
from tocsin.model.slack_text import escaped, joined
from tocsin.store import journal
from tocsin.store.database import Transaction
from tocsin.store.journal import Told
from tocsin.store.tables import chat_message as messages
from tocsin.store.tables import journal as entries

PREFIX = "results"
KINDS = ("backup.finished", "backup.unknown", "drill.finished", "drill.unknown", "recovery.finished")
_WELL = frozenset({"ok", "passed", "skipped", "recovered"})
_HELLO = content(
    "Tocsin is here.",
    [section("Tocsin is here: it shows every incident, and what backups and drills come to. Type `/tocsin`.")],
)
_WHAT = {"backup": "Backup", "drill": "Drill", "recovery": "Recovery"}


def tell(ctx: Context, tx: Transaction) -> None:
    """Write what is due to be told. The first call only says hello and marks where it begins."""
    upto = _upto(tx.connection)
    if upto is None:
        start = int(tx.execute(select(func.coalesce(func.max(entries.c.seq), 0))).scalar_one())
        put(tx, Wanted(f"{PREFIX}:{start}", _HELLO, upto=start))
        return
    new = _new(tx.connection, upto)
    if not new or _is_quiet(ctx, tx.now):
        return
    bad = [each for each in new if not _is_well(each)]
    if not bad and not _digest_is_due(ctx, tx):
        return
    lines = [_line(each) for each in (*bad, *(each for each in new if _is_well(each)))]
    head = f"{len(bad)} did not go well" if bad else f"{len(new)} went well"
    shown = joined([f"*Backups and drills: {head}*", *lines], rest="… and {count} more: `tocsin journal show`.")
    last = new[-1].entry.seq
    put(tx, Wanted(f"{PREFIX}:{last}", content(f"Backups and drills: {head}.", [section(shown)]), upto=last))


def _new(connection: Connection, after: int) -> list[Told]:
    found = [
        each
        for family in _WHAT
        for each in journal.entries(connection, after=after, kind=f"{family}.")
        if each.entry.kind in KINDS
    ]
    return sorted(found, key=lambda each: each.entry.seq)


def _upto(connection: Connection) -> int | None:
    query = select(func.max(messages.c.upto)).where(messages.c.about.startswith(f"{PREFIX}:", autoescape=True))
    found: int | None = connection.execute(query).scalar()
    return found


def _is_well(told: Told) -> bool:
    return told.entry.kind.endswith(".finished") and str(told.payload.get("verdict")) in _WELL


def _line(told: Told) -> str:
    family, _, name = told.entry.subject.partition(":")
    what = _WHAT.get(told.entry.kind.partition(".")[0], family)
    verdict = str(told.payload.get("verdict") or "outcome unknown").replace("-", " ").replace("_", " ")
    mark = ":white_check_mark:" if _is_well(told) else ":rotating_light:"
    return f"{mark} {what} {escaped(name, 100)}: {escaped(verdict, 100)}, {told.entry.at:%H:%M} UTC"


def _digest_is_due(ctx: Context, tx: Transaction) -> bool:
    """Tell whether today's hour for good news has come and nothing was told since."""
    zone = ZoneInfo(ctx.workspace.organisation.timezone)
    now = tx.now.astimezone(zone)
    hour = datetime.combine(now.date(), _time(settings_of(ctx).digest), zone)
    told = tx.execute(
        select(func.max(messages.c.intended_at)).where(messages.c.about.startswith(f"{PREFIX}:", autoescape=True))
    ).scalar()
    return now >= hour and (told is None or told < hour)


def _is_quiet(ctx: Context, moment: datetime) -> bool:
    hours = settings_of(ctx).quiet
    if hours is None:
        return False
    start, end = (_time(each) for each in hours.split("-"))
    now = moment.astimezone(ZoneInfo(ctx.workspace.organisation.timezone)).time()
    return start <= now < end if start < end else now >= start or now < end


def _time(text: str) -> time:
    return time.fromisoformat(text)
