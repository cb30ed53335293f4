"""The verdict on a drill, for everything that may have been seen."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.drills.verdict import Code, Finding, Obstacle, Seen, Targets, Verdict, judge_drill
from tocsin.manifest import Comparison
from tocsin.ports import CheckSummary, RestoreSummary
from tocsin.recovery import DamagedObject

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
SOUND = Seen(
    targets=Targets(rto=4 * HOUR, rpo=24 * HOUR),
    check=CheckSummary(ok=True),
    restore=RestoreSummary(files_restored=3, total_files=3, bytes_restored=9, ok=True),
    comparison=Comparison(matching=3, hashed_bytes=9),
    rto=SECOND,
    rpo=HOUR,
)
LOCKED = Obstacle("repository local: it is locked.", 4)
PACK = "ab" * 32


def broken_restore(*errors):
    return RestoreSummary(files_restored=2, total_files=3, bytes_restored=6, ok=False, errors=errors)


def test_everything_sound_and_in_time_passes():
    verdict = judge_drill(SOUND)
    assert (verdict.verdict, verdict.findings, verdict.obstacle) == (Verdict.PASSED, (), None)


FAILING = {
    "a target of time missed": ({"rto": 5 * HOUR}, Code.RTO_MISSED),
    "a target of age missed": ({"rpo": 25 * HOUR}, Code.RPO_MISSED),
    "a pack": ({"check": CheckSummary(ok=False, broken_packs=(PACK,))}, Code.DAMAGED_OBJECT),
    "an error of check": ({"check": CheckSummary(ok=False, errors=("tree 12ab not found",))}, Code.DAMAGED_OBJECT),
    "a check that names nothing": ({"check": CheckSummary(ok=False)}, Code.DAMAGED_OBJECT),
    "a key file": ({"damaged": (DamagedObject("key 12ab", "altered"),)}, Code.DAMAGED_OBJECT),
    "a file restic could not restore": ({"restore": broken_restore(("/srv/a", "bad"))}, Code.DAMAGED_FILE),
    "a restore that names nothing": ({"restore": broken_restore()}, Code.DAMAGED_FILE),
    "a missing file": ({"comparison": Comparison(2, 6, missing=("/srv/a",))}, Code.MISSING_FILE),
    "a changed file": ({"comparison": Comparison(2, 6, changed=("/srv/a",))}, Code.CHANGED_FILE),
    "another manifest": ({"comparison": None, "manifest_problem": "It was exchanged."}, Code.MANIFEST),
    "no snapshot": ({"broken": (Finding(Code.NO_SNAPSHOT, "There is none."),)}, Code.NO_SNAPSHOT),
}


@pytest.mark.parametrize(("changed", "code"), FAILING.values(), ids=FAILING)
def test_each_of_these_alone_fails_it(changed, code):
    verdict = judge_drill(replace(SOUND, **changed))
    assert verdict.verdict is Verdict.FAILED
    assert [finding.code for finding in verdict.failing] == [code]
    assert verdict.failing[0].sentence.endswith(".")


def test_what_merely_changed_during_the_backup_is_told_and_passes():
    compared = Comparison(2, 6, extra=("/srv/new",), changed_during_backup=("/srv/log",), unvouched=("/srv/x",))
    verdict = judge_drill(replace(SOUND, comparison=compared))
    assert verdict.verdict is Verdict.PASSED
    assert [finding.thing for finding in verdict.findings] == ["/srv/new", "/srv/log", "/srv/x"]


def test_a_target_reached_to_the_tick_is_reached():
    assert judge_drill(replace(SOUND, rto=4 * HOUR, rpo=24 * HOUR)).verdict is Verdict.PASSED


def test_an_obstacle_is_neither_passed_nor_failed():
    verdict = judge_drill(Seen(targets=SOUND.targets, rpo=HOUR, obstacle=LOCKED))
    assert verdict.verdict is Verdict.COULD_NOT_RUN
    assert verdict.obstacle is LOCKED


def test_a_missed_target_says_nothing_when_the_drill_could_not_run():
    verdict = judge_drill(Seen(targets=SOUND.targets, rpo=30 * HOUR, obstacle=LOCKED))
    assert verdict.verdict is Verdict.COULD_NOT_RUN
    assert verdict.failing == ()


def test_proof_of_damage_outweighs_what_could_not_be_run():
    seen = replace(SOUND, check=CheckSummary(ok=False, broken_packs=(PACK,)), obstacle=LOCKED)
    assert judge_drill(seen).verdict is Verdict.FAILED


def test_damage_elsewhere_leaves_the_plan_s_own_files_right():
    assert judge_drill(replace(SOUND, damaged=(DamagedObject("key 1", "altered"),))).files_are_right
    assert not judge_drill(replace(SOUND, restore=broken_restore(("/srv/a", "bad")))).files_are_right
    assert not judge_drill(
        replace(SOUND, broken=FAILING["no snapshot"][0]["broken"], comparison=None)
    ).files_are_right


def test_the_same_pack_is_named_once_although_two_tell_of_it():
    errors = (f"pack {PACK} contains 1 errors: [unexpected pack id]",)
    verdict = judge_drill(replace(SOUND, check=CheckSummary(ok=False, errors=errors, broken_packs=(PACK,))))
    assert [finding.thing for finding in verdict.findings] == [f"pack {PACK}"]


def test_the_same_file_is_named_once_and_files_come_first():
    seen = replace(
        SOUND,
        check=CheckSummary(ok=False, broken_packs=(PACK,)),
        restore=broken_restore(("/srv/a", "bad")),
        comparison=Comparison(2, 6, missing=("/srv/a",)),
    )
    assert [finding.thing for finding in judge_drill(seen).findings] == ["/srv/a", f"pack {PACK}"]


def test_a_hundred_thousand_lost_files_are_counted_and_fifty_named():
    lost = tuple(f"/srv/{number}" for number in range(100_000))
    findings = judge_drill(replace(SOUND, comparison=Comparison(0, 0, missing=lost))).findings
    assert len(findings) == 51
    assert findings[-1].sentence == "And 99950 more files."


PARTS = {
    "check": st.sampled_from([None, CheckSummary(ok=True), CheckSummary(ok=False)]),
    "restore": st.sampled_from([None, SOUND.restore, broken_restore(("/srv/a", "bad"))]),
    "comparison": st.sampled_from([None, SOUND.comparison, Comparison(2, 6, changed=("/srv/a",))]),
    "rto": st.sampled_from([None, SECOND, 9 * HOUR]),
    "rpo": st.sampled_from([None, HOUR, 99 * HOUR]),
    "obstacle": st.sampled_from([None, LOCKED]),
    "manifest_problem": st.sampled_from([None, "It was exchanged."]),
}


@given(st.fixed_dictionaries(PARTS))
def test_only_what_was_proved_whole_passes(parts):
    verdict = judge_drill(replace(SOUND, **parts)).verdict
    sound = {name: getattr(SOUND, name) for name in PARTS}
    assert (verdict is Verdict.PASSED) == (parts == sound)


@given(st.fixed_dictionaries({name: kind for name, kind in PARTS.items() if name != "obstacle"}))
def test_an_obstacle_never_turns_a_failure_into_a_pass(parts):
    without = judge_drill(replace(SOUND, **parts))
    assert judge_drill(replace(SOUND, **parts, obstacle=LOCKED)).verdict is not Verdict.PASSED
    if without.verdict is Verdict.PASSED:
        assert without.failing == ()
