"""Stores for tests: a fixture that opens one on SQLite and on PostgreSQL, and the cast that writes to it.

from simulators.stores import backend, store  # fixtures; `store` runs the test once on each database
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from simulators.chance import SimulatedRandomness
from simulators.postgres import PostgresServer
from simulators.time import SimulatedClock
from tocsin.ports import Actor, CrashPoints
from tocsin.store.database import Store, open_store

MAYA = Actor("maya", "cli")


class NeverCrash:
    def reach(self, name: str) -> None:
        pass


@dataclass
class Backend:
    """Where a store lies, and how to open it (again)."""

    url: str
    state: Path
    clock: SimulatedClock = field(default_factory=SimulatedClock)
    randomness: SimulatedRandomness = field(default_factory=SimulatedRandomness)

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    def open(self, crash: CrashPoints | None = None) -> Store:
        return open_store(self.url, self.state, self.clock, self.randomness, crash or NeverCrash())


def sqlite_backend(folder: Path) -> Backend:
    return Backend(f"sqlite:///{folder}/state/store.db", folder / "state")


POSTGRES = pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.xdist_group("postgres")])


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory) -> Path:
    """An empty store on SQLite, to be copied: a copy is forty times quicker than a migration."""
    made = sqlite_backend(tmp_path_factory.mktemp("migrated"))
    made.open().close()
    return made.state / "store.db"


@pytest.fixture(scope="session")
def migrated_database(postgres: PostgresServer, tmp_path_factory) -> str:
    """An empty store on PostgreSQL, to be used as a template."""
    Backend(postgres.new_database("migrated"), tmp_path_factory.mktemp("migrated")).open().close()
    return "migrated"


@pytest.fixture(params=["sqlite", POSTGRES])
def blank(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """A place where no store is yet."""
    if request.param == "sqlite":
        return sqlite_backend(tmp_path)
    return Backend(request.getfixturevalue("postgres").new_database(), tmp_path / "state")


@pytest.fixture(params=["sqlite", POSTGRES])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """A place with an empty store."""
    if request.param == "sqlite":
        return copied(request.getfixturevalue("migrated_file"), tmp_path)
    template = request.getfixturevalue("migrated_database")
    return Backend(request.getfixturevalue("postgres").new_database(template=template), tmp_path / "state")


@pytest.fixture
def store(backend: Backend) -> Iterator[Store]:
    opened = backend.open()
    yield opened
    opened.close()


@pytest.fixture
def small(migrated_file: Path, tmp_path: Path) -> Iterator[Store]:
    """A store on SQLite, for tests where the database does not matter."""
    opened = copied(migrated_file, tmp_path).open()
    yield opened
    opened.close()


def copied(migrated: Path, folder: Path) -> Backend:
    backend = sqlite_backend(folder)
    backend.state.mkdir()
    shutil.copy(migrated, backend.state)
    return backend


def write_some(store: Store, how_many: int = 6) -> None:
    """Write `journal.opened` and as many entries after it; entry 4 has a private text."""
    for number in range(1, how_many + 1):
        private = {"reason": "Müller said so"} if number == 3 else None
        with store.write(MAYA) as tx:
            tx.record("backup.finished", f"plan:p{number}", {"files": number, "ok": True}, private)
