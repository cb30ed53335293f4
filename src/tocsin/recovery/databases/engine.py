"""What every scratch database can do, whichever engine it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from tocsin.errors import OperationFailed, UsageError
from tocsin.ports import Value

# How long loading a dump, and how long one question, may take where nobody says otherwise.
LOADING = timedelta(hours=12)
ASKING = timedelta(minutes=5)
STARTING = timedelta(minutes=2)
# The database a dump is loaded into.
RESTORED = "restored"


class Engine(StrEnum):
    """The databases that can be started in isolation."""

    POSTGRES = "postgres"
    MARIADB = "mariadb"
    SQLITE = "sqlite"


class NoDatabaseServer(UsageError):  # noqa: N818 - the name is what the person reads
    """It could not be tried: this machine has no server that could load the dump. Nothing was proved."""


class DumpRefused(OperationFailed):
    """The server was there and did not take the dump: what was backed up cannot be brought back like this."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading a dump took. `warnings` cost no data, such as an owner without an account here."""

    took: timedelta
    bytes: int
    warnings: tuple[str, ...] = ()


class ScratchDatabase(Protocol):
    """A database in a scratch folder, on a socket, without a network, for as long as its block lasts."""

    @property
    def engine(self) -> Engine:
        """Which it is."""

    @property
    def version(self) -> str:
        """The server's, such as `15.18`."""

    @property
    def started_in(self) -> timedelta:
        """How long it took from nothing to the first answer."""

    def load(self, dump: Path, *, timeout: timedelta = LOADING) -> Loaded:
        """Load a dump. Raises DumpRefused, or NoDatabaseServer when this server is too old for it."""

    def ask(self, query: str, *, timeout: timedelta = ASKING) -> tuple[tuple[Value, ...], ...]:
        """Return the first thousand rows of one query that can change nothing.

        Raises OperationFailed when it is refused, Temporary when it takes too long.
        """

    def row_counts(self) -> dict[str, int]:
        """Count the rows of every table that a person made, by name."""

    def integrity(self) -> tuple[str, ...]:
        """Let the engine look at everything it holds; return what it finds wrong."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What a program in the same cell needs to find it."""
