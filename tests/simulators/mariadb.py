"""A real MariaDB for tests: a throwaway `mariadbd` on a socket, with no port, no service and no configuration read.

The programs are Debian's `mariadb-server-core` and `mariadb-client`, which `.ci/run` brings; where they are not
installed, the tests that ask for the fixture are skipped and say so. mariadbd run by root gives its rights away:
it then runs as `nobody`. Nothing is flushed to disk.

A `conftest.py` (or a test module) imports the fixture `mariadb`, one server for each worker of the suite.
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
from pathlib import Path

import pytest

_PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb", "mariadb-dump")
_PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


class MariaDbServer:
    """A running server. `root` has no password and `socket` is the only way in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "s.sock"
        self._numbers = itertools.count(1)

    def new_database(self, name: str | None = None) -> str:
        """Create a database and return its name."""
        name = name or f"test_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        return name

    def new_user(self, name: str, password: str, rights: str = "ALL PRIVILEGES ON *.*") -> None:
        """Create a user who logs in with a password."""
        self.sql(f"CREATE USER '{name}'@'localhost' IDENTIFIED BY '{password}'")
        self.sql(f"GRANT {rights} TO '{name}'@'localhost'")

    def sql(self, text: str, database: str = "") -> list[list[str]]:
        """Run statements as root and return the last one's rows as text."""
        done = self.client(
            "mariadb", "--batch", "--skip-column-names", "--execute", text, *filter(None, [database])
        )
        return [line.split("\t") for line in done.stdout.decode().splitlines()]

    def load(self, database: str, dump: bytes) -> None:
        """Run a dump's statements in a database."""
        self.client("mariadb", database, stdin=dump)

    def client(self, program: str, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run one of MariaDB's own programs as root against this server."""
        argv = [_program(program), "--no-defaults", f"--socket={self.socket}", "--user=root", *arguments]
        done = subprocess.run(argv, input=stdin, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        return done

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """Return as soon as the server answers."""
        for _ in range(600):
            try:
                self.sql("SELECT 1")
            except AssertionError:
                assert process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.05)
            else:
                return
        raise TimeoutError((self.folder / "log").read_text())


@contextmanager
def running_mariadb() -> Iterator[MariaDbServer]:
    """Start a server in a new folder, and remove both afterwards."""
    # Not in pytest's own folder: a socket's path may have 107 characters at most, and `nobody` must get there.
    folder = Path(tempfile.mkdtemp(prefix="tocsin-my-"))
    try:
        identity = _identity(folder)
        data = folder / "data"
        _install(folder, data, identity)
        server = MariaDbServer(folder)
        process = _start(server, data, identity)
        try:
            server.wait(process)
            yield server
        finally:
            process.send_signal(signal.SIGKILL)  # it holds nothing that anybody wants
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDbServer]:
    if missing := [name for name in _PROGRAMS if shutil.which(name, path=_PLACES) is None]:
        pytest.skip(f"no {', '.join(missing)} here (Debian: apt-get install mariadb-server-core mariadb-client)")
    with running_mariadb() as server:
        yield server


def _install(folder: Path, data: Path, identity: dict[str, object]) -> None:
    argv = [
        _program("mariadb-install-db"),
        "--no-defaults",
        f"--datadir={data}",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        "--skip-name-resolve",
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=folder, **identity)
    assert done.returncode == 0, done.stderr + done.stdout


def _start(server: MariaDbServer, data: Path, identity: dict[str, object]) -> subprocess.Popen[bytes]:
    settings = {
        "datadir": data,
        "socket": server.socket,
        "pid-file": server.folder / "pid",
        "innodb-buffer-pool-size": "16M",
        "innodb-log-file-size": "4M",
        "innodb-flush-log-at-trx-commit": 0,
        "key-buffer-size": "1M",
    }
    argv = [_program("mariadbd"), "--no-defaults", "--skip-networking", "--skip-log-bin"]
    argv += [f"--{name}={value}" for name, value in settings.items()]
    with (server.folder / "log").open("wb") as log:
        return subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=server.folder, **identity
        )


def _identity(folder: Path) -> dict[str, object]:
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    folder.chmod(0o755)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _program(name: str) -> str:
    found = shutil.which(name, path=_PLACES)
    assert found is not None, f"{name} is not installed"
    return found
