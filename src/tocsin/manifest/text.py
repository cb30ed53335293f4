r"""The two files of a manifest, as bytes: `sha256sum`'s own text, and a JSON object per line beside it.

Names are bytes from end to end, for a file system keeps any byte but `/` and zero. In the text a name with a
line break, a carriage return or a backslash is escaped and its line begins with `\`, as coreutils 9 does. In
the JSON such bytes are lone surrogates (`\udcff`), which Python reads back as the same bytes.
"""

import json
import os
import stat
from collections.abc import Iterable, Iterator
from typing import NamedTuple

TEXT_NAME = "manifest.sha256"
METADATA_NAME = "manifest.jsonl"

_DIGEST_LENGTH = 64
_ESCAPES = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r"}
_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block-device",
    stat.S_IFCHR: "character-device",
}


class Entry(NamedTuple):
    """One thing found in a source. `path` is absolute; only a file's size is kept, for only it is content."""

    path: bytes
    mode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int
    uid: int
    gid: int
    links: int
    target: bytes  # of a symlink, else empty

    @property
    def kind(self) -> str:
        """Return `file`, `folder`, `symlink`, `fifo`, `socket` or a kind of device."""
        return _KINDS.get(stat.S_IFMT(self.mode), "unknown")


def shown_path(path: bytes) -> str:
    r"""Return a path for people: what is no UTF-8 and what would upset a terminal shows as `\xff`."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def text_line(digest: str, path: bytes) -> bytes:
    """Return one line of `sha256sum` for an absolute path, written relative to `/`."""
    name = path.lstrip(b"/")
    if b"\\" in name or b"\n" in name or b"\r" in name:
        for character, escape in _ESCAPES.items():
            name = name.replace(character, escape)
        return b"\\%s  %s\n" % (digest.encode(), name)
    return b"%s  %s\n" % (digest.encode(), name)


def digests_in(text: bytes) -> dict[bytes, str]:
    """Return the digests of a `sha256sum` text by absolute path. Raises ValueError at the first bad line."""
    found: dict[bytes, str] = {}
    for number, line in enumerate(text.split(b"\n")[:-1], start=1):
        escaped = line.startswith(b"\\")
        start = int(escaped)
        digest = line[start : start + _DIGEST_LENGTH]
        name = line[start + _DIGEST_LENGTH + 2 :]
        if line[start + _DIGEST_LENGTH : start + _DIGEST_LENGTH + 2] != b"  " or not name:
            raise ValueError(f"line {number} is not a line of sha256sum")
        found[b"/" + (_unescaped(name) if escaped else name)] = digest.decode("ascii", "replace")
    if text and not text.endswith(b"\n"):
        raise ValueError("the last line is cut short")
    return found


def _unescaped(name: bytes) -> bytes:
    # The backslash last in the table is first here: a doubled one must not start another escape.
    pieces = name.split(b"\\\\")
    return b"\\".join(piece.replace(b"\\n", b"\n").replace(b"\\r", b"\r") for piece in pieces)


def metadata_lines(entries: Iterable[Entry], unsettled: frozenset[bytes], unread: frozenset[bytes]) -> bytes:
    """Return the JSONL of the metadata: sorted as the entries come, the same bytes for the same tree.

    `settled` is false for a file that changed so shortly before it was hashed that its times cannot tell a
    later change; `read` is false for one that could not be read.
    """
    encode = json.JSONEncoder(separators=(",", ":")).encode
    lines = []
    for entry in entries:
        record: dict[str, object] = {"path": os.fsdecode(entry.path), "kind": entry.kind}
        record |= zip(Entry._fields[1:10], entry[1:10], strict=True)
        if entry.target:
            record["target"] = os.fsdecode(entry.target)
        if entry.path in unsettled:
            record["settled"] = False
        if entry.path in unread:
            record["read"] = False
        lines.append(encode(record))
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def records_in(metadata: bytes) -> Iterator[tuple[Entry, bool, bool]]:
    """Yield each entry of the JSONL with `settled` and `read`. Raises ValueError when it is not ours."""
    try:
        # One array is read four times faster than its lines one by one.
        records = json.loads(b"[" + b",".join(metadata.splitlines()) + b"]")
        for record in records:
            fields = [record[name] for name in Entry._fields[1:10]]
            path, target = os.fsencode(record["path"]), os.fsencode(record.get("target", ""))
            yield Entry._make([path, *fields, target]), record.get("settled", True), record.get("read", True)
    except (KeyError, TypeError, UnicodeError) as fault:
        raise ValueError(f"a line lacks or misspells {fault}") from fault
