"""The keys of a repository: which there are, one more, another in the old one's place, one less.

    add_key(ctx, "local", "file:secrets/safe.password")      a key for a password that lies there already
    rotate_key(ctx, "local")                                 a new password for this machine, and the old one out
    remove_key(ctx, "local", "33b2feb1", safe=Path(...))

A password is never shown, printed or put in argv. Rotation, told as it happens:

1. the new password is written beside the old one (`….next`), so that no cut can lose it;
2. its key is added, and proved by opening the repository with it and nothing else;
3. it takes the old one's place: the file, or whatever the firm's own command writes;
4. the repository is opened as any backup would: only now does the old key count as replaced;
5. the old key goes, but only when the copy from the safe opens the repository without it.

Wherever it is cut off, the repository opens with what this machine has. Before the third step the next rotation
goes on with the same password; after it only the old key is left, to be removed.
"""

import base64
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from tocsin.backups.key_check import only_with
from tocsin.backups.upkeep import known_repository
from tocsin.context import Context
from tocsin.durable import flush_folder, write_durably
from tocsin.errors import ConfigurationError, Interrupted, OperationFailed, Refused, UsageError
from tocsin.ports import Command, Key, RepositoryAccess
from tocsin.repositories import repository_access
from tocsin.store.database import JsonValue
from tocsin.store.operations import Operation, begin, finish

KIND = "key"
_RANDOM_BYTES = 33
_STORE_TIMEOUT = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Rotated:
    """What came of a rotation. `removed` is False while the old key must stay for the safe's sake."""

    repository: str
    new: str
    old: str
    removed: bool


def list_keys(ctx: Context, repository: str) -> tuple[Key, ...]:
    """Return the keys that open a repository, the oldest first; the one this machine uses is marked."""
    return ctx.restic.keys(repository_access(ctx, repository))


def add_key(ctx: Context, repository: str, reference: str) -> str:
    """Add a key for the password that `reference` leads to; return its id, once it has opened the repository."""
    access, password = repository_access(ctx, repository), ctx.secrets.read(reference)
    if _opened_by(ctx, access, password):
        raise UsageError(f"That password opens {repository} already; nothing was changed.")
    with _journalled(ctx, repository, "add") as told:
        added = ctx.restic.add_key(access, password)
        told["key"] = added
        ctx.crash.reach("key:after-add")
        _prove(ctx, access, password, added)
    return added


def rotate_key(
    ctx: Context, repository: str, *, new: str | None = None, store: str | None = None, safe: Path | None = None
) -> Rotated:
    """Put a new password in the place of the one this machine opens a repository with.

    `new` leads to it, else one is made. Where the workspace's reference is a command, `store` is the firm's
    command that keeps the new password; it gets it on its standard input. The old key goes when `safe`, the copy
    from the safe, opens the repository without it; else it stays, and `remove_key` ends it later.

    Raises UsageError where this machine cannot write the password, Refused when what was written does not open it.
    """
    place = _place(ctx, repository, store)
    access = repository_access(ctx, repository)
    old = _current(ctx.restic.keys(access))
    with _journalled(ctx, repository, "rotate") as told:
        password = _next_password(ctx, place, new)
        ctx.crash.reach("key:after-next")
        added = _opened_by(ctx, access, password) or ctx.restic.add_key(access, password)
        told |= {"old": old, "new": added}
        if added == old:
            _forget_next(place)
            raise UsageError(f"That is the password {repository} has now; nothing was changed.")
        ctx.crash.reach("key:after-add")
        _prove(ctx, access, password, added)
        ctx.crash.reach("key:after-proof")
        _switch(ctx, place, store, password)
        ctx.crash.reach("key:after-switch")
        switched = repository_access(ctx, repository)
        if _opening(ctx, switched) != added:
            raise Refused(
                f"What was written does not open {repository} with the new key. Both keys open it and none was "
                "removed. See that the password is where the workspace says it is, then rotate again."
            )
        if removed := safe is not None:
            _let_go(ctx, switched, old, safe)
        told["removed"] = removed
    return Rotated(repository, added, old, removed)


def remove_key(ctx: Context, repository: str, key: str, *, safe: Path | None) -> Key:
    """Remove a key by its id or the first digits of it; return it. `safe` None: the safe holds no copy of it.

    Raises UsageError for an unknown one, Refused for the last, the one in use, and one that the safe's copy needs.
    """
    access = repository_access(ctx, repository)
    known = ctx.restic.keys(access)
    matching = [one for one in known if key and one.id.startswith(key)]
    if len(matching) != 1:
        many = "no key" if not matching else f"{len(matching)} keys"
        raise UsageError(f"{repository} has {many} {key!r}; 'tocsin backup key list {repository}' shows them.")
    (found,) = matching
    if len(known) == 1:
        raise Refused(f"That is the last key of {repository}: without it nothing comes back. Nothing was removed.")
    if found.is_current:
        raise Refused(f"This machine opens {repository} with that key. Nothing was removed; rotate it instead.")
    with _journalled(ctx, repository, "remove") as told:
        told["key"] = found.id
        _let_go(ctx, access, found.id, safe)
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the password this machine uses lies: a file of ours, or somewhere only a command can write."""

    file: Path | None

    @property
    def next(self) -> Path | None:
        return self.file.with_name(f"{self.file.name}.next") if self.file else None


def _place(ctx: Context, repository: str, store: str | None) -> _Place:
    mine = known_repository(ctx, repository).password
    users = [
        one.id
        for one in ctx.workspace.repositories.values()
        if mine in {one.password, one.maintenance and one.maintenance.password} and one.id != repository
    ]
    if users:
        raise UsageError(
            f"{', '.join(users)} opens with the same password as {repository}: changing it would shut the other "
            "out. Give each a reference of its own first."
        )
    kind, _, rest = mine.partition(":")
    if kind == "file":
        return _Place(ctx.workspace.resolve(rest).resolve())
    if kind == "command" and store:
        return _Place(None)
    if kind == "command":
        raise UsageError(
            f"The password of {repository} comes from a command. Give --store with the firm's command that keeps "
            "a new one; it gets it on its standard input."
        )
    raise UsageError(
        f"The password of {repository} comes from {kind}:, which this program cannot change. Use 'tocsin backup "
        f"key add {repository} --new REFERENCE', put it where it comes from, then 'tocsin backup key remove'."
    )


def _next_password(ctx: Context, place: _Place, new: str | None) -> str:
    """Return the new password: one that an earlier rotation left, the one named, or one that is made."""
    if place.next and place.next.exists():
        return ctx.secrets.read(f"file:{place.next}")
    made = base64.urlsafe_b64encode(ctx.randomness.token(_RANDOM_BYTES)).decode()
    password = ctx.secrets.read(new) if new else made
    if place.next:
        write_durably(place.next, f"{password}\n".encode())
    return password


def _forget_next(place: _Place) -> None:
    if place.next:
        place.next.unlink(missing_ok=True)


def _switch(ctx: Context, place: _Place, store: str | None, password: str) -> None:
    if place.file and place.next:
        place.next.replace(place.file)
        flush_folder(place.file.parent)
        return
    said = ctx.shell.run(
        Command(
            tuple(shlex.split(store or "")), folder=ctx.workspace.root, timeout=_STORE_TIMEOUT,
            stdin=f"{password}\n", hide=(password,),
        )
    )  # fmt: skip
    if said.code != 0:
        raise OperationFailed(
            f"The command that keeps the new password failed ({said.code}). The old one still opens the "
            "repository; a key was added whose password nobody has: see 'tocsin backup key list'."
        )


def _let_go(ctx: Context, access: RepositoryAccess, key: str, safe: Path | None) -> None:
    """Remove a key, once the safe's copy is proved to open the repository with another."""
    if safe is not None:
        used = _opening(ctx, only_with(access, safe))
        if used == key:
            raise Refused(
                f"The copy from the safe opens {access.name} with the very key that was to go, which stays. Put "
                "the new password in the safe, then remove the key."
            )
    ctx.crash.reach("key:before-remove")
    ctx.restic.remove_key(access, key)
    ctx.crash.reach("key:after-remove")
    if key in {one.id for one in ctx.restic.keys(access)}:
        raise OperationFailed(f"{access.name} still has the key {key[:8]}: its server refused to let it go.")


def _prove(ctx: Context, access: RepositoryAccess, password: str, key: str) -> None:
    if _opened_by(ctx, access, password) != key:
        raise OperationFailed(f"The new key does not open {access.name}. The old one does; nothing was removed.")


def _opened_by(ctx: Context, access: RepositoryAccess, password: str) -> str:
    """Return the id of the key that `password` opens, '' when it opens none."""
    environment = {**access.environment, "RESTIC_PASSWORD": password}
    try:
        return _opening(ctx, replace(access, password_file=None, password_command=None, environment=environment))
    except ConfigurationError:
        return ""


def _opening(ctx: Context, access: RepositoryAccess) -> str:
    return _current(ctx.restic.keys(access))


def _current(keys: tuple[Key, ...]) -> str:
    return next((key.id for key in keys if key.is_current), "")


@contextmanager
def _journalled(ctx: Context, repository: str, act: str) -> Iterator[dict[str, JsonValue]]:
    """Journal start and end; one act on a repository's keys at a time."""
    told: dict[str, JsonValue] = {"act": act}
    operation = begin(ctx.store, ctx.actor, KIND, f"repository:{repository}", dict(told))
    try:
        yield told
    except (Exception, KeyboardInterrupt) as fault:
        verdict = "interrupted" if isinstance(fault, (Interrupted, KeyboardInterrupt)) else "failed"
        told["error"] = type(fault).__name__
        _finish(ctx, operation, verdict, told)
        raise
    _finish(ctx, operation, "ok", told)


def _finish(ctx: Context, operation: Operation, verdict: str, told: dict[str, JsonValue]) -> None:
    with ctx.store.write(ctx.actor) as tx:
        finish(tx, operation, verdict, told)
    ctx.store.sign_head(ctx.actor)
