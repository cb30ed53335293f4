"""Check a case file without Tocsin: Python 3.9 or later is all that is needed, and openssl for the signatures.

    python3 verify.py                      checks the folder that this script lies in
    python3 verify.py CASE.zip             checks an archive that was not unpacked
    --key NAME                             the name of the firm's key, as the firm told you by another way
    --head head.json                       an earlier signed head of the journal that you were given before

Prints each check in plain words. Exit code: 0 all of it holds, 1 something does not.
"""

from __future__ import annotations

import argparse
import base64
import email
import email.policy
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
PAGE, CASE, README, SCRIPT = "index.html", "case.json", "README.txt", "verify.py"
ENTRIES, HASHES = "journal/entries.jsonl", "journal/hashes.txt"
SEAL, HEAD, KEY = "journal/seal.json", "journal/head.json", "journal/journal.pub"
UNBOUND = (SEAL, HEAD, KEY, README, SCRIPT)
"""Files that the seal does not speak of: they were made after it, or are the same in every case file."""
FIRST_PREVIOUS = "0" * 64
WHAT = "tocsin journal head 1"

_KEY_PREFIX = bytes.fromhex("302a300506032b6570032100")
_SIGNATURE_BYTES = 64
_LITTER = re.compile(r"(^|/)(__pycache__/.*|__MACOSX/.*|\.DS_Store|\._[^/]*|Thumbs\.db|desktop\.ini)$")
_ENTRY_START = b'{"entry":'
_LEFT = ("notice.sent", "notice.recorded", "notice.posted")

Json = Any
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Checker = Callable[[bytes, bytes, bytes], bool | None]
    Check = Callable[["Case"], list[str] | None]
# A Checker takes a PEM key, a signature and what it is over: True, False, or None where it cannot be told here.


class UnreadableError(Exception):
    """What was given is no case file."""


class Files:
    """The files of a case: in a folder, or in an archive that was not unpacked."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path) if path.is_file() else None
        self._folder = path
        found = self._zip.namelist() if self._zip else [p.relative_to(path).as_posix() for p in _below(path)]
        roots = [name[: -len(SUMS)] for name in found if name.endswith(SUMS)]
        self._root = min(roots, key=len, default="")
        inside = [name[len(self._root) :] for name in found if name.startswith(self._root)]
        self.names = sorted(
            name for name in inside if name and not name.endswith("/") and not _LITTER.search(name)
        )
        self.twice = sorted({name for name in self.names if self.names.count(name) > 1})

    def open(self, name: str) -> IO[bytes]:
        """Open one file."""
        if self._zip:
            return self._zip.open(self._root + name)
        return (self._folder / self._root / name).open("rb")

    def read(self, name: str) -> bytes:
        """Return one file's bytes; nothing where there is none."""
        if name not in self.names:
            return b""
        with self.open(name) as file:
            return file.read()

    def sha256(self, name: str) -> str:
        """Return one file's SHA-256."""
        digest = hashlib.sha256()
        with self.open(name) as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
        return digest.hexdigest()


class Entry:
    """One entry of the journal as it stands in the case: its exact bytes, its hash, the texts kept beside it."""

    def __init__(self, raw: bytes) -> None:
        outer = json.loads(raw)
        self.hash = str(outer["hash"])
        end = raw.rindex(b',"hash":"' + self.hash.encode() + b'"')
        self.content = raw[len(_ENTRY_START) : end]
        self.entry: dict[str, Json] = json.loads(self.content)
        self.seq = int(self.entry["seq"])
        self.kind = str(self.entry["kind"])
        self.subject = str(self.entry["subject"])
        self.previous = str(self.entry["previous"])
        self.payload: dict[str, Json] = dict(self.entry["payload"])
        self.private: dict[str, dict[str, str]] = dict(outer.get("private") or {})

    def text(self, name: str) -> str | None:
        """Return a text kept beside it, where it was opened for this copy."""
        return self.private.get(name, {}).get("text")


class Case:
    """A case file, read once. `problems` are those of reading it."""

    def __init__(self, files: Files, check: Checker) -> None:
        self.files = files
        self.check = check
        self.problems: list[str] = []
        self.entries = {each.seq: each for each in self._entries()}
        self.seal = self._seal()
        self.hashes = self._hashes()
        self.head: dict[str, Json] = self._json(HEAD)
        self.data: dict[str, Json] = self._json(CASE)
        self.pem = files.read(KEY)
        self.key = key_name(self.pem)

    def of(self, *kinds: str) -> list[Entry]:
        """Return the entries shown of these kinds, in order."""
        return [each for each in self.entries.values() if each.kind in kinds]

    def rows(self, name: str) -> list[dict[str, Json]]:
        """Return one list of the case's data."""
        found = self.data.get(name)
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    def _entries(self) -> Iterator[Entry]:
        before = 0
        for number, raw in enumerate(self.files.read(ENTRIES).splitlines(), start=1):
            try:
                entry = Entry(raw)
            except (KeyError, TypeError, ValueError):
                self.problems.append(f"line {number} of {ENTRIES} is no entry of a journal")
                continue
            if entry.seq <= before:
                self.problems.append(f"entry {entry.seq} stands out of its order in {ENTRIES}")
            before = entry.seq
            yield entry

    def _seal(self) -> Entry | None:
        try:
            return Entry(self.files.read(SEAL).rstrip(b"\n"))
        except (KeyError, TypeError, ValueError):
            self.problems.append(f"{SEAL} is no entry of a journal")
            return None

    def _hashes(self) -> dict[int, str]:
        found: dict[int, str] = {}
        for number, line in enumerate(self.files.read(HASHES).decode("utf-8", "replace").splitlines(), start=1):
            seq, _, digest = line.partition(" ")
            if seq != str(number) or not re.fullmatch("[0-9a-f]{64}", digest):
                self.problems.append(f"line {number} of {HASHES} is no hash of an entry")
            found[number] = digest
        return found

    def _json(self, name: str) -> dict[str, Json]:
        try:
            found = json.loads(self.files.read(name))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            self.problems.append(f"{name} cannot be read")
            return {}
        return found


def wrong_with_files(case: Case) -> list[str]:
    """Compare every file with the list of hashes."""
    files = case.files
    listed = _listed(files.read(SUMS))
    there = [name for name in files.names if name not in (SUMS, SIGNATURE)]
    wrong = [f"{name} is in the archive twice" for name in files.twice]
    for name in sorted({*listed, *there}):
        if name not in there:
            wrong.append(f"{name} is missing: {meaning(name)}")
        elif name not in listed:
            wrong.append(f"{name} was added later: it is not in {SUMS}")
        elif files.sha256(name) != listed[name]:
            wrong.append(f"{name} was changed: {meaning(name)}")
    return wrong + case.problems


def wrong_with_signature(case: Case) -> list[str] | None:
    """Check the signature over the list of files; None where this machine cannot."""
    holds = case.check(case.pem, case.files.read(SIGNATURE), case.files.read(SUMS))
    if holds is None:
        return None
    if holds:
        return []
    return [f"{SUMS} was not signed with the key in {KEY}: the list of files or the key was replaced"]


def wrong_with_head(case: Case) -> list[str]:
    """Check that the signed head is this journal's, and who signed it."""
    head, seal = case.head, case.seal
    wrong = []
    if seal is None or (head.get("seq"), head.get("hash")) != (seal.seq, seal.hash):
        wrong.append(f"{HEAD} does not stand at this case's last entry: the journal was cut or its head replaced")
    if head.get("what") != WHAT:
        wrong.append(f"{HEAD} is no signed head")
    if case.key is None:
        wrong.append(f"{KEY} holds no Ed25519 key")
    elif head.get("key") != case.key:
        wrong.append(f"{HEAD} was signed with another key than the one in {KEY}: a key was replaced")
    named = {str(each.payload.get("key")) for each in case.of("journal.opened", "journal.key_added")}
    if case.key not in named:
        wrong.append(f"the journal never made the key in {KEY} known: the key was replaced")
    opened = case.entries.get(1)
    if opened is None or opened.payload.get("chain") != head.get("chain"):
        wrong.append(f"{HEAD} belongs to another journal")
    return wrong


def wrong_with_head_signature(case: Case) -> list[str] | None:
    """Check the signature of the head; None where this machine cannot."""
    fields = {name: case.head.get(name) for name in ("at", "chain", "hash", "seq", "what")}
    said = json.dumps(fields, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    try:
        signature = bytes.fromhex(str(case.head.get("signature")))
    except ValueError:
        return [f"the signature in {HEAD} cannot be read"]
    holds = case.check(case.pem, signature, said)
    if holds is None:
        return None
    return [] if holds else [f"the signature in {HEAD} does not hold: the head or the key was replaced"]


def wrong_with_chain(case: Case) -> list[str]:
    """Check that each entry shown is what it was, and stands where the chain has it."""
    wrong = []
    seal = case.seal
    shown = [*case.entries.values(), *([seal] if seal else [])]
    hashes = {0: FIRST_PREVIOUS, **case.hashes}
    if seal:
        if len(case.hashes) != seal.seq - 1:
            wrong.append(f"{HASHES} holds {len(case.hashes)} hashes and not {seal.seq - 1}: it was cut")
        if seal.payload.get("shown") != len(case.entries):
            wrong.append(
                f"{ENTRIES} holds {len(case.entries)} entries and not {seal.payload.get('shown')}: "
                "the journal was cut or added to"
            )
        hashes.setdefault(seal.seq, seal.hash)
    for each in shown:
        name = f"entry {each.seq} ({each.kind})"
        if hashlib.sha256(each.content).hexdigest() != each.hash:
            wrong.append(f"{name} was changed: its hash does not hold")
        if hashes.get(each.seq) != each.hash:
            wrong.append(f"{name} does not have the hash that the chain has at its place")
        if hashes.get(each.seq - 1) != each.previous:
            wrong.append(f"{name} does not follow from the entry before it")
    return wrong


def wrong_with_texts(case: Case) -> list[str]:
    """Check that each text kept beside an entry is the one it was written with."""
    wrong = []
    for each in case.entries.values():
        bound = each.payload.get("private") or {}
        for name, opened in each.private.items():
            try:
                digest = hashlib.sha256(bytes.fromhex(opened["salt"]) + opened["text"].encode()).hexdigest()
            except (KeyError, TypeError, ValueError):
                digest = ""
            if bound.get(name) != digest:
                wrong.append(f"the {name} of entry {each.seq} ({each.kind}) is not the one it was written with")
    return wrong


def wrong_with_seal(case: Case) -> list[str]:
    """Check that pages and papers are those for which the journal's last entry was written."""
    if case.seal is None or case.seal.kind != "incident.sealed":
        return [f"{SEAL} is not the entry that seals a case"]
    names = [name for name in case.files.names if name not in (SUMS, SIGNATURE, *UNBOUND)]
    lines = "".join(f"{case.files.sha256(name)}  {name}\n" for name in names)
    if hashlib.sha256(lines.encode()).hexdigest() == case.seal.payload.get("contents_sha256"):
        return []
    return [f"something was changed, added or taken away since entry {case.seal.seq} of the journal was written"]


def wrong_with_facts(case: Case) -> list[str]:
    """Compare each fact with the entry that was written when somebody stated it."""
    wrong = []
    known = {
        (each.subject, each.payload.get("version")): each for each in case.of("fact.stated")
    }  # fmt: skip
    for fact in case.rows("facts"):
        name = "fact {} ({})".format(fact.get("version"), fact.get("path"))
        entry = known.pop(("incident:{}".format(case.data.get("incident")), fact.get("version")), None)
        if entry is None:
            if fact.get("entry") is not None:
                wrong.append(f"{name} has no entry in the journal")
            continue
        told = {key: entry.payload.get(key) for key in ("path", "controller", "value")}
        said = {"path": fact.get("path"), "controller": fact.get("controller"), "value": _whole(fact.get("value"))}
        if told != said:
            wrong.append("{} is not what the journal says: there it is {}".format(name, json.dumps(told["value"])))
        elif entry.text("evidence") not in (None, fact.get("evidence")):
            wrong.append(f"the evidence of {name} is not what the journal says")
    for (subject, version), entry in known.items():
        if subject == "incident:{}".format(case.data.get("incident")):
            wrong.append(
                "fact {} ({}) is in the journal and was dropped here".format(version, entry.payload.get("path"))
            )
    return wrong


def wrong_with_decisions(case: Case) -> list[str]:
    """Compare each decision with the entry that was written when it was taken."""
    wrong = []
    entries = {each.seq: each for each in case.of("duty.decided", "duty.proposed_below")}
    for row in case.rows("decisions"):
        entry = entries.pop(int(row.get("entry") or 0), None)
        name = "the decision on {}".format(row.get("duty"))
        if entry is None:
            if row.get("entry") is not None:
                wrong.append(f"{name} has no entry in the journal")
            continue
        if any(entry.payload.get(key) != row.get(key) for key in ("duty", "proposed", "decided")):
            wrong.append(f"{name} is not what the journal says (entry {entry.seq})")
        elif entry.text("reason") not in (None, row.get("reason")):
            wrong.append(f"the reason of {name} is not what the journal says (entry {entry.seq})")
    wrong += [f"the decision in entry {seq} of the journal was dropped here" for seq in entries]
    return wrong


def wrong_with_notices(case: Case) -> list[str]:
    """Compare each notice with what was approved, and each mail with the notice."""
    wrong = []
    listed = {str(row.get("id")): row for row in case.rows("notices")}
    for entry in case.of(*_LEFT):
        identity = str(entry.payload.get("notice"))
        if identity not in listed:
            wrong.append(f"notice {identity[:8]} left the house (entry {entry.seq}) and was dropped here")
    for identity, row in listed.items():
        name = "notice {} to {}".format(identity[:8], row.get("to"))
        approved = {
            str(each.payload.get("sha256")) for each in case.of("notice.approved")
            if each.payload.get("notice") == identity
        }  # fmt: skip
        path = str(row.get("text_file") or "")
        if path:
            digest = case.files.sha256(path) if path in case.files.names else "missing"
            if digest != row.get("sha256"):
                wrong.append(f"{name}: {path} is not the text whose hash is named")
            if row.get("left") and digest not in approved:
                wrong.append(f"{name}: nobody approved this text")
        sent = {str(each.payload.get("delivery")) for each in case.of("notice.sent", "notice.resolved")}
        for mail in row.get("deliveries") or []:
            wrong += [f"{name}: {each}" for each in _wrong_with_mail(case, mail, path, sent)]
        wrong += [f"{name}: {each}" for each in _wrong_with_proofs(case, row)]
    return wrong


def _wrong_with_mail(case: Case, mail: dict[str, Json], text_file: str, sent: set[str]) -> list[str]:
    wrong = []
    if mail.get("channel") == "mail" and mail.get("state") == "sent" and mail.get("id") not in sent:
        wrong.append("the journal does not say that mail {} was taken".format(mail.get("message_id")))
    path = str(mail.get("file") or "")
    if not path:
        return wrong
    message = email.message_from_bytes(case.files.read(path), policy=email.policy.default)
    if str(message["Message-ID"] or "").strip() != mail.get("message_id"):
        wrong.append("{} does not bear the Message-ID {}".format(path, mail.get("message_id")))
    part = message.get_body(("plain",))
    words = part.get_content().replace("\r\n", "\n") if part else ""
    whole = case.files.read(text_file).decode("utf-8", "replace")
    if not words.strip() or not whole.endswith(words):
        wrong.append(f"the words of {path} are not those that were approved")
    return wrong


def _wrong_with_proofs(case: Case, row: dict[str, Json]) -> list[str]:
    known = {str(each.payload.get("proof_sha256")) for each in case.of("notice.recorded", "notice.letters-posted")}
    return [
        f"the proof {path} is not the one that was recorded"
        for path in row.get("proofs") or []
        if path not in case.files.names or case.files.sha256(path) not in known
    ]


def wrong_with_evidence(case: Case) -> list[str]:
    """Compare each item of evidence with the entry that was written when it was taken."""
    wrong = []
    taken = {each.subject: each for each in case.of("evidence.finished")}
    acts = {(each.subject, each.payload.get("custody")): each for each in case.of("evidence.custody")}
    for row in case.rows("evidence"):
        subject = "evidence:{}".format(row.get("id"))
        entry = taken.get(subject)
        if row.get("sha256") and (entry is None or entry.payload.get("sha256") != row.get("sha256")):
            wrong.append("evidence {}: its hash is not the one in the journal".format(row.get("id")))
        for act in row.get("custody") or []:
            told = acts.pop((subject, act.get("seq")), None)
            if told is None or told.payload.get("act") != act.get("act"):
                wrong.append("evidence {}: act {} is not the journal's".format(row.get("id"), act.get("seq")))
    wrong += [
        "{}: act {} of its custody was dropped here".format(subject.partition(":")[2], number)
        for subject, number in (acts if case.rows("evidence") else {})
    ]
    return wrong


CHECKS: tuple[tuple[str, Check], ...] = (
    ("Every file is here, and none was changed or added", wrong_with_files),
    ("The list of files was signed with the firm's key", wrong_with_signature),
    ("The journal's head belongs to this case and this key", wrong_with_head),
    ("The journal's head was signed with the firm's key", wrong_with_head_signature),
    ("Each entry shown is as it was written, and stands in the chain", wrong_with_chain),
    ("The words beside the entries are those they were written with", wrong_with_texts),
    ("Pages and papers are those that the journal's last entry seals", wrong_with_seal),
    ("The facts are those that the journal has, all versions", wrong_with_facts),
    ("The decisions and their reasons are those that the journal has", wrong_with_decisions),
    ("The notices are word for word those that were approved and left", wrong_with_notices),
    ("The evidence has the hashes and the custody that the journal has", wrong_with_evidence),
)


def meaning(name: str) -> str:
    """Say what a file is, in plain words."""
    if name.startswith("notices/"):
        return "a notice, a mail as it was sent, or its proof"
    if name.startswith("evidence/"):
        return "an item of evidence"
    known = {
        PAGE: "the page that people read",
        CASE: "the facts, decisions, duties, notices and evidence as data",
        ENTRIES: "the journal's entries of this incident",
        HASHES: "the hashes of the whole journal",
        SEAL: "the journal's entry that seals this case",
        HEAD: "the journal's signed head",
        KEY: "the firm's public key",
        SCRIPT: "this script",
        README: "the explanation",
    }
    return known.get(name, "a file of the case")


def key_name(pem: bytes) -> str | None:
    """Return the name of an Ed25519 public key: the SHA-256 of its 32 raw bytes. None for anything else."""
    lines = [line for line in pem.decode("ascii", "replace").splitlines() if line and not line.startswith("-----")]
    try:
        der = base64.b64decode("".join(lines), validate=True)
    except ValueError:
        return None
    if not der.startswith(_KEY_PREFIX) or len(der) != len(_KEY_PREFIX) + 32:
        return None
    return hashlib.sha256(der[len(_KEY_PREFIX) :]).hexdigest()


def by_openssl(pem: bytes, signature: bytes, said: bytes) -> bool | None:
    """Check an Ed25519 signature with the openssl of this machine; None where there is none that can."""
    if key_name(pem) is None or len(signature) != _SIGNATURE_BYTES:
        return False
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder, name) for name in ("key", "signature", "said")}
        for name, data in (("key", pem), ("signature", signature), ("said", said)):
            paths[name].write_bytes(data)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(paths["key"]), "-rawin"]
        command += ["-in", str(paths["said"]), "-sigfile", str(paths["signature"])]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        except (OSError, subprocess.SubprocessError):
            return None
    if "Verified Successfully" in done.stdout:
        return done.returncode == 0
    return False if "Verification Failure" in done.stdout + done.stderr else None


def open_case(path: Path, check: Checker) -> Case:
    """Read a case file. Raises UnreadableError for anything else."""
    try:
        files = Files(path)
    except (OSError, zipfile.BadZipFile) as fault:
        raise UnreadableError(f"{path} cannot be read as a case file: {fault}.") from fault
    if SUMS not in files.names:
        raise UnreadableError(f"{path} is no case file: {SUMS} is missing.")
    try:
        return Case(files, check)
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError) as fault:
        raise UnreadableError(f"{path} is damaged: {fault}.") from fault


def findings(case: Case) -> Iterator[tuple[str, list[str] | None]]:
    """Return each check by its name, with what is wrong; None for one that could not be made here."""
    for title, check in CHECKS:
        try:
            yield title, check(case)
        except (AttributeError, KeyError, OSError, TypeError, ValueError, zipfile.BadZipFile) as fault:
            yield title, [f"it could not be read to the end, so it was altered ({type(fault).__name__})"]


def wrong_with_known(case: Case, key: str | None, head: bytes | None) -> Iterator[tuple[str, list[str]]]:
    """Compare with what is known from elsewhere: the key's name, an earlier head."""
    if key is not None:
        same = case.key == key.strip().lower()
        yield "The key is the one you know to be the firm's", [] if same else [f"it is another: {case.key}"]
    if head is not None:
        try:
            told = json.loads(head)
            same = told["chain"] == case.head.get("chain") and case.hashes.get(told["seq"]) == told["hash"]
        except (KeyError, TypeError, ValueError):
            same = False
        wrong = [] if same else ["the journal does not have that head: it was written anew, or is another journal"]
        yield "The journal goes on from the head you were given before", wrong


def main(arguments: list[str]) -> int:
    """Check a case and print what was found."""
    parser = argparse.ArgumentParser(description="Check a case file. Exit code 0: it holds. 1: it does not.")
    parser.add_argument("case", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--key", help="the name of the firm's key, as the firm told you by another way")
    parser.add_argument("--head", type=Path, help="an earlier head.json of the journal")
    told = parser.parse_args(arguments)
    try:
        case = open_case(told.case, by_openssl)
        head = told.head.read_bytes() if told.head else None
    except (UnreadableError, OSError) as fault:
        print(fault)
        return 1
    print("Case {} of {}".format(case.data.get("incident"), case.data.get("organisation")))
    wrong, unchecked = 0, 0
    for title, found in [*findings(case), *wrong_with_known(case, told.key, head)]:
        wrong += bool(found)
        unchecked += found is None
        print(f"{'NOT CHECKED' if found is None else 'WRONG' if found else 'OK':<13}{title}")
        for problem in found or []:
            print(f"             - {problem}")
    print()
    if wrong:
        print("This case file does NOT hold. Do not rely on it; ask the firm for another copy.")
        return 1
    if unchecked:
        print("Everything holds but the SIGNATURES, which were not checked: they need openssl 1.1.1 or later.")
    else:
        print("Everything holds.")
    if told.key is None:
        print("Whose key it is, only the firm can tell you. Ask by another way whether this is its name:")
        print(f"  {case.key}")
    return 0


def _below(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _listed(sums: bytes) -> dict[str, str]:
    found = {}
    for line in sums.decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        found[name] = digest
    return found


def _whole(value: Json) -> Json:
    """Return a value as a journal holds it: a number with a fraction as text."""
    if isinstance(value, float):
        return str(value)
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
