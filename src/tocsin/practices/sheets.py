"""A worksheet's life: opened from the inventory, answered row by row, signed off as evidence.

    sheet = opened(ctx, practice)            the one that is being filled in, or a new one
    answer(ctx, sheet, key, "no", note)      saved at once: stop and go on whenever you like
    signed = sign_off(ctx, sheet, by="maya")

Signing needs every row answered. An answer that asks for something (access to take away, data to delete) becomes
a finding, which waits until somebody settles it. A worksheet made while the inventory changed is brought up to it:
new rows come, rows that are about nothing any more go, answers stay.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, RowMapping, insert, select, update

from tocsin.context import Context
from tocsin.errors import Refused, UsageError, did_you_mean
from tocsin.findings import Found, note
from tocsin.practices.completing import Evidence, Recorded, record_done
from tocsin.practices.known import known_for
from tocsin.practices.practice import Practice
from tocsin.practices.rows import YES, Row, kept_row, rows_of
from tocsin.store.columns import storable
from tocsin.store.database import JsonValue, Transaction
from tocsin.store.tables import practice_sheet

SOURCE = "practice"
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Sheet:
    """One worksheet as it is kept."""

    id: str
    practice: str
    made_at: datetime
    rows: tuple[Row, ...]
    signed_at: datetime | None
    signed_by: str | None
    sha256: str | None

    @property
    def open_rows(self) -> tuple[Row, ...]:
        """Return the rows that nobody has answered yet."""
        return tuple(row for row in self.rows if not row.answer)


@dataclass(frozen=True, slots=True)
class Change:
    """How one row differs from the worksheet before: `new`, `gone`, or what was answered then and now."""

    key: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class Signed:
    """What came of signing: the worksheet, what it settles, what it asks for, and what changed since the last."""

    sheet: Sheet
    done: tuple[Recorded, ...]
    findings: tuple[str, ...]
    changes: tuple[Change, ...]


def opened(ctx: Context, practice: Practice) -> Sheet:
    """Return the worksheet that is being filled in, brought up to the inventory; a new one where there is none.

    Raises UsageError for a practice that no worksheet proves, and where there is nothing to ask.
    """
    if "sheet" not in practice.proof:
        raise UsageError(f"{practice.name} is proven by a {' or '.join(practice.proof)}, not by a worksheet.")
    with ctx.store.write(ctx.actor) as tx:
        rows = rows_of(ctx.workspace, practice, known_for(tx.connection, practice))
        if not rows:
            raise UsageError(
                f"There is nothing to ask for {practice.name}: the inventory names none of what it is about."
            )
        current = open_sheet(tx.connection, practice.name)
        if current is not None:
            answers = {row.key: row for row in current.rows if row.answer}
            merged = tuple(_with_answer(row, answers.get(row.key)) for row in rows)
            _save(tx, current.id, merged)
            return replace(current, rows=merged)
        identity = tx.new_id()
        kept = [row.kept() for row in rows]
        tx.execute(insert(practice_sheet).values(id=identity, practice=practice.name, made_at=tx.now, rows=kept))
        opening: dict[str, JsonValue] = {"practice": practice.name, "sheet": identity, "rows": len(rows)}
        tx.record("practice.sheet-opened", f"practice:{practice.name}", opening)
        return Sheet(identity, practice.name, tx.now, rows, None, None, None)


def answer(ctx: Context, sheet: Sheet, answers: Sequence[tuple[str, str, str]]) -> Sheet:
    """Save answers (key, answer, note) and return the worksheet with them. All are right, or none is saved."""
    by_key = {row.key: row for row in sheet.rows}
    for key, said, text in answers:
        if key not in by_key:
            raise UsageError(f"The worksheet asks nothing about {key!r}.{did_you_mean(key, by_key)}")
        if said and said not in by_key[key].answers:
            raise UsageError(f"{said!r} is no answer for {key}. Answer {', '.join(by_key[key].answers)}.")
        by_key[key] = by_key[key].answered(said, storable(text.strip()))
    rows = tuple(by_key[row.key] for row in sheet.rows)
    with ctx.store.write(ctx.actor) as tx:
        _save(tx, sheet.id, rows)
    return replace(sheet, rows=rows)


def sign_off(
    ctx: Context, practice: Practice, sheet: Sheet, *, by: str, participants: Sequence[str] = ()
) -> Signed:
    """Sign a filled worksheet: it becomes evidence, what it asks for becomes findings, the practice is settled.

    Raises Refused while a row is unanswered, or where it asks each person and nobody has done it.
    """
    if left := sheet.open_rows:
        named = ", ".join(row.key for row in left[:MOST_NAMED]) + (" …" if len(left) > MOST_NAMED else "")
        raise Refused(
            f"{len(left)} of {len(sheet.rows)} rows are not answered yet: {named}. Nothing was signed. "
            f"Go on with 'tocsin practice fill {practice.name}'."
        )
    abouts = tuple(row.key for row in sheet.rows if row.answer == YES) if practice.people else ("",)
    if not abouts:
        raise Refused(
            f"By this worksheet nobody has done {practice.name}, so it settles nothing. Nothing was signed."
        )
    digest = sha256(json.dumps([row.kept() for row in sheet.rows], sort_keys=True).encode()).hexdigest()
    evidence = Evidence("sheet", digest, sheet=sheet.id)
    with ctx.store.write(ctx.actor) as tx:
        before = last_signed(tx.connection, practice.name)
        changed = tx.execute(
            update(practice_sheet)
            .where(practice_sheet.c.id == sheet.id, practice_sheet.c.signed_at.is_(None))
            .values(signed_at=tx.now, signed_by=by, sha256=digest)
        )
        if not changed.rowcount:
            raise Refused("This worksheet was signed meanwhile. Nothing was signed again.")
        wanted = [row for row in sheet.rows if row.wants and row.code]
        found = tuple(note(tx, _found(practice, sheet, row)) for row in wanted)
        payload: dict[str, JsonValue] = {"practice": practice.name, "sheet": sheet.id, "sha256": digest, "by": by}
        tx.record("practice.sheet-signed", f"practice:{practice.name}", {**payload, "open": len(found)})
        done = record_done(ctx, tx, practice, abouts, evidence, by=by, participants=participants)
        signed = replace(sheet, signed_at=tx.now, signed_by=by, sha256=digest)
    ctx.store.sign_head(ctx.actor)
    return Signed(signed, done, found, changes_between(before, signed))


def changes_between(before: Sheet | None, now: Sheet) -> tuple[Change, ...]:
    """Return what differs from the worksheet before: rows that came or went, answers that changed. Pure."""
    if before is None:
        return ()
    then, today = ({row.key: row.answer for row in sheet.rows} for sheet in (before, now))
    return tuple(
        Change(key, then.get(key, "new"), today.get(key, "gone"))
        for key in [*today, *(key for key in then if key not in today)]
        if then.get(key) != today.get(key)
    )


def open_sheet(connection: Connection, practice: str) -> Sheet | None:
    """Return the worksheet that is being filled in, or None."""
    query = select(practice_sheet).where(
        practice_sheet.c.practice == practice, practice_sheet.c.signed_at.is_(None)
    )
    row = connection.execute(query).mappings().one_or_none()
    return _sheet(row) if row else None


def last_signed(connection: Connection, practice: str) -> Sheet | None:
    """Return the worksheet that was signed last, or None."""
    query = (
        select(practice_sheet)
        .where(practice_sheet.c.practice == practice, practice_sheet.c.signed_at.is_not(None))
        .order_by(practice_sheet.c.signed_at.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().one_or_none()
    return _sheet(row) if row else None


def _found(practice: Practice, sheet: Sheet, row: Row) -> Found:
    sentence = f"{row.asks} {row.note}".strip()
    return Found(SOURCE, sheet.id, f"practice:{practice.name}", row.code, sentence, row.key)


def _with_answer(row: Row, before: Row | None) -> Row:
    if before is None or before.answer not in row.answers:
        return row
    return row.answered(before.answer, before.note)


def _save(tx: Transaction, identity: str, rows: Sequence[Row]) -> None:
    changed = tx.execute(
        update(practice_sheet)
        .where(practice_sheet.c.id == identity, practice_sheet.c.signed_at.is_(None))
        .values(rows=[row.kept() for row in rows])
    )
    if not changed.rowcount:
        raise Refused("This worksheet was signed meanwhile, and a signed one is not changed.")


def _sheet(row: RowMapping) -> Sheet:
    rows = tuple(kept_row(kept) for kept in row["rows"])
    return Sheet(
        row["id"], row["practice"], row["made_at"], rows, row["signed_at"], row["signed_by"], row["sha256"]
    )
