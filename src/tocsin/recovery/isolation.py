"""Programs that work on restored data, kept apart: a user of their own, no network, gone when we are gone.

What a backup brings back may hold anything: a dump can run a program, an application can ring at the old server's
door. So whatever works on it runs, as far as this machine allows,

- as root: under a throwaway user id that nobody else has, which sees the scratch folder at `/mnt/area`;
- without a network: in a namespace of its own that has not even an address (`unshare`), measured, not assumed;
- never longer than we do: a `kill -9` of ours is theirs too.

Where the machine has no namespaces (many containers), root's programs run as `nobody`, and a report says so.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO

from tocsin.durable import private_folder
from tocsin.errors import OperationFailed
from tocsin.ports import Said

# The range that systemd keeps for users who come and go; nobody's files belong to it.
_UIDS = range(61184, 65520)
# Where the scratch folder and a wheel's programs are seen from inside.
INSIDE = Path("/mnt/area")
WHEEL_INSIDE = Path("/mnt/wheel")
_LOOK = "readlink /proc/self/ns/net"
_MOST_BYTES = 32 * 1024
_KEPT = ("PATH", "LANG", "TZ")
ELSEWHERE = ".elsewhere"
ELSEWHERE_PREFIX = "tocsin-scratch-"

# $1 the area, $2 its passwd file, $3 a folder with programs of a wheel or "", $4 the user id; then the program.
_ENTER = """set -e
mount -t tmpfs -o mode=755 tocsin /mnt
mkdir /mnt/area /mnt/wheel
mount --bind "$1" /mnt/area
if [ -n "$3" ]; then mount --bind -o ro "$3" /mnt/wheel; fi
mount --bind "$2" /etc/passwd
ip link set lo up 2>/dev/null || true
cd /mnt/area
u=$4
shift 4
exec setpriv --reuid "$u" --regid "$u" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \
  --pdeathsig KILL -- "$@"
"""
# The same for an ordinary user, who is somebody in the namespace only while the door is being closed.
_ENTER_AS_USER = """ip link set lo up 2>/dev/null || true
exec setpriv --inh-caps=-all --ambient-caps=-all --no-new-privs --pdeathsig KILL -- "$@"
"""


@dataclass(frozen=True, slots=True)
class Isolation:
    """How far this machine lets a program be kept apart."""

    network_off: bool
    own_user: bool
    ends_with_us: bool

    @property
    def in_words(self) -> str:
        """How a report says it."""
        user = "under a user of its own" if self.own_user else "under the user who ran it"
        network = "without a network" if self.network_off else "with the network on (this machine allows no less)"
        return f"{user}, {network}"


@lru_cache(maxsize=1)
def isolation() -> Isolation:
    """Measure, once, what this machine allows."""
    is_root = os.geteuid() == 0
    network_off = _is_apart(_in_namespaces(is_root=is_root))
    return Isolation(
        network_off=network_off,
        own_user=is_root and (network_off or _nobody() is not None),
        ends_with_us=network_off or shutil.which("setpriv") is not None,
    )


def _is_apart(prefix: Sequence[str]) -> bool:
    """Tell whether a program started behind `prefix` sees another network than ours."""
    if not all(map(shutil.which, ("unshare", "setpriv", "sh", "readlink"))) or not Path("/mnt").is_dir():
        return False
    try:
        if os.geteuid() == 0:
            with tempfile.TemporaryDirectory() as folder:
                passwd = _passwd(Path(folder), _UIDS[0])
                argv = [*prefix, "sh", "-c", _ENTER, "sh", folder, str(passwd), "", str(_UIDS[0]), *_LOOK.split()]
                said = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=20)
        else:
            said = subprocess.run(
                [*prefix, *_LOOK.split()], capture_output=True, text=True, check=False, timeout=20
            )
        ours = str(Path("/proc/self/ns/net").readlink())
    except (OSError, subprocess.SubprocessError):
        return False
    return said.returncode == 0 and said.stdout.startswith("net:") and said.stdout.strip() != ours


def _in_namespaces(*, is_root: bool, network: bool = False) -> tuple[str, ...]:
    """Return what stands before a program so that it has namespaces of its own and ends with us."""
    spaces = [*([] if network else ["--net"]), "--ipc", "--pid", "--fork", "--kill-child=KILL"]
    spaces += ["--mount"] if is_root else ["--user", "--map-current-user", "--keep-caps"]
    door = () if is_root else ("sh", "-c", _ENTER_AS_USER, "sh")
    return ("setpriv", "--pdeathsig", "KILL", "--", "unshare", *spaces, "--", *door)


@dataclass(frozen=True, slots=True)
class Wheel:
    """Programs that came with a Python package: the folder of all packages, and what of it they need."""

    packages: Path
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One scratch folder as isolated programs see it.

    `folder` is where it really lies, `inside` where a program in it finds it; `uid` is None where programs run as
    ourselves.
    """

    folder: Path
    inside: Path
    uid: int | None
    _wheel: tuple[Path, Path] | None = None
    _prefix: tuple[str, ...] = field(default=(), repr=False)

    def seen(self, program: Path) -> str:
        """Return a program's path as it is from inside."""
        if self._wheel and program.is_relative_to(self._wheel[0]):
            return str(self._wheel[1] / program.relative_to(self._wheel[0]))
        return str(program)

    def own(self, path: Path) -> None:
        """Give a file or a whole tree in the folder to the isolated user."""
        if self.uid is None:
            return
        inner = (Path(top, name) for top, folders, files in os.walk(path) for name in (*folders, *files))
        for each in (path, *inner):
            os.chown(each, self.uid, self.uid, follow_symlinks=False)

    def open(self, folder: Path) -> None:
        """Let the isolated user pass through one folder, and see nothing of it."""
        if self.uid is not None:
            os.chown(folder, self.uid, self.uid)

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: timedelta,
        environment: Mapping[str, str] | None = None,
        stdin: IO[bytes] | None = None,
    ) -> Said:
        """Run a program in here to its end, and return how it ended and the last of what it said.

        With `timeout` over it is ended with all it started, and its code is None.
        """
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = self.start(argv, environment=environment, stdin=stdin, stdout=out, stderr=err)
            try:
                code: int | None = process.wait(timeout.total_seconds())
            except subprocess.TimeoutExpired:
                code = None
            finally:
                end(process)
            (said, cut), (told, cut_too) = _tail(out), _tail(err)
        return Said(code, said, told, cut or cut_too)

    def start(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        stdin: IO[bytes] | None = None,
        stdout: IO[bytes],
        stderr: IO[bytes],
    ) -> subprocess.Popen[bytes]:
        """Start a program in here and return it; whoever started it ends it with `end`."""
        given = {name: os.environ[name] for name in _KEPT if name in os.environ}
        uid = self.uid if not self._prefix else None
        return subprocess.Popen(
            [*self._prefix, *argv],
            cwd=self.folder if self.inside == self.folder else None,
            env={**given, "LC_ALL": "C.UTF-8", "HOME": str(self.inside), **(environment or {})},
            stdin=stdin or subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            user=uid,
            group=uid,
            extra_groups=None if uid is None else [],
        )


@contextmanager
def cell(area: Path, *, wheel: Wheel | None = None, network: bool = False) -> Iterator[Cell]:
    """Make the folder `area` into a place where programs run apart; its content stays when the block ends.

    `wheel` are programs to be reached from inside. With `network` they keep it: for what must reach a live server.
    Raises OperationFailed when it cannot be made.
    """
    private_folder(area)
    if os.geteuid() != 0:
        prefix = _in_namespaces(is_root=False, network=network) if isolation().network_off else _ending_with_us()
        yield Cell(area, area, None, None, prefix)
    elif isolation().network_off:
        uid = _free_uid(area)
        os.chown(area, uid, uid)
        with tempfile.TemporaryDirectory(prefix="tocsin-") as beside:
            passwd = str(_passwd(Path(beside), uid))
            packages = str(wheel.packages) if wheel else ""
            words = ("sh", "-c", _ENTER, "sh", str(area), passwd, packages, str(uid))
            seen = (wheel.packages, WHEEL_INSIDE) if wheel else None
            yield Cell(area, INSIDE, uid, seen, (*_in_namespaces(is_root=True, network=network), *words))
    else:
        yield _as_nobody(area, wheel)


def _ending_with_us() -> tuple[str, ...]:
    return ("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()


def _as_nobody(area: Path, wheel: Wheel | None) -> Cell:
    """Return a cell on a machine without namespaces: somewhere that `nobody` can reach."""
    nobody = _nobody()
    if nobody is None:
        raise OperationFailed("There is no user 'nobody' to run programs as, and root's own rights are too many.")
    folder = area if _all_may_pass(area) else _elsewhere(area)
    os.chown(folder, nobody, nobody)
    if wheel is None or _all_may_pass(wheel.packages / wheel.parts[0]):
        return Cell(folder, folder, nobody)
    copy = folder / "wheel"
    for part in wheel.parts:
        if not (copy / part).exists() and (wheel.packages / part).exists():
            shutil.copytree(wheel.packages / part, copy / part, symlinks=True)
    return Cell(folder, folder, nobody, (wheel.packages, copy))


def _all_may_pass(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.parents)


def _elsewhere(area: Path) -> Path:
    """Return a folder outside `area` that everybody can reach, noted in it so that it goes with it."""
    note = area / ELSEWHERE
    if note.is_file():
        return Path(note.read_text())
    folder = Path(tempfile.mkdtemp(prefix=ELSEWHERE_PREFIX))
    note.write_text(str(folder))
    return folder


def remove_what_lies_elsewhere(area: Path) -> None:
    """Remove the folders that had to be made outside `area`, for a user who could not reach it."""
    for note in area.rglob(ELSEWHERE):
        with suppress(OSError):
            folder = Path(note.read_text())
            # The note lies among restored data: it may only ever name a folder of ours.
            if folder.parent == Path(tempfile.gettempdir()) and folder.name.startswith(ELSEWHERE_PREFIX):
                shutil.rmtree(folder, ignore_errors=True)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program with everything it started, at once."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def only_child(process: subprocess.Popen[bytes]) -> int:
    """Return the process that a namespace's door is waiting for, or the program itself where there is no door."""
    with suppress(OSError, ValueError):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if Path(f"/proc/{process.pid}/comm").read_text().strip() == "unshare" and len(children) == 1:
            return int(children[0])
    return process.pid


_choosing = threading.Lock()


def _free_uid(area: Path) -> int:
    """Return a user id that has no account, no process and no other scratch folder."""
    for mine in (area.stat().st_uid, area.parent.stat().st_uid):
        if mine in _UIDS:
            return mine  # it was entered before, or is part of an area that was
    with _choosing:
        taken = {entry.pw_uid for entry in pwd.getpwall()} | _owners(Path("/proc")) | _owners(area.parent)
        first = zlib.crc32(bytes(area)) % len(_UIDS)
        order = (*_UIDS[first:], *_UIDS[:first])
        free: int = next(uid for uid in order if uid not in taken)
        return free


def _owners(folder: Path) -> set[int]:
    found = set()
    for each in folder.iterdir():
        with suppress(OSError):
            found.add(each.stat().st_uid)
    return found


def _passwd(folder: Path, uid: int) -> Path:
    """Write a passwd file that has the throwaway user: some programs refuse to run as somebody without a name."""
    path = folder / "passwd"
    accounts = Path("/etc/passwd").read_text(encoding="utf-8", errors="replace").rstrip("\n")
    path.write_text(f"{accounts}\ntocsin-scratch:x:{uid}:{uid}::{INSIDE}:/usr/sbin/nologin\n")
    path.chmod(0o644)
    return path


def _nobody() -> int | None:
    found: int | None = next((one.pw_uid for one in pwd.getpwall() if one.pw_name == "nobody"), None)
    return found


def _tail(file: IO[bytes]) -> tuple[str, bool]:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _MOST_BYTES))
    return file.read().decode("utf-8", "replace"), size > _MOST_BYTES
