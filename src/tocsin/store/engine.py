"""A SQLAlchemy engine that means the same on SQLite and PostgreSQL.

A transaction is one of two kinds. `reading`: a consistent view that cannot write. `writing`: the one writer; it
takes the write lock before it looks at anything, so that whatever it read stays true until it commits.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from tocsin.durable import private_folder
from tocsin.errors import UsageError

WAIT_SECONDS = 10

# Any number would do; all Tocsins on one PostgreSQL database must share it.
_WRITE_LOCK = 0x746F6373_696E

_WRITING = "tocsin_writing"


def make_engine(url: str) -> Engine:
    """Return the engine for `sqlite:///PATH` or `postgresql://…`; no connection is made yet.

    A new SQLite file is made here, readable by its owner alone. Raises UsageError for any other URL.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    return _postgres(parsed)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a consistent view that refuses to write."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open the one write transaction: committed at the end, rolled back whole on any error."""
    with engine.connect() as connection:
        connection.execution_options(**{_WRITING: True})
        if engine.dialect.name == "postgresql":
            # Each statement after the lock then sees what the writer before us committed.
            connection.execution_options(isolation_level="READ COMMITTED")
        with connection.begin():
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")
            yield connection


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as fault:
        raise UsageError(
            "The store's URL cannot be read. Write `sqlite:///store.db` or `postgresql://user@host/database`."
        ) from fault
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise UsageError(
            f"A store on {parsed.get_backend_name()!r} is not supported. Write `sqlite:///store.db` or "
            "`postgresql://user@host/database`."
        )
    return parsed


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise UsageError("The store must be a file: write `sqlite:///store.db`.")
    _make_private_file(Path(url.database))
    engine = create_engine(url.set(drivername="sqlite+pysqlite"), connect_args={"timeout": WAIT_SECONDS})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's connection
        connection.isolation_level = None  # we begin transactions ourselves; the driver would begin too late
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        cursor = connection.connection.cursor()
        if connection.get_execution_options().get(_WRITING):
            cursor.execute("PRAGMA query_only = OFF")
            cursor.execute("BEGIN IMMEDIATE")
        else:
            cursor.execute("PRAGMA query_only = ON")
            cursor.execute("BEGIN")

    return engine


def _make_private_file(path: Path) -> None:
    if not path.parent.exists():
        private_folder(path.parent)
    # Whatever else is wrong, SQLite will find it too, and `faults` has the words for it.
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _postgres(url: URL) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        connect_args={"connect_timeout": WAIT_SECONDS, "application_name": "tocsin"},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's connection
        # A server may have been told to acknowledge before the disk does; a journal may not.
        connection.execute(f"SET lock_timeout = '{WAIT_SECONDS}s'; SET synchronous_commit = on")
        connection.commit()

    return engine
