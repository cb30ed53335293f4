"""The drill up the ladder, on a real repository: streamed, loaded, asked, forecast, shown to fail, and its evidence."""

import json
import os
import shutil
import sqlite3
import subprocess
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import select, update

from backed_up_ground import (
    LIMITS,
    PASSWORD,
    Blob,
    Seed,
    enter,
    flip,
    ground_at,
    now,
    take,
)
from cheap_keys import make_cheap
from simulators.chance import CrashAt, PowerCut
from tocsin.adapters.http import SystemHttp
from tocsin.adapters.restic import ResticBinary
from tocsin.drills import Verdict, drill_history, must_fail, prove_it_can_fail, run_drill, verify_evidence
from tocsin.drills.evidence import export_evidence
from tocsin.drills.ladder import proven_systems
from tocsin.drills.verdict import Code
from tocsin.errors import UsageError
from tocsin.findings import open_findings
from tocsin.manifest import Comparison
from tocsin.model.drill import Drill
from tocsin.model.holdings import System
from tocsin.model.ladder import Rung
from tocsin.model.people import Person
from tocsin.ports import RepositoryAccess
from tocsin.recovery.databases import NoDatabaseServer
from tocsin.store.sealed_files import SIGNATURE, SUMS
from tocsin.store.tables import operation as operations
from tocsin.store.tables import snapshot as snapshots

DRILL = "files-quarterly"
SHOP = """\
CREATE TABLE orders (id integer PRIMARY KEY, at timestamptz NOT NULL);
INSERT INTO orders SELECT number, '2026-11-20T00:00Z'::timestamptz + number * interval '1 hour'
FROM generate_series(1, 5) AS number;
"""


@pytest.fixture(scope="session")
def ladder_seed(tmp_path_factory, restic_path):
    return make_databases(tmp_path_factory.getbasetemp() / "databases", restic_path)


@cache
def make_databases(folder, restic_path):
    """A share with letters, a SQLite database and a dump of PostgreSQL, backed up twice."""
    source = folder / "share"
    (source / "letters").mkdir(parents=True)
    for number in range(4):
        (source / "letters" / f"{number}.txt").write_text(f"Dear {number},\n" * 3000)
    (source / "shop.sql").write_text(SHOP)
    with sqlite3.connect(source / "crm.sqlite") as crm:
        crm.execute("CREATE TABLE contacts (id integer PRIMARY KEY)")
        crm.executemany("INSERT INTO contacts VALUES (?)", [(number,) for number in range(100)])
    crm.close()
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o600)
    restic = ResticBinary(restic_path, cache_dir=folder / "cache", environ=os.environ, limits=LIMITS)
    access = RepositoryAccess("local", str(folder / "repository"), folder / "password")
    restic.init(access)
    make_cheap(folder / "repository", PASSWORD, restic_path)
    first = take(restic, access, folder, source)
    before = packs(folder / "repository")
    os.utime(source / "shop.sql")  # the manifest tells of it: what is new in the second backup is the manifest
    second = take(restic, access, folder, source)
    # Two packs are new: folders' listings, and the manifest's two small files.
    news = min(packs(folder / "repository") - before, key=lambda pack: pack.stat().st_size)
    return Seed(folder, source, first, second, Blob(news.name, 0, news.stat().st_size))


def packs(repository):
    return set((repository / "data").rglob("*")) - set((repository / "data").iterdir())


@pytest.fixture
def ground(tmp_path, ladder_seed, restic_path):
    with ground_at(tmp_path, ladder_seed, restic_path) as ground:
        yield ground


def drilling(ground, **changed):
    """The context with a drill that asks for more."""
    share = ground.seed.source
    written = json.loads(json.dumps(changed).replace("SHARE", str(share)))
    drill = Drill(drill=DRILL, title="Bring back the share", backup_plan="files", **written)
    maya = Person(name="Maya Lind", email="maya@larkfield.example").known_as("maya")
    systems = {
        "crm": System(title="Contacts", kind="database", paths=[f"{share}/crm.sqlite"]).known_as("crm"),
        "letters": System(title="Letters", kind="file_share", paths=[f"{share}/letters"]).known_as("letters"),
    }
    workspace = replace(ground.ctx.workspace, drills={DRILL: drill}, people={"maya": maya}, systems=systems)
    return replace(ground.ctx, workspace=workspace, http=SystemHttp())


CRM = {
    "kind": "sqlite",
    "dump": "SHARE/crm.sqlite",
    "assertions": [{"query": "select count(*) from contacts", "at_least": 100, "within": "10%"}],
}
ORDERS = {
    "kind": "postgres",
    "dump": "SHARE/shop.sql",
    "assertions": [{"query": "select count(*) from orders", "expect": 5}],
    "newest": "select max(at) from orders",
}


def codes(outcome):
    return [finding.code for finding in outcome.verdict.failing]


# --- the higher rungs -------------------------------------------------------------------------------------


@pytest.mark.postgres
def test_databases_are_loaded_and_asked_and_the_evidence_stands_by_itself(ground, tmp_path, openssl):
    ctx = drilling(
        ground,
        targets={"rpo": "90 years"},
        databases=[CRM, ORDERS],
        checks=[
            {"command": ["sh", "-c", "ls {restored}SHARE/letters && echo $PGDATABASE"], "contains": "restored"},
            {"file": "SHARE/letters/1.txt", "contains": "Dear 1"},
        ],
    )
    outcome = run_drill(ctx, DRILL, participants=["maya"])
    assert outcome.verdict.verdict is Verdict.PASSED, outcome.verdict
    assert outcome.verdict.reached is Rung.L5
    assert ground.scratch == []
    phases = outcome.notebook.phases
    assert min(phases.fetch, phases.load, phases.verify, phases.start) > timedelta(0)
    assert outcome.notebook.seen().rto == phases.total

    report = json.loads(outcome.report.json.read_bytes())
    assert [database["engine"] for database in report["databases"]] == ["sqlite", "postgres"]
    assert report["participants"] == ["Maya Lind"]
    assert report["newest_record"]["at"] == "2026-11-20T05:00:00Z"
    assert outcome.report.pdf.read_bytes().startswith(b"%PDF")
    with ctx.store.read() as connection:
        proven = {one.system: one.proven.rung for one in proven_systems(connection, ctx.workspace)}
    assert proven == {"crm": Rung.L4, "letters": Rung.L5}

    handed = tmp_path / "handed"
    export_evidence(ctx, outcome.operation, outcome.report.folder, handed)
    assert verify_evidence(handed).problems == ()
    assert verify_evidence(handed, ctx.store.keys_folder / "journal.pub").known
    checks = [
        [
            openssl,
            *["pkeyutl", "-verify", "-pubin", "-inkey", "journal.pub", "-rawin", "-in"],
            SUMS,
            "-sigfile",
            SIGNATURE,
        ],
        ["sha256sum", "--quiet", "-c", SUMS],
    ]
    for argv in checks:
        subprocess.run(argv, cwd=handed, check=True, capture_output=True)
    for name in ("report.html", "report.json", "report.pdf", "journal.jsonl", "README.txt", SUMS):
        spoilt = tmp_path / f"spoilt-{name}"
        shutil.copytree(handed, spoilt)
        flip(spoilt / name, (spoilt / name).stat().st_size // 2)
        assert verify_evidence(spoilt).problems, name
    (handed / "more.txt").write_text("a page put in later")
    assert "it came later" in verify_evidence(handed).problems[0]


def test_a_dump_that_loads_and_lacks_rows_fails_and_is_a_finding_until_it_is_settled(ground):
    lacking = {**CRM, "assertions": [{"query": "select count(*) from contacts", "at_least": 101}]}
    ctx = drilling(ground, databases=[lacking])
    outcome = run_drill(ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.FAILED
    assert codes(outcome) == [Code.ASSERTION]
    assert "found 100, not at least 101" in outcome.verdict.failing[0].sentence
    assert (outcome.verdict.reached, outcome.verdict.broken) == (Rung.L3, Rung.L4)
    with ctx.store.read() as connection:
        (finding,) = open_findings(connection, source="drill", subject=f"drill:{DRILL}")
    assert (finding.code, finding.source_id) == ("assertion", outcome.operation)


def test_fewer_rows_than_the_last_drill_found_fail_it(ground):
    ctx = drilling(ground, databases=[CRM])
    assert run_drill(ctx, DRILL).verdict.verdict is Verdict.PASSED
    last = update(operations).where(operations.c.kind == "drill")
    with ctx.store.read() as connection:
        (detail,) = connection.execute(select(operations.c.detail).where(operations.c.kind == "drill")).scalars()
    (key,) = detail["values"]
    with ctx.store.write(ctx.actor) as tx:
        tx.execute(last.values(detail={**detail, "values": {key: 200}}))  # as if there had been more
    outcome = run_drill(ctx, DRILL)
    assert codes(outcome) == [Code.ASSERTION]
    assert "the last drill found 200" in outcome.verdict.failing[0].sentence


def test_records_that_stand_still_fail_it_although_the_snapshot_is_new(ground):
    newest = {**CRM, "newest": "select '2020-01-01'"}
    outcome = run_drill(drilling(ground, databases=[newest]), DRILL)
    assert codes(outcome) == [Code.RECORDS_OLD]
    assert "although the snapshot was only" in outcome.verdict.failing[0].sentence


def test_a_server_that_is_not_there_is_neither_passed_nor_failed(ground, monkeypatch):
    monkeypatch.setattr("tocsin.recovery.databases.mariadb.mariadb_programs", no_server, raising=True)
    mariadb = {**CRM, "kind": "mariadb", "dump": "SHARE/shop.sql"}
    outcome = run_drill(drilling(ground, databases=[mariadb]), DRILL)
    assert outcome.verdict.verdict is Verdict.COULD_NOT_RUN
    assert outcome.verdict.reached is Rung.L3
    assert outcome.exit_code == 2


def no_server():
    raise NoDatabaseServer("Could not run: this machine has no MariaDB.")


def test_an_application_that_does_not_answer_fails_it(ground):
    ctx = drilling(ground, checks=[{"command": ["sh", "-c", "echo no such shop >&2; exit 3"]}])
    outcome = run_drill(ctx, DRILL)
    assert codes(outcome) == [Code.CHECK]
    assert "ended with 3: no such shop" in outcome.verdict.failing[0].sentence
    assert outcome.verdict.broken is Rung.L5


def test_an_application_is_started_apart_and_asked_for_its_page(ground):
    python = Path("/usr/bin/python3")
    if not python.exists():
        pytest.skip("no system Python to serve a page with")
    serve = [str(python), "-m", "http.server", "18089", "--bind", "127.0.0.1", "-d", "{restored}SHARE/letters"]
    page = {"start": serve, "http": "http://127.0.0.1:18089/1.txt", "contains": "Dear 1"}
    outcome = run_drill(drilling(ground, checks=[page], packs="part"), DRILL)
    assert outcome.verdict.verdict is Verdict.PASSED, outcome.verdict
    assert outcome.notebook.phases.start > timedelta(0)


# --- lower, and other choices -----------------------------------------------------------------------------


def test_a_stream_is_hashed_without_touching_a_disk(ground):
    ctx = drilling(ground, targets={"integrity": "L2"})
    outcome = run_drill(ctx, DRILL)
    assert outcome.verdict.verdict is Verdict.PASSED, outcome.verdict
    assert outcome.verdict.reached is Rung.L2
    assert outcome.notebook.streamed.matching == 6
    assert outcome.notebook.seen().rto is None
    assert not any((ctx.workspace.state_folder / "scratch").glob("*"))


def test_a_streamed_file_that_is_missing_from_the_backup_set_fails_it_by_name(ground, restic_path):
    left_out = ground.seed.source / "letters" / "2.txt"
    argv = [restic_path, "--json", "-r", ground.repository, "-p", ground.seed.folder / "password", "backup"]
    said = subprocess.run(
        [*argv, "--exclude", left_out, *ground.seed.second.paths], check=True, capture_output=True, text=True
    )
    summary = json.loads(said.stdout.splitlines()[-1])
    enter(ground.ctx.store, replace(ground.seed.second, id=summary["snapshot_id"], time=now()))
    outcome = run_drill(drilling(ground, targets={"integrity": "L2"}), DRILL)
    assert [(found.code, found.thing) for found in outcome.verdict.failing] == [(Code.MISSING_FILE, str(left_out))]
    assert (outcome.verdict.reached, outcome.verdict.broken) == (Rung.L1, Rung.L2)


def test_the_oldest_one_kept_is_restored_and_judged_by_the_newest_one_s_age(ground):
    with ground.ctx.store.write(ground.ctx.actor) as tx:
        old = update(snapshots).where(snapshots.c.id == ground.seed.first.id)
        tx.execute(old.values(time=now() - timedelta(days=400)))
    outcome = run_drill(drilling(ground, snapshot="oldest kept", packs="part"), DRILL)
    assert outcome.notebook.snapshot.id == ground.seed.first.id
    assert outcome.verdict.verdict is Verdict.PASSED, outcome.verdict
    assert outcome.notebook.check_part == (1, 10)


def test_a_part_tells_how_long_all_of_it_would_take(ground):
    ctx = drilling(ground, paths=["SHARE/letters/1.txt"], targets={"rto": "1s"})
    outcome = run_drill(ctx, DRILL)
    assert outcome.notebook.restored.comparison.matching == 1
    forecast = outcome.notebook.forecast
    assert forecast > outcome.notebook.phases.total
    assert codes(outcome) == [Code.RTO_MISSED]
    assert outcome.verdict.failing[0].sentence.startswith("At this rate the full restore takes ")


# --- damage -----------------------------------------------------------------------------------------------


def test_where_the_manifest_itself_is_damaged_our_own_copy_serves_and_the_report_says_so(ground):
    ours = ground.ctx.workspace.state_folder / "manifests" / "files"
    shutil.copytree(ground.seed.folder / "manifest", ours)
    blob = ground.seed.photo
    flip(ground.repository / "data" / blob.pack[:2] / blob.pack, blob.length // 4)
    outcome = run_drill(drilling(ground), DRILL)
    assert outcome.verdict.verdict is Verdict.FAILED
    assert outcome.verdict.files_are_right, outcome.verdict
    assert outcome.notebook.restored.comparison.matching == 6
    assert "compared with our own copy of it" in outcome.report.html.read_text()


def test_the_drill_is_shown_to_fail_on_a_copy_that_we_damaged(ground):
    shown = prove_it_can_fail(drilling(ground), DRILL)
    assert (shown.verdict, shown.exit_code) == ("failed-rightly", 0)
    assert len(shown.damaged) == 2
    assert ground.scratch == []
    with ground.ctx.store.read() as connection:
        assert drill_history(connection, DRILL) == ()  # it proved nothing about the backup


def test_a_drill_that_notices_nothing_is_told_on(ground, monkeypatch):
    blind = Comparison(6, 100)
    monkeypatch.setattr("tocsin.drills.restoring.verify_restored", lambda *_, **__: blind)
    shown = prove_it_can_fail(drilling(ground), DRILL)
    assert (shown.verdict, shown.exit_code) == ("did-not-fail", 1)
    assert "DID NOT NOTICE" in shown.sentence
    assert shown.verdict == must_fail.NOT


def test_a_kill_before_the_signature_leaves_evidence_that_is_signed_when_it_is_asked_for(
    tmp_path, ladder_seed, restic_path
):
    with ground_at(tmp_path / "w", ladder_seed, restic_path, CrashAt("drill:before-evidence")) as ground:
        ctx = drilling(ground, targets={"integrity": "L1"})
        with pytest.raises(PowerCut):
            run_drill(ctx, DRILL)
        with ctx.store.read() as connection:
            (past,) = drill_history(connection, DRILL)
        folder = (ctx.workspace.root / past.report).parent
        assert not (folder / SUMS).exists()
        export_evidence(ctx, past.operation, folder, tmp_path / "handed")
        assert verify_evidence(tmp_path / "handed").problems == ()
        with pytest.raises(UsageError, match="is not an empty folder"):
            export_evidence(ctx, past.operation, folder, tmp_path / "handed")


def test_a_stranger_cannot_take_part(ground):
    with pytest.raises(UsageError, match="Did you mean 'maya'"):
        run_drill(drilling(ground), DRILL, participants=["mya"])


@pytest.fixture
def openssl():
    found = shutil.which("openssl")
    if found is None:
        pytest.skip("openssl is not installed")
    return found
