"""What the inside asks of the outside, as Protocols. Adapters implement them; `wiring` alone chooses which.

Time, randomness, the acting person and the places where a crash may be provoked are injected like any
other tool, so that whatever Tocsin does can be replayed in a test to the second.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Time, as it is or as a test says it is."""

    def now(self) -> datetime:
        """Return the present as an aware UTC time."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back; only differences mean anything."""


class Randomness(Protocol):
    """Unpredictable bytes, for salts, nonces and identities."""

    def token(self, length: int) -> bytes:
        """Return `length` random bytes."""


class CrashPoints(Protocol):
    """Named places between two lines where a test may end the process."""

    def reach(self, name: str) -> None:
        """Do nothing in the house; in a test, perhaps never return."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and through which door (`cli`, `prefect`, `slack`, `file`)."""

    person: str
    door: str


class Secrets(Protocol):
    """Secrets by reference: `file:PATH`, `env:NAME`, `command:ARGV`, `credential:NAME` (systemd)."""

    def read(self, reference: str) -> str:
        """Return the secret. Raises ConfigurationError or Temporary, never showing the secret."""


# --- restic -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RepositoryAccess:
    """How to open one repository. `environment` holds further settings by name, resolved secrets among them."""

    name: str
    location: str = field(repr=False)  # may hold a user and password: rest:https://user:password@host/
    password_file: Path | None = None
    password_command: str | None = None
    environment: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a long restic call stands."""

    fraction: float
    files_done: int
    total_files: int
    bytes_done: int
    total_bytes: int


OnProgress = Callable[[Progress], None]
OnDamaged = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class BackupSummary:
    """What `restic backup` says it did. Sizes in bytes. `unreadable` names sources it could not read."""

    snapshot_id: str | None
    files_new: int
    files_changed: int
    files_unmodified: int
    data_added_bytes: int
    data_added_packed_bytes: int
    total_files: int
    total_bytes: int
    started_at: datetime | None
    finished_at: datetime | None
    incomplete: bool
    unreadable: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot in a repository. `tree` and `original or id` survive copying and tagging; `id` does not."""

    id: str
    tree: str
    time: datetime
    hostname: str
    paths: tuple[str, ...]
    tags: tuple[str, ...]
    original: str | None = None
    total_files: int = 0
    total_bytes: int = 0

    @property
    def identity(self) -> str:
        """The id that evidence may name: the first one this snapshot ever had."""
        return self.original or self.id


@dataclass(frozen=True, slots=True)
class RestoreSummary:
    """What `restic restore` did. `errors` pairs the restored path (or damaged object) with what was wrong."""

    files_restored: int
    total_files: int
    bytes_restored: int
    ok: bool
    errors: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CheckSummary:
    """What `restic check` found. `broken_packs` and `errors` name the damaged objects."""

    ok: bool
    errors: tuple[str, ...] = ()
    broken_packs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock on a repository: since when, whose, and whether it keeps everybody else out."""

    id: str
    since: datetime
    host: str
    process: int
    is_exclusive: bool


class Restic(Protocol):
    """restic, typed. Every method raises the errors of `tocsin.errors`; none shows a secret."""

    def version(self) -> str:
        """Return the binary's version. Raises ConfigurationError when missing or too old."""

    def init(self, repository: RepositoryAccess) -> str:
        """Create the repository and return its id; an existing one is an OperationFailed."""

    def backup(
        self,
        repository: RepositoryAccess,
        paths: Sequence[Path],
        *,
        tags: Sequence[str] = (),
        host: str | None = None,
        excludes: Sequence[str] = (),
        on_progress: OnProgress | None = None,
    ) -> BackupSummary:
        """Take one snapshot of `paths`. An unreadable source is `incomplete`, not an error."""

    def snapshots(
        self,
        repository: RepositoryAccess,
        *,
        tags: Sequence[str] = (),
        on_damaged: OnDamaged | None = None,
    ) -> tuple[Snapshot, ...]:
        """Return the snapshots carrying all of `tags`, oldest first.

        One that cannot be read goes to `on_damaged` (id, what is wrong); without it, an OperationFailed:
        a list with a silent gap would pass an older snapshot off as the latest.
        """

    def restore(
        self,
        repository: RepositoryAccess,
        snapshot_id: str,
        target: Path,
        *,
        include: Sequence[str] = (),
        on_progress: OnProgress | None = None,
    ) -> RestoreSummary:
        """Restore into the empty folder `target`, reading the repository itself and no cache."""

    def check(
        self, repository: RepositoryAccess, *, read_data: bool = False, part: tuple[int, int] | None = None
    ) -> CheckSummary:
        """Check the repository; with `read_data`, read every pack; with `part` (n, t), the n-th of t parts."""

    def tag(self, repository: RepositoryAccess, snapshot_id: str, *, add: Sequence[str]) -> str:
        """Add tags and return the snapshot's new id, found by listing again: a refused one may exit 0."""

    def forget(self, repository: RepositoryAccess, snapshot_ids: Sequence[str]) -> None:
        """Ask for exactly these snapshots to be removed. List again: a refused removal may exit 0."""

    def prune(self, repository: RepositoryAccess) -> None:
        """Remove the data that no snapshot needs any more."""

    def shrink(self, repository: RepositoryAccess, snapshot_id: str, *, without: str) -> None:
        """Put a snapshot without the files matching `without` in this one's place. List again: see `forget`."""

    def locks(self, repository: RepositoryAccess) -> tuple[Lock, ...]:
        """Return the locks that stand, without taking one."""

    def unlock(self, repository: RepositoryAccess) -> None:
        """Remove the locks of processes that are gone; never one whose process may be alive."""


# --- mail -------------------------------------------------------------------------------------------------


class Mailer(Protocol):
    """Delivery of one mail, once."""

    def send(self, message: EmailMessage) -> None:
        """Hand the message to the mail server.

        Raises:
            Temporary: the server certainly did not take it; trying again is safe.
            OutcomeUnknown: the connection broke after the text went out; it may have been taken.
            OperationFailed: the server refused it for good.
        """


# --- commands and web servers -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Command:
    """One program to run, never through a shell. `hide` are texts that what it says must not show: secrets."""

    argv: tuple[str, ...] = field(repr=False)
    timeout: timedelta
    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    stdin: str = field(default="", repr=False)
    hide: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended: its exit code, None when its time was up, and the end of what it said."""

    code: int | None
    stdout: str
    stderr: str
    is_cut: bool = False


class Shell(Protocol):
    """Programs of this machine."""

    def run(self, command: Command) -> Said:
        """Run it to its end; when its time is up, end its whole process group.

        Raises:
            UsageError: there is no such program or folder, or it may not be run; nothing was done.
            Interrupted: a signal stopped us; the program was ended first.
        """


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. Headers and body may hold secrets; `hide` are texts that the answer must not show."""

    method: str
    url: str
    timeout: timedelta
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: str | None = field(default=None, repr=False)
    hide: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What the server said; of a long body only the beginning."""

    status: int
    body: str
    is_cut: bool = False


class Http(Protocol):
    """Web servers. Redirects are followed within one host only."""

    def request(self, request: HttpRequest) -> HttpAnswer:
        """Send it once.

        Raises:
            Temporary: the server was certainly not reached; trying again is safe.
            OutcomeUnknown: the request went out and no answer came.
            OperationFailed: it redirects to another host, or speaks no HTTP.
        """


# --- databases to be looked at ----------------------------------------------------------------------------

Value = bool | int | float | str | None


class Sql(Protocol):
    """A PostgreSQL to be asked, never changed."""

    def rows(self, address: str, query: str, timeout: timedelta) -> tuple[tuple[Value, ...], ...]:
        """Return the first rows of one query. `address` is a libpq URL, which may hold a password.

        Raises:
            Temporary: it was not reached, or took too long.
            OperationFailed: it refused the query.
        """
