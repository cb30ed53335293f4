"""Look at the processes of this machine, for the tests that must leave none behind."""

import time
from pathlib import Path


def children_of(pid: int) -> list[int]:
    """Return the living children of a process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if after_name[0] != "Z" and int(after_name[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def descendants_of(pid: int) -> list[int]:
    """Return children, their children and so on."""
    children = children_of(pid)
    return children + [further for child in children for further in descendants_of(child)]


def begun_since(pid: int, before: list[int]) -> list[int]:
    """Return the children that were not there before, and theirs: a server of another test may run beside us."""
    fresh = [child for child in children_of(pid) if child not in before]
    return fresh + [further for child in fresh for further in descendants_of(child)]


def gone_within(seconds: float, pids: list[int]) -> bool:
    """Wait until none of the processes lives; return whether that came true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any(living(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def living(pid: int) -> bool:
    """Return whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
