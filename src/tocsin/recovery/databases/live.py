"""Load a dump into a live PostgreSQL, or put a SQLite file in its place: never done by a drill.

Into an empty database only, so that nothing that is there is ever overwritten. The client runs apart like every
program that reads a dump, but with the network on: the server may be elsewhere.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tocsin.durable import write_durably
from tocsin.errors import OperationFailed, Refused, Temporary, UsageError
from tocsin.recovery.databases.dumps import Form, bytes_of, form_of, opened, refuse_cut
from tocsin.recovery.databases.engine import LOADING, DumpRefused, Loaded
from tocsin.recovery.databases.postgres import TABLES, judged
from tocsin.recovery.databases.programs import postgres_programs
from tocsin.recovery.databases.sqlite import ScratchSqlite
from tocsin.recovery.isolation import cell, end

_NAMES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


def load_into_postgres(address: str, dump: Path, area: Path, *, timeout: timedelta = LOADING) -> Loaded:
    """Load a dump into the empty database at `address` (a libpq URL), working in the scratch folder `area`.

    Raises Refused when there are tables in it, Temporary when it is out of reach, DumpRefused when it does not
    take the dump: it then holds what was loaded until then.
    """
    settings = _settings(address)
    _refuse_filled(address)
    form = form_of(dump)
    if form in (Form.SQLITE, Form.FOLDER):
        raise UsageError(
            f"{dump.name} cannot be loaded into a live PostgreSQL from here: make it one file of pg_dump."
        )
    programs = postgres_programs()
    began = time.monotonic()
    with cell(area, wheel=programs.wheel, network=True) as here, (area / "load.log").open("w+b") as told:
        if form is Form.SQL:
            words = [here.seen(programs["psql"]), "-X", "-q", "-o", "/dev/null", "-f", "-"]
        else:
            words = [
                here.seen(programs["pg_restore"]),
                "--no-owner",
                "--no-privileges",
                "-d",
                settings["PGDATABASE"],
            ]
        with opened(dump) as stream:
            if form is Form.SQL:
                refuse_cut(dump, stream)
            process = here.start(words, environment=settings, stdin=stream, stdout=told, stderr=told)
            try:
                code = process.wait(timeout.total_seconds())
            finally:
                end(process)
        told.seek(0)
        lines = told.read().decode("utf-8", "replace").splitlines()
    complaints = judged(dump, code, lines, "client")
    return Loaded(timedelta(seconds=time.monotonic() - began), bytes_of(dump), complaints)


def _settings(address: str) -> dict[str, str]:
    import psycopg  # noqa: PLC0415 - heavy, and `tocsin check` reads the step kinds
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - as above

    try:
        given = {name: str(value) for name, value in conninfo_to_dict(address).items() if value is not None}
    except psycopg.Error:
        raise UsageError("The database's address is not one of PostgreSQL; it was not shown.") from None
    if "dbname" not in given:
        raise UsageError("The database's address names no database; add its name after the host.")
    return {_NAMES[name]: value for name, value in given.items() if name in _NAMES}


def _refuse_filled(address: str) -> None:
    import psycopg  # noqa: PLC0415 - as above

    try:
        with psycopg.connect(address, connect_timeout=15, application_name="tocsin") as connection:
            tables = connection.execute(TABLES).fetchall()
    except psycopg.OperationalError as away:
        first = (str(away).strip().splitlines() or ["no answer"])[0]
        raise Temporary(f"The database is out of reach ({first.rstrip('.')}); nothing was loaded.") from away
    if tables:
        raise Refused(
            f"The database has {len(tables)} tables already; nothing was loaded. Make an empty database and name "
            "that, so that what is there stays."
        )


def put_sqlite(dump: Path, destination: Path, area: Path) -> tuple[Loaded, Path | None]:
    """Put a SQLite database where it belongs, checked in scratch first; also return where the old one went.

    Raises DumpRefused when it is none, OperationFailed when it is damaged or cannot be written.
    """
    area.mkdir(mode=0o700, exist_ok=True)
    scratch = ScratchSqlite(area / "checked.db")
    loaded = scratch.load(dump)
    if faults := scratch.integrity():
        raise DumpRefused(f"{dump.name} is damaged: {faults[0].rstrip('.')}. Nothing was put in place.")
    scratch.ask("PRAGMA wal_checkpoint(TRUNCATE)")
    if not destination.parent.is_dir():
        raise UsageError(f"{destination.parent} does not exist. Make it first, or name another place.")
    aside = None
    try:
        if destination.exists():
            aside = destination.with_name(f"{destination.name}.before-recovery-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
            destination.rename(aside)
        for ending in ("-wal", "-shm", "-journal"):
            # A log that belongs to the old file would be played into the new one.
            left = destination.with_name(destination.name + ending)
            if left.exists() and aside is not None:
                left.rename(aside.with_name(aside.name + ending))
    except OSError as fault:
        raise OperationFailed(f"What is at {destination} could not be moved aside: {fault.strerror}.") from fault
    write_durably(destination, scratch.file.read_bytes())
    return loaded, aside
