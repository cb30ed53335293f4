"""A list of people as somebody hands it over: a CSV file, or rows of a query. Read whole or not at all.

    listed = read_file(path, {})        columns name, email, address (or address_1, address_2, …, postcode)
    listed.entries                      one for each line that holds anything, with the line's number
    listed.said                         what a person should know: the encoding, the columns that were not read

Only the columns that a letter needs are read: a list of the breach's data often holds much more, and none of it
belongs here. What is wrong with the file is said with line and column, all of it at once.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tocsin.errors import ConfigurationError, Place, Problem, UsageError, nearest

NAME, EMAIL, ADDRESS, POSTCODE = "name", "email", "address", "postcode"
_PART: Final = re.compile(r"address_?[1-8]")
_SEPARATORS: Final = (",", ";", "\t")
_MOST_BYTES: Final = 512 * 1024**2
_MOST_PROBLEMS: Final = 20
_SAME: Final = {
    NAME: ("full_name", "fullname", "recipient"),
    EMAIL: ("e_mail", "email_address", "mail", "e_mail_address"),
    POSTCODE: ("post_code", "postal_code", "zip"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list: the reader's name, mail address and postal address line by line; any may be empty."""

    line: int
    name: str
    email: str
    address: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListedPeople:
    """A list as it was read, and what a person should know of how."""

    entries: tuple[Entry, ...]
    said: tuple[str, ...]


def read_file(path: Path, columns: Mapping[str, str]) -> ListedPeople:
    """Read a CSV file; `columns` names the file's column for one of ours: `{"email": "E-mail (work)"}`.

    Raises UsageError when it cannot be read, ConfigurationError with line and column for what is wrong in it.
    """
    text, said = _decoded(path)
    rows = _rows(text, path.name)
    if not rows:
        raise ConfigurationError(Problem(Place(path.name), "The file is empty: it has not even a head line."))
    head_line, head = rows[0]
    where, unread = _columns(head, columns, Place(path.name, head_line, 1))
    problems = [
        Problem(
            Place(path.name, line, min(len(cells), len(head)) + 1),
            f"this line has {len(cells)} columns and the head line {len(head)}. Look for a missing quote.",
        )
        for line, cells in rows[1:]
        if len(cells) != len(head)
    ]
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        shown = problems[:_MOST_PROBLEMS]
        if more > 0:
            shown.append(Problem(Place(path.name), f"and {more} more lines like these."))
        raise ConfigurationError(shown)
    entries = tuple(_entry(line, cells, where) for line, cells in rows[1:])
    return ListedPeople(entries, (*said, *_unread(unread)))


def read_rows(text: str) -> ListedPeople:
    """Read the rows of a query, handed over as one JSON array of objects. The first row counts as line 1."""
    rows = json.loads(text)
    if not rows:
        return ListedPeople((), ())
    head = list(rows[0])
    where, unread = _columns(head, {}, Place("the query"))
    entries = tuple(
        _entry(number, ["" if value is None else str(value) for value in row.values()], where)
        for number, row in enumerate(rows, 1)
    )
    return ListedPeople(entries, _unread(unread))


def _decoded(path: Path) -> tuple[str, tuple[str, ...]]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path} is larger than 512 MB. Split it. Nothing was loaded.")
        content = path.read_bytes()
    except OSError as fault:
        raise UsageError(f"{path} cannot be read: {fault.strerror}. Nothing was loaded.") from fault
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _strictly(content, "utf-16", path), ("The file was read as UTF-16.",)
    try:
        return content.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        text = _strictly(content, "cp1252", path)
    return text, ("The file is not UTF-8; it was read as Windows-1252. Look at the accents in the samples below.",)


def _strictly(content: bytes, encoding: str, path: Path) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as fault:
        line = content[: fault.start].count(b"\n") + 1
        column = fault.start - (content.rfind(b"\n", 0, fault.start) + 1) + 1
        sentence = "this is neither UTF-8 nor Windows-1252 text. Save the list as CSV UTF-8."
        raise ConfigurationError(Problem(Place(path.name, line, column), sentence)) from None


def _rows(text: str, name: str) -> list[tuple[int, list[str]]]:
    """Return the lines that hold anything, each with the number of the line that it begins on."""
    head = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, begins = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((begins, [cell.strip() for cell in cells]))
            begins = reader.line_num + 1
    except csv.Error as wrong:
        sentence = f"a quote or a cell that begins on this line is never closed ({wrong})."
        raise ConfigurationError(Problem(Place(name, begins, 1), sentence)) from None
    return rows


def _columns(
    head: Sequence[str], chosen: Mapping[str, str], place: Place
) -> tuple[dict[str, list[int]], tuple[str, ...]]:
    """Return where each of our columns stands, and the names of those that are not read."""
    problems = [
        Problem(place, f"there is no column {theirs!r} here.", nearest(theirs, head))
        for theirs in chosen.values()
        if theirs not in head
    ]
    where: dict[str, list[int]] = {NAME: [], EMAIL: [], ADDRESS: []}
    ours = {theirs: mine for mine, theirs in chosen.items()}
    for at, theirs in enumerate(head):
        mine = ours.get(theirs) or (_meaning(theirs) if theirs not in ours else None)
        if mine in chosen and theirs not in ours:
            continue
        if mine is not None:
            where[ADDRESS if mine == POSTCODE else mine].append(at)
    problems += [
        Problem(place, f"two columns are called {mine!r}. Say which: --column {mine}=NAME.")
        for mine in (NAME, EMAIL)
        if len(where[mine]) > 1
    ]
    if not where[NAME] and not problems:
        problems.append(Problem(place, "there is no column 'name'. Say which holds it: --column name=COLUMN."))
    if not where[EMAIL] and not where[ADDRESS] and not problems:
        problems.append(
            Problem(place, "there is neither a column 'email' nor 'address': nobody could be reached by it.")
        )
    if problems:
        raise ConfigurationError(problems)
    read = {at for places in where.values() for at in places}
    return where, tuple(theirs or "(no name)" for at, theirs in enumerate(head) if at not in read)


def _meaning(theirs: str) -> str | None:
    plain = re.sub(r"[^a-z0-9]+", "_", theirs.casefold()).strip("_")
    if plain == ADDRESS or _PART.fullmatch(plain):
        return ADDRESS
    return next((mine for mine, same in _SAME.items() if plain == mine or plain in same), None)


def _entry(line: int, cells: Sequence[str], where: Mapping[str, Iterable[int]]) -> Entry:
    def first(column: str) -> str:
        return next((cells[at].strip() for at in where[column]), "")

    address = [part.strip() for at in where[ADDRESS] for part in re.split(r"\r\n|\n|\r", cells[at])]
    return Entry(line, first(NAME), first(EMAIL), tuple(part for part in address if part))


def _unread(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        return ()
    return (f"Not read, and not kept: {', '.join(repr(name) for name in names)}.",)
