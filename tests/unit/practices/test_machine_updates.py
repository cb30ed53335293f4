"""What a machine says of its updates: what a Debian really prints, and everything that must not read as up to date."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from practice_ground import BEHIND, BEHIND_AT, Answering, answered_by, practising, up_to_date
from simulators.house import House, Unreachable
from tocsin.adapters.shell import SystemShell
from tocsin.alarms import standing as standing_alarms
from tocsin.findings import open_findings
from tocsin.ports import Said
from tocsin.practices import (
    Update,
    check_updates,
    check_updates_if_due,
    go_practice_round,
    history_of,
    opened,
    practice_named,
)
from tocsin.practices.updates import END, PROGRAM, judge_machine


@pytest.fixture
def firm(tmp_path: Path) -> Iterator[House]:
    house = practising(tmp_path)
    yield house
    house.close()


def _said(text: str, code: int | None = 0, *, is_cut: bool = False) -> Said:
    return Said(code, text, "", is_cut)


def test_a_debian_that_is_behind_names_what_is_about_security() -> None:
    found = judge_machine("crm", _said(BEHIND), BEHIND_AT)
    assert (found.state, found.unattended) == (Update.BEHIND, False)
    assert found.sentence == "5 security updates waiting; 3 other updates waiting"
    assert {one.name: one.is_security for one in found.waiting}["krb5-locales"]
    assert not {one.name: one.is_security for one in found.waiting}["sed"]


def test_a_machine_with_nothing_waiting_is_up_to_date() -> None:
    found = judge_machine("crm", _said(up_to_date(BEHIND_AT)), BEHIND_AT)
    assert (found.state, found.sentence, found.unattended) == (Update.CURRENT, "up to date", True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not complete"),
        (BEHIND.replace("--- tocsin end\n", ""), "not complete"),
        (BEHIND.replace("--- tocsin apt-done\n", ""), "not complete"),
        ("--- tocsin system\nalpine 3\n--- tocsin no-apt\n", "no Debian"),
        (up_to_date(BEHIND_AT).replace(f"{BEHIND_AT - timedelta(hours=3):%s}\n", ""), "never fetched"),
        (BEHIND.replace("[upgradable from: 4.9-1]", "[aktualisierbar von: 4.9-1]"), "could not be read"),
        (
            up_to_date(BEHIND_AT).replace("--- tocsin end", "--- tocsin pip\nNo module named pip\n--- tocsin end"),
            "Python",
        ),
        (
            up_to_date(BEHIND_AT).replace(
                "--- tocsin end", "--- tocsin pip\n[{]\n--- tocsin pip-done\n--- tocsin end"
            ),
            "Python",
        ),
    ],
)
def test_what_is_missing_or_unreadable_is_unknown_and_never_up_to_date(text: str, why: str) -> None:
    found = judge_machine("crm", _said(text), BEHIND_AT)
    assert found.state is Update.UNKNOWN
    assert why in found.sentence


def test_an_answer_cut_short_or_lists_of_last_month_are_unknown() -> None:
    fresh = up_to_date(BEHIND_AT)
    assert judge_machine("crm", _said(fresh, is_cut=True), BEHIND_AT).state is Update.UNKNOWN
    assert judge_machine("crm", _said(fresh, None), BEHIND_AT).state is Update.UNKNOWN
    old = f"{BEHIND_AT - timedelta(days=8):%s}"
    stale = fresh.replace(f"{BEHIND_AT - timedelta(hours=3):%s}", old)
    assert "last fetched its lists" in judge_machine("crm", _said(stale), BEHIND_AT).sentence


def test_an_update_that_needs_a_restart_protects_nobody_yet() -> None:
    text = up_to_date(BEHIND_AT).replace("--- tocsin reboot\n", "--- tocsin reboot\nyes\n")
    found = judge_machine("crm", _said(text), BEHIND_AT)
    assert (found.state, found.sentence) == (Update.BEHIND, "needs a restart")


def test_python_packages_may_wait_a_month_and_no_longer() -> None:
    pip = '--- tocsin pip\n[{"name": "jinja2", "version": "3.1.0", "latest_version": "3.1.6"}]\n--- tocsin pip-done\n'
    said = _said(up_to_date(BEHIND_AT).replace("--- tocsin end", f"{pip}--- tocsin end"))
    first = judge_machine("crm", said, BEHIND_AT)
    assert (first.state, first.sentence) == (Update.CURRENT, "up to date (1 other update waiting)")
    later = BEHIND_AT + timedelta(days=32)
    again = said.stdout.replace(f"{BEHIND_AT:%s}", f"{later:%s}")
    again = again.replace(f"{BEHIND_AT - timedelta(hours=3):%s}", f"{later - timedelta(hours=3):%s}")
    assert judge_machine("crm", _said(again), later, first).state is Update.BEHIND


def test_an_unreachable_machine_is_unknown_and_its_late_updates_do_not_grow_young(firm: House) -> None:
    updates = practice_named(firm.workspace, "software-updates")
    firm.clock.set(BEHIND_AT)
    check_updates(answered_by(firm.ctx, BEHIND), updates)
    firm.clock.advance(timedelta(days=15))
    away = check_updates(replace(firm.ctx, shell=Unreachable("crm")), updates)
    (machine,) = away.machines
    assert (away.verdict, machine.sentence) == (Update.UNKNOWN, "unknown: crm is out of reach.")
    assert len(machine.late(firm.clock.now(), timedelta(days=14))) == 5
    with firm.store.read() as connection:
        assert [one.code for one in open_findings(connection, source="practice")] == ["update-late"]
        assert history_of(connection, updates.name) == ()


def test_late_security_updates_raise_an_alarm_by_day_that_ends_when_they_are_in(firm: House) -> None:
    updates = practice_named(firm.workspace, "software-updates")
    firm.clock.set(BEHIND_AT)
    check_updates(answered_by(firm.ctx, BEHIND), updates)
    firm.clock.set(datetime(2026, 12, 9, 10, tzinfo=UTC))
    go_practice_round(answered_by(firm.ctx, BEHIND))
    with firm.store.read() as connection:
        assert [one.subject for one in standing_alarms(connection, ["practice.update-late"])] == ["system:crm"]
    check_updates(answered_by(firm.ctx, up_to_date(firm.clock.now())), updates)
    go_practice_round(firm.ctx)
    with firm.store.read() as connection:
        assert standing_alarms(connection, ["practice.update-late"]) == ()


def test_machines_are_looked_at_once_a_night_and_never_by_day(firm: House) -> None:
    ctx = answered_by(firm.ctx, BEHIND)
    looked = []
    firm.clock.set(datetime(2026, 11, 23, 12, tzinfo=UTC))
    for _ in range(48):
        firm.clock.advance(timedelta(hours=1))
        if check_updates_if_due(ctx, firm.clock.now()):
            looked.append(firm.clock.now().strftime("%d %H"))
    assert looked == ["23 22", "24 22"]


def test_a_check_that_saw_every_terminal_settles_the_practice_and_fills_in_the_worksheet(tmp_path: Path) -> None:
    kept = "practices:\n  software-updates: {this_machine: crm, systems: [file-share]}\n"
    house = practising(tmp_path, kept)
    updates = practice_named(house.workspace, "software-updates")
    ctx = answered_by(house.ctx, up_to_date(house.clock.now()))
    # The file share has no ssh: nobody can look, so the check alone settles nothing.
    check = check_updates(ctx, updates)
    assert {one.system: one.state for one in check.machines} == {
        "crm": Update.CURRENT,
        "file-share": Update.UNKNOWN,
    }
    sheet = opened(ctx, updates)
    assert {row.key: row.answer for row in sheet.rows} == {"crm": "yes", "file-share": ""}
    with house.store.read() as connection:
        assert history_of(connection, updates.name) == ()
    house.close()


def test_our_own_machine_answers_in_full(firm: House) -> None:
    """The program runs for real here; on a machine without apt it says so."""
    shell = SystemShell({"PATH": "/usr/bin:/bin"})
    ctx = replace(firm.ctx, shell=shell)
    firm.clock.set(datetime.now(UTC))
    (machine,) = check_updates(ctx, practice_named(firm.workspace, "software-updates")).machines
    assert "not complete" not in machine.why
    assert "could not be read" not in machine.why


def test_the_program_runs_without_a_shell_of_its_own(firm: House) -> None:
    shell = Answering(Said(0, up_to_date(firm.clock.now()), ""))
    check_updates(replace(firm.ctx, shell=shell), practice_named(firm.workspace, "software-updates"))
    (asked,) = shell.asked
    assert asked.argv == ("sh", "-s")
    assert asked.stdin == PROGRAM + END
