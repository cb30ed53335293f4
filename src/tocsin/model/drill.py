"""A drill's file: what is really restored, how often, from which snapshot, and what it is judged against."""

import ipaddress
import re
from enum import StrEnum
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from tocsin.errors import did_you_mean
from tocsin.model.fields import Cron, Duration, Id, Line, Text, TrueFalse, Whole, parse_duration
from tocsin.model.ladder import Rung
from tocsin.model.parts import Part, Scheduled

QUARTERLY = "0 9 1 */3 *"
CHOICES = ("latest", "last clean", "oldest kept", "random")
RANDOM = "random"
_PERCENT = re.compile(r"[0-9]{1,3} ?%")


class DatabaseKind(StrEnum):
    """The databases that a drill can load into scratch."""

    POSTGRES = "postgres"
    MARIADB = "mariadb"
    SQLITE = "sqlite"


def _check_choice(text: str) -> str:
    words = " ".join(re.split(r"[\s_-]+", text.strip().lower()))
    known, over, span = words.partition(" over ")
    if known not in CHOICES or (over and known != RANDOM):
        raise ValueError(f"{text!r} chooses no snapshot.{did_you_mean(words, CHOICES)} Or write random over 90d.")
    if over:
        parse_duration(span)
    return words


def _check_percent(text: str) -> str:
    if not _PERCENT.fullmatch(text):
        raise ValueError(f"{text!r} is no share. Write one such as 20%.")
    return text


def _check_loopback(text: str) -> str:
    host = urlsplit(text).hostname or ""
    if urlsplit(text).scheme not in {"http", "https"} or not host:
        raise ValueError(
            f"{text!r} is not the address of a web page. Write one such as http://127.0.0.1:8080/health."
        )
    if host != "localhost" and not _is_loopback(host):
        raise ValueError(
            f"{text!r} leads out of this machine. A drill probes what it started itself: write 127.0.0.1."
        )
    return text


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


Choice = Annotated[Line, AfterValidator(_check_choice), Field(json_schema_extra={"examples": list(CHOICES)})]
"""`latest`, `last clean`, `oldest kept`, `random`, or `random over 90d`."""
Percent = Annotated[
    str, AfterValidator(_check_percent), WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,3} ?%$"})
]
LocalAddress = Annotated[Line, AfterValidator(_check_loopback), WithJsonSchema({"type": "string", "minLength": 1})]
Words = Annotated[tuple[Line, ...], Field(min_length=1)]


class Targets(Part):
    """What the drill must reach; what is left out is taken from the backup plan.

    `integrity` is the rung of the ladder; left out, the highest that the drill's own checks ask for.
    """

    rpo: Duration | None = None
    rto: Duration | None = None
    integrity: Rung | None = None


class Assertion(Part):
    """One query, and what the first value of its first row must be.

    `within` bounds a count by what the last drill that passed found: `20%` more or less.
    """

    query: Text
    expect: bool | int | str | None = None
    at_least: int | None = None
    at_most: int | None = None
    within: Percent | None = None

    @model_validator(mode="after")
    def _something_expected(self) -> Self:
        if all(each is None for each in (self.expect, self.at_least, self.at_most, self.within)):
            raise ValueError("says not what is expected. Add expect, at_least, at_most or within.")
        return self

    @property
    def share(self) -> int | None:
        """How much a count may differ from the last drill's, in hundredths."""
        return None if self.within is None else int(self.within.rstrip("% "))


class DatabaseCheck(Part):
    """A dump among what is restored, the kind of server it is loaded into, and what must hold in it.

    `dump` is a dump's name in the backup plan, or a file among what it reads. `system` is what it belongs
    to, where its path does not tell. `newest` is a query for the time of the newest record.
    """

    kind: DatabaseKind
    dump: Line
    system: Id | None = None
    assertions: tuple[Assertion, ...] = Field(min_length=1)
    newest: Text | None = None


class ApplicationCheck(Part):
    """A program that must succeed, a page that must answer, or a file that must hold something: one of the three.

    In a program's words `{restored}` is the folder of the restored copy. `start` is the application a page is
    asked of; it is ended after the check.
    """

    command: Words | None = None
    http: LocalAddress | None = None
    file: Line | None = None
    start: Words | None = None
    system: Id | None = None
    status: Annotated[int, Field(ge=100, le=599)] = 200
    contains: Text | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    at_least_bytes: Whole = 0
    timeout: Duration = Field(default="60s", validate_default=True)

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        given = [name for name in ("command", "http", "file") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("a check is one of command, http and file. Write each as an item of its own.")
        if self.start and not self.http:
            raise ValueError("start belongs to http: it is the application that answers there.")
        return self

    @property
    def name(self) -> str:
        """What is checked, as people read it."""
        if self.command:
            return f"command {self.command[0]}"
        return f"http {self.http}" if self.http else f"file {self.file}"


class Drill(Scheduled):
    """A restore into isolation, checked file by file, loaded, asked and timed."""

    drill: Id
    title: Line
    backup_plan: Id
    recovery_plan: Id | None = None
    """A recovery plan that is run whole, in order, in place of our own restore: the highest rung."""
    schedule: Annotated[Cron, Field(validate_default=False)] = QUARTERLY
    snapshot: Choice = "latest"
    paths: tuple[Line, ...] = ()
    """Only these of the backed-up paths are restored; the time for all of it is then a forecast."""
    packs: Literal["all", "part"] = "all"
    """How much of the repository is read: every pack, or the next part in turn as `tocsin backup check` does."""
    targets: Targets = Targets.model_construct()
    databases: tuple[DatabaseCheck, ...] = ()
    checks: tuple[ApplicationCheck, ...] = ()
    newest_file: TrueFalse = False
    """Judge the newest file's time as the newest record inside the data."""
    owner: Id | None = None
    deputy: Id | None = None
    participants: tuple[Id, ...] = ()

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        wanted = self.targets.integrity
        if wanted is Rung.L0:
            raise ValueError(
                "targets.integrity: L0 restores nothing, and every drill proves it on its way. Write L1 to L6."
            )
        if wanted is not None and wanted.height > self.highest_offered.height:
            missing = {4: "databases", 5: "checks", 6: "recovery_plan"}[wanted.height]
            raise ValueError(
                f"targets.integrity: {wanted} ({wanted.meaning}) needs {missing}. Add it, or ask for less."
            )
        return self

    @property
    def highest_offered(self) -> Rung:
        """The highest rung that what is written in this drill can prove."""
        if self.recovery_plan:
            return Rung.L6
        if self.checks:
            return Rung.L5
        return Rung.L4 if self.databases else Rung.L3

    @property
    def integrity(self) -> Rung:
        """The rung this drill must reach."""
        return self.targets.integrity or self.highest_offered

    @property
    def id(self) -> str:
        """The drill's own id."""
        return self.drill

    @property
    def zone(self) -> str:
        """The time zone of the schedule."""
        return self.zone_of(self.schedule)
