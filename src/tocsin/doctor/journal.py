"""The store and its journal: within reach, the newest schema, a key that signs, a clock that has not gone back."""

import stat
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import select

from tocsin.context import Context
from tocsin.doctor.finding import Finding, failed, ok, warning
from tocsin.errors import TocsinError
from tocsin.store.operations import running_elsewhere
from tocsin.store.tables import journal

_CLOCKS_DIFFER = timedelta(seconds=5)
_A_DAY = timedelta(days=1)
_SILENT = timedelta(days=400)


def check_journal(ctx: Context) -> Iterator[Finding]:
    """Open the store (which migrates an older one), and look at the journal's end, its key and the clock."""
    prefix = "sqlite:///"
    where = ctx.workspace.store_url
    if where.startswith(prefix):
        path = ctx.workspace.resolve(where.removeprefix(prefix))
        if not path.exists():
            yield ok("store", f"{path} is made by the first command that needs it")
            return
        told = str(path)
    else:
        told = "PostgreSQL"  # its address may hold a password
    try:
        with ctx.store.read() as connection:
            newest = select(journal.c.seq, journal.c.at).order_by(journal.c.seq.desc()).limit(1)
            last = connection.execute(newest).one_or_none()
    except TocsinError as fault:
        yield failed("store", str(fault))
        return
    if last is None:
        yield ok("store", f"{told}, the journal is empty")
        return
    yield ok("store", f"{told}, {last.seq} journal entries")
    yield from _elsewhere(ctx)
    yield _clock(ctx.clock.now(), last.at)
    yield _key(ctx)


def _elsewhere(ctx: Context) -> Iterator[Finding]:
    """Name what another machine began a day ago and has not ended: it keeps others of its kind waiting."""
    for one in running_elsewhere(ctx.store):
        if ctx.clock.now() - one.since > _A_DAY:
            yield warning(
                f"{one.kind} of {one.subject}",
                f"It runs on {one.host} since {one.since:%Y-%m-%d %H:%M} UTC, if that machine still lives.",
                f"If it does not: tocsin journal settle {one.id[:8]} --reason TEXT",
            )


def _clock(now: datetime, newest: datetime) -> Finding:
    if now < newest - _CLOCKS_DIFFER:
        return failed(
            "clock",
            f"It says {now:%Y-%m-%d %H:%M} UTC, before the journal's newest entry ({newest:%Y-%m-%d %H:%M} UTC).",
            "Set the machine's clock (timedatectl): every legal clock hangs on it.",
        )
    if now > newest + _SILENT:
        return warning(
            "clock",
            f"It says {now:%Y-%m-%d}, more than a year after the journal's newest entry.",
            "Make sure that it is right.",
        )
    return ok("clock", f"{now:%Y-%m-%d %H:%M} UTC, after the journal's newest entry")


def _key(ctx: Context) -> Finding:
    path = ctx.workspace.state_folder / "keys" / "journal.ed25519"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as fault:
        return failed(
            "journal key",
            f"{path}: {(fault.strerror or str(fault)).lower()}.",
            "Bring it back from a backup. If it is lost, the next command makes a new one and journals that.",
        )
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        return failed(
            "journal key",
            f"{path} is open to other users ({mode:04o}): they can sign for us.",
            f"chmod 600 {path}",
        )
    return _signature(ctx)


def _signature(ctx: Context) -> Finding:
    from tocsin.store.keys import read_public_key  # noqa: PLC0415 - loads cryptography

    try:
        head = ctx.store.sign_head(ctx.actor)
        public = read_public_key(ctx.workspace.state_folder / "keys" / "journal.pub")
        good = head is not None and head.is_signed_by(public)
    except TocsinError as fault:
        return failed("journal key", str(fault))
    if not good or head is None:
        return failed(
            "journal key",
            "What the key signs does not agree with journal.pub beside it.",
            "Bring both back from a backup.",
        )
    return ok("journal key", f"signs; the journal is signed up to entry {head.seq}")
