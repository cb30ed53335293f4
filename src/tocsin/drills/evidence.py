"""Evidence that stands by itself: a drill's report, sealed so that anybody can check it without Tocsin.

    report.html, report.json, report.pdf     what was proven
    journal.jsonl                            the journal's entries from the drill's end to the signed head
    head.json, journal.pub                   that head, and the key that signed it
    SHA256SUMS, SHA256SUMS.sig               every file's hash, and the key's Ed25519 signature over that list
    README.txt                               how to check it with openssl and sha256sum

The drill's last journal entry holds the report's hashes, the entries are chained to the head, the head is signed:
so the report is what it was when the drill ended, and the journal cannot be rewritten behind it.
"""

import json
import shutil
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, select

from tocsin.context import Context
from tocsin.durable import explained, private_folder, write_durably
from tocsin.errors import OperationFailed, UsageError
from tocsin.store.chain import Line
from tocsin.store.columns import instant_text
from tocsin.store.export import entry_line
from tocsin.store.sealed_files import SIGNATURE, SUMS, head_from, sums_text
from tocsin.store.tables import journal

JOURNAL, HEAD, KEY, README = "journal.jsonl", "head.json", "journal.pub", "README.txt"

_README = """\
Evidence of a restore drill
===========================

Open report.html (or report.pdf). To check that nothing here was changed since the drill ended:

    openssl pkeyutl -verify -pubin -inkey journal.pub -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig
    sha256sum -c SHA256SUMS

Both must succeed. The first says that the list of hashes was signed with the key in journal.pub, the second that
every file is the one in the list. That journal.pub is the firm's own key only the firm can tell you: its name is

    {key}

which is the SHA-256 of the key's 32 raw bytes. Ask for it by another way, once.

journal.jsonl holds the entries of the firm's journal from the drill's end to a signed head (head.json). Each
entry's hash is the SHA-256 of the text of its "entry"; "previous" is the hash of the entry before; the last is the
head's. The first, "drill.finished", holds the SHA-256 of the report's files. Where Tocsin is installed, this
checks all of it:

    tocsin drill verify .
"""


def seal_evidence(ctx: Context, operation: str, folder: Path) -> None:
    """Put the journal's part beside a report and sign the list of all files; again does no harm.

    Raises OperationFailed when the journal does not tell of the drill's end, or nothing can be written.
    """
    ctx.store.sign_head(ctx.actor)
    with ctx.store.read() as connection:
        finished = _finish_of(connection, operation)
        head = head_from(connection, finished)
        lines = _lines(connection, finished, head.seq)
    public = ctx.store.public_key(ctx.actor)
    write_durably(folder / JOURNAL, b"".join(lines))
    write_durably(folder / HEAD, head.document())
    write_durably(folder / KEY, public.pem.encode())
    write_durably(folder / README, _README.format(key=public.name).encode())
    sums = sums_of(folder)
    signature = ctx.store.sign(sums, ctx.actor)
    ctx.crash.reach("drill:before-signature")
    write_durably(folder / SIGNATURE, signature)
    write_durably(folder / SUMS, sums)


def export_evidence(ctx: Context, operation: str, folder: Path, destination: Path) -> tuple[Path, ...]:
    """Copy a drill's evidence to `destination`, which is made; seal it first where that was cut short.

    Raises UsageError when something is in the way, OperationFailed when it cannot be written.
    """
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise UsageError(f"{destination} is there already and is not an empty folder. Name another.")
    if not (folder / SUMS).is_file():
        seal_evidence(ctx, operation, folder)
    private_folder(destination)
    with explained(destination):
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                shutil.copyfile(path, destination / path.name)
    return tuple(sorted(destination.iterdir()))


def sums_of(folder: Path) -> bytes:
    """Return what `sha256sum` writes of every file in a folder but the list and its signature themselves."""
    return sums_text(
        {
            path.name: sha256(path.read_bytes()).hexdigest()
            for path in folder.iterdir()
            if path.is_file() and path.name not in {SUMS, SIGNATURE} and not path.name.startswith(".")
        }
    )


def _finish_of(connection: Connection, operation: str) -> int:
    query = select(journal.c.seq, journal.c.payload).where(journal.c.kind == "drill.finished")
    for seq, payload in connection.execute(query.order_by(journal.c.seq.desc())):
        if json.loads(payload).get("operation") == operation:
            return int(seq)
    raise OperationFailed(
        "The journal does not tell of that drill's end, so its report cannot be sealed. Run the drill again."
    )


def _lines(connection: Connection, first: int, last: int) -> list[bytes]:
    rows = connection.execute(
        select(journal).where(journal.c.seq.between(first, last)).order_by(journal.c.seq)
    ).mappings()
    found = (Line(**{**row, "at": instant_text(row["at"])}) for row in rows)
    return [entry_line(line, {}) + b"\n" for line in found]
