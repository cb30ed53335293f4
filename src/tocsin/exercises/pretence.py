"""The tools of a room: nothing of the outside is in them.

Whatever restic, a shell, the network, a database or the safe is asked for is refused. The mailer takes every mail
and lays it down in the room's `not-sent` folder, so that a notice goes the whole way from draft to told.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import cast

from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.exercises.room import NOT_SENT
from tocsin.model.workspace import Workspace
from tocsin.ports import (
    Actor,
    Clock,
    CrashPoints,
    HandedOver,
    Http,
    MailSession,
    Messenger,
    Randomness,
    Restic,
    Secrets,
    Shell,
    Sql,
)
from tocsin.runbook.language import Mode
from tocsin.runbook.modes import OutOfReach
from tocsin.store.database import Store

WORD = "EXERCISE"


class NotSent:
    """Implements `ports.Mailer` and sends nothing: each mail is kept as a file, marked as an exercise."""

    never_sends = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: EmailMessage) -> None:
        """Lay the mail down, with EXERCISE in its subject."""
        subject = str(message["Subject"] or "")
        if not subject.startswith(WORD):
            del message["Subject"]
            message["Subject"] = f"{WORD}: {subject}"
        self._keep(message.as_bytes(policy=SMTP))

    @contextmanager
    def session(self, per_connection: int) -> Iterator[MailSession]:
        """Return what takes many mails."""
        yield _Counted(self)

    def _keep(self, content: bytes) -> None:
        folder = private_folder(self._folder)
        number = 1 + sum(1 for _ in folder.glob("*.eml"))
        write_durably(folder / f"{number:04}.eml", content)


class _Counted:
    """Implements `ports.MailSession`: takes letters to many, and keeps the first of them to be looked at."""

    def __init__(self, mailer: NotSent) -> None:
        self._mailer = mailer
        self._first = True

    def connect(self) -> None:
        """There is nobody to connect to."""

    def hand_over(self, sender: str, reader: str, content: bytes) -> HandedOver:
        """Take it."""
        if self._first:
            self._first = False
            self._mailer._keep(b"X-Tocsin: EXERCISE, not sent\r\n" + content)  # noqa: SLF001 - its own session
        return HandedOver("taken", "250", "EXERCISE: not sent")


def room_context(
    workspace: Workspace, store: Store, actor: Actor, tools: tuple[Clock, Randomness, CrashPoints]
) -> Context:
    """Return the tools of a room. The mailer is the one thing that takes anything, and it sends nothing."""
    clock, randomness, crash = tools
    return Context(
        workspace=workspace,
        store=store,
        restic=cast("Restic", OutOfReach("restic", Mode.EXERCISE)),
        mailer=NotSent(workspace.root / NOT_SENT / "mail"),
        secrets=cast("Secrets", OutOfReach("the safe", Mode.EXERCISE)),
        clock=clock,
        randomness=randomness,
        crash=crash,
        actor=actor,
        shell=cast("Shell", OutOfReach("the shell", Mode.EXERCISE)),
        http=cast("Http", OutOfReach("the network", Mode.EXERCISE)),
        sql=cast("Sql", OutOfReach("every database", Mode.EXERCISE)),
        messenger=cast("Messenger", OutOfReach("every chat", Mode.EXERCISE)),
    )
