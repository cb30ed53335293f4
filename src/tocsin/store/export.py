"""The journal as a file that anybody can check: JSON lines, nothing but the file and the public key needed.

    {"chain":…,"entries":57,"exported_at":…,"private_texts":false,"tocsin_journal":1}
    {"head":{"at":…,"chain":…,"hash":…,"key":…,"seq":57,"signature":…,"what":…}}      every signed head
    {"entry":{…the canonical JSON that was hashed…},"hash":…,"private":{…}}           every entry, in order

Each line is canonical JSON (RFC 8785), so that a line which was touched shows even where its meaning was kept.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from tocsin.errors import UsageError
from tocsin.store.chain import JsonValue, Line, canonical
from tocsin.store.columns import instant_text
from tocsin.store.heads import Head, head_from_json
from tocsin.store.journal import Private, chain_of, count, heads, lines
from tocsin.store.keys import PublicKey
from tocsin.store.verification import JournalVerdict, Verifier

_HEADER = "tocsin_journal"
_FORMAT = 1
_FIELDS = frozenset(("actor", "at", "door", "kind", "payload", "previous", "seq", "subject"))

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


@dataclass(frozen=True, slots=True)
class Export:
    """An exported journal: the file's bytes, and how many entries are in them."""

    data: bytes
    entries: int


def export(connection: Connection, exported_at: datetime, *, with_private: bool) -> Export:
    """Return the whole journal as the bytes of a file; names and free text only if asked for."""
    entries = count(connection)
    header: dict[str, JsonValue] = {
        _HEADER: _FORMAT,
        "chain": chain_of(connection) or "",
        "entries": entries,
        "exported_at": instant_text(exported_at),
        "private_texts": with_private,
    }
    written = [canonical(header).encode()]
    written += [canonical({"head": dict(head.as_json())}).encode() for head in heads(connection)]
    written += [entry_line(line, private if with_private else {}) for line, private in lines(connection)]
    return Export(b"\n".join(written) + b"\n", entries)


def verify_file(path: Path, keys: Iterable[PublicKey], known_heads: Iterable[Head] = ()) -> JournalVerdict:
    """Judge an exported journal. Raises UsageError when the file is missing or is no exported journal."""
    try:
        with path.open("rb") as file:
            return _judged(path, (raw.rstrip(b"\r\n") for raw in file), keys, known_heads)
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise UsageError(f"The exported journal {path} cannot be read: {reason}.") from fault


def _judged(
    path: Path, raw_lines: Iterator[bytes], keys: Iterable[PublicKey], known_heads: Iterable[Head]
) -> JournalVerdict:
    header = _header(path, next(raw_lines, b""))
    heads_read = dict.fromkeys(known_heads)
    number, raw = 1, b""
    for number, raw in enumerate(raw_lines, start=2):  # noqa: B007 - the first line after the heads is needed below
        head = _head(raw)
        if head is None:
            break
        heads_read[head] = None
    else:
        raw = b""
    verifier = Verifier(keys, heads_read, private_included=header.get("private_texts") is True)
    entries = 0
    for at, line in enumerate(_with_first(raw, raw_lines), start=number):
        entries += 1
        _take(verifier, at, line)
    if entries != header.get("entries"):
        verifier.problem(None, f"the file says it holds {header.get('entries')} entries and holds {entries}")
    return verifier.verdict()


def _take(verifier: Verifier, number: int, raw: bytes) -> None:
    try:
        line, private = _read(json.loads(raw))
        intact = entry_line(line, private) == raw
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        verifier.problem(
            None, f"line {number} of the file is not an entry of a journal: it was altered or cut off"
        )
        return
    if not intact:
        verifier.problem(line.seq, f"line {number} of the file is not written as it was exported", line.at)
    verifier.take(line, private)


def entry_line(line: Line, private: Private) -> bytes:
    """Return one entry as a line of a file, without its end; `private` are the texts that are opened."""
    texts = {name: {"salt": salt, "text": text} for name, (salt, text) in private.items()}
    tail = f',"private":{_compact(texts)}' if texts else ""
    return b'{"entry":' + line.content() + f',"hash":"{line.hash}"{tail}}}'.encode()


def _read(found: Mapping[str, Mapping[str, object]]) -> tuple[Line, Private]:
    entry = found["entry"]
    if entry.keys() != _FIELDS or not isinstance(entry["payload"], dict) or type(entry["seq"]) is not int:
        raise ValueError("not an entry")
    texts = {name: str(entry[name]) for name in _FIELDS - {"payload", "seq"}}
    line = Line(seq=entry["seq"], payload=_compact(entry["payload"]), hash=str(found["hash"]), **texts)
    private = {name: (text["salt"], text["text"]) for name, text in found.get("private", {}).items()}  # type: ignore[index]  # TypeError is looked for
    return line, private


def _header(path: Path, raw: bytes) -> Mapping[str, object]:
    try:
        header = json.loads(raw)
        if header[_HEADER] == _FORMAT:
            return dict(header)
    except (KeyError, TypeError, ValueError):
        pass
    raise UsageError(
        f"{path} is not an exported journal: its first line is not what `tocsin journal export` writes. "
        "Give the file that command wrote."
    )


def _head(raw: bytes) -> Head | None:
    try:
        return head_from_json(json.loads(raw)["head"])
    except (KeyError, TypeError, ValueError):
        return None


def _with_first(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest
