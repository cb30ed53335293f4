"""One maintenance job on one repository: journalled from start to end, and past a lock whose owner is gone.

restic's own `unlock` removes only stale locks. It is called here on evidence alone, with every standing lock
looked at first, and the evidence is journalled; a lock that may be alive is left, and the job put off.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from tocsin.context import Context
from tocsin.errors import Temporary, UsageError, did_you_mean
from tocsin.model.protection import Repository
from tocsin.ports import Lock, RepositoryAccess
from tocsin.store.database import JsonValue
from tocsin.store.operations import Operation, begin, finish

KIND = "maintenance"
# restic itself renews a lock every five minutes and calls one stale after half an hour.
STALE_AFTER = timedelta(minutes=30)

T = TypeVar("T")


class Job:
    """One maintenance job under way, and what it will be journalled as."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.verdict = "ok"
        self.payload: dict[str, JsonValue] = {}

    def tell(self, verdict: str, **payload: JsonValue) -> None:
        """Say what becomes of it."""
        self.verdict = verdict
        self.payload |= payload


@contextmanager
def maintenance_job(ctx: Context, repository: str, act: str) -> Iterator[Job]:
    """Journal start and end. Temporary while another job runs on this repository: the rows exclude each other."""
    job = Job(begin(ctx.store, ctx.actor, KIND, f"repository:{repository}", {"act": act}))
    try:
        yield job
    except BaseException as fault:
        job.tell("failed" if isinstance(fault, Exception) else "interrupted", error=type(fault).__name__)
        raise
    finally:
        with ctx.store.write(ctx.actor) as tx:
            finish(tx, job.operation, job.verdict, {"act": act, **job.payload})
        ctx.store.sign_head(ctx.actor)


def past_stale_locks(ctx: Context, job: Job, access: RepositoryAccess, act: Callable[[], T]) -> T:
    """Act; when a lock is in the way, look whose it is, remove it if its owner is gone, and act once more."""
    try:
        return act()
    except Temporary:
        standing = ctx.restic.locks(access)
        now, host = ctx.clock.now(), socket.gethostname()
        stale = [lock for lock in standing if is_stale(lock, now=now, host=host, alive=is_running)]
        if not stale or len(stale) < len(standing):
            raise
        evidence: list[JsonValue] = [
            {"lock": lock.id, "host": lock.host, "process": lock.process, "since": lock.since.isoformat()}
            for lock in stale
        ]
        with ctx.store.write(ctx.actor) as tx:
            tx.record("repository.unlocked", job.operation.subject, {"locks": evidence})
        ctx.restic.unlock(access)
    return act()


def is_stale(lock: Lock, *, now: datetime, host: str, alive: Callable[[int], bool]) -> bool:
    """Tell whether a lock's owner is gone: its process on this host, or nobody renewed it for half an hour."""
    if now - lock.since > STALE_AFTER:
        return True
    return lock.host == host and not alive(lock.process)


def is_running(process: int) -> bool:
    """Tell whether a process of this host is there, whoever owns it."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def known_repository(ctx: Context, repository: str) -> Repository:
    """Return a repository of the workspace. Raises UsageError with the nearest known word."""
    known = ctx.workspace.repositories
    if repository not in known:
        raise UsageError(f"There is no repository {repository!r}.{did_you_mean(repository, known)}")
    return known[repository]
