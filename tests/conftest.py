"""Fixtures for every test: a house to test in, closed afterwards."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.house import House

MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 4 * 1024**3


def pytest_configure() -> None:
    """Put the tests' folders into memory where there is room: thousands of real fsyncs cost nothing there."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep an xdist_group on one worker: pytest 9.2 no longer reads the name under which xdist 3.8 notes the group."""
    if not hasattr(config, "workerinput") or not config.getvalue("loadgroup"):
        return
    for item in items:
        mark = item.get_closest_marker("xdist_group")
        if mark and hasattr(item, "_id") and "@" not in item.nodeid:
            item._id = type(item._id).parse(f"{item.nodeid}@{mark.args[0]}")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()
