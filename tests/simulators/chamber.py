"""A Linux of its own for what must never happen on the machine a test runs on: own /etc, own processes.

It is a mount and process namespace of this machine whose /etc is a copy with an account `sam` in it, who exists
nowhere else. A program run inside sees no process of the machine, and can end none.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tocsin.adapters.shell import SystemShell
from tocsin.ports import Command, Said

UID = 47311
_PROGRAMS = ("unshare", "nsenter", "usermod", "chage", "passwd", "pkill", "pgrep", "getent", "awk")
_HOLD = 'mount --bind "$1" /etc && mount -t proc proc /proc && echo up && exec sleep 600'
_SHADOW = "sam:$6$salt$kkJf6bQzLrYb:19700:0:99999:7:::\n"


@dataclass
class Chamber:
    etc: Path
    pid: int

    @property
    def inside(self) -> tuple[str, ...]:
        return ("nsenter", f"--target={self.pid}", "--mount", "--pid", "--")

    def run(self, *argv: str, check: bool = True) -> str:
        return subprocess.run([*self.inside, *argv], capture_output=True, text=True, check=check).stdout

    def session(self) -> subprocess.Popen[bytes]:
        """A process of sam's, as a session of his would be; it asks nobody before it dies."""
        argv = [*self.inside, "setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "sleep", "300"]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
        while self.run("pgrep", "-u", str(UID), check=False) == "":
            time.sleep(0.02)
        return process

    def shadow(self, account: str = "sam") -> str:
        lines = (self.etc / "shadow").read_text().splitlines()
        return next(line for line in lines if line.startswith(f"{account}:"))


@dataclass
class ShellInside:
    """`ports.Shell` of the chamber."""

    chamber: Chamber

    def run(self, command: Command) -> Said:
        return SystemShell(os.environ).run(replace(command, argv=(*self.chamber.inside, *command.argv)))


@contextmanager
def running_chamber(folder: Path) -> Iterator[Chamber]:
    etc = folder / "etc"
    shutil.copytree("/etc", etc, symlinks=True, ignore_dangling_symlinks=True)
    _add(etc / "passwd", f"sam:x:{UID}:{UID}:Sam:/tmp:/bin/sh\n")
    _add(etc / "group", f"sam:x:{UID}:\n")
    _add(etc / "shadow", _SHADOW)
    argv = ["unshare", "--mount", "--pid", "--fork", "--propagation=private", "--kill-child"]
    holder = subprocess.Popen([*argv, "sh", "-c", _HOLD, "hold", str(etc)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        with holder.stdout as said:
            assert said.readline() == b"up\n"
        children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
        yield Chamber(etc, int(children[0]))
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)


@pytest.fixture
def chamber(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chamber]:
    if os.geteuid() != 0:
        pytest.skip("mount and process namespaces need root (CAP_SYS_ADMIN)")
    if lacking := [name for name in _PROGRAMS if shutil.which(name) is None]:
        pytest.skip(f"no {', '.join(lacking)} here (Debian: apt-get install util-linux passwd procps)")
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], check=False).returncode != 0:
        pytest.skip("this kernel gives no mount and process namespaces here")
    with running_chamber(tmp_path_factory.mktemp("chamber")) as made:
        yield made


def _add(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line)
