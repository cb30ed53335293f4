"""restic against its own REST server: with a password in the address, and where nothing may be deleted."""

import base64
import hashlib
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tocsin.adapters.restic.binary import find_restic
from tocsin.errors import ConfigurationError, OperationFailed
from tocsin.ports import RepositoryAccess


def rest_server() -> str | None:
    """The server beside our restic, or the machine's own; Debian names it after restic."""
    beside = find_restic(os.environ).parent
    for name in ("rest-server", "restic-rest-server"):
        if found := shutil.which(name, path=f"{beside}:{os.environ['PATH']}"):
            return found
    return None


pytestmark = pytest.mark.skipif(
    rest_server() is None, reason="no REST server of restic here; `make setup` brings one"
)


@contextmanager
def serving(folder: Path, *options: str):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [rest_server(), "--path", folder, "--listen", f"127.0.0.1:{port}", *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + 10
            while time.monotonic() < until:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield port
        finally:
            server.terminate()


@pytest.fixture
def folder(seed, tmp_path) -> Path:
    shutil.copytree(seed.folder, tmp_path / "served" / "r")
    return tmp_path / "served"


def test_it_backs_up_tags_and_restores_over_a_server_that_asks_for_a_password(restic, seed, folder, tmp_path):
    digest = base64.b64encode(hashlib.sha1(b"hunter22").digest()).decode()  # noqa: S324 - htpasswd's own format
    (folder / ".htpasswd").write_text(f"studio:{{SHA}}{digest}\n")
    with serving(folder) as port:
        address = f"127.0.0.1:{port}/r/"
        access = RepositoryAccess("offsite", f"rest:http://studio:hunter22@{address}", seed.password_file)
        assert restic.backup(access, [seed.source]).snapshot_id
        assert restic.tag(access, seed.first, add=["hold"]) != seed.first
        target = tmp_path / "target"
        target.mkdir()
        assert restic.restore(access, seed.second, target).ok
        with pytest.raises(ConfigurationError) as refused:
            restic.snapshots(
                RepositoryAccess("offsite", f"rest:http://studio:mistaken@{address}", seed.password_file)
            )
        assert "refused our user or key" in str(refused.value)
        absent = RepositoryAccess(
            "offsite", f"rest:http://studio:hunter22@127.0.0.1:{port}/no/", seed.password_file
        )
        with pytest.raises(ConfigurationError, match=r"no restic repository at rest:http://\*\*\*@127") as refused:
            restic.snapshots(absent)
        assert "hunter22" not in str(refused.value)


def test_an_append_only_server_takes_backups_and_refuses_tags_which_is_noticed(restic, seed, folder):
    with serving(folder, "--append-only", "--no-auth") as port:
        access = RepositoryAccess("offsite", f"rest:http://127.0.0.1:{port}/r/", seed.password_file)
        assert restic.backup(access, [seed.source]).snapshot_id
        with pytest.raises(OperationFailed, match=r"was not tagged; the repository allows no change.*403"):
            restic.tag(access, seed.first, add=["hold"])
        assert seed.first in {snapshot.id for snapshot in restic.snapshots(access)}
