"""Put a holding page in a site's place, and the site back: a symbolic link turned round, or a file put down.

look     what stands there now
hold     write the page's folder where wanted, then the link or the file, in one move
release  exactly what stood there before; refused where somebody changed it meanwhile
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import sys
import tempfile
from typing import Any


class Refused(Exception):  # noqa: N818 - the name is what is answered
    """What it would not do, as a sentence."""


def look(request: dict[str, Any]) -> dict[str, Any]:
    """Say what stands at the place now: where the link leads, or the file's digest (none: no file)."""
    place = request["place"]
    try:
        mode = os.lstat(place).st_mode
    except FileNotFoundError:
        if request["is_link"]:
            raise Refused(f"There is no link {place}; nothing was changed.") from None
        return {"was": None}
    if request["is_link"]:
        if not stat.S_ISLNK(mode):
            raise Refused(
                f"{place} is no symbolic link, so it cannot be turned round. Let the web server read the site "
                "through one. Nothing was changed."
            )
        return {"was": os.readlink(place)}
    if not stat.S_ISREG(mode):
        raise Refused(f"{place} is no plain file; it was left alone.")
    return {"was": digest(place)}


def hold(request: dict[str, Any]) -> dict[str, Any]:
    """Put the page in the site's place. Done already is as good."""
    place, was = request["place"], request["was"]
    if request.get("page"):
        write_page(request["folder"], request["page"])
    if request["is_link"]:
        now = os.readlink(place)
        if now != request["folder"]:
            if now != was:
                raise Refused(f"{place} leads to {now} now, and did not a moment ago; it was left alone.")
            turn(place, request["folder"])
        return {"held": os.readlink(place) == request["folder"]}
    content = request["content"].encode()
    if not os.path.lexists(place) or digest(place) != hashlib.sha256(content).hexdigest():
        if was is not None and not os.path.lexists(saved(request)):
            shutil.copy2(place, saved(request), follow_symlinks=False)
        put(place, content)
    return {"held": digest(place) == hashlib.sha256(content).hexdigest()}


def release(request: dict[str, Any]) -> dict[str, Any]:
    """Put back exactly what stood there."""
    place, was = request["place"], request["was"]
    if request["is_link"]:
        now = os.readlink(place)
        if now not in (was, request["folder"]):
            raise Refused(f"{place} leads to {now}, not to our page: somebody changed it. It was left alone.")
        if now != was:
            turn(place, was)
    else:
        give_back(request, place, was)
    if request.get("page") and os.path.isdir(request["folder"]):
        shutil.rmtree(request["folder"])
    return {"released": True}


def give_back(request: dict[str, Any], place: str, was: str | None) -> None:
    """Put the file back, or take ours away where there was none."""
    now = digest(place) if os.path.lexists(place) else None
    ours = hashlib.sha256(request["content"].encode()).hexdigest()
    if now not in (was, ours):
        raise Refused(f"{place} is not our file any more: somebody changed it. It was left alone.")
    if now != was and was is None:
        os.unlink(place)
    elif now != was:
        if digest(saved(request)) != was:
            raise Refused(f"The copy {saved(request)} was altered since; nothing was put back.")
        os.replace(saved(request), place)
    if os.path.lexists(saved(request)):
        os.unlink(saved(request))


def write_page(folder: str, page: str) -> None:
    """Write a folder that holds the page and nothing else, readable by everybody."""
    os.makedirs(folder, mode=0o755, exist_ok=True)
    put(os.path.join(folder, "index.html"), page.encode())


def turn(link: str, target: str) -> None:
    """Let a link lead elsewhere, in one move."""
    fresh = f"{link}.tocsin-{os.getpid()}"
    was = os.lstat(link)
    os.symlink(target, fresh)
    os.lchown(fresh, was.st_uid, was.st_gid)
    os.replace(fresh, link)


def put(path: str, content: bytes) -> None:
    """Write a file in one move; an earlier one's mode and owner are kept."""
    handle, fresh = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), prefix=".tocsin.")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(handle, 0o644)
        if os.path.lexists(path):
            was = os.lstat(path)
            os.fchown(handle, was.st_uid, was.st_gid)
            os.fchmod(handle, stat.S_IMODE(was.st_mode))
        os.fsync(handle)
    os.replace(fresh, path)


def saved(request: dict[str, Any]) -> str:
    """Return where the file's own copy lies meanwhile."""
    folder, name = os.path.split(os.path.abspath(request["place"]))
    return os.path.join(folder, f".{name}.tocsin-{request['token']}")


def digest(path: str) -> str:
    """Return the digest by which a file's content is known."""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


if __name__ == "__main__":
    document = json.loads(sys.argv[1])
    try:
        answer = {"look": look, "hold": hold, "release": release}[document["do"]](document)
    except Refused as sentence:
        answer = {"refused": str(sentence)}
    except OSError as fault:
        answer = {"refused": f"{fault.filename or 'A file'} could not be changed: {fault.strerror}."}
    sys.stdout.write(json.dumps(answer) + "\n")
