"""The ransomware alarm: what it flags at once, and what it lets pass, on single days and on generated years."""

from datetime import date, timedelta

import pytest

from simulators.backup_years import ATTACKS, BURSTS, FIRMS, live
from tocsin.backups.plausibility import Day, Plausibility, Sign, judge_plausibility
from tocsin.backups.ransom_names import extension_of, ransom_names
from tocsin.backups.signs import Signs, signs_of
from tocsin.manifest import NOISE, TEXT, Change, Delta

MONDAY = date(2026, 11, 23)
QUIET = [
    Day(MONDAY - timedelta(days=number), churn=0.01, added_bytes=1_000_000, packed_share=0.5)
    for number in range(1, 60)
]
NAMES = ransom_names()


def judge(history=QUIET, **signs):
    return judge_plausibility(Signs(**{"files_before": 1000, "files_now": 1000} | signs), history, MONDAY)


def codes(judged):
    return [code for code, _ in judged.reasons]


@pytest.mark.parametrize(
    "signs",
    [
        {"encrypted_in_place": 20},
        {"encrypted_renamed": 20, "removed": 20, "added": 20},
        {"files_before": 30, "files_now": 30, "encrypted_in_place": 12, "encrypted_renamed": 8},
        {"files_before": 1_000_000, "files_now": 1_000_000, "encrypted_in_place": 250},
        {"canaries": ("/share/passwords.docx",)},
        {"appended": 25, "strange": 25, "strange_extension": "qq9", "moved": 25},
        {"ransom_named": 20, "ransom_extension": "lockbit"},
        {"notes": 7, "note": "HOW_TO_DECRYPT.txt"},
        {"files_now": 0},
        {"files_now": 400},
        {"files_before": 1, "files_now": 1, "bytes_before": 9_000_000, "bytes_now": 900},
        {"rewritten_noise": 40},
        {"is_first": True, "files_before": 0, "misfits": 30},
    ],
    ids=str,
)
def test_it_flags_what_no_honest_day_does(signs):
    assert judge(**signs).state is Plausibility.FLAGGED


@pytest.mark.parametrize(
    "signs",
    [
        {},
        {"encrypted_in_place": 5},
        {"added": 900, "added_bytes": 9_000_000_000, "packed_bytes": 8_900_000_000},
        {"changed": 1000, "added_bytes": 4_000_000_000, "packed_bytes": 1_000_000_000},
        {"moved": 900},
        {"removed": 300, "files_now": 700},
        {"notes": 1, "note": "restore-instructions.md"},
        {"strange": 30, "strange_extension": "qq9", "added": 40, "removed": 3},
        {"is_first": True, "files_before": 0, "files_now": 5000, "misfits": 3},
    ],
    ids=str,
)
def test_it_lets_a_busy_day_pass(signs):
    assert judge(**signs).state is Plausibility.CLEAN


def test_without_history_it_still_knows_an_attack_and_says_no_more():
    assert judge([], encrypted_in_place=20).state is Plausibility.FLAGGED
    assert judge([], added=900, added_bytes=10**10, packed_bytes=10**10).reasons == ()


def test_a_plan_of_sealed_files_is_judged_by_its_own_habits():
    used = [Day(day.day, rewritten_noise=30) for day in QUIET]
    assert judge(used, rewritten_noise=40).state is Plausibility.CLEAN
    assert judge(used, rewritten_noise=100).state is Plausibility.FLAGGED


def test_what_is_usual_on_a_friday_is_asked_of_fridays():
    fridays = [Day(day.day, churn=0.5 if day.day.weekday() == 0 else 0.01, added_bytes=1_000) for day in QUIET]
    assert codes(judge(fridays, changed=450)) == []
    assert codes(judge_plausibility(Signs(files_before=1000, files_now=1000, changed=450), fridays, date(2026, 11, 25))) == [
        Sign.CHURN
    ]  # fmt: skip


def test_new_noise_counts_only_as_far_as_files_vanished_for_it():
    added = tuple(Change(b"/share/%d.gpg" % number, 5000, NOISE) for number in range(50))
    assert signs_of(Delta(files_before=100, files_now=150, added=added), NAMES).encrypted == 0
    gone = tuple(b"/share/%d.txt" % number for number in range(30))
    assert signs_of(Delta(files_before=100, files_now=120, added=added, removed=gone), NAMES).encrypted == 30


def test_a_short_text_that_is_none_any_more_counts_as_encrypted():
    changed = (Change(b"/share/note.txt", 90, "small", TEXT),)
    assert signs_of(Delta(files_before=1, files_now=1, changed=changed), NAMES).encrypted_in_place == 1


def test_canaries_are_missed_when_changed_moved_or_gone():
    delta = Delta(
        files_before=9,
        files_now=8,
        changed=(Change(b"/a", 1, TEXT, TEXT),),
        removed=(b"/b",),
        moved=((b"/c", b"/d"),),
    )
    assert signs_of(delta, NAMES, [b"/a", b"/b", b"/c", b"/e"]).canaries == ("/a", "/b", "/c")


def test_names_are_read_as_people_and_machines_write_them():
    assert extension_of(b"/x/Letter.DOCX.LockBit") == "lockbit"
    assert extension_of(b"/x/.profile") == ""
    assert NAMES.is_note(b"/x/!!!HOW_TO_DECRYPT!!!.txt")
    assert NAMES.is_note(b"/x/Restore-My-Files.txt")
    assert not NAMES.is_note(b"/x/README.md")
    assert not NAMES.is_note(b"/x/annual report.docx")
    assert not NAMES.is_known("qq9")


@pytest.mark.parametrize("kind", FIRMS)
def test_a_quiet_year_raises_at_most_one_false_alarm_and_every_attack_is_seen_at_once(kind):
    lived = live(kind, 11, days=180, files=900)
    assert len(lived.alarms) <= 1
    for how in ATTACKS:
        for share in (0.02, 0.3):
            judged = lived.attacked(how, share, 3)
            assert judged.state is Plausibility.FLAGGED, (how, share, judged)


@pytest.mark.parametrize("burst", BURSTS)
def test_no_ordinary_burst_is_an_alarm_in_an_office_or_a_studio(burst):
    for kind in ("office", "studio"):
        lived = live(kind, 5, days=30, files=600)
        tomorrow = lived.end + timedelta(days=1)
        judged = lived.memory.judge(lived.firm.day(tomorrow, burst), tomorrow, 0.97)
        assert judged.state is Plausibility.CLEAN, (kind, judged)
