r"""A real PostgreSQL in a scratch folder: made, started, loaded, asked, stopped, without a network.

Nothing is flushed to disk, since nothing of it is kept. The dump is read by `psql` or `pg_restore` in the same
cell: a dump is a program (`\!`, `COPY … FROM PROGRAM`), and nobody knows who has written in it.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, ClassVar

from tocsin.errors import OperationFailed, Temporary
from tocsin.ports import Value
from tocsin.recovery.databases.dumps import Form, bytes_of, form_of, opened, refuse_cut
from tocsin.recovery.databases.engine import (
    ASKING,
    LOADING,
    RESTORED,
    STARTING,
    DumpRefused,
    Engine,
    Loaded,
    NoDatabaseServer,
)
from tocsin.recovery.databases.programs import Programs, postgres_programs
from tocsin.recovery.isolation import Cell, cell, end, only_child

if TYPE_CHECKING:
    import psycopg

OWNER = "tocsin"
MOST_ROWS = 1000
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_wal_size": "4GB",
    "maintenance_work_mem": "128MB",
    "logging_collector": "off",
    "log_destination": "stderr",
    "unix_socket_permissions": "0700",
}
# A role or right of the old server that is not here costs no data; everything else does.
_HARMLESS = re.compile(
    r'role ".*" does not exist|schema "public" already exists|no privileges (were granted|could be revoked)'
)
_TOO_NEW = re.compile(r"unsupported version \([\d.]+\) in file header|invalid command \\(un)?restrict")
_FAULT = re.compile(r"(?:^|: )(?:ERROR|FATAL|error): +(.*)$")
TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%' ORDER BY 1, 2
"""


@contextmanager
def scratch_postgres(area: Path) -> Iterator["ScratchPostgres"]:
    """Start a PostgreSQL in the folder `area`, which it makes, and stop it when the block ends.

    In a folder that was used before it finds what was loaded then. The folder itself is the caller's to remove.
    Raises NoDatabaseServer when this machine has none, OperationFailed when it does not start.
    """
    programs = postgres_programs()
    began = time.monotonic()
    with cell(area, wheel=programs.wheel) as here:
        if not (here.folder / "data" / "PG_VERSION").is_file():
            _make(here, programs)
        with _running(here, programs) as process:
            yield ScratchPostgres(here, programs, process, began)


def _make(here: Cell, programs: Programs) -> None:
    said = here.run(
        [
            here.seen(programs["initdb"]),
            *("-D", str(here.inside / "data"), "-U", OWNER, "-A", "trust"),
            *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"),
        ],
        timeout=STARTING,
    )
    if said.code != 0:
        raise OperationFailed(f"A scratch PostgreSQL could not be made: {_last(said.stderr or said.stdout)}")


@contextmanager
def _running(here: Cell, programs: Programs) -> Iterator[subprocess.Popen[bytes]]:
    socket = here.folder / "socket"
    socket.mkdir(exist_ok=True, mode=0o700)
    here.own(socket)
    settings = {**_SETTINGS, "unix_socket_directories": str(here.inside / "socket")}
    argv = [here.seen(programs["postgres"]), "-D", str(here.inside / "data")]
    argv += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with (here.folder / "log").open("ab") as log:
        process = here.start(argv, stdout=log, stderr=log)
    try:
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Let it end in order, for another step may start it again; if it will not, end it."""
    with suppress(ProcessLookupError):
        os.kill(only_child(process), signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(20)
    end(process)


class ScratchPostgres:
    """`ScratchDatabase` on PostgreSQL."""

    engine: ClassVar[Engine] = Engine.POSTGRES

    def __init__(self, here: Cell, programs: Programs, process: subprocess.Popen[bytes], began: float) -> None:
        self.cell = here
        self._programs = programs
        self._process = process
        self.version = self._wait()
        self.started_in = timedelta(seconds=time.monotonic() - began)
        self._name = RESTORED if self._databases() else ""

    @property
    def environment(self) -> Mapping[str, str]:
        """What libpq needs to find it from inside the cell."""
        return {"PGHOST": str(self.cell.inside / "socket"), "PGUSER": OWNER, "PGDATABASE": self._name or RESTORED}

    def load(self, dump: Path, *, timeout: timedelta = LOADING) -> Loaded:
        """Load what pg_dump wrote, in any of its forms, packed with gzip or not."""
        form = form_of(dump)
        if form is Form.SQLITE:
            raise DumpRefused(f"{dump.name} is a SQLite database, not a dump of PostgreSQL.")
        began = time.monotonic()
        self._name = RESTORED
        if RESTORED not in self._databases():
            with self._connect("postgres", autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {RESTORED} TEMPLATE template0")
        complaints = self._read(dump, form, timeout)
        self._look_where_it_went()
        took = timedelta(seconds=time.monotonic() - began)
        return Loaded(took, bytes_of(dump), complaints)

    def _read(self, dump: Path, form: Form, timeout: timedelta) -> tuple[str, ...]:
        log = self.cell.folder / "load.log"
        with log.open("w+b") as told:
            if form is Form.FOLDER:
                code = self._load_folder(dump, told, timeout)
            else:
                with opened(dump) as stream:
                    if form is Form.SQL:
                        refuse_cut(dump, stream)
                    code = self._wait_for(self._words(form), stream, told, timeout)
            told.seek(0)
            lines = told.read().decode("utf-8", "replace").splitlines()
        return judged(dump, code, lines, self.version)

    def _words(self, form: Form) -> list[str]:
        if form is Form.SQL:
            return [self.cell.seen(self._programs["psql"]), "-X", "-q", "-o", "/dev/null", "-f", "-"]
        return [self.cell.seen(self._programs["pg_restore"]), "--no-owner", "--no-privileges", "-d", RESTORED]

    def _load_folder(self, dump: Path, told: IO[bytes], timeout: timedelta) -> int | None:
        copy = self.cell.folder / "dump"
        shutil.copytree(dump, copy)
        self.cell.own(copy)
        try:
            words = [*self._words(Form.FOLDER), "-j", str(os.cpu_count() or 1), str(self.cell.inside / "dump")]
            return self._wait_for(words, None, told, timeout)
        finally:
            shutil.rmtree(copy, ignore_errors=True)

    def _wait_for(
        self, words: list[str], stdin: IO[bytes] | None, told: IO[bytes], timeout: timedelta
    ) -> int | None:
        process = self.cell.start(words, environment=self.environment, stdin=stdin, stdout=told, stderr=told)
        try:
            return process.wait(timeout.total_seconds())
        except subprocess.TimeoutExpired:
            return None
        finally:
            end(process)

    def ask(self, query: str, *, timeout: timedelta = ASKING) -> tuple[tuple[Value, ...], ...]:
        """Return the first thousand rows of one query, read-only."""
        import psycopg  # noqa: PLC0415 - heavy, and `tocsin check` reads the step kinds

        seconds = max(1, int(timeout.total_seconds()))
        try:
            with self._connect(self._name or RESTORED) as connection:
                connection.read_only = True
                connection.execute(f"SET LOCAL statement_timeout = '{seconds}s'")
                # Prepared: then the server takes one statement alone, and no `commit;` in front ends the guard.
                found = connection.execute(query.encode(), prepare=True)
                rows = found.fetchmany(MOST_ROWS) if found.description else []
                connection.rollback()
        except psycopg.errors.QueryCanceled as slow:
            raise Temporary(f"The restored database had not answered after {seconds} s.") from slow
        except psycopg.Error as wrong:
            raise OperationFailed(f"The restored database refused the query: {_first(str(wrong))}") from wrong
        return tuple(tuple(_plain(value) for value in row) for row in rows)

    def row_counts(self) -> dict[str, int]:
        """Count every table's rows; a partitioned one's as a whole."""
        from psycopg import sql  # noqa: PLC0415 - as above

        counts = {}
        with self._connect(self._name or RESTORED) as connection:
            for schema, table in connection.execute(TABLES).fetchall():
                query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(str(schema), str(table)))
                row = connection.execute(query).fetchone()
                counts[f"{schema}.{table}"] = int(str(row[0])) if row else 0
        return counts

    def integrity(self) -> tuple[str, ...]:
        """Read every table to its end. A dump was loaded row by row, so what is there was understood."""
        import psycopg  # noqa: PLC0415 - as above

        try:
            self.row_counts()
        except psycopg.Error as fault:
            return (_first(str(fault)),)
        return ()

    def _look_where_it_went(self) -> None:
        """A dump with `CREATE DATABASE` in it makes a database of its own: then that is the one to ask."""
        if not self.row_counts() and len(others := self._databases() - {RESTORED}) == 1:
            self._name = others.pop()

    def _databases(self) -> set[str]:
        with self._connect("postgres") as connection:
            names = connection.execute(
                "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
            ).fetchall()
        return {str(name) for (name,) in names}

    def _wait(self) -> str:
        """Wait until it answers, and return its version."""
        import psycopg  # noqa: PLC0415 - as above

        until = time.monotonic() + STARTING.total_seconds()
        while True:
            try:
                with self._connect("postgres") as connection:
                    row = connection.execute("SHOW server_version").fetchone()
                    return str(row[0]).split()[0] if row else ""
            except psycopg.OperationalError as away:
                if self._process.poll() is not None or time.monotonic() > until:
                    log = (self.cell.folder / "log").read_text(errors="replace")
                    raise OperationFailed(f"A scratch PostgreSQL did not start: {_last(log)}") from away
                time.sleep(0.01)

    @contextmanager
    def _connect(
        self, name: str, *, autocommit: bool = False
    ) -> "Iterator[psycopg.Connection[tuple[object, ...]]]":
        import psycopg  # noqa: PLC0415 - as above

        # By way of an open folder: a socket's path may have 107 characters at most, and a scratch folder's more.
        folder = os.open(self.cell.folder / "socket", os.O_RDONLY | os.O_DIRECTORY)
        try:
            with psycopg.connect(
                host=f"/proc/self/fd/{folder}",
                user=OWNER,
                dbname=name,
                connect_timeout=10,
                autocommit=autocommit,
                application_name="tocsin",
            ) as connection:
                yield connection
        finally:
            os.close(folder)


def judged(dump: Path, code: int | None, lines: list[str], version: str) -> tuple[str, ...]:
    """Return a client's complaints that cost no data. Raises DumpRefused for the others."""
    if code is None:
        raise DumpRefused(f"The dump {dump.name} was not loaded in time; how far it came nobody can say.")
    if any(_TOO_NEW.search(line) for line in lines):
        raise NoDatabaseServer(
            f"Could not run: the dump {dump.name} comes from a newer PostgreSQL than this machine's {version}. "
            "Nothing was proved. Install that version's server."
        )
    faults = [found[1].strip() for line in lines if (found := _FAULT.search(line))]
    bad = [fault for fault in faults if not _HARMLESS.search(fault) and "errors ignored on restore" not in fault]
    if bad or (code != 0 and not faults):
        why = bad[0] if bad else _last("\n".join(lines))
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        raise DumpRefused(f"PostgreSQL {version} did not take the dump {dump.name}: {why.rstrip('.')}{more}.")
    return tuple(dict.fromkeys(faults))[:20]


def _last(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return (lines[-1] if lines else "it said nothing").rstrip(".") + "."


def _first(text: str) -> str:
    # Later lines may quote rows.
    return (text.strip().splitlines() or ["it said nothing"])[0].rstrip(".") + "."


def _plain(value: object) -> Value:
    return value if isinstance(value, bool | int | float | str | None) else str(value)
