"""A month of backups: what each day looks like, in dots on a terminal and in letters everywhere else."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import click
import pytest

from simulators.house import FIRM, House
from tocsin.backups.calendar import Known, Mark, month_of
from tocsin.backups.ledger import LedgerEntry
from tocsin.cli.backup_calendar import calendar_of, calendar_text, months_shown

NOVEMBER = date(2026, 11, 1)
NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
TWO = FIRM.replace("repositories:\n", "repositories:\n  far: {location: far, password: 'env:FAR'}\n").replace(
    "repositories: [local]", "repositories: [local, far]"
)


def taken(day: int, hour: int = 2, **more: Any) -> LedgerEntry:
    values: dict[str, Any] = {
        "id": f"{day:02}{hour:02}", "repository": "local", "backup_plan": "file-share", "tree": "t",
        "time": datetime(2026, 11, day, hour, 31, tzinfo=UTC), "verdict": "ok", "files": 1, "bytes": 1,
        "added_bytes": 1, "manifest_sha256": None, "manifest_path": None, "paths": (), "changed": (), "operation": "o",
        "plausibility": "clean",
    }  # fmt: skip
    return LedgerEntry(**(values | more))


def letters(
    house: House, *entries: LedgerEntry, held: tuple[tuple[str, str], ...] = (), now: datetime = NOW
) -> str:
    plan = house.workspace.backup_plans["file-share"]
    month = month_of(plan, Known(entries, held, now), NOVEMBER)
    assert len(month.days) == 30
    return calendar_text([month], plain=True).splitlines()[2].removeprefix("file-share").strip()


def test_each_day_bears_the_mark_that_matters_most(house):
    entries = (
        taken(1),
        taken(2, gone_at=NOW),
        taken(3, verdict="incomplete"),
        taken(4, plausibility="flagged"),
        taken(4, 9),
        taken(5),
        # nothing on the 6th
        taken(7, verdict="incomplete"),
        taken(7, 9),
        taken(8, verdict="scratch"),
        taken(9),
        taken(10),
    )
    assert letters(house, *entries, held=(("local", "0502"),)) == "+.~!H-+-++"


def test_what_was_due_before_the_first_backup_or_lies_ahead_is_not_missing(house):
    assert letters(house, taken(8)) == "+--"
    assert letters(house) == "nothing"
    early = datetime(2026, 11, 10, 1, tzinfo=UTC)  # tonight's run is not due yet
    assert letters(house, taken(8), taken(9), now=early) == "++"


def test_a_day_is_good_only_when_every_repository_has_it(tmp_path):
    house = House(tmp_path, firm=TWO)
    both = (taken(1), taken(1, repository="far"))
    assert letters(house, *both, taken(2), now=datetime(2026, 11, 2, 12, tzinfo=UTC)) == "+~"
    house.close()


def test_a_run_saved_after_midnight_counts_for_the_day_it_was_due(tmp_path):
    house = House(tmp_path, firm=FIRM.replace("30 2 * * *", "45 23 * * *"))
    late = [taken(day, 0) for day in (2, 3, 4)]
    assert letters(house, *late, now=datetime(2026, 11, 4, 12, tzinfo=UTC)) == "+++"
    house.close()


def test_on_a_terminal_it_is_dots_and_says_what_they_mean(house):
    plan = house.workspace.backup_plans["file-share"]
    months = [month_of(plan, Known((taken(8), taken(10)), (), NOW), NOVEMBER)]
    dots = calendar_text(months, plain=False)
    lines = click.unstyle(dots).splitlines()
    assert lines[0] == "November 2026"
    assert lines[1].split() == ["1", "5", "10", "15", "20", "25", "30"]
    assert lines[1].index("10") == lines[2].index("●○●") + 2
    assert lines[-1] == "● good   ○ missing"
    assert dots != click.unstyle(dots)
    assert calendar_text(months, plain=True).isascii()
    assert calendar_text(months).isascii(), "a test's output is no terminal"


@pytest.mark.parametrize(
    ("today", "wanted", "shown"),
    [
        (date(2026, 11, 20), None, ["2026-11"]),
        (date(2026, 11, 3), None, ["2026-10", "2026-11"]),
        (date(2027, 1, 3), None, ["2026-12", "2027-01"]),
        (date(2026, 11, 3), date(2026, 2, 1), ["2026-02"]),
    ],
)
def test_early_in_a_month_the_last_one_is_shown_too(today, wanted, shown):
    assert [f"{first:%Y-%m}" for first in months_shown(today, wanted)] == shown


def test_all_plans_stand_below_each_other(house):
    said = calendar_of(house.workspace, Known((taken(9), taken(10)), (), NOW), None, date(2026, 11, 7))
    assert said.splitlines()[0] == "November 2026"
    assert said.count("file-share") == 1
    empty = Known((), (), NOW)
    assert "file-share" in calendar_of(house.workspace, empty, None, None)


def test_the_clocks_going_back_lose_and_add_no_day(house):
    plan = house.workspace.backup_plans["file-share"]
    first = datetime(2026, 10, 1, 1, 30, tzinfo=UTC)
    october = [
        taken(1, time=first + timedelta(days=day, hours=day > 23, minutes=5), id=str(day)) for day in range(31)
    ]
    month = month_of(plan, Known(october, (), NOW), date(2026, 10, 1))
    assert set(month.days) == {Mark.GOOD}
