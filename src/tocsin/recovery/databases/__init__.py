"""Real databases in isolation: started in a scratch folder, loaded from a dump, asked, stopped and removed.

    with scratch(ctx, "drill-shop", needed_bytes=…) as area, scratch_postgres(area / "shop") as database:
        database.load(dump)
        database.ask("select count(*) from orders")

Nothing here knows the store or the workspace. A server that is not installed is a NoDatabaseServer: *could not
run*. A dump that is not taken is a DumpRefused: *failed*.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from tocsin.recovery.databases.engine import (
    DumpRefused,
    Engine,
    Loaded,
    NoDatabaseServer,
    ScratchDatabase,
)
from tocsin.recovery.databases.live import load_into_postgres, put_sqlite
from tocsin.recovery.databases.mariadb import scratch_mariadb
from tocsin.recovery.databases.postgres import scratch_postgres
from tocsin.recovery.databases.sqlite import scratch_sqlite

__all__ = [
    "DumpRefused",
    "Engine",
    "Loaded",
    "NoDatabaseServer",
    "ScratchDatabase",
    "load_into_postgres",
    "put_sqlite",
    "scratch_database",
    "scratch_mariadb",
    "scratch_postgres",
    "scratch_sqlite",
]


def scratch_database(engine: Engine, area: Path) -> AbstractContextManager[ScratchDatabase]:
    """Start a database of this engine in the folder `area`, which is made where it is missing."""
    start: Mapping[Engine, Callable[[Path], AbstractContextManager[ScratchDatabase]]] = {
        Engine.POSTGRES: scratch_postgres,
        Engine.MARIADB: scratch_mariadb,
        Engine.SQLITE: scratch_sqlite,
    }
    return start[engine](area)
