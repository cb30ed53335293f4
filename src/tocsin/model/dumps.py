"""Dumps: what a program writes about a database, streamed into a snapshot of its own.

    - dump: {name: crm, kind: postgres, host: db.internal, user: backup, database: crm, password: "env:CRM_DUMP"}

Passwords stand here by reference only, and reach the dumping program through its environment alone.
"""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from tocsin.model.fields import Duration, Id, Line, SecretReference, TrueFalse
from tocsin.model.parts import Part

VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]

_PERCENT = re.compile(r"([0-9]{1,3}) ?%")
_WHOLE = 100
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_PASSWORD_OPTION = re.compile(r"-p.+|--password=.*|.*://[^/@\s]*:[^/@\s]+@.*|.*\bpassword=.+", re.DOTALL)


def _percent(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):  # what a model has checked already
        matched: int = value
    elif isinstance(value, str) and (found := _PERCENT.fullmatch(value.strip())):
        matched = int(found[1])
    else:
        raise ValueError(f"{value!r} is not a share. Write it in per cent, such as 20%.")
    if not 0 <= matched <= _WHOLE:
        raise ValueError(f"{value!r} is not a share. Write 0% to 100%.")
    return matched


def _check_file_name(text: str) -> str:
    if not _FILE_NAME.fullmatch(text):
        raise ValueError(f"{text!r} is not a file's name: letters, digits, dots, dashes and underscores only.")
    return text


def _check_option(text: str) -> str:
    if not text.startswith("-"):
        raise ValueError("an option begins with a dash, such as --exclude-table-data=log.")
    if _PASSWORD_OPTION.fullmatch(text):
        raise ValueError("a password stands in this option. Give it as password: with a reference, and change it.")
    return text


Percent = Annotated[
    int,
    BeforeValidator(_percent),
    WithJsonSchema({"type": "string", "pattern": f"^{_PERCENT.pattern}$", "examples": ["20%"]}),
]
FileName = Annotated[Line, AfterValidator(_check_file_name)]
Option = Annotated[Line, AfterValidator(_check_option)]


class _Dump(Part):
    """What every dump has: a name, its last good size as a yardstick, and a time to be done in."""

    ENDING: ClassVar[str] = "dump"
    STARTS: ClassVar[tuple[bytes, ...]] = ()
    """How such a dump begins, whatever is in it; anything may come where this is empty."""

    name: Id
    smallest: Percent = 20
    """A dump below this share of the last good one's size is refused."""
    timeout: Duration = Field(default="12h", validate_default=True)

    @property
    def file_name(self) -> str:
        """The name of its one file in the snapshot."""
        return f"{self.name}.{self.ENDING}"


class _OnServer(_Dump):
    """A dump of a database server. Without a host, the program's own default is asked."""

    host: Line | None = None
    """A name, an address, or the path of the server's socket (PostgreSQL: of the folder it lies in)."""
    port: Annotated[int, Field(strict=True, ge=1, le=65535)] | None = None
    user: Line | None = None
    password: SecretReference | None = None
    program: Line | None = None
    """The dumping program, where it is not the one that the PATH finds."""
    options: tuple[Option, ...] = ()


class PostgresDump(_OnServer):
    """One database by `pg_dump`; with `globals`, the server's roles and tablespaces as a dump of their own."""

    ENDING = "pgdump"
    STARTS = (b"PGDMP",)

    kind: Literal["postgres"]
    database: Line
    globals: TrueFalse = False


class PostgresGlobals(_OnServer):
    """The roles and tablespaces of a PostgreSQL server, which no dump of a database holds."""

    ENDING = "sql"
    STARTS = (b"--",)

    kind: Literal["postgres-globals"]


class MysqlDump(_OnServer):
    """One database by `mariadb-dump` or `mysqldump`."""

    ENDING = "sql"
    STARTS = (b"--", b"/*")

    kind: Literal["mysql"]
    database: Line


class SqliteDump(_Dump):
    """A consistent copy of a SQLite database, whoever writes to it meanwhile."""

    ENDING = "sqlite"
    STARTS = (b"SQLite format 3\0",)

    kind: Literal["sqlite"]
    path: Line


class CommandDump(_Dump):
    """Whatever a program of yours writes to its standard output."""

    kind: Literal["command"]
    argv: tuple[Line, ...] = Field(min_length=1)
    file: FileName | None = None
    environment: dict[VariableName, SecretReference] = Field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """The name of its one file in the snapshot."""
        return self.file or super().file_name


Dump = Annotated[
    PostgresDump | PostgresGlobals | MysqlDump | SqliteDump | CommandDump, Field(discriminator="kind")
]
