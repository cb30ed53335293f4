"""Gather what a recovery kit holds from the workspace, the safe, the ledger and the journal."""

from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from typing import Any

from sqlalchemy import Connection, select

from tocsin.context import Context
from tocsin.model.workspace import Repository, Workspace
from tocsin.recovery.damage import local_folder
from tocsin.recovery.kit.contents import Kit
from tocsin.recovery.ledger import agrees_with_journal, from_row
from tocsin.store.columns import instant_text
from tocsin.store.tables import snapshot as snapshots
from tocsin.workspace.finding import FILE, STARTER_FOLDERS
from tocsin.workspace.loading import read_document

_FOLDERS = (*STARTER_FOLDERS, "schemas")
_BESIDE = ("*.yaml", "*.yml", "*.md", ".gitignore", "known_hosts")
_MOST_BYTES = 1024 * 1024


def gather(ctx: Context) -> Kit:
    """Return a kit of the workspace as it is now.

    Raises ConfigurationError or Temporary when a repository's secret cannot be read: a kit without it is none.
    """
    workspace = ctx.workspace
    secrets: dict[str, str] = {}
    references: dict[str, str] = {}
    for repository in workspace.repositories.values():
        for label, reference in _references(repository):
            if reference not in references:
                references[reference] = label
                secrets[label] = ctx.secrets.read(reference)
    with ctx.store.read() as connection:
        ledger = tuple(_ledger(connection))
    folder = ctx.workspace.state_folder / "keys"
    public = folder / "journal.pub"
    head = ctx.store.head_file
    return Kit(
        index=_index(workspace, references, ctx.clock.now()),
        files=dict(_files(workspace)),
        secrets=secrets,
        ledger=ledger,
        head=head.read_bytes() if head.exists() else b"",
        public_key=public.read_bytes() if public.exists() else b"",
    )


def _references(repository: Repository) -> Iterator[tuple[str, str]]:
    """Yield what opens a repository for reading. What may delete from it stays where it is."""
    yield f"{repository.id}.password", repository.password
    for variable, reference in repository.environment.items():
        yield f"{repository.id}.{variable}", reference


def _files(workspace: Workspace) -> Iterator[tuple[str, bytes]]:
    root = workspace.root
    patterns = list(_BESIDE)
    included = read_document(root / FILE).at(("include",))
    patterns += [
        pattern for pattern in (included if isinstance(included, list) else ()) if isinstance(pattern, str)
    ]
    found = {path for pattern in patterns for path in root.glob(pattern)}
    found |= {path for folder in _FOLDERS for path in (root / folder).rglob("*")}
    state = workspace.state_folder.resolve()
    for path in sorted(found):
        ours = path.is_file() and not path.resolve().is_relative_to(state) and "__pycache__" not in path.parts
        if ours and path.stat().st_size <= _MOST_BYTES:
            yield str(path.relative_to(root)), path.read_bytes()


def _ledger(connection: Connection) -> Iterator[dict[str, Any]]:
    """Yield the rows of snapshots that are still there and that the journal vouches for."""
    query = select(snapshots).where(snapshots.c.gone_at.is_(None)).order_by(snapshots.c.time)
    for row in connection.execute(query).mappings():
        if agrees_with_journal(connection, from_row(row)):
            yield {
                name: instant_text(value) if isinstance(value, datetime) else value
                for name, value in row.items()
                if name not in ("operation", "suspicion")
            }


def _index(workspace: Workspace, references: dict[str, str], now: datetime) -> dict[str, Any]:
    return {
        "what": "tocsin recovery kit 1",
        "made_at": instant_text(now),
        "tocsin": version("tocsin"),
        "organisation": workspace.organisation.name,
        "workspace": str(workspace.root),
        "store": workspace.store,
        "references": references,
        "repositories": [_repository(workspace, one) for one in workspace.repositories.values()],
        "contacts": contacts(workspace),
    }


def _repository(workspace: Workspace, repository: Repository) -> dict[str, Any]:
    location = workspace.repository_location(repository)
    folder = local_folder(location)
    return {
        "repository": repository.id,
        "location": location,
        "offsite": repository.offsite,
        "secrets": [label for label, _ in _references(repository)],
        "in_workspace": folder is not None and folder.is_relative_to(workspace.root),
    }


def contacts(workspace: Workspace) -> list[dict[str, Any]]:
    """Return our own people and the insurers: who is called when everything is gone."""
    people = [
        {
            "name": person.name,
            "what": ", ".join(role.value for role in person.roles),
            "phone": person.phone,
            "email": person.email,
        }
        for person in workspace.people.values()
    ]
    insurers = [
        {
            "name": one.insurer,
            "what": f"insurer, policy {one.policy}",
            "phone": one.contact.phone if one.contact else None,
            "email": one.contact.email if one.contact else None,
        }
        for one in workspace.organisation.insurance or ()
    ]
    return [*people, *insurers]


def lost_with_the_server(kit: Kit) -> tuple[str, ...]:
    """Return the repositories that lie in the workspace itself, and so go with it."""
    return tuple(one["repository"] for one in kit.index["repositories"] if one["in_workspace"])
