"""A service of a machine, through systemd: down and kept down, and back as it was.

It is kept down by a condition that never holds, in a drop-in under /run: that works for a unit wherever its file
lies (a mask under /run yields to a file under /etc), and ends with a reboot.
"""

from dataclasses import dataclass

from tocsin.errors import OperationFailed, UsageError
from tocsin.machines import Machine, last_words

_PROPERTIES = "Id,LoadState,ActiveState,DropInPaths"
_DROP_IN = "50-tocsin-keeps-it-down.conf"
_KEEP_DOWN = """\
set -e
mkdir -p "/run/systemd/system/$1.d"
printf '[Unit]\\nConditionPathExists=/run/tocsin-lets-it-start\\n' > "/run/systemd/system/$1.d/$2"
systemctl daemon-reload
"""
_LET_START = """\
set -e
rm -f "/run/systemd/system/$1.d/$2"
rmdir "/run/systemd/system/$1.d" 2>/dev/null || true
systemctl daemon-reload
"""
_RUNNING = ("active", "activating", "reloading")


@dataclass(frozen=True, slots=True)
class Service:
    """How a service stands. `unit` is its whole name, `nginx.service`."""

    unit: str
    is_running: bool
    is_kept_down: bool


def look_at(machine: Machine, service: str) -> Service:
    """Return how it stands. Raises UsageError when systemd knows none of that name."""
    said = machine.run("systemctl", "show", f"--property={_PROPERTIES}", "--", service)
    if said.code != 0:
        raise OperationFailed(f"systemd on {machine.name} does not say how {service} stands.{last_words(said)}")
    found = dict(line.split("=", 1) for line in said.stdout.splitlines() if "=" in line)
    if found.get("LoadState") == "not-found":
        raise UsageError(f"There is no service {service} on {machine.name}; nothing was changed.")
    kept_down = _DROP_IN in found.get("DropInPaths", "")
    return Service(found.get("Id", service), found.get("ActiveState") in _RUNNING, kept_down)


def take_down(machine: Machine, service: str, *, stays_down: bool) -> None:
    """Stop it and look. With `stays_down` nothing starts it before a reboot: no timer, socket or neighbour."""
    now = look_at(machine, service)
    if stays_down and not now.is_kept_down:
        machine.do("sh", "-c", _KEEP_DOWN, "tocsin", now.unit, _DROP_IN)
    machine.do("systemctl", "stop", "--", service)
    now = look_at(machine, service)
    if now.is_running or (stays_down and not now.is_kept_down):
        raise OperationFailed(f"{service} on {machine.name} does not stay down; look with systemctl status.")


def bring_back(machine: Machine, service: str, *, was_running: bool) -> None:
    """Let it be started again, and start it if it ran. Raises OperationFailed if it does not run then."""
    now = look_at(machine, service)
    if now.is_kept_down:
        machine.do("sh", "-c", _LET_START, "tocsin", now.unit, _DROP_IN)
    if was_running:
        machine.do("systemctl", "start", "--", service)
        if not look_at(machine, service).is_running:
            raise OperationFailed(f"{service} on {machine.name} was started and does not run.")
