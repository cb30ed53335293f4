"""Find processes by exactly what they are, and send those, and no others that took their number, a signal.

    list    number, when it started, owner, name, program of each one that matches everything asked for
    signal  the same processes, known by number and start, if they still match

Never the first process, a thread of the kernel, this program, or one of those it descends from.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import sys
import time
from typing import Any

PATIENCE = 3.0
OF_THE_KERNEL = 0x00200000  # PF_KTHREAD


class Refused(Exception):  # noqa: N818 - the name is what is answered
    """What it would not do, as a sentence."""


def process(number: int) -> dict[str, Any] | None:
    """Return what one process is, None when it is gone, a thread of the kernel, or not ours to see."""
    try:
        with open(f"/proc/{number}/stat", "rb") as file:
            text = file.read()
        # The name stands in brackets and may itself hold some.
        state, parent, *rest = text[text.rindex(b")") + 2 :].split()
        owner = os.stat(f"/proc/{number}").st_uid
    except (OSError, ValueError):
        return None
    if int(rest[4]) & OF_THE_KERNEL or state in (b"Z", b"X"):
        return None
    try:
        executable = os.readlink(f"/proc/{number}/exe").replace(" (deleted)", "")
    except OSError:
        executable = ""
    name = text[text.index(b"(") + 1 : text.rindex(b")")].decode("utf-8", "replace")
    return {
        "pid": number,
        "started": int(rest[17]),
        "parent": int(parent),
        "owner": name_of(owner),
        "name": name,
        "executable": executable,
        "state": state.decode(),
    }


def name_of(owner: int) -> str:
    """Return an account's name, or its number where it has none."""
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return str(owner)


def forbidden() -> set[int]:
    """Return the processes that are never touched: the first, this one, and all it descends from."""
    found, number = {1, 2}, os.getpid()
    while number > 1:
        found.add(number)
        with open(f"/proc/{number}/stat", "rb") as file:
            text = file.read()
        number = int(text[text.rindex(b")") + 2 :].split()[1])
    return found


def matching(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the processes that are exactly what is asked for, in the order they were started."""
    never = forbidden()
    numbers = (int(name) for name in os.listdir("/proc") if name.isdigit())
    found = [one for number in numbers if number not in never for one in [process(number)] if one]
    keys = [key for key in ("name", "executable", "owner") if request.get(key) is not None]
    right = [one for one in found if all(one[key] == request[key] for key in keys)]
    return sorted(right, key=lambda one: (one["started"], one["pid"]))


def listed(request: dict[str, Any]) -> dict[str, Any]:
    """Say which there are."""
    return {"processes": [{key: one[key] for key in one if key != "parent"} for one in matching(request)]}


def signalled(request: dict[str, Any]) -> dict[str, Any]:
    """Send the signal to those named, where they still are who they were, and wait for what it does."""
    number = {"TERM": signal.SIGTERM, "KILL": signal.SIGKILL, "STOP": signal.SIGSTOP, "CONT": signal.SIGCONT}[
        request["signal"]
    ]
    sent = [one for one in request["processes"] if send(one, number)]
    end = time.monotonic() + PATIENCE
    while (
        left := [one["pid"] for one in sent if not has_taken(one, request["signal"])]
    ) and time.monotonic() < end:
        time.sleep(0.02)
    return {"sent": [one["pid"] for one in sent], "left": left}


def send(one: dict[str, Any], number: int) -> bool:
    """Send one process a signal. Held by its descriptor where the system can, so that nobody takes its place."""
    if one["pid"] in forbidden():
        raise Refused(f"Process {one['pid']} is one that we ourselves descend from; nothing was done.")
    try:
        handle = os.pidfd_open(one["pid"]) if hasattr(os, "pidfd_open") else None
    except ProcessLookupError:
        return False
    except OSError:
        handle = None
    try:
        if not is_same(one):
            return False
        if handle is not None and hasattr(signal, "pidfd_send_signal"):
            signal.pidfd_send_signal(handle, number)
        else:
            os.kill(one["pid"], number)
    except ProcessLookupError:
        return False
    except PermissionError:
        raise Refused(
            f"Process {one['pid']} belongs to {one.get('owner', 'somebody else')}: we may not."
        ) from None
    finally:
        if handle is not None:
            os.close(handle)
    return True


def is_same(one: dict[str, Any]) -> bool:
    """Tell whether the process of this number is still the one that was meant."""
    now = process(one["pid"])
    return now is not None and now["started"] == one["started"]


def has_taken(one: dict[str, Any], how: str) -> bool:
    """Tell whether the signal has done what it does."""
    now = process(one["pid"])
    gone = now is None or now["started"] != one["started"]
    if how in ("TERM", "KILL"):
        return gone
    return gone or (now is not None and (now["state"] in "Tt") == (how == "STOP"))


if __name__ == "__main__":
    document = json.loads(sys.argv[1])
    try:
        answer = {"list": listed, "signal": signalled}[document["do"]](document)
    except Refused as sentence:
        answer = {"refused": str(sentence)}
    sys.stdout.write(json.dumps(answer) + "\n")
