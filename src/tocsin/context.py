"""The tools an operation is given: nothing but tools, all of them replaceable, none of them results."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import NoReturn, Self

from tocsin.errors import UsageError
from tocsin.model.workspace import Workspace
from tocsin.ports import (
    Actor,
    Chat,
    Clock,
    Command,
    CrashPoints,
    Http,
    HttpRequest,
    Mailer,
    Messenger,
    Post,
    Randomness,
    Restic,
    Secrets,
    Shell,
    Sql,
)
from tocsin.store.database import Store


class NoShell:
    """`ports.Shell` of a context that was given none."""

    def run(self, command: Command) -> NoReturn:
        """Refuse."""
        raise UsageError("No program can be run from here: this context was given no shell. Nothing was done.")


class NoHttp:
    """`ports.Http` of a context that was given none."""

    def request(self, request: HttpRequest) -> NoReturn:
        """Refuse."""
        raise UsageError("No web server can be asked from here: this context was given none. Nothing was sent.")


class NoSql:
    """`ports.Sql` of a context that was given none."""

    def rows(self, address: str, query: str, timeout: timedelta) -> NoReturn:
        """Refuse."""
        raise UsageError("No database can be asked from here: this context was given none.")

    def change(self, address: str, statement: str, timeout: timedelta) -> NoReturn:
        """Refuse."""
        raise UsageError("No database can be changed from here: this context was given none. Nothing was done.")


class NoMessenger:
    """`ports.Messenger` of a context that was given none."""

    def post(self, post: Post) -> NoReturn:
        """Refuse."""
        raise UsageError("No chat is set up here: set channels.slack in tocsin.yaml. Nothing was posted.")


@dataclass(frozen=True, slots=True)
class Context:
    """What every operation may use. Built by `tocsin.wiring`, or by a test."""

    workspace: Workspace
    store: Store
    restic: Restic
    mailer: Mailer
    secrets: Secrets
    clock: Clock
    randomness: Randomness
    crash: CrashPoints
    actor: Actor
    shell: Shell = field(default_factory=NoShell)
    http: Http = field(default_factory=NoHttp)
    sql: Sql = field(default_factory=NoSql)
    messenger: Messenger = field(default_factory=NoMessenger)
    chat: Chat | None = None

    def acting_as(self, actor: Actor) -> Self:
        """Return the same tools in another person's hands."""
        return replace(self, actor=actor, store=self.store.read_by(actor.person))
