"""What is not to be believed tonight: doubted backups, unproven repositories, channels an attacker may read.

Queries of our own: the modules that write these load all that a backup needs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from tocsin.model.workspace import Workspace
from tocsin.store.tables import observation, operation, pause

PROOF_LASTS = timedelta(days=92)
_RETENTION = "retention:"
_CHANNEL = "channel:"


@dataclass(frozen=True, slots=True)
class Doubted:
    """A plan whose backups do not look like the firm's own work, and nobody has explained it."""

    plan: str
    since: datetime
    signs: tuple[str, ...]
    retention_stopped: bool


@dataclass(frozen=True, slots=True)
class AppendOnly:
    """When it was last tried to harm a repository that must not let it, and what came of that."""

    repository: str
    verdict: str
    at: datetime | None
    is_owed: bool

    @property
    def in_trouble(self) -> bool:
        """Whether somebody should see to it: something got through, or nobody has tried for a quarter."""
        return self.verdict == "refuted" or self.is_owed


@dataclass(frozen=True, slots=True)
class Distrusted:
    """A channel that no alarm goes by, because somebody marked it compromised."""

    channel: str
    since: datetime
    by: str


def doubted_plans(connection: Connection) -> tuple[Doubted, ...]:
    """Return each plan with a standing suspicion, from its first; the oldest first."""
    query = select(observation).where(observation.c.state == "flagged").order_by(observation.c.at)
    stopped = {what for what, _, _ in _standing(connection, _RETENTION)}
    first: dict[str, Doubted] = {}
    for row in connection.execute(query):
        signs = tuple(dict.fromkeys(code for code, _ in row.reasons))
        first.setdefault(row.backup_plan, Doubted(row.backup_plan, row.at, signs, row.backup_plan in stopped))
    return tuple(first.values())


def append_only_proofs(connection: Connection, workspace: Workspace, now: datetime) -> tuple[AppendOnly, ...]:
    """Return the last proof of each repository marked append-only; an attempt that proved nothing is left out."""
    marked = [repository.id for repository in workspace.repositories.values() if repository.append_only]
    if not marked:
        return ()
    query = select(operation.c.subject, operation.c.verdict, operation.c.started_at).where(
        operation.c.kind == "append-only-proof", operation.c.verdict.in_(("proven", "refuted"))
    )
    last = {row.subject: row for row in connection.execute(query.order_by(operation.c.started_at))}
    found = []
    for name in marked:
        row = last.get(f"repository:{name}")
        if row is None:
            found.append(AppendOnly(name, "never", None, is_owed=True))
        else:
            is_old = now - row.started_at > PROOF_LASTS
            found.append(AppendOnly(name, row.verdict, row.started_at, is_owed=is_old))
    return tuple(found)


def distrusted_channels(connection: Connection) -> tuple[Distrusted, ...]:
    """Return the channels that are marked compromised."""
    return tuple(Distrusted(channel, since, by) for channel, since, by in _standing(connection, _CHANNEL))


def _standing(connection: Connection, prefix: str) -> Iterator[tuple[str, datetime, str]]:
    query = select(pause.c.what, pause.c.placed_at, pause.c.placed_by)
    wanted = query.where(pause.c.what.startswith(prefix), pause.c.lifted_at.is_(None))
    for row in connection.execute(wanted.order_by(pause.c.placed_at)):
        yield row.what.removeprefix(prefix), row.placed_at, row.placed_by
