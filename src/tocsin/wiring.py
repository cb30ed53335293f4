"""The one place that chooses adapters: from a workspace folder to a context of tools.

Called by every door. Heavy libraries are imported here, inside functions, only where they are needed.
"""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tocsin.adapters.system import EnvironmentCrashPoints, SystemClock, SystemRandomness
from tocsin.context import Context
from tocsin.errors import UsageError, did_you_mean
from tocsin.model.workspace import Workspace
from tocsin.ports import Actor
from tocsin.store.database import Store, open_store


def load_workspace(folder: Path | None = None) -> Workspace:
    """Find and load the workspace: `--workspace`, else TOCSIN_WORKSPACE, else the nearest `tocsin.yaml`."""
    from tocsin.workspace import find, load

    return load(find(folder, os.environ, Path.cwd()))


@contextmanager
def open_context(folder: Path | None = None, *, door: str = "cli", person: str | None = None) -> Iterator[Context]:
    """Build the context of one operation and close it afterwards."""
    from tocsin.adapters.mail import SmtpMailer
    from tocsin.adapters.restic import ResticCommand, find_restic
    from tocsin.adapters.secrets import SecretReferences

    workspace = load_workspace(folder)
    secrets = SecretReferences(workspace.root)
    with opened_store(workspace) as store:
        yield Context(
            workspace=workspace,
            store=store,
            restic=ResticCommand(lambda: find_restic(os.environ), cache=workspace.state / "restic-cache"),
            mailer=SmtpMailer(workspace.channels.mail, secrets),
            secrets=secrets,
            clock=SystemClock(),
            randomness=SystemRandomness(),
            crash=EnvironmentCrashPoints(),
            actor=acting_person(workspace, door, person),
        )


@contextmanager
def opened_store(workspace: Workspace) -> Iterator[Store]:
    """Open the workspace's store, migrated, with its signing key."""
    store = open_store(workspace.store_url, workspace.state, SystemClock(), SystemRandomness(), EnvironmentCrashPoints())
    try:
        yield store
    finally:
        store.close()


def acting_person(workspace: Workspace, door: str, person: str | None = None) -> Actor:
    """Say who acts: the person named, else the one whose login is this system user, else the system user.

    A system user who is nobody in the workspace acts as `user:NAME`: it may look, back up and report, and is
    refused wherever a person of the workspace has to decide.
    """
    if person is not None:
        if person not in workspace.people:
            raise UsageError(f"There is no person {person!r} in the workspace.{did_you_mean(person, workspace.people)}")
        return Actor(person, door)
    login = getpass.getuser()
    for identity, somebody in workspace.people.items():
        if somebody.login == login:
            return Actor(identity, door)
    return Actor(f"user:{login}", door)
