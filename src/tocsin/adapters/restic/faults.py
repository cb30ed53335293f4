"""What a restic that failed means to the person who needed it: one sentence and a class of `tocsin.errors`.

Exit codes of restic 0.17 and 0.18: 0 done; 1 failed; 3 some sources unreadable; 10 no repository; 11 locked;
12 wrong password; 130 interrupted. Everything else is a failure. Code 1 covers full disks, damage, servers
out of reach and missing passwords alike, so there the words decide.
"""

import os
import re
import signal
import socket
from datetime import timedelta
from pathlib import Path

from tocsin.adapters.restic.access import masked, wrong
from tocsin.adapters.restic.parse import Complaints, damaged_object
from tocsin.adapters.restic.process import Ended, Stopped
from tocsin.errors import Interrupted, OperationFailed, Temporary, TocsinError
from tocsin.ports import RepositoryAccess

NO_REPOSITORY, LOCKED, WRONG_PASSWORD, INTERRUPTED = 10, 11, 12, 130

_LOCK_HOLDER = re.compile(
    r"already locked(?P<exclusively> exclusively)? by PID (?P<pid>\d+) on (?P<host>\S+) by (?P<user>\S+)"
)
_LOCK_AGE = re.compile(r"lock was created at (?P<since>[\d-]+ [\d:]+)")
_NO_PASSWORD = re.compile(
    r"empty password is not allowed|Resolving password failed|password file|unable to open password"
)
_NO_SPACE = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_NO_WRITING = re.compile(r"read-only file system|permission denied|operation not permitted", re.IGNORECASE)
_NO_SNAPSHOT = re.compile(r"no snapshot found|no matching ID found")
_NOT_LET_IN = re.compile(r"unexpected HTTP response \(401\)|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch")
_NO_BUCKET = re.compile(r"bucket does not exist|NoSuchBucket")
_FORBIDDEN = re.compile(r"\(403\)")
_OUT_OF_REACH = re.compile(
    r"dial tcp|connection refused|connection reset|no such host|no route to host|network is unreachable"
    r"|i/o timeout|TLS handshake timeout|context deadline exceeded|unexpected HTTP response \(5\d\d\)"
    r"|ssh: connect to host",
    re.IGNORECASE,
)
_SSH_ENDED = re.compile(r"unable to start the sftp session")
_SSH_SAID = re.compile(r"^subprocess ssh: (?P<why>.*)$", re.MULTILINE)


def fault(
    repository: RepositoryAccess, doing: str, ended: Ended, complaints: Complaints, limit: timedelta
) -> TocsinError:
    """Return the error for a restic that ended badly. `doing` names the act: `backup`, `check`."""
    if ended.stopped or ended.code == INTERRUPTED or ended.code < 0:
        return _stopped(repository, doing, ended, complaints, limit)
    said = complaints.last_words
    if ended.code == NO_REPOSITORY:
        return wrong(
            repository,
            f"there is no restic repository at {repository.location}; correct its location, or create it with "
            f"'tocsin backup init {repository.name}'",
        )
    if ended.code == LOCKED:
        return Temporary(_named(repository, _locked(complaints.everything)))
    if ended.code == WRONG_PASSWORD:
        return wrong(repository, _wrong_password(repository))
    return _by_words(repository, doing, said, complaints)


def _stopped(
    repository: RepositoryAccess, doing: str, ended: Ended, complaints: Complaints, limit: timedelta
) -> TocsinError:
    if ended.stopped is Stopped.REACH:
        if no_use_waiting(complaints.retry_reason):
            return _by_words(repository, doing, complaints.retry_reason, complaints)
        return Temporary(_named(repository, _out_of_reach(complaints.retry_reason)))
    if ended.stopped is Stopped.LIMIT:
        said = complaints.retry_reason or complaints.last_words
        sentence = f"the {doing} was not finished after {spoken(limit)} and has been stopped; try again."
        return Temporary(_named(repository, f"{sentence} ({said})" if said else sentence))
    if ended.stopped is Stopped.SIGNAL or ended.code == INTERRUPTED:
        name = f" by {signal.Signals(ended.signal_number).name}" if ended.signal_number else ""
        done = " It had already done its work." if ended.code == 0 else " It is safe to start it again."
        return Interrupted(_named(repository, f"the {doing} was stopped{name}, and restic has ended.{done}"))
    killer = signal.Signals(-ended.code).name
    return OperationFailed(
        _named(
            repository,
            f"restic was killed ({killer}) in the middle of the {doing}. What was stored before stays sound; "
            "its lock may remain until it is unlocked. Look for a memory limit, then start again.",
        )
    )


def _by_words(repository: RepositoryAccess, doing: str, said: str, complaints: Complaints) -> TocsinError:
    """Return the error for code 1, from the first meaning its words fit."""
    if no_way_in := _no_way_in(repository, said, complaints):
        return no_way_in
    brief = said.splitlines()[0] if said else "it gave no reason"
    if _NO_SPACE.search(said):
        sentence = f"the disk is full, so the {doing} failed; nothing stored before is lost. {brief}"
    elif _NO_WRITING.search(said):
        sentence = f"the {doing} failed for want of permission: {brief}"
    elif _FORBIDDEN.search(complaints.everything):
        sentence = f"the server does not allow this {doing}: {brief}"
    elif thing := damaged_object(said):
        sentence = (
            f"the {doing} failed because the repository is damaged: {thing} cannot be read. "
            f"Use another copy of the repository, or repair this one. ({brief})"
        )
    elif _NO_SNAPSHOT.search(said):
        sentence = f"there is no such snapshot: {brief}"
    else:
        sentence = f"the {doing} failed: {brief}"
    return OperationFailed(_named(repository, sentence))


def _no_way_in(repository: RepositoryAccess, said: str, complaints: Complaints) -> TocsinError | None:
    """Return the error when the repository was never opened: no password, not let in, or nobody there."""
    brief = said.partition("\n")[0]
    if _SSH_ENDED.search(said) and (ssh := _SSH_SAID.search(complaints.everything)):
        if _OUT_OF_REACH.search(ssh["why"]):
            return Temporary(_named(repository, _out_of_reach(ssh["why"])))
        return wrong(repository, f"ssh could not log in: {ssh['why']}")
    if _NO_PASSWORD.search(said):
        return wrong(repository, f"restic got no password: {brief}")
    if _NO_BUCKET.search(said):
        return wrong(
            repository,
            f"there is no such bucket at {repository.location}; correct its location, or create it with "
            f"'tocsin backup init {repository.name}'",
        )
    if _NOT_LET_IN.search(complaints.everything) or _NOT_LET_IN.search(said):
        return wrong(repository, f"the server refused our user or key: {brief}")
    if _OUT_OF_REACH.search(said) and not _NO_SPACE.search(said):
        return Temporary(_named(repository, _out_of_reach(complaints.retry_reason or brief)))
    return None


def no_use_waiting(reason: str) -> bool:
    """Return whether restic retries what no waiting mends: a full disk, a right or a bucket that is not there."""
    return any(hopeless.search(reason) for hopeless in (_NO_SPACE, _NO_WRITING, _NO_BUCKET, _NOT_LET_IN))


def circumstance(
    repository: RepositoryAccess, doing: str, complaints: Complaints, target: Path | None = None
) -> TocsinError | None:
    """Return the error when what restic found tells nothing about the repository: no server, no room, no right.

    Such complaints come item by item like damage does, and must not be taken for it.
    """
    for why in (*complaints.items.values(), *complaints.findings):
        if _OUT_OF_REACH.search(why):
            return Temporary(_named(repository, _out_of_reach(why)))
        if target is not None and str(target) in why and (_NO_SPACE.search(why) or _NO_WRITING.search(why)):
            return OperationFailed(_named(repository, f"the {doing} could not write its files: {why}"))
    return None


def _named(repository: RepositoryAccess, sentence: str) -> str:
    return masked(repository, f"repository {repository.name}: {sentence}")


def _out_of_reach(why: str) -> str:
    return f"its server is out of reach; try again when it is back. ({why})"


def _locked(said: str) -> str:
    if not (holder := _LOCK_HOLDER.search(said)):
        brief = said.strip().partition("\n")[0]
        return f"it is locked by another process; try again when that has finished. ({brief})"
    age = f" since {found['since']}" if (found := _LOCK_AGE.search(said)) else ""
    who = f"process {holder['pid']} of {holder['user']} on {holder['host']}"
    if holder["host"] == socket.gethostname() and not alive(int(holder["pid"])):
        return f"it is locked by {who}{age}, but that process is gone; remove the stale lock, then try again."
    return f"it is locked by {who}{age}; try again when that has finished."


def alive(pid: int) -> bool:
    """Return whether a process of this machine lives."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _wrong_password(repository: RepositoryAccess) -> str:
    """Tell a wrong password from lost key files, which restic does not; a local repository can be looked at."""
    keys = Path(repository.location.removeprefix("local:")) / "keys"
    if keys.is_dir() and not any(keys.iterdir()):
        return "all its key files are gone, so no password can open it; put the `keys` folder back from a copy"
    return "the password is wrong"


def spoken(span: timedelta) -> str:
    """Return a span as people say it: `90 seconds`, `2 minutes`, `24 hours`."""
    seconds = span.total_seconds()
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size or seconds == size:
            return f"{seconds / size:g} {unit if seconds != size else unit[:-1]}"
    return f"{seconds:g} seconds"
