"""Take lines out of files (keys of authorized_keys, tokens of configuration files) and put them back exactly.

    look    which lines of which file would go, as numbers
    take    save the file beside itself, write it without those lines, look again
    restore put the saved content back; where the file was changed since, put the lines back at their places

A file is replaced in one move, with its mode, owner and extended attributes. A symbolic link is never followed:
whoever may write into a folder could make root read or write another file by one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
import shutil
import stat
import sys
import tempfile
from typing import Any

KEY_TYPES = (b"ssh-", b"ecdsa-", b"sk-")


class Refused(Exception):  # noqa: N818 - the name is what is answered
    """What it would not do, as a sentence."""


def wanted(line: bytes, request: dict[str, Any]) -> bool:
    """Tell whether a line is one of those that go."""
    fingerprint, comment = key_of(line)
    if fingerprint and (fingerprint in request["fingerprints"] or (comment and comment in request["comments"])):
        return True
    text = line.decode("utf-8", "surrogateescape")
    if any(marker in text for marker in request["markers"]):
        return True
    hashes = set(request["token_sha256"])
    return bool(hashes) and any(hashlib.sha256(word).hexdigest() in hashes for word in words_of(line))


def key_of(line: bytes) -> tuple[str, str]:
    """Return the SHA-256 fingerprint and the comment of a line of authorized_keys, '' where it is none."""
    words = line.strip().split()
    for place, word in enumerate(words[:-1]):
        if word.startswith(KEY_TYPES) and not line.lstrip().startswith(b"#"):
            try:
                blob = base64.b64decode(words[place + 1], validate=True)
            except (binascii.Error, ValueError):
                continue
            digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
            return f"SHA256:{digest}", b" ".join(words[place + 2 :]).decode("utf-8", "replace")
    return "", ""


def words_of(line: bytes) -> set[bytes]:
    """Return everything on a line that could be a token: the whole, each word, what stands after `=` or `:`."""
    found = {line.strip()}
    for word in re.split(rb"[\s\"',;]+", line):
        found |= {word, word.partition(b"=")[2], word.partition(b":")[2]}
    return {word for word in found if word}


def read(path: str) -> bytes:
    """Return the content of a plain file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise Refused(f"There is no file {path}; nothing was changed in it.") from None
    except OSError as fault:
        raise Refused(f"{path} was left alone: {fault.strerror}.") from None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Refused(f"{path} is no plain file; it was left alone.")
        return file.read()


def replace(path: str, content: bytes) -> None:
    """Put content into a file in one move, keeping mode, owner and attributes."""
    folder, name = os.path.split(os.path.abspath(path))
    handle, fresh = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            was = os.lstat(path)
            os.fchown(handle, was.st_uid, was.st_gid)
            shutil.copystat(path, fresh, follow_symlinks=False)
            os.fsync(handle)
        os.replace(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise
    flush(folder)


def save(path: str, content: bytes) -> None:
    """Write a copy that only its owner may read; one that is there already was written by an earlier try."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)
    flush(os.path.dirname(path))


def flush(folder: str) -> None:
    """Put a folder's entries on the disk."""
    handle = os.open(folder or ".", os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def saved_beside(path: str, token: str) -> str:
    """Return where a file's own copy lies while the lines are out of it."""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(folder, f".{name}.tocsin-{token}")


def sha256(content: bytes) -> str:
    """Return the digest by which a content is known."""
    return hashlib.sha256(content).hexdigest()


def look(request: dict[str, Any]) -> dict[str, Any]:
    """Say which files hold what is looked for, and what they are now."""
    found = {}
    for path in request["files"]:
        content = read(path)
        many = sum(wanted(line, request) for line in content.splitlines(keepends=True))
        found[path] = {"before": sha256(content), "lines": many}
    return {"files": found}


def take(request: dict[str, Any]) -> dict[str, Any]:
    """Take the lines out."""
    found = {}
    for path in request["files"]:
        content = read(path)
        lines = content.splitlines(keepends=True)
        left = b"".join(line for line in lines if not wanted(line, request))
        if left != content:
            save(saved_beside(path, request["token"]), content)
            replace(path, left)
        now = read(path)
        if any(wanted(line, request) for line in now.splitlines(keepends=True)):
            raise Refused(f"{path} was written by somebody else meanwhile and holds them again.")
        found[path] = {"after": sha256(now)}
    return {"files": found}


def restore(request: dict[str, Any]) -> dict[str, Any]:
    """Put everything back; says of each file whether it is again byte for byte what it was."""
    found = {}
    for path, was in request["files"].items():
        saved = saved_beside(path, request["token"])
        if not os.path.lexists(saved):
            found[path] = "untouched" if sha256(read(path)) == was["before"] else "no copy"
            continue
        original, now = read(saved), read(path)
        if sha256(original) != was["before"]:
            raise Refused(f"The copy {saved} was altered since; nothing was put back. Compare it by hand.")
        exactly = sha256(now) in (was["before"], was.get("after"))
        if now != original:
            replace(path, original if exactly else merged(original, now, request))
        os.unlink(saved)
        flush(os.path.dirname(saved))
        found[path] = "exact" if exactly else "merged"
    return {"files": found}


def merged(original: bytes, now: bytes, request: dict[str, Any]) -> bytes:
    """Return the content as it is now with the taken lines again, each after the line that it came after."""
    lines = now.splitlines(keepends=True)
    last: bytes | None = None
    for line in original.splitlines(keepends=True):
        if wanted(line, request) and line not in lines:
            after = 0 if last is None else len(lines)
            if last is not None and last in lines:
                after = lines.index(last) + 1
            lines.insert(after, line)
        last = line
    return b"".join(lines)


if __name__ == "__main__":
    document = json.loads(sys.argv[1])
    try:
        answer = {"look": look, "take": take, "restore": restore}[document["do"]](document)
    except Refused as sentence:
        answer = {"refused": str(sentence)}
    except OSError as fault:
        answer = {"refused": f"{fault.filename or 'A file'} could not be changed: {fault.strerror}."}
    sys.stdout.write(json.dumps(answer) + "\n")
