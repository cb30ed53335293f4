"""The one place that chooses adapters: from a workspace folder to a context of tools.

Called by every door. What is heavy is imported here only where it is needed, and restic is looked for only
when something asks for it: an incident can be declared on a machine that has none.

With TOCSIN_BREAK_GLASS=1 the store is a file of this machine, whatever the workspace says: when the database
server is down or hostile, a laptop still declares, records, decides and drafts, in a journal of its own.
"""

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import cast

from tocsin.adapters.system import EnvironmentCrashPoints, SystemClock, SystemRandomness
from tocsin.context import Context
from tocsin.errors import Temporary, UsageError, did_you_mean
from tocsin.model.workspace import Workspace
from tocsin.ports import Actor, Http, Mailer, Restic, Secrets, Shell, Sql
from tocsin.store.database import Store, open_store
from tocsin.workspace import find, load

BREAK_GLASS = "TOCSIN_BREAK_GLASS"
PREFECT_DOOR = "prefect"


def load_workspace(folder: Path | None = None) -> Workspace:
    """Find and load the workspace: `--workspace`, else TOCSIN_WORKSPACE, else the nearest `tocsin.yaml`."""
    return load(find(folder, os.environ, Path.cwd()))


@contextmanager
def open_context(folder: Path | None = None, *, door: str = "cli", person: str | None = None) -> Iterator[Context]:
    """Build the context of one operation and close it afterwards."""
    workspace = load_workspace(folder)
    actor = acting_person(workspace, door, person)
    with opened_store(workspace) as store:
        yield _context(workspace, store, actor, lambda: _restic(workspace))


@contextmanager
def unopened_context(folder: Path | None = None, *, door: str = "cli") -> Iterator[Context]:
    """Build the same tools for `tocsin doctor`: the store, too, is opened at its first use; restic waits little.

    What is out of reach tonight then fails where it is asked for, and keeps nothing else from being looked at.
    """
    workspace = load_workspace(folder)
    actor = acting_person(workspace, door)
    with ExitStack() as opened:
        store = cast("Store", _WhenNeeded(lambda: opened.enter_context(opened_store(workspace))))
        yield _context(workspace, store, actor, lambda: _restic(workspace, impatient=True))


def _context(workspace: Workspace, store: Store, actor: Actor, restic: Callable[[], Restic]) -> Context:
    from tocsin.adapters.secrets import ReferencedSecrets

    secrets = ReferencedSecrets(environ=os.environ, folder=workspace.root)
    return Context(
        workspace=workspace,
        store=store,
        restic=cast("Restic", _WhenNeeded(restic)),
        mailer=cast("Mailer", _WhenNeeded(lambda: _mailer(workspace, secrets))),
        secrets=secrets,
        clock=SystemClock(),
        randomness=SystemRandomness(),
        crash=EnvironmentCrashPoints(),
        actor=actor,
        shell=cast("Shell", _WhenNeeded(_shell)),
        http=cast("Http", _WhenNeeded(_http)),
        sql=cast("Sql", _WhenNeeded(_sql)),
    )


@contextmanager
def opened_store(workspace: Workspace) -> Iterator[Store]:
    """Open the workspace's store, migrated where needed."""
    store = _open(workspace)
    try:
        yield store
    finally:
        store.close()


def store_url(workspace: Workspace) -> str:
    """Return where the store is: the workspace's, or in break-glass a file of this machine."""
    if os.environ.get(BREAK_GLASS) and not workspace.store.startswith("sqlite"):
        return f"sqlite:///{workspace.state_folder / 'break-glass.db'}"
    return workspace.store_url


def acting_person(workspace: Workspace, door: str, person: str | None = None) -> Actor:
    """Say who acts: the person named, else the one whose login is this system user, else the system user.

    A system user who is nobody in the workspace acts as `user:NAME`: they may look, back up and report, and are
    refused wherever a person of the workspace has to decide. So is what Prefect rings for: nobody stands there.
    """
    if person is not None:
        if person not in workspace.people:
            raise UsageError(
                f"There is no person {person!r} in the workspace.{did_you_mean(person, workspace.people)}"
            )
        return Actor(person, door)
    if door == PREFECT_DOOR:
        return Actor("service:tocsin", door)
    login = getpass.getuser()
    somebody = workspace.person_with_login(login)
    return Actor(somebody.id if somebody else f"user:{login}", door)


def _open(workspace: Workspace) -> Store:
    tools = (SystemClock(), SystemRandomness(), EnvironmentCrashPoints())
    try:
        return open_store(store_url(workspace), workspace.state_folder, *tools)
    except Temporary as away:
        if workspace.store.startswith("sqlite"):
            raise
        raise Temporary(
            f"{away} If this cannot wait, put {BREAK_GLASS}=1 before the command: it then keeps a journal of its "
            "own on this machine."
        ) from away


def _restic(workspace: Workspace, *, impatient: bool = False) -> Restic:
    from tocsin.adapters.restic import Limits, ResticBinary, find_restic

    limits = Limits(call=timedelta(seconds=20), reach=timedelta(seconds=8)) if impatient else Limits()
    cache = workspace.state_folder / "restic-cache"
    return ResticBinary(find_restic(os.environ), cache_dir=cache, environ=os.environ, limits=limits)


def _mailer(workspace: Workspace, secrets: Secrets) -> Mailer:
    from tocsin.adapters.mail import SmtpMailer

    return SmtpMailer(workspace.channels.mail, secrets)


def _shell() -> Shell:
    from tocsin.adapters.shell import SystemShell

    return SystemShell(os.environ)


def _http() -> Http:
    from tocsin.adapters.http import SystemHttp

    return SystemHttp()


def _sql() -> Sql:
    from tocsin.adapters.sql import PostgresSql

    return PostgresSql()


class _WhenNeeded:
    """A tool that is looked for at its first use, so that what does not need it works without."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make

    @cached_property
    def _tool(self) -> object:
        return self._make()

    def __getattr__(self, name: str) -> object:
        return getattr(self._tool, name)
