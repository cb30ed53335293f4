"""One Prefect server for the flows under test: starting it costs seconds, a flow on it a tenth of one."""

import os
import sqlite3
import sys
from pathlib import Path

import pytest

from cheap_keys import make_cheap
from contract_backups import WORKSPACE, house, write_workspace
from prefect_ground import copied
from tocsin.repositories import repository_access
from tocsin.serve import embedded_server
from tocsin.workspace import load

PASSWORD = "a password nobody else has"
LOOPBACK = ("127.0.0.1", "::1", "localhost", None, "")

DRILL = """\
drill: files-quarterly
title: Bring the share back
backup_plan: files
schedule: "0 9 1 */3 *"
"""
PEOPLE = """\
people:
  maya: {name: Maya Lind, email: maya@harbour.example, roles: [commander, technical], login: maya}
"""


@pytest.fixture(scope="session")
def empty_workspace(restic_path, tmp_path_factory):
    """A workspace with an empty repository and a migrated store, made once and copied for each test."""
    root = tmp_path_factory.mktemp("empty") / "workspace"
    write_workspace(root, PASSWORD)
    (root / "tocsin.yaml").write_text(WORKSPACE.replace("SOURCE", "share").replace("OFFSITE", "nowhere") + PEOPLE)
    (root / "drills").mkdir()
    (root / "drills" / "files-quarterly.yaml").write_text(DRILL)
    with house(root, restic_path) as ctx:
        ctx.restic.init(repository_access(ctx, "local"))
        make_cheap(root / "repository", PASSWORD, restic_path)
    return root


@pytest.fixture
def root(empty_workspace, tmp_path):
    return copied(empty_workspace, tmp_path / "workspace")


@pytest.fixture(scope="session")
def reached():
    """Every address outside this machine that this process has tried to reach or to look up since."""
    found: list[str] = []

    def listen(event: str, arguments: tuple) -> None:
        if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in LOOPBACK:
            found.append(str(arguments[1]))
        if event == "socket.getaddrinfo" and arguments[0] not in LOOPBACK:
            found.append(str(arguments[0]))

    sys.addaudithook(listen)
    return found


@pytest.fixture(scope="session")
def prefect_server(empty_workspace, tmp_path_factory, reached):
    """Prefect's server, and this process set to speak to it."""
    root = copied(empty_workspace, tmp_path_factory.mktemp("served") / "workspace")
    with embedded_server(load(root)) as server:
        yield server


@pytest.fixture(scope="session")
def migrated(prefect_server):
    """A copy of the server's database, so that the next server need not make its own."""
    source = Path(os.environ["PREFECT_HOME"]) / "prefect.db"
    copy = source.with_name("migrated.db")
    with sqlite3.connect(source) as database:
        database.execute("vacuum into ?", (str(copy),))
    database.close()
    return copy
