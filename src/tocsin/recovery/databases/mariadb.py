"""A real MariaDB in a scratch folder: made, started, loaded, asked, stopped, on a socket and without a network."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import ClassVar
from xml.etree import ElementTree as ET

from tocsin.errors import OperationFailed, Temporary
from tocsin.ports import Said, Value
from tocsin.recovery.databases.dumps import Form, bytes_of, form_of, opened, refuse_cut
from tocsin.recovery.databases.engine import (
    ASKING,
    LOADING,
    RESTORED,
    STARTING,
    DumpRefused,
    Engine,
    Loaded,
)
from tocsin.recovery.databases.programs import Programs, mariadb_programs
from tocsin.recovery.isolation import Cell, cell, end, only_child

MOST_ROWS = 1000
_BAD = ("error", "warning")
_OWN = ("information_schema", "performance_schema", "mysql", "sys", "test")
_SERVER = (
    "--skip-networking",
    "--skip-log-bin",
    "--skip-name-resolve",
    "--skip-grant-tables",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=0",
    "--innodb-fast-shutdown=1",
    "--local-infile=0",
    "--performance-schema=off",
    "--max-allowed-packet=1G",
)
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


@contextmanager
def scratch_mariadb(area: Path) -> Iterator["ScratchMariadb"]:
    """Start a MariaDB in the folder `area`, which it makes, and stop it when the block ends.

    Raises NoDatabaseServer when this machine has none, OperationFailed when it does not start.
    """
    programs = mariadb_programs()
    began = time.monotonic()
    with cell(area) as here:
        if not (here.folder / "data" / "mysql").is_dir():
            _make(here, programs)
        with _running(here, programs) as process:
            yield ScratchMariadb(here, programs, process, began)


def _make(here: Cell, programs: Programs) -> None:
    data = here.inside / "data"
    said = here.run(
        [
            *(str(programs["install"]), "--no-defaults", f"--datadir={data}"),
            *("--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"),
        ],
        timeout=STARTING,
    )
    if said.code != 0:
        raise OperationFailed(f"A scratch MariaDB could not be made: {_last(said)}")


@contextmanager
def _running(here: Cell, programs: Programs) -> Iterator[subprocess.Popen[bytes]]:
    argv = [
        *(str(programs["server"]), "--no-defaults", f"--datadir={here.inside / 'data'}"),
        *(f"--socket={_socket(here)}", f"--pid-file={here.inside / 'pid'}", f"--tmpdir={here.inside}"),
        *(f"--secure-file-priv={here.inside}", *_SERVER),
    ]
    with (here.folder / "log").open("ab") as log:
        process = here.start(argv, stdout=log, stderr=log)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.kill(only_child(process), signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        end(process)


def _socket(here: Cell) -> Path:
    return here.inside / "socket"


class ScratchMariadb:
    """`ScratchDatabase` on MariaDB. It is asked by its own client, from within the cell."""

    engine: ClassVar[Engine] = Engine.MARIADB

    def __init__(self, here: Cell, programs: Programs, process: subprocess.Popen[bytes], began: float) -> None:
        self.cell = here
        self._programs = programs
        self._process = process
        self._name = ""
        self.version = self._wait()
        self.started_in = timedelta(seconds=time.monotonic() - began)
        self._name = self._where_it_went()

    @property
    def environment(self) -> Mapping[str, str]:
        """What a client needs to find it from inside the cell."""
        return {"MYSQL_UNIX_PORT": str(_socket(self.cell)), "MYSQL_DATABASE": self._name or RESTORED}

    def load(self, dump: Path, *, timeout: timedelta = LOADING) -> Loaded:
        """Load what mariadb-dump or mysqldump wrote, packed with gzip or not."""
        if form_of(dump) is not Form.SQL:
            raise DumpRefused(f"{dump.name} is not the text that mariadb-dump writes.")
        began = time.monotonic()
        self._said(f"CREATE DATABASE IF NOT EXISTS {RESTORED} CHARACTER SET utf8mb4", ASKING)
        with opened(dump) as stream:
            refuse_cut(dump, stream)
            words = [*self._client(), "--default-character-set=utf8mb4", "--sandbox", RESTORED]
            said = self.cell.run(words, timeout=timeout, stdin=stream)
            if "unknown option '--sandbox'" in said.stderr:
                words.remove("--sandbox")
                stream.seek(0)
                said = self.cell.run(words, timeout=timeout, stdin=stream)
        if said.code is None:
            raise DumpRefused(f"The dump {dump.name} was not loaded in time; how far it came nobody can say.")
        if said.code != 0:
            raise DumpRefused(f"MariaDB {self.version} did not take the dump {dump.name}: {_last(said)}")
        self._name = self._where_it_went()
        return Loaded(timedelta(seconds=time.monotonic() - began), bytes_of(dump))

    def ask(self, query: str, *, timeout: timedelta = ASKING) -> tuple[tuple[Value, ...], ...]:
        """Return the first thousand rows of one query, in a transaction that can change nothing."""
        text = f"SET SESSION TRANSACTION READ ONLY; START TRANSACTION READ ONLY; {query.rstrip().rstrip(';')};"
        return self._rows(text, timeout)

    def _rows(self, text: str, timeout: timedelta) -> tuple[tuple[Value, ...], ...]:
        with TemporaryFile(dir=self.cell.folder) as answer, TemporaryFile(dir=self.cell.folder) as told:
            words = [*self._client(), "--xml", "-e", text, *filter(None, [self._name])]
            process = self.cell.start(words, stdout=answer, stderr=told)
            try:
                code = process.wait(timeout.total_seconds())
            except subprocess.TimeoutExpired as slow:
                raise Temporary(
                    f"The restored database had not answered after {timeout.total_seconds():.0f} s."
                ) from slow
            finally:
                end(process)
            if code != 0:
                told.seek(0)
                why = told.read().decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
                raise OperationFailed(f"The restored database refused the query: {why[-1]}.")
            answer.seek(0)
            # Our own client's words about rows of a backup; expat expands nothing from outside.
            return _rows_in(answer.read())

    def row_counts(self) -> dict[str, int]:
        """Count every table's rows."""
        counts = {}
        for schema, table in self._tables():
            named = ".".join("`" + name.replace("`", "``") + "`" for name in (schema, table))
            (row,) = self._rows(f"SELECT count(*) FROM {named}", ASKING)  # noqa: S608 - quoted
            counts[f"{schema}.{table}"] = int(row[0] or 0)
        return counts

    def integrity(self) -> tuple[str, ...]:
        """Let MariaDB check every table."""
        faults = []
        for schema, table in self._tables():
            named = ".".join("`" + name.replace("`", "``") + "`" for name in (schema, table))
            said = self._rows(f"CHECK TABLE {named} EXTENDED", LOADING)
            bad = [row for row in said if row[2] in _BAD or (row[2] == "status" and row[3] != "OK")]
            faults += [f"{schema}.{table}: {row[3]}" for row in bad]
        return tuple(faults)

    def _tables(self) -> list[tuple[str, str]]:
        own = ", ".join(f"'{name}'" for name in _OWN)
        rows = self._rows(
            "SELECT table_schema, table_name FROM information_schema.tables "  # noqa: S608 - our own words
            f"WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ({own}) ORDER BY 1, 2",
            ASKING,
        )
        return [(str(schema), str(table)) for schema, table in rows]

    def _where_it_went(self) -> str:
        """A dump with `CREATE DATABASE` in it makes one of its own: then that is the one to ask."""
        schemas = {schema for schema, _ in self._tables()}
        return RESTORED if RESTORED in schemas else schemas.pop() if len(schemas) == 1 else ""

    def _said(self, text: str, timeout: timedelta) -> Said:
        said = self.cell.run([*self._client(), "-e", text], timeout=timeout)
        if said.code != 0:
            raise OperationFailed(f"The scratch MariaDB refused: {_last(said)}")
        return said

    def _client(self) -> list[str]:
        return [str(self._programs["client"]), "--no-defaults", f"--socket={_socket(self.cell)}", "--batch"]

    def _wait(self) -> str:
        """Wait until it answers, and return its version."""
        until = time.monotonic() + STARTING.total_seconds()
        while True:
            if (self.cell.folder / "socket").exists():
                with suppress(OperationFailed):
                    (row,) = self._rows("SELECT version()", ASKING)
                    return str(row[0]).split("-")[0]
            if self._process.poll() is not None or time.monotonic() > until:
                lines = (self.cell.folder / "log").read_text(errors="replace").strip().splitlines()
                raise OperationFailed(f"A scratch MariaDB did not start: {(lines or ['it said nothing'])[-1]}")
            time.sleep(0.02)


def _rows_in(answer: bytes) -> tuple[tuple[Value, ...], ...]:
    if not answer.strip():
        return ()
    # XML knows no control characters; a column may hold them.
    text = re.sub(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", b"?", answer)
    try:
        rows = ET.fromstring(text.decode("utf-8", "replace")).findall("row")[:MOST_ROWS]  # noqa: S314 - see the caller
    except ET.ParseError as fault:
        raise OperationFailed(f"The restored database's answer cannot be read: {fault}.") from fault
    return tuple(tuple(_plain(field) for field in row) for row in rows)


def _plain(field: ET.Element) -> Value:
    if field.get(_NIL) == "true":
        return None
    text = field.text or ""
    return int(text) if _WHOLE.fullmatch(text) else text


def _last(said: Said) -> str:
    lines = (said.stderr.strip() or said.stdout.strip()).splitlines()
    return (lines[-1] if lines else "it said nothing").rstrip(".") + "."
