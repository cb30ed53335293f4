"""Stores for tests: a fixture that opens one on SQLite and on PostgreSQL, and the cast that writes to it.

from simulators.stores import backend, store  # fixtures; `store` runs the test once on each database
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from simulators.chance import SimulatedRandomness
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


@pytest.fixture(params=["sqlite", POSTGRES])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    if request.param == "sqlite":
        return sqlite_backend(tmp_path)
    return Backend(request.getfixturevalue("postgres_url"), tmp_path / "state")


@pytest.fixture
def store(backend: Backend) -> Iterator[Store]:
    opened = backend.open()
    yield opened
    opened.close()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Store]:
    """A store on SQLite, for tests where the database does not matter."""
    opened = sqlite_backend(tmp_path).open()
    yield opened
    opened.close()


def write_some(store: Store, how_many: int = 6) -> None:
    """Write `journal.opened` and as many entries after it; entry 4 has a private text."""
    for number in range(1, how_many + 1):
        private = {"reason": "Müller said so"} if number == 3 else None
        with store.write(MAYA) as tx:
            tx.record("backup.finished", f"plan:p{number}", {"files": number, "ok": True}, private)
