"""restic over S3 and over SFTP, as a firm would use them: moto's server and a real sshd, both on loopback.

What moto shows: that location, credentials and errors go the right way, and that restic's files survive there. What it
cannot show: object lock, versioning, bucket policies and what a provider does under load. B2, Azure, Google Storage
and rclone were never tried.
"""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

from cheap_keys import make_cheap
from contract_backups import house, write_workspace
from simulators import sshd
from tocsin.backups import (
    check_repository,
    create_repository,
    forget_snapshots,
    prove_append_only,
    prune_repository,
    run_backup,
    watch,
)
from tocsin.errors import ConfigurationError
from tocsin.recovery.ledger import choose_snapshot
from tocsin.recovery.restoring import list_snapshots, restore_and_verify
from tocsin.repositories import repository_access

PASSWORD = "a password nobody else has"
needs_moto = pytest.mark.skipif(find_spec("moto") is None, reason="moto's server is not installed")


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "workspace"
    write_workspace(root, PASSWORD)
    (root / "share").mkdir()
    for number in range(3):
        (root / "share" / f"{number}.txt").write_text(f"letter {number}\n" * 400)
    return root


def point_at(root, where):
    text = (root / "tocsin.yaml").read_text()
    text = text.replace('{location: repository, password: "file:password"}', where, 1)
    (root / "tocsin.yaml").write_text(text.replace("    title: The file share\n", KEEP_ONE, 1))


KEEP_ONE = "    title: The file share\n    retention: {last: 1}\n"


@contextmanager
def moto():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield port
        finally:
            server.kill()


def there_and_back(ctx, target):
    """Back up twice, check, restore, forget and prune; return how many snapshots are left."""
    assert run_backup(ctx, "files").verdict == "ok"
    (ctx.workspace.root / "share" / "new.txt").write_text("new\n")
    assert run_backup(ctx, "files").verdict == "ok"
    assert check_repository(ctx, "local", read_all=True).ok
    with ctx.store.read() as connection:
        chosen = choose_snapshot(connection, "files")
    target.mkdir()
    listing = list_snapshots(ctx, repository_access(ctx, "local"))
    assert restore_and_verify(ctx, chosen, listing, target).ok
    forgotten = forget_snapshots(ctx, "local")
    assert (len(forgotten.removed), forgotten.refused) == (1, ())
    prune_repository(ctx, "local")
    assert not [one for one in watch(ctx).standing if one.kind.startswith("snapshot.")]


@needs_moto
@pytest.mark.xdist_group("moto")
def test_an_s3_bucket_takes_backups_gives_them_back_and_is_no_append_only_store(
    root, restic_path, tmp_path, monkeypatch
):
    monkeypatch.setenv("S3_KEY", "AKIA-OF-THE-STUDIO")
    monkeypatch.setenv("S3_SECRET", "a-secret-of-the-bucket")
    with moto() as port:
        account = "environment: {AWS_ACCESS_KEY_ID: 'env:S3_KEY', AWS_SECRET_ACCESS_KEY: 'env:S3_SECRET'}"
        point_at(
            root, f"{{location: 's3:http://127.0.0.1:{port}/studio/r', password: 'file:password', {account}}}"
        )
        with house(root, restic_path) as ctx:
            with pytest.raises(ConfigurationError, match="there is no such bucket at s3:http"):
                run_backup(ctx, "files")
            create_repository(ctx, "local")
            there_and_back(ctx, tmp_path / "back")
            # The same credentials may do everything: without object lock a bucket is within an attacker's reach.
            (proof,) = prove_append_only(ctx, "files", repository="local")
            assert not proof.holds
            written = b"".join(path.read_bytes() for path in ctx.workspace.state_folder.rglob("*.db*"))
            assert b"a-secret-of-the-bucket" not in written


def test_a_server_over_sftp_takes_backups_and_gives_them_back(root, restic_path, tmp_path, monkeypatch):
    (tmp_path / "ssh").mkdir()
    with sshd.running(tmp_path / "ssh") as server:
        # What a firm writes into ~/.ssh/config.
        (tmp_path / "config").write_text(
            f"Host *\n  Port {server.port}\n  IdentityFile {server.identity}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {server.known_hosts}\n  BatchMode yes\n"
        )
        ssh = tmp_path / "bin" / "ssh"
        ssh.parent.mkdir()
        ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {tmp_path}/config "$@"\n')
        ssh.chmod(0o755)
        monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
        place = tmp_path / "over-there"
        point_at(root, f"{{location: 'sftp:{getpass.getuser()}@127.0.0.1:{place}', password: 'file:password'}}")
        with house(root, restic_path) as ctx:
            create_repository(ctx, "local")
            make_cheap(place, PASSWORD, restic_path)
            there_and_back(ctx, tmp_path / "back")
            assert (place / "config").is_file()
