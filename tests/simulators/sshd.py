"""A real sshd on loopback, for whoever runs the tests: one key gets in, nothing outside is touched."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile {folder}/sshd.pid
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
UseDNS no
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True)
class SshServer:
    """How it is reached: as the `ssh:` of a system in tocsin.yaml, and the file that knows its key."""

    port: int
    identity: Path
    known_hosts: Path

    def as_yaml(self) -> str:
        return (
            f"{{host: 127.0.0.1, port: {self.port}, user: {getpass.getuser()}, identity: {self.identity}, "
            f"known_hosts: {self.known_hosts}}}"
        )


@contextmanager
def running(folder: Path) -> Iterator[SshServer]:
    sshd, keygen = shutil.which("sshd", path=_PLACES), shutil.which("ssh-keygen", path=_PLACES)
    if sshd is None or keygen is None:
        pytest.skip("no sshd here (Debian: apt-get install openssh-server)")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    for name in ("host_key", "key"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    shutil.copy(folder / "key.pub", folder / "authorized_keys")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "sshd_config").write_text(_CONFIG.format(port=port, folder=folder))
    public = (folder / "host_key.pub").read_text().split()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public[0]} {public[1]}\n")
    with (folder / "sshd.log").open("wb") as log:
        server = subprocess.Popen(
            [sshd, "-D", "-e", "-f", folder / "sshd_config"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        _wait(port, folder)
        yield SshServer(port, folder / "key", folder / "known_hosts")
    finally:
        server.terminate()
        server.wait(10)


def _wait(port: int, folder: Path) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError((folder / "sshd.log").read_text())
