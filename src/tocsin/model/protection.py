"""What protects the data: repositories, backup plans, retention, maintenance."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from tocsin.model.dumps import Dump, PostgresDump, PostgresGlobals, SqliteDump, VariableName
from tocsin.model.exclusions import check_exclusion
from tocsin.model.fields import Cron, Duration, Id, Line, SecretReference, TimeZone, TrueFalse, Whole
from tocsin.model.parts import Named, Part, Scheduled

_PASSWORD_IN_URL = re.compile(r"://[^/@\s]*:[^/@\s]+@")


def check_location(text: str) -> str:
    """Return a repository's or store's location, refusing a password in its address (and not showing it)."""
    if _PASSWORD_IN_URL.search(text):
        raise ValueError(
            "a password stands in this address. Leave it out and give it where programs look for it "
            "(repositories: environment with a secret reference; PostgreSQL: PGPASSFILE), and change it."
        )
    return text


Exclusion = Annotated[Line, AfterValidator(check_exclusion)]
Location = Annotated[Line, AfterValidator(check_location), WithJsonSchema({"type": "string", "minLength": 1})]

_BYTES = re.compile(r"([0-9]{1,9}) ?([KMGT]?)", re.IGNORECASE)
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def _parse_bytes(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    matched = _BYTES.fullmatch(value.strip()) if isinstance(value, str) else None
    if not matched or not int(matched[1]):
        raise ValueError(f"{value!r} is not a size. Write a number and K, M, G or T, such as 500M.")
    return int(matched[1]) * _UNITS[matched[2].upper()]


def _check_mark(text: str) -> str:
    if "/" in text or ":" in text or text in {".", ".."}:
        raise ValueError(f"{text!r} is not the name of a file; write one such as .nobackup.")
    return text


Bytes = Annotated[
    int,
    BeforeValidator(_parse_bytes),
    WithJsonSchema({"type": ["string", "integer"], "pattern": "^[0-9]{1,9} ?[KMGTkmgt]?$", "examples": ["500M"]}),
]
MarkName = Annotated[Line, AfterValidator(_check_mark)]
Positive = Annotated[int, Field(strict=True, ge=1)]


class Checking(Part):
    """How often a repository is checked, and within what time all of its data has been read once."""

    schedule: Cron
    read_all_over: Duration = Field(default="90d", validate_default=True)


class Maintenance(Part):
    """When a repository is checked, thinned out and pruned, and with whose rights.

    `password`, `location` and `environment` are for a repository whose hosts may only add: give the ones that may
    delete to the machine that prunes, and to no other. `host` names that machine; others leave it alone.
    """

    check: Checking | None = None
    forget: Cron | None = None
    prune: Cron | None = None
    timezone: TimeZone = "UTC"
    host: Line | None = None
    location: Location | None = None
    password: SecretReference | None = None
    environment: dict[VariableName, SecretReference] = Field(default_factory=dict)

    @property
    def schedules(self) -> dict[str, str]:
        """When each act is due, in the order they are done: `check`, `forget`, `prune`."""
        wanted = {"check": self.check.schedule if self.check else None, "forget": self.forget, "prune": self.prune}
        return {act: cron for act, cron in wanted.items() if cron}


class Limits(Part):
    """How much of the line and of the machine a backup may take. Restores are never held back by it."""

    upload_kib: Positive | None = None
    """KiB a second to the repository."""
    download_kib: Positive | None = None
    read_concurrency: Annotated[int, Field(strict=True, ge=1, le=64)] | None = None
    """How many files are read at once."""
    nice: Annotated[int, Field(strict=True, ge=0, le=19)] | None = None
    ionice: Literal["idle", "best-effort"] | None = None
    give_up_after: Duration | None = None
    """How long restic may try in vain to get through to a repository it had opened; 5m if left out."""


class Proofs(Part):
    """How often it is proved that a repository is out of reach and that its key in the safe is right."""

    append_only: Duration | None = None
    """Tried by the machine itself, by `tocsin serve` or `tocsin backup maintain`."""
    key: Duration | None = None
    """A person's work, with the copy from the safe: when it is due, an alarm says so."""


class Repository(Named):
    """A restic repository. `location` is a path relative to the workspace, or an address restic knows.

    One that is filled `from` another gets that one's snapshots by copying; the sources are not read again for it.
    """

    location: Location
    password: SecretReference
    offsite: TrueFalse = False
    append_only: TrueFalse = False
    filled_from: Id | None = Field(default=None, alias="from")
    environment: dict[VariableName, SecretReference] = Field(default_factory=dict)
    limits: Limits | None = None
    maintenance: Maintenance | None = None
    proofs: Proofs | None = None


class Source(Part):
    """What a backup plan reads: files below `paths`, or the `dump` of a database."""

    paths: tuple[Line, ...] = ()
    exclude: tuple[Exclusion, ...] = ()
    exclude_caches: TrueFalse = False
    """Leave out what lies in folders that a CACHEDIR.TAG marks as a cache."""
    exclude_if_present: tuple[MarkName, ...] = ()
    """Leave out what lies in folders that hold a file of one of these names."""
    exclude_larger_than: Bytes | None = None
    one_file_system: TrueFalse = False
    """Stay on the file system that a path lies on."""
    dump: Dump | None = None

    @model_validator(mode="after")
    def _paths_or_a_dump(self) -> Self:
        if bool(self.paths) == (self.dump is not None):
            raise ValueError("a source has either paths or a dump: write one of the two.")
        if self.dump is not None and (self.exclude or self.omissions != Source.model_construct().omissions):
            raise ValueError(
                "a dump leaves nothing out here. Take the exclusions away, or use the dump's options."
            )
        return self

    @property
    def omissions(self) -> tuple[bool, tuple[str, ...], int | None, bool]:
        """What restic knows one setting of for a whole snapshot."""
        return (self.exclude_caches, self.exclude_if_present, self.exclude_larger_than, self.one_file_system)


class Hook(Part):
    """A program to run before or after a plan's backup, never through a shell."""

    run: tuple[Line, ...] = Field(min_length=1)
    timeout: Duration = Field(default="10m", validate_default=True)
    on_failure: Literal["stop", "continue"] = "stop"
    """`stop`: without it there is no backup (before), or the backup counts as failed (after)."""
    environment: dict[VariableName, SecretReference] = Field(default_factory=dict)


class Backups(Part):
    """How backups are run."""

    parallel: Annotated[int, Field(strict=True, ge=1, le=32)] = 2
    """How many plans are backed up at once."""


class Retention(Part):
    """How many snapshots to keep of each kind."""

    last: Whole | None = None
    daily: Whole | None = None
    weekly: Whole | None = None
    monthly: Whole | None = None
    yearly: Whole | None = None

    @model_validator(mode="after")
    def _keep_something(self) -> Self:
        if not any((self.last, self.daily, self.weekly, self.monthly, self.yearly)):
            raise ValueError("this would keep no snapshot at all. Give last, daily, weekly, monthly or yearly.")
        return self


class BackupPlan(Scheduled):
    """What is backed up where, when, for how long, and how much may be lost or waited for."""

    title: Line
    sources: tuple[Source, ...] = Field(min_length=1)
    repositories: tuple[Id, ...] = Field(min_length=1)
    schedule: Cron
    rpo: Duration
    """The most work that may be lost: the age of the newest good snapshot."""
    rto: Duration
    """The longest that bringing it back may take."""
    retention: Retention | None = None
    before: tuple[Hook, ...] = ()
    """Programs run before the backup, in this order."""
    after: tuple[Hook, ...] = ()
    """Programs run after the backup, also when it failed."""
    limits: Limits | None = None
    """What a repository's own limits do not say otherwise."""
    canaries: tuple[Line, ...] = ()
    """Files inside the sources that nobody has a reason to touch: a change of one is an alarm."""
    tags: tuple[Annotated[str, Field(pattern=r"^[^\s,]+$")], ...] = ()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        with_paths = [source for source in self.sources if source.paths]
        if len({source.omissions for source in with_paths}) > 1:
            raise ValueError(
                "exclude_caches, exclude_if_present, exclude_larger_than and one_file_system must be the same in "
                "every source of a plan: its files are one snapshot, and restic knows one setting for it. "
                "Make two plans of it."
            )
        names = [dump.name for dump in self.dumps]
        files = [dump.file_name for dump in self.dumps]
        for what, words in (("name", names), ("file", files)):
            if twice := next((word for word in words if words.count(word) > 1), None):
                raise ValueError(f"two dumps of this plan have the {what} {twice!r}. Give each its own.")
        return self

    @property
    def zone(self) -> str:
        """The time zone of the schedule."""
        return self.zone_of(self.schedule)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every source's paths, as written."""
        return tuple(path for source in self.sources for path in source.paths)

    @property
    def exclude(self) -> tuple[str, ...]:
        """Every source's exclusions, as written."""
        return tuple(pattern for source in self.sources for pattern in source.exclude)

    @property
    def dumps(self) -> tuple[Dump, ...]:
        """Every dump of the plan; `globals: true` makes a second one of a PostgreSQL dump."""
        return tuple(
            one for source in self.sources if source.dump is not None for one in _with_globals(source.dump)
        )

    @property
    def series(self) -> tuple[str, ...]:
        """What each run must leave a snapshot of: '' for the files, and each dump's name."""
        return (*([""] if self.paths else []), *(dump.name for dump in self.dumps))

    @property
    def read_paths(self) -> tuple[str, ...]:
        """Every path of this machine that is read, as written: the files' and the SQLite databases'."""
        return (*self.paths, *(dump.path for dump in self.dumps if isinstance(dump, SqliteDump)))


def _with_globals(dump: Dump) -> tuple[Dump, ...]:
    if not isinstance(dump, PostgresDump) or not dump.globals:
        return (dump,)
    told = {name: getattr(dump, name) for name in ("host", "port", "user", "password", "timeout", "smallest")}
    # `program` and `options` are pg_dump's own.
    return dump, PostgresGlobals(name=f"{dump.name}-globals", kind="postgres-globals", **told)
