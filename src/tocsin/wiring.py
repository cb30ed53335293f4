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
from typing import TypedDict, cast
from urllib.parse import urlsplit

from tocsin.adapters.system import EnvironmentCrashPoints, SystemClock, SystemRandomness
from tocsin.context import Context
from tocsin.errors import Refused, Temporary, UsageError, did_you_mean
from tocsin.exercises.room import Room, as_room, room_at
from tocsin.model.workspace import SlackChannel, Workspace
from tocsin.ports import Actor, Chat, Clock, Http, Mailbox, Mailer, Messenger, Restic, Secrets, Shell, Sql
from tocsin.store.database import Store, open_store
from tocsin.workspace import find, load

BREAK_GLASS = "TOCSIN_BREAK_GLASS"
PREFECT_DOOR = "prefect"
SLACK_ADDRESS = "TOCSIN_SLACK_API"
"""Another address of Slack's Web API: GovSlack's, or a simulator's on this machine."""
SLACK_HOME = "https://slack.com/api/"


def load_workspace(folder: Path | None = None) -> Workspace:
    """Find and load the workspace: `--workspace`, else TOCSIN_WORKSPACE, else the nearest `tocsin.yaml`."""
    found = find(folder, os.environ, Path.cwd())
    room = room_at(found)
    return as_room(load(found), _still_open(room)) if room else load(found)


def _still_open(room: Room) -> Room:
    """Refuse a room whose exercise is over: nobody shall declare a real incident there and be heard by nobody."""
    if room.ended:
        raise Refused(f"The exercise {room.exercise} is over and its room is shut. Go back: cd {room.home}")
    return room


@contextmanager
def open_context(folder: Path | None = None, *, door: str = "cli", person: str | None = None) -> Iterator[Context]:
    """Build the context of one operation and close it afterwards."""
    workspace = load_workspace(folder)
    actor = acting_person(workspace, door, person)
    with opened_store(workspace) as store:
        if workspace.exercise:
            _must_be_reachable(workspace, actor)
            yield _room_context(workspace, store.read_by(actor.person), actor)
            return
        yield _context(workspace, store.read_by(actor.person), actor, lambda: _restic(workspace))


@contextmanager
def unopened_context(folder: Path | None = None, *, door: str = "cli") -> Iterator[Context]:
    """Build the same tools for `tocsin doctor`: the store, too, is opened at its first use; restic waits little.

    What is out of reach tonight then fails where it is asked for, and keeps nothing else from being looked at.
    """
    workspace = load_workspace(folder)
    actor = acting_person(workspace, door)
    with ExitStack() as opened:
        store = cast("Store", _WhenNeeded(lambda: opened.enter_context(opened_store(workspace))))
        if workspace.exercise:
            yield _room_context(workspace, store, actor)
            return
        yield _context(workspace, store, actor, lambda: _restic(workspace, impatient=True))


@contextmanager
def open_room(room: Room, *, door: str = "cli") -> Iterator[Context]:
    """Build the context of an exercise's room for whoever leads it, wherever they stand."""
    workspace = as_room(load(room.folder), room)
    actor = acting_person(workspace, door)
    with opened_store(workspace) as store:
        yield _room_context(workspace, store.read_by(actor.person), actor)


def _must_be_reachable(workspace: Workspace, actor: Actor) -> None:
    from tocsin.exercises.playing import must_be_reachable
    from tocsin.exercises.room import room_named

    must_be_reachable(room_named(workspace.root), actor.person)


def _room_context(workspace: Workspace, store: Store, actor: Actor) -> Context:
    """Return the tools of an exercise's room: none of them leads out of it."""
    from tocsin.exercises.pretence import room_context

    return room_context(workspace, store, actor, _inner_tools(workspace))


def _inner_tools(workspace: Workspace) -> tuple[Clock, SystemRandomness, EnvironmentCrashPoints]:
    clock: Clock = SystemClock()
    if workspace.exercise:
        from tocsin.exercises.clock import ExerciseClock

        clock = ExerciseClock(workspace.root, clock)
    return clock, SystemRandomness(), EnvironmentCrashPoints()


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
        **_slack(workspace, secrets),
    )


class _SlackTools(TypedDict, total=False):
    chat: Chat
    messenger: Messenger


def _slack(workspace: Workspace, secrets: Secrets) -> _SlackTools:
    """Return the tools that speak to Slack; none where the workspace has no token and no webhook for it."""
    channel = workspace.channels.slack
    if channel is None or not (channel.token or channel.webhook):
        return {}
    chat = cast("Chat", _WhenNeeded(lambda: _chat(channel, secrets)))
    return {"chat": chat, "messenger": cast("Messenger", _WhenNeeded(lambda: _messenger(chat)))}


def secrets_beside(folder: Path) -> Secrets:
    """Return the secrets of a machine that has no workspace yet; a relative `file:` path starts at `folder`."""
    from tocsin.adapters.secrets import ReferencedSecrets

    return ReferencedSecrets(environ=os.environ, folder=folder)


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
    if workspace.exercise and (sitting := _at_the_keyboard(workspace)):
        return Actor(sitting, door)
    login = getpass.getuser()
    somebody = workspace.person_with_login(login)
    return Actor(somebody.id if somebody else f"user:{login}", door)


def _at_the_keyboard(workspace: Workspace) -> str | None:
    """Return who sits at an exercise's keyboard, where somebody was named: one laptop serves the whole table."""
    room = room_at(workspace.root)
    return room.seat if room else None


def _open(workspace: Workspace) -> Store:
    try:
        return open_store(store_url(workspace), workspace.state_folder, *_inner_tools(workspace))
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


def mailbox_of(ctx: Context) -> Mailbox:
    """Return the mailbox that undeliverable mails come back to. Raises UsageError when none is named."""
    from tocsin.adapters.imap import ImapMailbox

    named = ctx.workspace.channels.bulk.mailbox
    if named is None:
        raise UsageError("The workspace names no mailbox: add `mailbox:` under `channels: bulk:`.")
    return ImapMailbox(named, ctx.secrets.read(named.password))


def _mailer(workspace: Workspace, secrets: Secrets) -> Mailer:
    from tocsin.adapters.mail import SmtpMailer

    return SmtpMailer(workspace.channels.mail, secrets)


def _shell() -> Shell:
    from tocsin.adapters.shell import SystemShell

    return SystemShell(os.environ)


def _http() -> Http:
    from tocsin.adapters.http import SystemHttp

    return SystemHttp()


def _chat(channel: SlackChannel, secrets: Secrets) -> Chat:
    from tocsin.adapters.slack import SlackChat, WebhookChat

    home = os.environ.get(SLACK_ADDRESS) or SLACK_HOME
    if channel.webhook:
        address = secrets.read(channel.webhook)
        _only_slack(address, "the webhook")
        return WebhookChat(address, channel.channel, _http())
    _only_slack(home, SLACK_ADDRESS)
    app_token = secrets.read(channel.app_token) if channel.app_token else ""
    return SlackChat(secrets.read(channel.token or ""), channel.channel, app_token=app_token, home=home)


def _only_slack(address: str, what: str) -> None:
    """Refuse to carry a token or an incident anywhere but to Slack, or to this machine for a trial."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    theirs = host == "slack.com" or host.endswith((".slack.com", ".slack-gov.com"))
    if not (parts.scheme == "https" and theirs) and host not in ("127.0.0.1", "localhost", "::1"):
        raise UsageError(f"{what} leads to {host or 'nowhere'}, which is not Slack. Nothing was sent there.")


def _messenger(chat: Chat) -> Messenger:
    from tocsin.adapters.slack import ChatMessenger

    return ChatMessenger(chat, SystemClock())


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
