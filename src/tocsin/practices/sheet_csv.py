"""A worksheet as a table for a spreadsheet, and back, checked cell by cell. Pure."""

import csv
import io
from collections.abc import Iterator, Mapping

from tocsin.errors import ConfigurationError, Place, Problem, nearest
from tocsin.practices.rows import Row
from tocsin.practices.sheets import Sheet

KEY, QUESTION, ANSWER, NOTE = "key", "question", "answer", "note"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def written_csv(sheet: Sheet) -> str:
    """Return the worksheet as CSV. Only the columns `answer` and `note` are read back."""
    names = list(dict.fromkeys(name for row in sheet.rows for name, _ in row.facts))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([KEY, *names, QUESTION, ANSWER, NOTE])
    for row in sheet.rows:
        facts = dict(row.facts)
        asked = f"{row.question} ({' / '.join(row.answers)})"
        cells = [row.key, *(facts.get(name, "") for name in names), asked, row.answer, row.note]
        writer.writerow([_plain(cell) for cell in cells])
    return out.getvalue()


def read_csv(text: str, name: str, sheet: Sheet) -> tuple[tuple[str, str, str], ...]:
    """Return the answers (key, answer, note) of a filled table. Raises ConfigurationError with line and column."""
    # Excel writes a mark before UTF-8 text, and semicolons where the comma is the decimal sign.
    text = text.removeprefix("\ufeff")
    delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    problems: list[Problem] = []
    answers: dict[str, tuple[str, str, str]] = {}
    rows = {row.key: row for row in sheet.rows}
    try:
        head = [cell.strip().casefold() for cell in next(reader, [])]
        _check_head(head, name)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            found, faults = _line(cells, head, reader.line_num, name, rows)
            problems += faults
            if found and found[0] in answers:
                place = Place(name, reader.line_num, head.index(KEY) + 1)
                problems.append(Problem(place, f"{found[0]} stands here a second time."))
            elif found:
                answers[found[0]] = found
    except csv.Error as fault:
        problems.append(Problem(Place(name, reader.line_num, 1), f"This line is no CSV: {fault}."))
    missing = [row.key for row in sheet.rows if row.key not in answers]
    if missing and not problems:
        said = f"{len(missing)} rows of the worksheet are missing: {', '.join(missing[:5])}. Export it again."
        problems.append(Problem(Place(name), said))
    if problems:
        raise ConfigurationError(problems)
    return tuple(answers.values())


def _check_head(head: list[str], name: str) -> None:
    wanted = (KEY, ANSWER, NOTE)
    missing = [
        Problem(Place(name, 1, 1), f"The first line has no column {word!r}.")
        for word in wanted
        if word not in head
    ]
    if missing:
        raise ConfigurationError(missing)


def _line(
    cells: list[str], head: list[str], line: int, name: str, rows: Mapping[str, Row]
) -> tuple[tuple[str, str, str] | None, list[Problem]]:
    if len(cells) != len(head):
        said = f"This line has {len(cells)} columns, and the first line has {len(head)}."
        return None, [Problem(Place(name, line, 1), said)]
    read = {column: _unquoted(cells[head.index(column)].strip()) for column in (KEY, ANSWER, NOTE)}
    row = rows.get(read[KEY])
    if row is None:
        place = Place(name, line, head.index(KEY) + 1)
        said = f"The worksheet asks nothing about {read[KEY]!r}."
        return None, [Problem(place, said, nearest(read[KEY], rows))]
    problems = list(_wrong_answer(read[ANSWER].casefold(), row, Place(name, line, head.index(ANSWER) + 1)))
    return (row.key, read[ANSWER].casefold(), read[NOTE]), problems


def _wrong_answer(said: str, row: Row, place: Place) -> Iterator[Problem]:
    if said and said not in row.answers:
        message = (
            f"{said!r} is no answer for {row.key}. Write {', '.join(row.answers)}, or leave it empty for later."
        )
        yield Problem(place, message, nearest(said, row.answers))


def _plain(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _unquoted(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
