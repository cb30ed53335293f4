"""Seal a case into one archive.

1. Everything is read, and the page made.
2. In one transaction the journal takes an entry that binds all of it (`incident.sealed`), and is signed there: no
   entry of anybody else's lies between. If something was written meanwhile, it is all read again.
3. The list of files is signed, the archive written under its name, and that journalled (`incident.exported`).

`incident.sealed` without `incident.exported` after it: the archive was never finished; nothing bears its name.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest, sha256
from importlib.resources import files as package_files
from pathlib import Path
from tempfile import TemporaryDirectory

from tocsin.context import Context
from tocsin.errors import Refused, Temporary, UsageError, did_you_mean
from tocsin.evidence import export_item, items
from tocsin.incidents.casefile import verify
from tocsin.incidents.casefile.archive import Content, write_archive
from tocsin.incidents.casefile.contents import Contents, contents_of
from tocsin.incidents.casefile.copies import READERS, Copy
from tocsin.incidents.casefile.readme import readme
from tocsin.pages import render_page
from tocsin.situation import situation_of
from tocsin.store.chain import Line
from tocsin.store.columns import instant_text
from tocsin.store.database import Entry, JsonValue
from tocsin.store.export import entry_line
from tocsin.store.heads import Head
from tocsin.store.sealed_files import SIGNATURE, SUMS, sums_text

TEMPLATE = "reports/case.html.j2"
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """What copy is wanted: for whom, of which client alone, with or without names, with the evidence itself."""

    reader: str = "lawyer"
    client: str | None = None
    names: bool = True
    evidence: bool = False


@dataclass(frozen=True, slots=True)
class SealedCase:
    """Where the archive lies, its SHA-256, how many files it holds, the entry that seals it, the key's name."""

    path: Path
    sha256: str
    files: int
    entry: int
    key: str


def export_case(ctx: Context, incident_id: str, to: Path, wanted: Wanted | None = None) -> SealedCase:
    """Seal an incident into the archive `to`, which must not be there yet.

    Raises UsageError for an unknown reader, client or incident, Refused for a need-to-know incident that is not
    theirs and for a copy that would name another client, OperationFailed when it cannot be written, Temporary when
    the incident goes on too fast to be read.
    """
    wanted = wanted or Wanted()
    _must_make_sense(ctx, incident_id, to, wanted)
    copy = Copy(ctx.workspace, wanted.reader, wanted.client, wanted.names)
    with _evidence(ctx, incident_id, wanted) as kept:
        ctx.store.sign_head(ctx.actor)  # a key's first signature is an entry of its own
        for _ in range(_TRIES):
            case = contents_of(ctx, incident_id, copy, ctx.clock.now())
            bound = {**_bound(ctx, case, copy), **kept}
            if sealed := _sealed(ctx, incident_id, case, bound, copy):
                break
        else:
            raise Temporary(f"{incident_id} goes on faster than it can be read. Nothing was written. Try again.")
        ctx.crash.reach("case:sealed")
        key = ctx.store.public_key(ctx.actor)
        whole = _with_proof(ctx, bound, sealed, copy, incident_id)
        ctx.crash.reach("case:before-archive")
        write_archive(to, incident_id, whole)
    ctx.crash.reach("case:archived")
    with to.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    with ctx.store.write(ctx.actor) as tx:
        told: dict[str, JsonValue] = {
            "sha256": digest,
            "sealed": sealed[0].seq,
            "for": copy.reader,
            "client": copy.client,
        }
        tx.record("incident.exported", f"incident:{incident_id}", told)
    ctx.store.sign_head(ctx.actor)
    return SealedCase(to, digest, len(whole), sealed[0].seq, key.name)


def _must_make_sense(ctx: Context, incident_id: str, to: Path, wanted: Wanted) -> None:
    if wanted.reader not in READERS:
        raise UsageError(f"A case is not made for {wanted.reader!r}.{did_you_mean(wanted.reader, READERS)}")
    if wanted.client is not None and wanted.client not in ctx.workspace.clients:
        raise UsageError(
            f"There is no client {wanted.client!r}.{did_you_mean(wanted.client, ctx.workspace.clients)}"
        )
    if wanted.evidence and (wanted.client is not None or not wanted.names):
        raise UsageError(
            "Evidence itself may hold anybody's data, so it goes into no client's copy and none without names. "
            "Nothing was written."
        )
    with ctx.store.read() as connection:
        situation_of(connection, ctx.workspace, incident_id)
    if to.exists():
        raise UsageError(f"{to} is there already. Name another file; nothing was written.")
    if not to.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {to.absolute().parent}. Nothing was written.")


@contextmanager
def _evidence(ctx: Context, incident_id: str, wanted: Wanted) -> Iterator[Mapping[str, Content]]:
    """Bring the evidence out into a folder for as long as it is packed; each act stands in its custody."""
    if not wanted.evidence:
        yield {}
        return
    found: dict[str, Content] = {}
    with TemporaryDirectory(prefix="tocsin-case-") as folder:
        for item in items(ctx, incident=incident_id):
            if not item.is_kept:
                continue
            out = Path(folder, item.id)
            export_item(ctx, item.id, out, reason="copied into a sealed case")
            inside = sorted(path for path in out.rglob("*") if path.is_file() and not path.is_symlink())
            for number, path in enumerate(inside, start=1):
                found[f"evidence/{item.id.lower()}/{number:04d}{_ending(path)}"] = path
        yield found


def _ending(path: Path) -> str:
    suffix = path.suffix.lower()
    return suffix if suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) <= len(".sqlite3") else ""


def _bound(ctx: Context, case: Contents, copy: Copy) -> dict[str, Content]:
    """Return the files that the seal speaks of. Raises Refused where one holds what this copy may not."""
    page = render_page(ctx.workspace, TEMPLATE, dict(case.data)).encode()
    data = json.dumps(case.data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    texts = {verify.PAGE: page, verify.CASE: data.encode(), **case.papers, verify.ENTRIES: case.journal.entries}
    for name, content in texts.items():
        if faults := copy.faults(content.decode("utf-8", "replace")):
            raise Refused(
                f"This copy would hold {faults[0]}, in {name}: it was not made. Make the whole copy for your own "
                "lawyer, and give others what they may have by hand. Nothing was written."
            )
    return {**texts, verify.HASHES: case.journal.hashes}


def _sealed(
    ctx: Context, incident_id: str, case: Contents, bound: Mapping[str, Content], copy: Copy
) -> tuple[Entry, Head] | None:
    """Write the entry that binds the files, and sign it; None when the journal has gone on since it was read."""
    with ctx.store.write(ctx.actor) as tx:
        if tx.last_entry() != case.journal.last:
            return None
        payload: dict[str, JsonValue] = {
            "contents_sha256": sha256(sums_text(_digests(bound))).hexdigest(),
            "shown": len(case.journal.shown),
            "for": copy.reader,
            "client": copy.client,
            "names": copy.names,
        }
        entry = tx.record("incident.sealed", f"incident:{incident_id}", payload)
        head = tx.sign()
    return (entry, head) if head is not None else None


def _with_proof(
    ctx: Context, bound: Mapping[str, Content], sealed: tuple[Entry, Head], copy: Copy, incident_id: str
) -> dict[str, Content]:
    entry, head = sealed
    key = ctx.store.public_key(ctx.actor)
    line = Line(**{**{name: getattr(entry, name) for name in Line._fields}, "at": instant_text(entry.at)})
    whole: dict[str, Content] = {
        **bound,
        verify.SEAL: entry_line(line, {}) + b"\n",
        verify.HEAD: head.document(),
        verify.KEY: key.pem.encode(),
        verify.SCRIPT: package_files("tocsin.incidents.casefile").joinpath("verify.py").read_bytes(),
        verify.README: readme(incident_id, ctx.workspace, copy, key.name).encode(),
    }
    sums = sums_text(_digests(whole))
    return {**whole, SUMS: sums, SIGNATURE: ctx.store.sign(sums, ctx.actor)}


def _digests(files: Mapping[str, Content]) -> dict[str, str]:
    return {name: _digest(content) for name, content in files.items()}


def _digest(content: Content) -> str:
    if isinstance(content, bytes):
        return sha256(content).hexdigest()
    with content.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
