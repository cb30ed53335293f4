"""The schema's version: looked at on every opening, migrated only when it is not the newest.

Alembic takes a third of a second to import, so it is imported only when there is something to do.
"""

import time
from contextlib import closing

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import OperationalError, ProgrammingError

from tocsin.errors import UsageError
from tocsin.store.engine import WAIT_SECONDS, reading, writing

NEWEST = "0002"

_VERSION = "SELECT version_num FROM alembic_version"


def bring_up_to_date(engine: Engine) -> None:
    """Make sure the schema is the newest, also when several processes open a new store at once.

    Raises UsageError for a database of another program, or of a newer Tocsin.
    """
    if _version(engine) == NEWEST:
        return
    if engine.dialect.name == "sqlite":
        _use_write_ahead_log(engine)
    with writing(engine) as connection:
        version = _version_among_tables(connection)
        if version != NEWEST:
            _upgrade(connection, version)


def _version(engine: Engine) -> str | None:
    try:
        with reading(engine) as connection:
            return connection.exec_driver_sql(_VERSION).scalar()
    except (OperationalError, ProgrammingError) as fault:
        if "alembic_version" in str(fault.orig):
            return None
        raise


def _version_among_tables(connection: Connection) -> str | None:
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        return connection.exec_driver_sql(_VERSION).scalar()
    if tables:
        raise UsageError(
            f"The database {connection.engine.url.database} belongs to another program: it holds the tables "
            f"{', '.join(sorted(tables)[:3])}. Nothing was changed. Name a database of its own under `store` in "
            "tocsin.yaml."
        )
    return None


def _upgrade(connection: Connection, version: str | None) -> None:
    from alembic import command  # noqa: PLC0415 - see the module's docstring
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "tocsin.store:migrations")
    known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    if version is not None and version not in known:
        raise UsageError(
            f"The store {connection.engine.url.database} has the schema {version!r}, unknown to this Tocsin: "
            "a newer one, or another program, made it. Nothing was changed. Run the newer Tocsin, or correct "
            "`store` in tocsin.yaml."
        )
    command.upgrade(config, "head")


def _use_write_ahead_log(engine: Engine) -> None:
    # SQLite does not wait its usual ten seconds for this lock, so we do.
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            with closing(engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA journal_mode = WAL").fetchall()
        except Exception as fault:
            if "locked" not in str(fault) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
