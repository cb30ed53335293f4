"""Letters that go by post: made out as files with a run sheet, and recorded as posted, with proof.

    write_letters(ctx, notice, folder)     one file for each reader who has no mail address, and run-sheet.csv
    record_posted(ctx, notice, proof=…)    they were handed to the post; those with an exception stay to be sent

Each letter bears a reference; its SHA-256 is taken over that reference and the text, and stays when the names go.
"""

import csv
import hashlib
import io
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sqlalchemy import bindparam, update

from tocsin.context import Context
from tocsin.durable import private_folder, write_durably
from tocsin.errors import UsageError
from tocsin.notices.approval import refuse_unready
from tocsin.notices.batches import close_batch, settle
from tocsin.notices.by_hand import keep_proof
from tocsin.notices.guard import blocks
from tocsin.notices.papers import as_paper
from tocsin.notices.recipient_rows import Reader, readers_in
from tocsin.notices.recipients import merge_of
from tocsin.notices.register import Shown, require_person, shown
from tocsin.notices.sheet import Draft
from tocsin.store.database import JsonValue
from tocsin.store.tables import recipient, recipient_list

_HEAD: Final = ("number", "reference", "file", "name", "address", "posted on", "by")
_ROW: Final = (recipient.c.notice == bindparam("of"), recipient.c.position == bindparam("at"))
_PRINTED: Final = update(recipient).where(*_ROW).values(sha256=bindparam("digest"), tried_at=bindparam("now"))
_POSTED: Final = update(recipient).where(*_ROW).values(state="sent", finished_at=bindparam("now"), code="by-hand")


@dataclass(frozen=True, slots=True)
class WrittenLetters:
    """The folder, how many letters lie in it, and the readers whose letter the guard holds back."""

    folder: Path
    letters: int
    held: tuple[tuple[int, str], ...]


def write_letters(
    ctx: Context, identity: str, folder: Path, form: str = "html", *, large_print: bool = False
) -> WrittenLetters:
    """Write a file (`html` or `pdf`) for each reader on paper who has had no letter yet; again, the same files.

    Raises Refused when nobody approved this letter with this list, UsageError when no letter goes on paper.
    """
    exact, waiting = _waiting(ctx, identity)
    refuse_unready(ctx, exact)
    merge = merge_of(ctx, exact)
    private_folder(folder)
    sheet = io.StringIO()
    rows = csv.writer(sheet)
    rows.writerow(_HEAD)
    held, written = list[tuple[int, str]](), list[tuple[Reader, str]]()
    for reader in waiting:
        if stopping := blocks(merge.check(reader.recipient)):
            held.append((reader.position, " ".join(each.text for each in stopping)))
            continue
        reference = reference_of(exact.notice.incident, reader)
        letter = addressed_letter(merge.letter(reader.recipient), reader, reference)
        name = f"{reader.position:05d}-{(reader.key or '')[:8]}.{form}"
        write_durably(folder / name, as_paper(letter, form, large_print=large_print))
        rows.writerow(
            map(_harmless, (reader.position, reference, name, reader.name, ", ".join(reader.address), "", ""))
        )
        written.append((reader, hashlib.sha256(f"{reference}\n{letter.body}".encode()).hexdigest()))
    write_durably(folder / "run-sheet.csv", b"\xef\xbb\xbf" + sheet.getvalue().encode())
    with ctx.store.write(ctx.actor) as tx:
        for reader, digest in written:
            row = {"of": exact.notice.id, "at": reader.position, "digest": digest, "now": tx.now}
            tx.connection.execute(_PRINTED, row)
        # The list stays as it is from now on; its mails go out only when somebody sends them.
        begun = (recipient_list.c.notice == exact.notice.id, recipient_list.c.began_at.is_(None))
        tx.execute(update(recipient_list).where(*begun).values(began_at=tx.now))
        payload: dict[str, JsonValue] = {
            "notice": exact.notice.id,
            "letters": len(written),
            "held": len(held),
            "form": form,
        }
        tx.record("notice.letters-written", f"notice:{exact.notice.id}", payload)
    return WrittenLetters(folder, len(written), tuple(held))


def reference_of(incident: str, reader: Reader) -> str:
    """Return the reference that stands on one printed letter."""
    return f"{incident}/{(reader.key or '')[:16]}"


def addressed_letter(letter: Draft, reader: Reader, reference: str) -> Draft:
    """Return a letter with its address above, where the text does not hold it itself, and its reference below."""
    lines = (reader.name, *reader.address)
    head = "" if all(line in letter.body for line in reader.address) else "\\\n".join(map(_plain, lines)) + "\n\n"
    return replace(letter, body=f"{head}{letter.body.rstrip()}\n\nOur reference: {_plain(reference)}\n")


def record_posted(
    ctx: Context, identity: str, *, reference: str | None, proof: Path | None, besides: Collection[int] = ()
) -> int:
    """Record that the printed letters were posted, but for those with these numbers; return how many were.

    Raises UsageError without a reference or proof, or before letters were written; Refused when nobody in
    particular says so.
    """
    require_person(ctx.workspace, ctx.actor, "record that letters were posted")
    exact, waiting = _waiting(ctx, identity)
    if not (reference or "").strip() and proof is None:
        raise UsageError("Say how it can be proved: --reference (a receipt's number) or --proof FILE, or both.")
    refuse_unready(ctx, exact)
    unknown = set(besides) - {reader.position for reader in waiting}
    if unknown:
        raise UsageError(f"Number {min(unknown)} is none of the letters that wait. Nothing was recorded.")
    gone = [reader for reader in waiting if reader.sha256 and reader.position not in besides]
    if not gone:
        raise UsageError(
            f"No letter of notice {exact.notice.id[:8]} has been written out. Write them first: tocsin notice "
            f"letters {exact.notice.id[:8]} --to FOLDER. Nothing was recorded."
        )
    proof_sha256 = keep_proof(ctx, exact, proof) if proof else None
    with ctx.store.write(ctx.actor) as tx:
        for reader in gone:
            tx.connection.execute(_POSTED, {"of": exact.notice.id, "at": reader.position, "now": tx.now})
        close_batch(tx, exact.notice.id)
        tx.record(
            "notice.letters-posted",
            f"notice:{exact.notice.id}",
            {"notice": exact.notice.id, "letters": len(gone), "proof_sha256": proof_sha256},
            {"reference": reference} if reference else None,
        )
        settle(tx, exact.notice.id)
    return len(gone)


def _waiting(ctx: Context, identity: str) -> tuple[Shown, tuple[Reader, ...]]:
    exact = shown(ctx, identity)
    with ctx.store.read() as connection:
        waiting = readers_in(connection, exact.notice.id, states=("intended",), way="paper")
    if not waiting:
        raise UsageError(
            f"No letter of notice {exact.notice.id[:8]} waits to go by post. See: tocsin notice recipients "
            f"{exact.notice.id[:8]}"
        )
    return exact, waiting


def _plain(text: str) -> str:
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#|!&~" else sign for sign in text)


def _harmless(value: object) -> str:
    # A spreadsheet takes what begins like this for a formula.
    text = str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@"} else text
