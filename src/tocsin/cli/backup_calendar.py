"""Months of backups as a row of dots for each plan; on anything but a terminal, as plain letters."""

import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import click

from tocsin.backups.calendar import Known, Mark, Month, month_of
from tocsin.backups.ledger import LedgerEntry
from tocsin.model.workspace import Workspace

# A dot for a terminal, a plain character for everything else, a colour, and what it means.
_LOOKS: dict[Mark, tuple[str, str, str | None, str]] = {
    Mark.GOOD: ("●", "+", "green", "good"),
    Mark.HELD: ("◆", "H", "cyan", "held"),
    Mark.INCOMPLETE: ("◐", "~", "yellow", "incomplete"),
    Mark.FLAGGED: ("▲", "!", "red", "flagged: not the firm's own work?"),
    Mark.MISSING: ("○", "-", "red", "missing"),
    Mark.REMOVED: ("·", ".", None, "thinned out since"),
    Mark.NONE: (" ", " ", None, ""),
}


def calendar_of(workspace: Workspace, known: Known, plan: str | None, month: date | None) -> str:
    """Return the calendar of one plan, or of all: this month, or the one that begins on `month`'s first day."""
    by_plan: dict[str, list[LedgerEntry]] = {}
    for entry in known.entries:
        by_plan.setdefault(entry.backup_plan, []).append(entry)
    plans = [one for one in workspace.backup_plans.values() if plan in (None, one.id)]
    if not plans:
        return "There is no backup plan yet."
    wanted = date(month.year, month.month, 1) if month else None
    return calendar_text(
        month_of(one, replace(known, entries=by_plan.get(one.id, [])), first)
        for first in months_shown(known.now.date(), wanted)
        for one in plans
    )


def calendar_text(months: Iterable[Month], *, plain: bool | None = None) -> str:
    """Return the months one below the other, each with a row for every plan, and what the marks mean."""
    plain = not _shows_dots() if plain is None else plain
    found = list(months)
    width = max((len(month.plan) for month in found), default=0)
    lines: list[str] = []
    for first in sorted({month.first for month in found}):
        mine = [month for month in found if month.first == first]
        lines += [f"{first:%B %Y}", f"{'':<{width}}  {_ruler(len(mine[0].days))}"]
        lines += [f"{month.plan:<{width}}  {_row(month, plain=plain)}" for month in mine]
        lines.append("")
    lines.append(_legend({mark for one in found for mark in one.days}, plain=plain))
    return "\n".join(line.rstrip() for line in lines).rstrip()


def months_shown(today: date, wanted: date | None) -> tuple[date, ...]:
    """Return the first days of the months to show: the one wanted, else this one, early in it the last one too."""
    if wanted is not None:
        return (wanted,)
    this = today.replace(day=1)
    last = date(this.year - (this.month == 1), (this.month - 2) % 12 + 1, 1)
    return (last, this) if today.day < 15 else (this,)  # noqa: PLR2004 - half a month says too little alone


def _ruler(days: int) -> str:
    """Return a line with the days' numbers above every fifth: `1   5    10`."""
    line = [" "] * (days + 1)
    for day in (1, *range(5, days + 1, 5)):
        for place, digit in enumerate(str(day)):
            line[day - 1 + place] = digit
    return "".join(line)


def _row(month: Month, *, plain: bool) -> str:
    if set(month.days) == {Mark.NONE}:
        return "nothing"
    return "".join(_shown(mark, plain=plain) for mark in month.days)


def _shown(mark: Mark, *, plain: bool) -> str:
    dot, letter, colour, _ = _LOOKS[mark]
    return letter if plain else click.style(dot, fg=colour) if colour else dot


def _legend(marks: set[Mark], *, plain: bool) -> str:
    named = [mark for mark in _LOOKS if mark in marks and mark is not Mark.NONE]
    return "   ".join(f"{_shown(mark, plain=plain)} {_LOOKS[mark][3]}" for mark in named)


def _shows_dots() -> bool:
    if not sys.stdout.isatty():
        return False
    try:
        "●◆◐▲○·".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
