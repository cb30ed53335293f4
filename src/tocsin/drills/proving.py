"""Check a drill's evidence offline: no workspace, no store, nothing but the folder and, better, a known key."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tocsin.drills.evidence import HEAD, JOURNAL, KEY, sums_of
from tocsin.errors import UsageError
from tocsin.store.chain import FIRST_PREVIOUS
from tocsin.store.heads import Head, read_head_file
from tocsin.store.keys import PublicKey, read_public_key
from tocsin.store.sealed_files import SIGNATURE, SUMS

# Which field of the drill's last journal entry holds which file's hash.
_BOUND = {"report.html": "report_sha256", "report.json": "data_sha256", "report.pdf": "pdf_sha256"}


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found. `problems` is empty when everything holds; `known` tells whether the key was vouched for."""

    problems: tuple[str, ...]
    key: str
    known: bool
    verdict: str
    drill: str
    ended_at: str


def verify_evidence(folder: Path, key: Path | None = None) -> Checked:
    """Check a folder that `tocsin drill report --export` wrote.

    `key` is a public key that came another way; without it the folder's own is used, which proves that nothing was
    changed since that key signed it, and not whose key it is. Raises UsageError when the folder holds no evidence.
    """
    for name in (SUMS, SIGNATURE, KEY, JOURNAL, HEAD, "report.json"):
        if not (folder / name).is_file():
            raise UsageError(f"{folder} holds no drill's evidence: {name} is missing.")
    inside = read_public_key(folder / KEY)
    public = read_public_key(key) if key else inside
    problems = list(_wrong_with_files(folder, public))
    if key and public.name != inside.name:
        problems.insert(0, f"It is signed with another key ({inside.name}) than the one given ({public.name}).")
    entries = _entries(folder, problems)
    problems += _wrong_with_chain(entries, read_head_file(folder / HEAD), inside)
    finish = entries[0]["entry"] if entries else {}
    problems += _wrong_with_finish(folder, finish)
    payload = finish.get("payload", {})
    return Checked(
        tuple(problems),
        inside.name,
        key is not None and public.name == inside.name,
        str(payload.get("verdict", "")),
        str(finish.get("subject", "")).removeprefix("drill:"),
        str(finish.get("at", "")),
    )


def _wrong_with_files(folder: Path, public: PublicKey) -> list[str]:
    listed = (folder / SUMS).read_bytes()
    problems = []
    if not public.verifies((folder / SIGNATURE).read_bytes(), listed):
        problems.append(
            f"The signature over {SUMS} does not hold: the list was changed, or another key signed it."
        )
    told, found = (
        dict(map(_of_line, text.decode("utf-8", "replace").splitlines())) for text in (listed, sums_of(folder))
    )
    for name in sorted(told.keys() | found.keys()):
        if name not in found:
            problems.append(f"{name} is in the list and not in the folder.")
        elif name not in told:
            problems.append(f"{name} is in the folder and not in the list: it came later.")
        elif told[name] != found[name]:
            problems.append(f"{name} was changed: its SHA-256 is not the one in the list.")
    return problems


def _of_line(line: str) -> tuple[str, str]:
    digest, _, name = line.partition("  ")
    return name, digest


def _entries(folder: Path, problems: list[str]) -> list[Mapping[str, Any]]:
    found = []
    for number, raw in enumerate((folder / JOURNAL).read_bytes().splitlines(), start=1):
        try:
            line = json.loads(raw)
            start, end = len(b'{"entry":'), raw.rindex(b',"hash":')
            if sha256(raw[start:end]).hexdigest() != line["hash"] or not isinstance(line["entry"]["seq"], int):
                problems.append(f"Line {number} of {JOURNAL} was changed: its hash does not hold.")
            found.append(line)
        except (KeyError, TypeError, ValueError):
            problems.append(f"Line {number} of {JOURNAL} is no entry of a journal.")
    return found


def _wrong_with_chain(entries: list[Mapping[str, Any]], head: Head, public: PublicKey) -> list[str]:
    problems = []
    before = entries[0]["entry"].get("previous", FIRST_PREVIOUS) if entries else ""
    for line in entries:
        if line["entry"].get("previous") != before:
            problems.append(f"Entry {line['entry'].get('seq')} does not follow from the one before it.")
        before = line["hash"]
    if not entries or entries[-1]["hash"] != head.hash or entries[-1]["entry"].get("seq") != head.seq:
        problems.append(f"{HEAD} is not the head of these entries.")
    if head.key != public.name or not head.is_signed_by(public):
        problems.append(f"The signature of {HEAD} does not hold.")
    return problems


def _wrong_with_finish(folder: Path, finish: Mapping[str, Any]) -> list[str]:
    if finish.get("kind") != "drill.finished":
        return [f"{JOURNAL} does not begin with a drill's end."]
    payload, problems = finish["payload"], []
    for name, bound in _BOUND.items():
        path = folder / name
        if path.is_file() and sha256(path.read_bytes()).hexdigest() != payload.get(bound):
            problems.append(f"{name} is not the one that the journal tells of.")
        if not path.is_file() and payload.get(bound):
            problems.append(f"{name} is missing; the journal tells of it.")
    return problems
