"""Three machines on one wire, each a network namespace of this one: the responder, the host, and everybody else.

    Network.on(folder)  host     10.77.0.2   fd77::2     with a real sshd (port 22), whose shell is ours
                        responder 10.77.0.1  fd77::1     from here Tocsin comes in
                        outside  10.77.0.3   fd77::3     an attacker, a client: everybody else

Only root may make one; the tests skip for anybody else, and where iproute2, nftables or openssh-server is missing.
Nothing of this machine's own network is touched.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tocsin.adapters.shell import SystemShell
from tocsin.ports import Command, Said

PROGRAMS = {"ip": "iproute2", "nft": "nftables", "sshd": "openssh-server", "ssh-keygen": "openssh-client"}
ADDRESSES = {"responder": 1, "host": 2, "outside": 3}
_PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_SSHD = """\
Port 22
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile {folder}/sshd.pid
PasswordAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
UseDNS no
KexAlgorithms curve25519-sha256
SetEnv HOME={folder}
"""
_LISTEN = """\
import socket
listening = socket.socket(socket.AF_INET6)
listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
listening.bind(("::", 443)); listening.listen()
print("up", flush=True)
while True: listening.accept()[0].close()
"""
_REACH = """\
import socket, sys, threading
def reach(address, port):
    try: socket.create_connection((address, int(port)), float(sys.argv[1])).close()
    except OSError: return
    print(address, port, flush=True)
tries = [threading.Thread(target=reach, args=pair) for pair in zip(sys.argv[2::2], sys.argv[3::2])]
for one in tries: one.start()
for one in tries: one.join()
"""


def missing() -> str:
    """Why there can be no such network here, '' where there can."""
    if os.geteuid() != 0:
        return "network namespaces need root (CAP_NET_ADMIN)"
    if lacking := [
        package for program, package in PROGRAMS.items() if shutil.which(program, path=_PLACES) is None
    ]:
        return f"no {', '.join(lacking)} here (Debian: apt-get install {' '.join(lacking)})"
    tried = subprocess.run(["unshare", "--net", "nft", "list", "tables"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "this kernel gives no network namespace with nftables"


@dataclass
class Network:
    folder: Path
    name: str
    listening: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def inside(self, machine: str) -> tuple[str, ...]:
        return ("ip", "netns", "exec", f"{self.name}-{machine}")

    def run(self, machine: str, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.inside(machine), *argv], capture_output=True, text=True, check=check)

    def reached(self, machine: str, *ends: tuple[str, int], seconds: float = 0.5) -> set[tuple[str, int]]:
        """Try all of these from one machine, at once."""
        words = [str(word) for end in ends for word in end]
        said = self.run(machine, sys.executable, "-I", "-c", _REACH, str(seconds), *words).stdout
        return {(line.split()[0], int(line.split()[1])) for line in said.splitlines()}

    def reaches(self, machine: str, address: str, port: int = 443, seconds: float = 0.5) -> bool:
        return bool(self.reached(machine, (address, port), seconds=seconds))

    def tables(self) -> list[str]:
        return self.run("host", "nft", "list", "tables").stdout.split()[2::3]

    @property
    def identity(self) -> Path:
        return self.folder / "responder_key"

    def known_hosts(self, *hosts: str) -> str:
        key = (self.folder / "host_key.pub").read_text().split(" ")
        return "".join(f"{host} {key[0]} {key[1]}\n" for host in hosts)


@dataclass
class ShellOf:
    """`ports.Shell` of a machine: every program runs in its namespace."""

    network: Network
    machine: str

    def run(self, command: Command) -> Said:
        argv = (*self.network.inside(self.machine), *command.argv)
        return SystemShell({**os.environ, "PATH": _PLACES}).run(replace(command, argv=argv))


@contextmanager
def running_network(folder: Path) -> Iterator[Network]:
    network = Network(folder, f"tocsin{os.getpid()}")
    try:
        _wire(network)
        _keys(network)
        _listen(network)
        yield network
    finally:
        for process in network.listening:
            process.kill()
            process.wait(10)
        for machine in (*ADDRESSES, "wire"):
            _end_all_in(f"{network.name}-{machine}")
            subprocess.run(
                ["ip", "netns", "delete", f"{network.name}-{machine}"], capture_output=True, check=False
            )


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    if why := missing():
        pytest.skip(why)
    with running_network(tmp_path_factory.mktemp("network")) as made:
        yield made


def _wire(network: Network) -> None:
    # The bridge lies in a namespace of its own, so that not even it is seen by this machine.
    for machine in (*ADDRESSES, "wire"):
        _ip("netns", "add", f"{network.name}-{machine}")
        _ip("-n", f"{network.name}-{machine}", "link", "set", "lo", "up")
    wire = f"{network.name}-wire"
    _ip("-n", wire, "link", "add", "wire", "type", "bridge")
    _ip("-n", wire, "link", "set", "wire", "up")
    for machine, number in ADDRESSES.items():
        there = f"{network.name}-{machine}"
        _ip("-n", there, "link", "add", "eth0", "type", "veth", "peer", "name", f"to{number}", "netns", wire)
        _ip("-n", wire, "link", "set", f"to{number}", "master", "wire", "up")
        _ip("-n", there, "address", "add", f"10.77.0.{number}/24", "dev", "eth0")
        _ip("-n", there, "address", "add", f"fd77::{number}/64", "dev", "eth0", "nodad")
        _ip("-n", there, "link", "set", "eth0", "up")
        _ip("-n", there, "route", "add", "default", "via", "10.77.0.3" if number != 3 else "10.77.0.1")


def _keys(network: Network) -> None:
    for name in ("host_key", "responder_key"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", network.folder / name], check=True
        )
    shutil.copy(network.folder / "responder_key.pub", network.folder / "authorized_keys")
    (network.folder / "sshd_config").write_text(_SSHD.format(folder=network.folder))


def _listen(network: Network) -> None:
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    sshd = str(shutil.which("sshd", path=_PLACES))
    argv = [*network.inside("host"), sshd, "-D", "-e", "-f", str(network.folder / "sshd_config")]
    with (network.folder / "sshd.log").open("wb") as log:
        network.listening.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
    for machine in ("host", "outside"):
        argv = [*network.inside(machine), sys.executable, "-c", _LISTEN]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE)
        assert process.stdout is not None
        with process.stdout as said:
            assert said.readline() == b"up\n"
        network.listening.append(process)
    for _ in range(200):
        if network.reaches("responder", "10.77.0.2", 22):
            return
        time.sleep(0.05)
    raise TimeoutError((network.folder / "sshd.log").read_text())


def _end_all_in(namespace: str) -> None:
    said = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False)
    for number in said.stdout.split():
        with suppress(ProcessLookupError):
            os.kill(int(number), 9)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
