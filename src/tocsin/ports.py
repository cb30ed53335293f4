"""What the inside asks of the outside, as Protocols. Adapters implement them; `wiring` alone chooses which.

Time, randomness, the acting person and the places where a crash may be provoked are injected like any
other tool, so that whatever Tocsin does can be replayed in a test to the second.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import IO, Protocol


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
class Throttle:
    """How much of the line and of the machine restic may take. A restore never asks."""

    upload_kib: int | None = None
    download_kib: int | None = None
    read_concurrency: int | None = None
    nice: int | None = None
    ionice: str | None = None
    give_up_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class RepositoryAccess:
    """How to open one repository. `environment` holds further settings by name, resolved secrets among them."""

    name: str
    location: str = field(repr=False)  # may hold a user and password: rest:https://user:password@host/
    password_file: Path | None = None
    password_command: str | None = None
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    throttle: Throttle = Throttle()


@dataclass(frozen=True, slots=True)
class Omissions:
    """What is left out of a backup by what it is rather than by its name; the manifest and restic must agree.

    `if_present` are names of files that mark a folder whose content is left out, `larger_than` is in bytes.
    """

    caches: bool = False
    if_present: tuple[str, ...] = ()
    larger_than: int | None = None
    one_file_system: bool = False


NO_OMISSIONS = Omissions()


@dataclass(frozen=True, slots=True)
class DumpCommand:
    """What a dump is made by: a program that writes it to its standard output, or a SQLite database to be copied.

    `file_path` is where the dump lies inside its snapshot. A dump that does not begin with one of `starts_with`
    or is smaller than `smallest_bytes` is refused. `scratch` is a private folder for what must lie on the disk
    while it runs. `instead` is the program to take where the first of `argv` is not installed. `environment` is
    added to what every program needs; `hide` are texts that what it says must not show.
    """

    file_path: str
    scratch: Path
    argv: tuple[str, ...] = field(default=(), repr=False)
    instead: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None
    sqlite: Path | None = None
    starts_with: tuple[bytes, ...] = ()
    smallest_bytes: int = 0
    timeout: timedelta = timedelta(hours=12)
    hide: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class DumpFault:
    """Why a dump is none: `missing`, `failed`, `timeout`, `empty`, `small` or `strange`; and what was said."""

    code: str
    said: str
    bytes: int = 0


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
class DumpSummary:
    """What became of one dump: its snapshot with the digest and size of what went into it, or what was wrong."""

    backup: "BackupSummary | None" = None
    sha256: str = ""
    bytes: int = 0
    fault: DumpFault | None = None


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


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a repository: a password's. `created` is as restic says it, in the local time of its maker."""

    id: str
    is_current: bool
    user: str
    host: str
    created: str


class Restic(Protocol):
    """restic, typed. Every method raises the errors of `tocsin.errors`; none shows a secret."""

    def version(self) -> str:
        """Return the binary's version. Raises ConfigurationError when missing or too old."""

    def init(self, repository: RepositoryAccess, *, like: RepositoryAccess | None = None) -> str:
        """Create the repository, cutting files as `like` does; return its id. One there is an OperationFailed."""

    def backup(  # noqa: PLR0913 - all of them restic's own, and by name
        self,
        repository: RepositoryAccess,
        paths: Sequence[Path],
        *,
        tags: Sequence[str] = (),
        host: str | None = None,
        excludes: Sequence[str] = (),
        omissions: Omissions = NO_OMISSIONS,
        on_progress: OnProgress | None = None,
    ) -> BackupSummary:
        """Take one snapshot of `paths`. An unreadable source is `incomplete`, not an error."""

    def backup_dump(
        self,
        repository: RepositoryAccess,
        dump: DumpCommand,
        *,
        tags: Sequence[str] = (),
        host: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> DumpSummary:
        """Stream one dump into a snapshot of its own. A dump with a fault leaves no snapshot and is no error."""

    def stop(self) -> None:
        """Ask every call under way, in whatever thread, to stop: each raises Interrupted. Never taken back."""

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

    def stream(self, repository: RepositoryAccess, snapshot_id: str, into: Callable[[IO[bytes]], None]) -> None:
        """Hand a whole snapshot to `into` as a tar stream, names without their first slash; no disk is touched."""

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

    def copy(
        self,
        source: RepositoryAccess,
        repository: RepositoryAccess,
        snapshot_ids: Sequence[str],
        *,
        on_progress: OnProgress | None = None,
    ) -> None:
        """Copy snapshots from `source` into `repository`. List again: one that is not there is no error."""

    def chunker(self, repository: RepositoryAccess) -> str:
        """Return the parameter by which a repository cuts files; opens it."""

    def keys(self, repository: RepositoryAccess) -> tuple[Key, ...]:
        """Return the keys that open a repository, the oldest first."""

    def add_key(self, repository: RepositoryAccess, password: str) -> str:
        """Add a key that `password` opens; return its id."""

    def remove_key(self, repository: RepositoryAccess, key_id: str) -> None:
        """Remove a key that is not the one in use."""

    def locks(self, repository: RepositoryAccess) -> tuple[Lock, ...]:
        """Return the locks that stand, without taking one."""

    def unlock(self, repository: RepositoryAccess) -> None:
        """Remove the locks of processes that are gone; never one whose process may be alive."""


# --- mail -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What became of one mail of many: `taken`, `put off`, `refused` for good, or `unknown`.

    `code` is the server's (`550`), empty when it never answered; `about` is what was refused: `sender`, `reader`
    or `text`.
    """

    outcome: str
    code: str = ""
    said: str = ""
    about: str = ""


class MailSession(Protocol):
    """Many mails over few connections; each connection is opened when it is needed."""

    def connect(self) -> None:
        """Make sure that a connection stands. Raises Temporary or ConfigurationError; nothing was sent."""

    def hand_over(self, sender: str, reader: str, content: bytes) -> HandedOver:
        """Hand one finished mail over, once. What happens to it is told, never raised."""


class Mailbox(Protocol):
    """A mailbox to be read, never changed."""

    def mails(self) -> Iterator[bytes]:
        """Return every mail, whole. Raises Temporary or ConfigurationError."""


class Mailer(Protocol):
    """Delivery of one mail, once."""

    def session(self, per_connection: int) -> AbstractContextManager[MailSession]:
        """Open a session for many mails, `per_connection` of them over each connection."""

    def send(self, message: EmailMessage) -> None:
        """Hand the message to the mail server.

        Raises:
            Temporary: the server certainly did not take it; trying again is safe.
            OutcomeUnknown: the connection broke after the text went out; it may have been taken.
            OperationFailed: the server refused it for good.
        """


# --- our own people's chat --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Post:
    """One message for our own people's channel, in plain text.

    `key` is fixed before the first try: two posts of one key are one message. `mention` are member ids.
    """

    key: str
    text: str
    mention: tuple[str, ...] = ()


class Messenger(Protocol):
    """The channel of our own people in a chat such as Slack."""

    def post(self, post: Post) -> str:
        """Post it, or find that it was posted before, and return the chat's own name for it.

        Raises:
            Temporary: it was certainly not posted; trying again is safe.
            OutcomeUnknown: the request went out and no answer came.
            OperationFailed: the chat refused it for good.
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
    """A PostgreSQL to be asked; what changes it says so."""

    def rows(self, address: str, query: str, timeout: timedelta) -> tuple[tuple[Value, ...], ...]:
        """Return the first rows of one query. `address` is a libpq URL, which may hold a password.

        Raises:
            Temporary: it was not reached, or took too long.
            OperationFailed: it refused the query.
        """

    def change(self, address: str, statement: str, timeout: timedelta) -> tuple[tuple[Value, ...], ...]:
        """Run one statement that may change something, in a transaction of its own; errors as for `rows`."""


# --- Slack as a door --------------------------------------------------------------------------------------

Block = Mapping[str, object]
"""One block, or one view, of Slack's Block Kit."""


@dataclass(frozen=True, slots=True)
class ChatIdentity:
    """Who we are there: the team, our bot, and what its token may do."""

    team: str
    team_name: str
    bot_user: str
    bot: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """One channel. Only in a private one of which the bot is a member may clients be named."""

    id: str
    name: str
    is_private: bool
    is_member: bool
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message. `key` is ours, travels along unseen, and finds it again; `thread` is the `ts` of its parent."""

    key: str
    text: str
    blocks: tuple[Block, ...] = ()
    thread: str | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """Something a person did in Slack, as it came through the socket: `slash_commands`, `interactive`…"""

    id: str
    kind: str
    payload: Mapping[str, object] = field(repr=False)
    retry: int = 0


Acknowledge = Callable[[Mapping[str, object] | None], None]
"""Tells Slack that an envelope was taken, within three seconds, with what it is answered."""
Take = Callable[[Envelope, Acknowledge], None]


class Listening(Protocol):
    """An open line that reconnects by itself."""

    def is_open(self) -> bool:
        """Tell whether it stands at this moment."""

    def close(self) -> None:
        """Hang up."""


class Chat(Protocol):
    """Slack as a door: what is shown there and kept true, and what people do there.

    Every method raises Temporary (certainly not done; AskedToWait says for how long), OutcomeUnknown (a message
    may have been posted) or OperationFailed (refused until somebody mends it). None shows a token.
    """

    @property
    def posts_only(self) -> bool:
        """Whether messages can be posted and nothing else: a webhook."""

    @property
    def may_listen(self) -> bool:
        """Whether there is a token to listen with."""

    def identity(self) -> ChatIdentity:
        """Ask who we are."""

    def room(self) -> Room:
        """Find the workspace's channel."""

    def post(self, room: str, message: ChatMessage) -> str | None:
        """Post one message and return its `ts`; '' where there is none to be had.

        None: the thread it belongs in is not there any more, and nothing was posted.
        """

    def find(self, room: str, key: str, *, since: datetime, thread: str | None = None) -> str | None:
        """Look for our own message of this key, posted at `since` or later, and return its `ts`."""

    def update(self, room: str, ts: str, message: ChatMessage) -> bool:
        """Put a message's new text in the old one's place; False when it is not there any more."""

    def pin(self, room: str, ts: str, *, pinned: bool) -> None:
        """Pin a message, or take the pin off. Doing so again is no fault."""

    def whisper(self, room: str, member: str, text: str) -> None:
        """Show one member a text that nobody else sees."""

    def open_form(self, trigger: str, form: Block) -> None:
        """Open a modal for whoever just pressed or typed; the trigger is good for three seconds."""

    def replace_form(self, view: str, form: Block) -> None:
        """Put another modal in an open one's place."""

    def member(self, member: str) -> str:
        """Return `ok`, `gone` (deactivated), `bot`, or `unknown`."""

    def try_line(self) -> None:
        """Ask for an address to listen at, and do not listen: is the token for it taken?"""

    def listen(self, take: Take) -> Listening:
        """Open the line and hand every envelope to `take`, in threads of its own."""
