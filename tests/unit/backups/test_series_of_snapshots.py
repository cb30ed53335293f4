"""A plan with dumps has several series of snapshots: each is kept, judged and thinned out by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from tocsin.backups import BackupFacts, Freshness, LedgerEntry, Reason, Verdict, freshness, judge_backup
from tocsin.backups.freshness import last_good_snapshot
from tocsin.backups.last_clean import choose_last_clean
from tocsin.backups.metrics import metrics
from tocsin.backups.retaining import thin_out
from tocsin.backups.suspecting import last_clean_entries
from tocsin.backups.unknown import dump_of
from tocsin.backups.watching import Seen, freshness_alarms, repository_alarms
from tocsin.manifest import SourceFault
from tocsin.model.protection import BackupPlan, Retention
from tocsin.ports import Actor, BackupSummary, DumpFault, Snapshot
from tocsin.store.operations import begin, finish
from tocsin.store.tables import snapshot as snapshots

NOW = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)
ENTRY = LedgerEntry(
    id="0", repository="local", backup_plan="studio", tree="", time=NOW, verdict="ok", files=1, bytes=1,
    added_bytes=1, manifest_sha256=None, manifest_path=None, paths=(), changed=(), operation="o", plausibility="clean",
)  # fmt: skip
SUMMARY = BackupSummary("a" * 64, 0, 0, 0, 0, 0, 12, 1000, NOW, NOW, incomplete=False)
FAILED = DumpFault("failed", "It ended with exit code 1. no server")


def dumps(**faults):
    return tuple(faults.items())


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        (BackupFacts(manifest_files=10, summary=SUMMARY, dumps=dumps(crm=None)), Verdict.OK),
        (BackupFacts(manifest_files=10, summary=SUMMARY, dumps=dumps(crm=None, shop=FAILED)), Verdict.INCOMPLETE),
        (BackupFacts(faults={"/a": SourceFault.MISSING}, dumps=dumps(crm=None)), Verdict.INCOMPLETE),
        (BackupFacts(has_files=False, dumps=dumps(crm=None)), Verdict.OK),
        (BackupFacts(has_files=False, dumps=dumps(crm=FAILED, shop=None)), Verdict.INCOMPLETE),
        (BackupFacts(has_files=False, dumps=dumps(crm=FAILED)), Verdict.FAILED),
        (BackupFacts(faults={"/a": SourceFault.MISSING}, dumps=dumps(crm=FAILED)), Verdict.FAILED),
    ],
)
def test_the_verdict_is_about_the_files_and_every_dump(facts, verdict):
    assert judge_backup(facts).verdict is verdict


@pytest.mark.parametrize("code", ["missing", "failed", "timeout", "empty", "small", "strange"])
def test_every_fault_of_a_dump_has_its_sentence(code):
    judged = judge_backup(BackupFacts(has_files=False, dumps=dumps(crm=DumpFault(code, "said", 17))))
    assert judged.codes == (Reason(f"dump-{code}"),)
    assert judged.reasons[0].startswith("The dump crm has no new snapshot: ")


def test_retention_keeps_its_number_of_each_series():
    entries = [
        replace(ENTRY, id=f"{dump}{days}", dump=dump, time=NOW - timedelta(days=days))
        for dump in ("", "crm")
        for days in range(5)
    ]
    thinned = thin_out(entries, Retention(last=2), held=())
    assert [one.entry.id for one in thinned.kept] == ["0", "crm0", "1", "crm1"]
    assert len(thinned.removed) == 6


def test_a_snapshot_that_lost_the_tag_of_its_dump_was_changed():
    entry = replace(ENTRY, id="b" * 64, dump="crm")
    tags = ("tocsin", "plan:studio", "operation:o")
    snapshot = Snapshot(entry.id, "", NOW, "studio", ("/studio.crm.pgdump",), tags)
    assert [one.kind for one in repository_alarms(Seen("local", (snapshot,)), [entry], NOW)] == [
        "snapshot.retagged"
    ]
    whole = replace(snapshot, tags=(*tags, "dump:crm"))
    assert repository_alarms(Seen("local", (whole,)), [entry], NOW) == []
    assert dump_of(whole.tags) == "crm"
    assert dump_of(tags) == ""


@pytest.fixture
def studio(house):
    """A plan with files and two dumps; `enter` puts a snapshot of one series into the ledger."""
    plan = BackupPlan.model_validate(
        {
            "title": "Everything",
            "sources": [
                {"paths": ["share"]},
                {"dump": {"name": "crm", "kind": "postgres", "database": "crm"}},
                {"dump": {"name": "shop", "kind": "mysql", "database": "shop"}},
            ],
            "repositories": ["local"],
            "schedule": "30 2 * * *",
            "rpo": "24h",
            "rto": "4h",
        }
    ).known_as("studio")
    workspace = replace(house.ctx.workspace, backup_plans={"studio": plan})
    store, actor = house.ctx.store, Actor("maya", "cli")

    def enter(dump, hours, **changed):
        operation = begin(store, actor, "backup", "plan:studio")
        with store.write(actor) as tx:
            row = {
                "id": f"{dump or 'files'}-{hours}",
                "repository": "local",
                "backup_plan": "studio",
                "tree": "",
                "time": NOW - timedelta(hours=hours),
                "verdict": "ok",
                "files": 1,
                "bytes": 100,
                "added_bytes": 1,
                "paths": [],
                "operation": operation.id,
                "plausibility": "clean",
                "dump": dump,
            }
            tx.execute(insert(snapshots).values(row | changed))
            finish(tx, operation, "ok")

    return workspace, store, enter


def fresh(studio):
    workspace, store, _ = studio
    with store.read() as connection:
        (state,) = freshness(connection, workspace, NOW)
    return state


def test_one_fresh_and_one_missing_is_not_fresh(studio):
    _, _, enter = studio
    enter("", 1)
    enter("crm", 1)
    state = fresh(studio)
    assert (state.state, state.series, state.last_ok) == (Freshness.NEVER, "shop", None)
    assert freshness_alarms([state])[0].text.startswith(
        "The dump shop of the backup plan studio has no good snapshot"
    )


def test_a_plan_is_as_old_as_its_oldest_series(studio):
    _, _, enter = studio
    for dump, hours in (("", 1), ("crm", 30), ("shop", 2), ("crm", 50)):
        enter(dump, hours)
    state = fresh(studio)
    assert (state.state, state.series, state.age) == (Freshness.LATE, "crm", timedelta(hours=30))
    assert "The dump crm of the backup plan studio is late" in freshness_alarms([state])[0].text
    enter("crm", 3)
    assert (fresh(studio).state, fresh(studio).series) == (Freshness.FRESH, "crm")


def test_each_series_is_chosen_from_by_itself(studio):
    workspace, store, enter = studio
    for dump, hours in (("", 1), ("crm", 2), ("crm", 5)):
        enter(dump, hours)
    enter("crm", 0, verdict="unknown")
    with store.read() as connection:
        assert last_good_snapshot(connection, "studio").id == "files-1"
        assert last_good_snapshot(connection, "studio", dump="crm").id == "crm-2"
        assert last_good_snapshot(connection, "studio", NOW - timedelta(hours=3), dump="crm").id == "crm-5"
        clean = choose_last_clean(connection, "studio", now=NOW, dump="crm")
        assert (clean.entry.id, clean.named) == ("crm-2", "the dump crm of studio")
        assert [one.entry.id for one in clean.passed_over] == ["crm-0"]
        assert choose_last_clean(connection, "studio", now=NOW, dump="shop").entry is None
        assert {entry.id for entry in last_clean_entries(connection, "studio")} == {"files-1", "crm-2", "crm-5"}
        told = metrics(connection, workspace, NOW)
    assert 'tocsin_backup_files{plan="studio",repository="local"} 1' in told
    assert 'tocsin_backup_newest_good{plan="studio",repository="local",dump="crm"} 0' in told
