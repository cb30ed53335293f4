"""Records of consent: who, when, how, what they were told, and whether they have withdrawn it.

A consent is imported from the list in which the firm takes it; no more is kept of a person than the word the firm
itself knows them by. The journal holds counts alone. A withdrawal is never undone by an older line: only a consent
given later than it counts again. What leaves here for a mailing leaves without those who have withdrawn.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from tocsin.context import Context
from tocsin.errors import ConfigurationError, Place, Problem, UsageError, did_you_mean
from tocsin.practices.ledger import today_of
from tocsin.store.columns import storable
from tocsin.store.database import Transaction
from tocsin.store.tables import consent as consents

COLUMNS = ("who", "purpose", "given", "how", "told")
WITHDRAWN = "withdrawn"
LONGEST = 128
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Consent:
    """One line: `told` is the version of the text the person was shown; `how` such as `web form`."""

    who: str
    purpose: str
    given_on: date
    how: str
    told: str
    withdrawn_on: date | None = None

    @property
    def holds(self) -> bool:
        """Tell whether it may be relied on."""
        return self.withdrawn_on is None or self.withdrawn_on < self.given_on


@dataclass(frozen=True, slots=True)
class Imported:
    """How many lines were new, changed what was known, took consent back, or said nothing new."""

    new: int = 0
    changed: int = 0
    withdrawn: int = 0
    same: int = 0


def import_consents(ctx: Context, dataset: str, text: str, name: str) -> Imported:
    """Keep the consents of a CSV table: all of it, or nothing where a line is wrong.

    Raises UsageError for an unknown dataset, ConfigurationError with line and column for what is wrong in it.
    """
    _known(ctx, dataset)
    read = read_consents(text, name, today_of(ctx.workspace, ctx.clock.now()))
    counts = dict.fromkeys(("new", "changed", "withdrawn", "same"), 0)
    with ctx.store.write(ctx.actor) as tx:
        for one in read:
            counts[_keep(tx, dataset, one)] += 1
        digest = sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
        tx.record("consent.imported", f"dataset:{dataset}", {"dataset": dataset, "sha256": digest, **counts})
    ctx.store.sign_head(ctx.actor)
    return Imported(**counts)


def read_consents(text: str, name: str, today: date) -> tuple[Consent, ...]:
    """Read a CSV table with the columns who, purpose, given, how, told and perhaps withdrawn. Pure."""
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    problems: list[Problem] = []
    found: list[Consent] = []
    try:
        head = [cell.strip().casefold() for cell in next(reader, [])]
        if missing := [word for word in COLUMNS if word not in head]:
            said = (
                f"The first line lacks {', '.join(missing)}. It has to name {', '.join(COLUMNS)} and {WITHDRAWN}."
            )
            raise ConfigurationError(Problem(Place(name, 1, 1), said))
        for cells in reader:
            if any(cell.strip() for cell in cells):
                one = _line(cells, head, Place(name, reader.line_num, 1), today, problems)
                found += [one] if one else []
    except csv.Error as fault:
        problems.append(Problem(Place(name, reader.line_num, 1), f"This line is no CSV: {fault}."))
    if problems:
        raise ConfigurationError(problems)
    return tuple(found)


def withdraw(ctx: Context, dataset: str, who: str, on: date | None = None) -> int:
    """Take back every consent of one person in a dataset; return how many. Raises UsageError for none."""
    _known(ctx, dataset)
    with ctx.store.write(ctx.actor) as tx:
        day = (on or today_of(ctx.workspace, tx.now)).isoformat()
        mine = (consents.c.dataset == dataset, consents.c.who_key == _key(who))
        changed = tx.execute(update(consents).where(*mine).values(withdrawn_on=day, kept_at=tx.now))
        if not changed.rowcount:
            raise UsageError(f"There is no consent of that person in {dataset}. Nothing was changed.")
        tx.record("consent.withdrawn", f"dataset:{dataset}", {"dataset": dataset, "count": changed.rowcount})
    ctx.store.sign_head(ctx.actor)
    return int(changed.rowcount)


def consents_in(connection: Connection, dataset: str, *, purpose: str | None = None) -> tuple[Consent, ...]:
    """Return every record of a dataset, also withdrawn ones."""
    query = select(consents).where(consents.c.dataset == dataset).order_by(consents.c.who, consents.c.purpose)
    if purpose is not None:
        query = query.where(consents.c.purpose == purpose)
    return tuple(_consent(row) for row in connection.execute(query).mappings())


def without_record(
    connection: Connection, dataset: str, people: Iterator[str] | tuple[str, ...]
) -> tuple[str, ...]:
    """Return those of `people` who have no consent that holds."""
    held = {_key(one.who) for one in consents_in(connection, dataset) if one.holds}
    return tuple(who for who in people if _key(who) not in held)


def export_consents(ctx: Context, dataset: str, purpose: str) -> str:
    """Return the consents for a purpose that hold as CSV, and journal that. Who withdrew is not in it."""
    _known(ctx, dataset)
    with ctx.store.write(ctx.actor) as tx:
        text = exported(tx.connection, dataset, purpose)
        told = {"dataset": dataset, "sha256": sha256(text.encode()).hexdigest()}
        tx.record("consent.exported", f"dataset:{dataset}", {**told, "count": text.count("\r\n") - 1})
    ctx.store.sign_head(ctx.actor)
    return text


def exported(connection: Connection, dataset: str, purpose: str) -> str:
    """Return the consents for a purpose that hold as CSV: who withdrew is not in it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in consents_in(connection, dataset, purpose=purpose):
        if one.holds:
            cells = (one.who, one.purpose, one.given_on.isoformat(), one.how, one.told)
            writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return out.getvalue()


def counted(connection: Connection) -> dict[str, tuple[int, int]]:
    """Return by dataset how many consents hold, and how many were withdrawn."""
    gone = consents.c.withdrawn_on.is_not(None) & (consents.c.withdrawn_on >= consents.c.given_on)
    query = select(consents.c.dataset, gone.label("gone"), func.count().label("n")).group_by(
        consents.c.dataset, gone
    )
    found: dict[str, tuple[int, int]] = {}
    for row in connection.execute(query):
        held, lost = found.get(row.dataset, (0, 0))
        found[row.dataset] = (held, lost + row.n) if row.gone else (held + row.n, lost)
    return found


def _known(ctx: Context, dataset: str) -> None:
    if dataset not in ctx.workspace.datasets:
        raise UsageError(f"There is no dataset {dataset!r}.{did_you_mean(dataset, ctx.workspace.datasets)}")


def _line(cells: list[str], head: list[str], place: Place, today: date, problems: list[Problem]) -> Consent | None:
    if len(cells) != len(head):
        said = f"This line has {len(cells)} columns, and the first line has {len(head)}."
        problems.append(Problem(place, said))
        return None
    read = {word: cells[head.index(word)].strip() for word in (*COLUMNS, WITHDRAWN) if word in head}
    wrong = [(word, _wrong_text(word, read[word])) for word in COLUMNS]
    wrong += [(word, _wrong_day(read[word], today)) for word in ("given", WITHDRAWN) if read.get(word)]
    found = [Problem(Place(place.name, place.line, head.index(word) + 1), said) for word, said in wrong if said]
    problems += found
    if found:
        return None
    gone = date.fromisoformat(read[WITHDRAWN]) if read.get(WITHDRAWN) else None
    return Consent(
        read["who"], read["purpose"], date.fromisoformat(read["given"]), read["how"], read["told"], gone
    )


def _wrong_text(word: str, text: str) -> str:
    if not text:
        return f"{word} is empty: a consent that cannot be shown is none."
    if not text.isprintable():
        return f"{word} holds characters that nobody can read."
    return f"{word} is longer than {LONGEST} characters." if len(text) > LONGEST else ""


def _wrong_day(text: str, today: date) -> str:
    try:
        return f"{text} is yet to come." if date.fromisoformat(text) > today else ""
    except ValueError:
        return f"{text!r} is not a day. Write it as 2026-11-20."


def _keep(tx: Transaction, dataset: str, one: Consent) -> str:
    mine = (consents.c.dataset == dataset, consents.c.who_key == _key(one.who), consents.c.purpose == one.purpose)
    row = tx.execute(select(consents).where(*mine)).mappings().one_or_none()
    if row is None:
        tx.execute(insert(consents).values(id=tx.new_id(), dataset=dataset, **_values(one), kept_at=tx.now))
        return "withdrawn" if not one.holds else "new"
    known = _consent(row)
    # The later of each counts: an old list neither brings a withdrawn consent back nor forgets a newer one.
    newer = one if one.given_on > known.given_on else known
    days = [day for day in (one.withdrawn_on, known.withdrawn_on) if day is not None]
    merged = Consent(known.who, one.purpose, newer.given_on, newer.how, newer.told, max(days, default=None))
    if merged == known:
        return "same"
    tx.execute(update(consents).where(*mine).values(**_values(merged), kept_at=tx.now))
    return "withdrawn" if known.holds and not merged.holds else "changed"


def _values(one: Consent) -> Mapping[str, object]:
    return {
        "who": storable(one.who),
        "who_key": _key(one.who),
        "purpose": one.purpose,
        "given_on": one.given_on.isoformat(),
        "how": storable(one.how),
        "told": storable(one.told),
        "withdrawn_on": one.withdrawn_on.isoformat() if one.withdrawn_on else None,
    }


def _consent(row: RowMapping) -> Consent:
    gone = row["withdrawn_on"]
    return Consent(
        str(row["who"]),
        str(row["purpose"]),
        date.fromisoformat(str(row["given_on"])),
        str(row["how"]),
        str(row["told"]),
        date.fromisoformat(gone) if gone else None,
    )


def _key(who: str) -> str:
    return sha256(" ".join(who.split()).casefold().encode("utf-8", "backslashreplace")).hexdigest()
