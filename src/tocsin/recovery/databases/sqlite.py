"""A SQLite database in a scratch folder: a copy of the file, or what its text makes, opened only to be asked."""

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from tocsin.durable import private_folder
from tocsin.errors import OperationFailed, Temporary
from tocsin.ports import Value
from tocsin.recovery.databases.dumps import Form, bytes_of, form_of, opened
from tocsin.recovery.databases.engine import ASKING, LOADING, DumpRefused, Engine, Loaded

MOST_ROWS = 1000
_CHUNK = 1 << 20
_BESIDE = ("-wal", "-journal")


@contextmanager
def scratch_sqlite(area: Path) -> Iterator["ScratchSqlite"]:
    """Lend a SQLite database in the folder `area`, which is made where it is missing."""
    yield ScratchSqlite(private_folder(area) / "restored.db")


class ScratchSqlite:
    """`ScratchDatabase` on SQLite. There is no server, and nothing to start."""

    engine: ClassVar[Engine] = Engine.SQLITE
    version = sqlite3.sqlite_version
    started_in = timedelta(0)

    def __init__(self, file: Path) -> None:
        self.file = file

    @property
    def environment(self) -> Mapping[str, str]:
        """Where the file lies."""
        return {"SQLITE_FILE": str(self.file)}

    def load(self, dump: Path, *, timeout: timedelta = LOADING) -> Loaded:
        """Take the database file with the log that lies beside it, or run the text of a dump."""
        form = form_of(dump)
        began = time.monotonic()
        try:
            if form is Form.SQLITE:
                self._copy(dump)
            elif form is Form.SQL:
                self._run(dump, timeout)
            else:
                raise DumpRefused(f"{dump.name} is a dump of PostgreSQL, not a SQLite database.")
            # Asked once, so that what is no database is known as that now.
            self.ask("SELECT count(*) FROM sqlite_master")
        except (sqlite3.Error, OperationFailed) as fault:
            if isinstance(fault, DumpRefused):
                raise
            raise DumpRefused(f"SQLite did not take {dump.name}: {fault}") from fault
        return Loaded(timedelta(seconds=time.monotonic() - began), bytes_of(dump))

    def _copy(self, dump: Path) -> None:
        with opened(dump) as stream, self.file.open("wb") as copy:
            while chunk := stream.read(_CHUNK):
                copy.write(chunk)
        for ending in _BESIDE:
            beside = dump.with_name(dump.name + ending)
            if beside.is_file():
                self.file.with_name(self.file.name + ending).write_bytes(beside.read_bytes())

    def _run(self, dump: Path, timeout: timedelta) -> None:
        self.file.unlink(missing_ok=True)
        with opened(dump) as stream, closing(sqlite3.connect(self.file, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            # A dump may name other files (`ATTACH`): in here there are none.
            connection.set_authorizer(_no_other_file)
            _stop_after(connection, timeout)
            connection.executescript(stream.read().decode("utf-8"))

    def ask(self, query: str, *, timeout: timedelta = ASKING) -> tuple[tuple[Value, ...], ...]:
        """Return the first thousand rows of one query, read-only."""
        if not self.file.is_file():
            raise OperationFailed("Nothing was loaded into the scratch database yet.")
        try:
            with closing(sqlite3.connect(self.file)) as connection:
                connection.execute("PRAGMA query_only=ON")
                connection.set_authorizer(_no_other_file)
                _stop_after(connection, timeout)
                rows = connection.execute(query).fetchmany(MOST_ROWS)
        except sqlite3.OperationalError as fault:
            if str(fault) == "interrupted":
                raise Temporary(
                    f"The restored database had not answered after {timeout.total_seconds():.0f} s."
                ) from fault
            raise OperationFailed(f"The restored database refused the query: {fault}.") from fault
        except sqlite3.Error as fault:
            raise OperationFailed(f"The restored database refused the query: {fault}.") from fault
        return tuple(tuple(_plain(value) for value in row) for row in rows)

    def row_counts(self) -> dict[str, int]:
        """Count the rows of every table."""
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"
        counts = {}
        for (name,) in self.ask(query):
            quoted = str(name).replace('"', '""')
            counts[str(name)] = int(self.ask(f'SELECT count(*) FROM "{quoted}"')[0][0] or 0)  # noqa: S608 - quoted
        return counts

    def integrity(self) -> tuple[str, ...]:
        """Run SQLite's own check over the whole file, and over its references."""
        try:
            found = [str(row[0]) for row in self.ask("PRAGMA integrity_check")]
            broken = self.ask("PRAGMA foreign_key_check")
        except OperationFailed as fault:
            return (str(fault),)
        faults = [] if found == ["ok"] else found
        if broken:
            faults.append(f"{len(broken)} rows point to rows that are not there, the first in {broken[0][0]}")
        return tuple(faults)


def _no_other_file(action: int, *_: object) -> int:
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK


def _stop_after(connection: sqlite3.Connection, timeout: timedelta) -> None:
    until = time.monotonic() + timeout.total_seconds()
    connection.set_progress_handler(lambda: int(time.monotonic() > until), 100_000)


def _plain(value: object) -> Value:
    return value if isinstance(value, bool | int | float | str | None) else repr(value)
