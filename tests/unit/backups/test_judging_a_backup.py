"""The verdict on a backup, from facts alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.backups import BackupFacts, Freshness, LedgerEntry, Reason, Verdict, judge_backup
from tocsin.backups.freshness import judge_freshness
from tocsin.backups.judging import named
from tocsin.backups.watching import Seen, repository_alarms
from tocsin.errors import Temporary
from tocsin.manifest import SourceFault
from tocsin.ports import BackupSummary, Snapshot

FRIDAY = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)
SUMMARY = BackupSummary(
    snapshot_id="a" * 64,
    files_new=0,
    files_changed=0,
    files_unmodified=12,
    data_added_bytes=0,
    data_added_packed_bytes=0,
    total_files=12,
    total_bytes=1000,
    started_at=FRIDAY,
    finished_at=FRIDAY,
    incomplete=False,
)
GOOD = BackupFacts(manifest_files=10, summary=SUMMARY)


def test_a_whole_backup_is_ok_and_says_nothing():
    judged = judge_backup(GOOD)
    assert (judged.verdict, judged.codes, judged.reasons, judged.notes) == (Verdict.OK, (), (), ())
    assert judged.is_ok


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (
            replace(GOOD, summary=replace(SUMMARY, incomplete=True, unreadable=("/srv/a",))),
            Reason.RESTIC_INCOMPLETE,
        ),
        (replace(GOOD, unread=("/srv/a",)), Reason.UNREAD),
        (replace(GOOD, faults={"/srv": SourceFault.MISSING}), Reason.SOURCE_MISSING),
        (replace(GOOD, faults={"/srv": SourceFault.EMPTY}), Reason.SOURCE_EMPTY),
        (replace(GOOD, faults={"/srv": SourceFault.LINK}), Reason.SOURCE_LINK),
        (replace(GOOD, manifest_files=11), Reason.FEWER_FILES),
    ],
)
def test_whatever_is_missing_makes_it_incomplete_with_a_reason(facts, code):
    judged = judge_backup(facts)
    assert judged.verdict is Verdict.INCOMPLETE
    assert judged.codes == (code,)
    assert len(judged.reasons) == 1


@pytest.mark.parametrize("summary", [None, replace(SUMMARY, snapshot_id=None)])
def test_without_a_snapshot_it_has_failed(summary):
    judged = judge_backup(replace(GOOD, summary=summary))
    assert judged.verdict is Verdict.FAILED
    assert Reason.NO_SNAPSHOT in judged.codes


def test_a_file_that_changed_meanwhile_is_named_and_spoils_nothing():
    judged = judge_backup(replace(GOOD, changed=("/srv/log",)))
    assert judged.is_ok
    assert "/srv/log" in judged.notes[0]


def test_files_that_vanished_meanwhile_are_not_missed():
    judged = judge_backup(replace(GOOD, manifest_files=12, changed=("/srv/a", "/srv/b")))
    assert judged.is_ok


@given(
    incomplete=st.booleans(),
    faults=st.dictionaries(st.text(max_size=3), st.sampled_from(SourceFault), max_size=3),
    unread=st.lists(st.text(max_size=3), max_size=2).map(tuple),
    manifest_files=st.integers(0, 20),
)
def test_it_is_ok_only_when_nothing_at_all_was_wrong(incomplete, faults, unread, manifest_files):
    summary = replace(SUMMARY, incomplete=incomplete)
    judged = judge_backup(BackupFacts(faults, manifest_files, unread, (), summary))
    whole = not incomplete and not faults and not unread and manifest_files <= 10
    assert judged.is_ok == whole
    assert bool(judged.reasons) != whole


def test_many_paths_are_named_by_the_first_few():
    assert named(tuple("abcdefg")) == "a, b, c, d, e and 2 more"
    assert named(("a",)) == "a"


@pytest.mark.parametrize(
    ("age", "state"),
    [
        (timedelta(hours=24), Freshness.FRESH),
        (timedelta(hours=24, seconds=1), Freshness.LATE),
        (timedelta(minutes=-3), Freshness.FRESH),
        (None, Freshness.NEVER),
    ],
)
def test_a_plan_is_late_when_more_would_be_lost_than_its_rpo_allows(age, state):
    last = None if age is None else FRIDAY - age
    assert judge_freshness("files", last, timedelta(hours=24), FRIDAY).state is state


ENTRY = LedgerEntry(
    id="a" * 64,
    repository="local",
    backup_plan="files",
    tree="t" * 64,
    time=FRIDAY,
    verdict="ok",
    files=12,
    bytes=1000,
    added_bytes=0,
    manifest_sha256=None,
    manifest_path=None,
    paths=(),
    changed=(),
    operation="o" * 32,
)
TAGS = ("tocsin", "plan:files", f"operation:{'o' * 32}", "hold")
SNAPSHOT = Snapshot(id="a" * 64, tree="t" * 64, time=FRIDAY, hostname="h", paths=(), tags=TAGS)


@pytest.mark.parametrize(
    ("seen", "kinds"),
    [
        (Seen("local", (SNAPSHOT,)), []),
        (Seen("local", (replace(SNAPSHOT, id="b" * 64, original="a" * 64),)), []),
        (Seen("local", ()), ["snapshot.missing"]),
        (Seen("local", (), damaged=("a" * 64,)), ["snapshot.damaged"]),
        (Seen("local", (replace(SNAPSHOT, tree="u" * 64),)), ["snapshot.changed"]),
        (Seen("local", (replace(SNAPSHOT, tags=("tocsin", "plan:files")),)), ["snapshot.retagged"]),
        (Seen("local", (SNAPSHOT, replace(SNAPSHOT, id="c" * 64))), ["snapshot.foreign"]),
        (
            Seen("local", (SNAPSHOT, replace(SNAPSHOT, id="c" * 64, time=FRIDAY + timedelta(days=900)))),
            ["snapshot.future", "snapshot.foreign"],
        ),
        (Seen("local", (SNAPSHOT, replace(SNAPSHOT, id="c" * 64)), ours=frozenset({"c" * 64})), []),
        (
            Seen(
                "local",
                (SNAPSHOT, replace(SNAPSHOT, id="c" * 64, tags=("operation:1",))),
                ours=frozenset({"operation:1"}),
            ),
            [],
        ),
        (Seen("local", (SNAPSHOT, replace(SNAPSHOT, id="c" * 64, tags=("operation:1",)))), ["snapshot.foreign"]),
        (Seen("local", fault=Temporary("out of reach")), ["repository.unchecked"]),
    ],
)
def test_what_a_repository_holds_is_compared_with_the_ledger(seen, kinds):
    assert [alarm.kind for alarm in repository_alarms(seen, [ENTRY], FRIDAY)] == kinds


def test_a_tree_nobody_has_seen_yet_is_no_difference():
    assert repository_alarms(Seen("local", (SNAPSHOT,)), [replace(ENTRY, tree="")], FRIDAY) == []
