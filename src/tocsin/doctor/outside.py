"""What is outside: restic, every repository (opened with its password, one call each), the mail server."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tocsin.context import Context
from tocsin.doctor.finding import Finding, failed, ok, warning
from tocsin.errors import TocsinError
from tocsin.model.workspace import MailChannel
from tocsin.repositories import repository_access

MAIL_SECONDS = 5.0
_AT_ONCE = 4


def check_restic(ctx: Context) -> Finding:
    """Look for a restic that is new enough."""
    try:
        return ok("restic", ctx.restic.version())
    except TocsinError as fault:
        return failed("restic", str(fault), "Incidents can be declared without it; nothing can be backed up.")


def check_repositories(ctx: Context) -> Iterator[Finding]:
    """Open each repository and count its snapshots, a few at once: each takes a second, or its whole limit."""
    names = list(ctx.workspace.repositories)
    if not names:
        yield warning("repositories", "The workspace has none.", "Add one under `repositories`.")
        return
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        yield from pool.map(lambda name: _repository(ctx, name), names)


def _repository(ctx: Context, name: str) -> Finding:
    about = f"repository {name}"
    damaged: list[str] = []
    try:
        found = ctx.restic.snapshots(
            repository_access(ctx, name), on_damaged=lambda snapshot, _why: damaged.append(snapshot)
        )
    except TocsinError as fault:
        return failed(about, str(fault).removeprefix(f"{about}: "))
    if damaged:
        return failed(
            about,
            f"{len(damaged)} of its snapshots cannot be read: {', '.join(each[:8] for each in damaged[:3])}.",
            "Run a drill to see what still comes back, and back up anew.",
        )
    if differs := _cuts_differently(ctx, name):
        return warning(
            about,
            f"opens, but cuts files differently than {differs}, so that each copy takes its full size.",
            "Make it anew with 'tocsin backup init' when you can.",
        )
    return ok(about, f"opens; {len(found)} snapshot{'' if len(found) == 1 else 's'}")


def _cuts_differently(ctx: Context, name: str) -> str:
    """Return the repository that this one is filled from and does not share its parameters with, else ''."""
    source = ctx.workspace.repositories[name].filled_from
    if source is None:
        return ""
    try:
        first, second = (ctx.restic.chunker(repository_access(ctx, one)) for one in (source, name))
    except TocsinError:
        return ""  # its own line says what is wrong with the first
    return "" if first == second else source


def check_mail(channel: MailChannel | None) -> Finding:
    """Connect to the mail server and hang up: nothing is sent, no password is shown to it."""
    if channel is None:
        return warning(
            "mail",
            "The workspace has no mail channel: notices are laid into the outbox folder only.",
            "Add `channels: mail:` to send them from here.",
        )
    where = f"{channel.host}:{channel.port}"
    try:
        with socket.create_connection((channel.host, channel.port), timeout=MAIL_SECONDS):
            return ok("mail", f"{where} answers")
    except OSError as fault:
        reason = (fault.strerror or str(fault) or "no answer").lower()
        return failed(
            "mail",
            f"{where} cannot be reached: {reason}.",
            "Check channels.mail, or start the mail server. Approved notices still go to the outbox folder.",
        )
