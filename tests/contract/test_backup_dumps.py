"""Dumps of real databases, streamed into a real restic, and what is left of one that goes wrong half-way."""

import hashlib
import json
import sqlite3
import subprocess
import threading
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import select

from dumps_ground import copied, entries, restored, studio, write_plan
from simulators.chance import CrashAt, PowerCut
from simulators.mariadb import mariadb  # noqa: F401 - a fixture
from simulators.postgres import postgres  # noqa: F401 - a fixture
from tocsin.backups import (
    Freshness,
    freshness,
    last_good_snapshot,
    run_backup,
    settle_unknown,
    watch,
)
from tocsin.drills import Verdict, prove_it_can_fail, run_drill
from tocsin.model.drill import Drill
from tocsin.model.ladder import Rung
from tocsin.model.people import Person
from tocsin.recovery.databases.programs import postgres_programs
from tocsin.repositories import repository_access
from tocsin.runbook.recovery_run import PlanWish, approve, go_live, shown_plan
from tocsin.store.tables import journal, journal_private

pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("postgres")]

SECRET = "hunter2-of-the-database"


@pytest.fixture(scope="module")
def repository(restic_path, tmp_path_factory):
    root = tmp_path_factory.mktemp("seed")
    write_plan(root, [{"paths": ["share"]}])
    with studio(root, restic_path):
        return root / "repository"


@pytest.fixture(scope="module")
def servers(postgres, mariadb):  # noqa: F811
    """A database with rows on each server, and a user of each who has a password."""
    url = postgres.new_database("crm")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE backup LOGIN SUPERUSER PASSWORD 'x'")
        connection.execute(
            "CREATE TABLE contacts AS SELECT n AS id, 'somebody ' || n AS name FROM generate_series(1, 20000) n"
        )
    shop = mariadb.new_database("shop")
    mariadb.sql(
        "CREATE TABLE orders (id INT PRIMARY KEY, goods TEXT); INSERT INTO orders SELECT seq, CONCAT('bulbs ', seq) FROM seq_1_to_5000",
        shop,
    )
    mariadb.new_user("backup", SECRET)
    return postgres, mariadb


def sources(servers):
    pg, my = servers
    server = {"host": str(pg.folder), "user": "backup", "password": "env:DUMP_SECRET"}
    return [
        {"paths": ["share"]},
        {
            "dump": {
                "name": "crm",
                "kind": "postgres",
                "database": "crm",
                "program": str(pg.binaries / "pg_dump"),
                **server,
            }
        },
        {
            "dump": {
                "name": "roles",
                "kind": "postgres-globals",
                "program": str(pg.binaries / "pg_dumpall"),
                **server,
            }
        },
        {
            "dump": {
                "name": "shop",
                "kind": "mysql",
                "host": str(my.socket),
                "user": "backup",
                "database": "shop",
                "password": "env:DUMP_SECRET",
            }
        },
        {"dump": {"name": "bookings", "kind": "sqlite", "path": "bookings.db"}},
    ]


@pytest.fixture(scope="module")
def saved(servers, repository, restic_path, tmp_path_factory):
    """One backup of a plan with files and a dump of each kind; the SQLite database is written to all the while."""
    root = tmp_path_factory.mktemp("house") / "workspace"
    copied(repository, root)
    limits = {
        "upload_kib": 500_000,
        "download_kib": 500_000,
        "read_concurrency": 3,
        "nice": 1,
        "ionice": "best-effort",
    }
    write_plan(root, sources(servers), limits=limits)
    (root / "share").mkdir()
    (root / "share" / "letter.txt").write_text("Dear Maya,\n")
    make_accounts(root / "bookings.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUMP_SECRET", SECRET)
        with studio(root, restic_path) as ctx, moving_money(root / "bookings.db"):
            outcome = run_backup(ctx, "studio")
            yield ctx, outcome


def make_accounts(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, pence INTEGER NOT NULL)")
        database.executemany("INSERT INTO account VALUES (?, 100)", ((number,) for number in range(5000)))
        database.commit()


class moving_money:  # noqa: N801 - a context manager
    """Move pence between accounts, transaction by transaction, until the block ends: their sum never changes."""

    def __init__(self, path):
        self.path, self.stop, self.moved = path, threading.Event(), 0
        self.thread = threading.Thread(target=self._move)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        assert self.moved > 10

    def _move(self):
        with closing(sqlite3.connect(self.path, timeout=60)) as database:
            while not self.stop.wait(0.002):
                one, other = self.moved % 5000, (self.moved * 7 + 4999) % 5000
                database.execute("UPDATE account SET pence = pence - 1 WHERE id = ?", (one,))
                database.execute("UPDATE account SET pence = pence + 1 WHERE id = ?", (other,))
                database.commit()
                self.moved += 1


def test_each_dump_is_a_snapshot_of_its_own_and_the_plan_is_fresh(saved):
    ctx, outcome = saved
    assert outcome.verdict == "ok", outcome.reasons
    (copy,) = outcome.copies
    assert [one.dump for one in copy.entries] == ["", "crm", "roles", "shop", "bookings"]
    listed = {one.id: one for one in ctx.restic.snapshots(repository_access(ctx, "local"))}
    for entry in copy.dumps:
        assert f"dump:{entry.dump}" in listed[entry.id].tags
        assert listed[entry.id].paths == entry.paths
        assert (entry.files, entry.verdict, entry.plausibility) == (1, "ok", "clean")
    assert watch(ctx).standing == ()
    with ctx.store.read() as connection:
        (state,) = freshness(connection, ctx.workspace, ctx.clock.now())
    assert state.state is Freshness.FRESH


def test_the_journal_names_every_dump_and_no_secret_is_anywhere(saved):
    ctx, outcome = saved
    with ctx.store.read() as connection:
        rows = connection.execute(select(journal.c.kind, journal.c.payload)).all()
        private = [str(row) for row in connection.execute(select(journal_private))]
    (payload,) = [json.loads(row.payload) for row in rows if row.kind == "backup.finished"]
    told = {one["dump"]: (one["snapshot"], one["sha256"], one["bytes"]) for one in payload["dumps"]}
    assert told == {one.dump: (one.id, one.dump_sha256, one.bytes) for one in outcome.copies[0].dumps}
    assert SECRET not in str(rows) + str(private)
    left = [path for path in ctx.workspace.state_folder.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in path.read_bytes() for path in left)
    assert list((ctx.workspace.state_folder / "dumps" / "studio").iterdir()) == []


def test_the_files_snapshot_carries_the_digests_of_the_dumps(saved):
    ctx, outcome = saved
    entry = outcome.copies[0].entry
    lines = (ctx.workspace.state_folder / "manifests" / "studio" / "dumps.sha256").read_text().splitlines()
    assert lines == [f"{one.dump_sha256}  {one.paths[0][1:]}" for one in outcome.copies[0].dumps]
    assert entry.files == 4  # the letter, the manifest's two, and these


@pytest.mark.parametrize("name", ["crm", "roles", "shop", "bookings"])
def test_what_comes_back_is_the_database(saved, servers, name, tmp_path):
    ctx, _ = saved
    pg, my = servers
    (entry,) = entries(ctx, name)
    dump = restored(ctx, entry, tmp_path / "restored")
    assert f"/{dump.name}" == entry.paths[0]
    assert dump.stat().st_size == entry.bytes
    assert hashlib.sha256(dump.read_bytes()).hexdigest() == entry.dump_sha256
    if name == "crm":
        url = pg.new_database("crm_again")
        argv = [pg.binaries / "pg_restore", "--exit-on-error", "--dbname", url, dump]
        subprocess.run(argv, check=True, capture_output=True)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*), max(name) FROM contacts").fetchone() == (
                20000,
                "somebody 9999",
            )
    elif name == "roles":
        assert "CREATE ROLE backup" in dump.read_text()
    elif name == "shop":
        again = my.new_database("shop_again")
        my.load(again, dump.read_bytes())
        assert my.sql("SELECT COUNT(*), MAX(id) FROM orders", again) == [["5000", "5000"]]
    else:
        with closing(sqlite3.connect(dump)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert database.execute("SELECT sum(pence) FROM account").fetchone() == (500_000,)


PLAN = """\
recovery_plan: databases
title: Bring every database back
steps:
  - id: crm
    uses: restore.database
    with: {engine: postgres, name: crm, backup_plan: studio, dump: crm, into: "env:LIVE_DATABASE"}
  - id: shop
    uses: restore.database
    with: {engine: mariadb, name: shop, backup_plan: studio, dump: shop}
  - id: bookings
    uses: restore.database
    with: {engine: sqlite, name: bookings, backup_plan: studio, dump: bookings, to: bookings-again.db}
  - id: pence
    uses: verify.sql
    needs: [bookings]
    with: {database: bookings, query: select sum(pence) from account, expect: 500000}
"""
COUNTED = {
    "crm": ("postgres", "crm", "select count(*) from contacts", 20000),
    "shop": ("mariadb", "shop", "select count(*) from orders", 5000),
    "bookings": ("sqlite", "bookings", "select sum(pence) from account", 500_000),
}


def recovering(ctx, plan=PLAN, **drills):
    """The context of one who may approve, with a recovery plan in its folder and these drills."""
    (ctx.workspace.root / "drills").mkdir(exist_ok=True)
    (ctx.workspace.root / "drills" / "databases.yaml").write_text(plan)
    maya = Person(name="Maya Lind", roles=["technical"], login="maya").known_as("maya")
    made = {
        name: Drill(drill=name, title="Databases", backup_plan="studio", **keys) for name, keys in drills.items()
    }
    workspace = replace(ctx.workspace, people={"maya": maya}, drills=made)
    return replace(ctx.acting_as(replace(ctx.actor, person="maya")), workspace=workspace)


@pytest.fixture
def as_new_as_the_server(monkeypatch):
    """Load with the programs that the test's server came with: a system's own may be older than its dump."""
    monkeypatch.setattr("tocsin.recovery.databases.programs._postgres_folders", lambda: iter(()))
    postgres_programs.cache_clear()
    yield
    postgres_programs.cache_clear()


def checks(*names):
    found = (COUNTED[name] for name in names)
    return [
        {"kind": kind, "dump": dump, "assertions": [{"query": query, "expect": value}]}
        for kind, dump, query, value in found
    ]


@pytest.mark.usefixtures("as_new_as_the_server")
def test_a_plan_of_dumps_loads_each_into_a_server_of_its_own_and_a_drill_proves_it_whole(saved):
    ctx = recovering(saved[0], whole={"recovery_plan": "databases"})
    outcome = run_drill(ctx, "whole")
    assert outcome.verdict.verdict is Verdict.PASSED, outcome.verdict
    assert outcome.verdict.reached is Rung.L6
    took = {step.name: step.took for step in outcome.notebook.steps}
    assert len(took) == 4
    assert all(took.values())
    assert not (ctx.workspace.root / "bookings-again.db").exists()
    assert list((ctx.workspace.state_folder / "scratch").iterdir()) == []


def test_a_drill_loads_a_real_mariadb_and_asks_it(saved):
    outcome = run_drill(recovering(saved[0], shop={"databases": checks("shop")}), "shop")
    assert outcome.verdict.verdict is Verdict.PASSED, outcome.verdict
    assert outcome.verdict.reached is Rung.L4


@pytest.mark.usefixtures("as_new_as_the_server")
def test_live_a_dump_goes_into_an_empty_database_and_never_into_one_with_tables(saved, servers, monkeypatch):
    lines = PLAN.split("  - id: shop", maxsplit=1)[0]
    ctx = recovering(saved[0], lines)
    servers[0].folder.chmod(0o711)  # as root the client has a user of its own, and must reach the socket
    url = servers[0].new_database("crm_live")
    monkeypatch.setenv("LIVE_DATABASE", url)
    wish = PlanWish("databases")
    for state, rows in (("done", 20000), ("open", 20000)):
        approve(ctx, wish, shown_plan(ctx, wish).sha256)
        done = go_live(ctx, wish)
        assert done.state == state, [look.why for look in done.looks]
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM contacts").fetchone() == (rows,)
    (asked,) = done.waiting
    assert "tables" in asked.why
    assert url not in asked.why


def test_a_drill_of_dumps_alone_is_shown_to_fail(root, restic_path):
    make_accounts(root / "bookings.db")
    dump = {"name": "bookings", "kind": "sqlite", "path": "bookings.db"}
    write_plan(root, [{"dump": dump}])
    with studio(root, restic_path) as ctx:
        assert run_backup(ctx, "studio").verdict == "ok"
        maya = recovering(ctx, alone={"databases": checks("bookings")})
        outcome = run_drill(maya, "alone")
        assert (outcome.verdict.verdict, outcome.verdict.reached) == (Verdict.PASSED, Rung.L4), outcome.verdict
        shown = prove_it_can_fail(maya, "alone")
        assert (shown.verdict, shown.exit_code) == ("failed-rightly", 0), shown.sentence
        assert len(shown.damaged) == 1


def test_pg_dump_that_fails_half_way_leaves_no_snapshot(servers, repository, restic_path, tmp_path, monkeypatch):
    """Row level security stops it at the last table, when a megabyte of the first has gone out."""
    pg, _ = servers
    url = pg.new_database("guarded")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE reader LOGIN")
        connection.execute("CREATE TABLE a AS SELECT repeat('x', 1000) FROM generate_series(1, 1000)")
        connection.execute("CREATE TABLE z (id int)")
        connection.execute("ALTER TABLE z ENABLE ROW LEVEL SECURITY")
        connection.execute("GRANT SELECT ON a, z TO reader")
    root = tmp_path / "workspace"
    copied(repository, root)
    dump = {"host": str(pg.folder), "user": "reader", "program": str(pg.binaries / "pg_dump")}
    write_plan(root, [{"dump": {"name": "guarded", "kind": "postgres", "database": "guarded", **dump}}])
    with studio(root, restic_path) as ctx:
        outcome = run_backup(ctx, "studio")
        assert outcome.verdict == "failed"
        assert "row-level security" in outcome.reasons[0]
        assert outcome.copies[0].judged.codes == ("dump-failed",)
        assert entries(ctx) == []
        assert ctx.restic.snapshots(repository_access(ctx, "local")) == ()


COMMANDS = {
    "good": ["cat", "good.txt"],
    "empty": ["true"],
    "half": ["sh", "-c", "seq 200000; exit 3"],
    "nowhere": ["no-such-program"],
}


@pytest.fixture
def root(repository, tmp_path):
    root = tmp_path / "workspace"
    copied(repository, root)
    (root / "good.txt").write_text("a line of it\n" * 1000)
    return root


def test_a_dump_that_is_none_is_refused_and_the_others_are_saved(root, restic_path):
    write_plan(
        root, [{"dump": {"name": name, "kind": "command", "argv": argv}} for name, argv in COMMANDS.items()]
    )
    with studio(root, restic_path) as ctx:
        outcome = run_backup(ctx, "studio")
        assert outcome.verdict == "incomplete"
        assert outcome.copies[0].judged.codes == ("dump-empty", "dump-failed", "dump-missing")
        assert [one.dump for one in entries(ctx)] == ["good"]
        assert [one.paths for one in ctx.restic.snapshots(repository_access(ctx, "local"))] == [
            ("/studio.good.dump",)
        ]
        with ctx.store.read() as connection:
            (state,) = freshness(connection, ctx.workspace, ctx.clock.now())
        assert (state.state, state.series) == (Freshness.NEVER, "empty")  # one fresh, three missing
        assert (
            watch(ctx).standing[0].text.startswith("The dump empty of the backup plan studio has no good snapshot")
        )


def test_a_dump_that_is_suddenly_tiny_is_refused_and_the_last_good_one_stands(root, restic_path):
    write_plan(root, [{"dump": {"name": "good", "kind": "command", "argv": COMMANDS["good"], "smallest": "50%"}}])
    with studio(root, restic_path) as ctx:
        run_backup(ctx, "studio")
        (root / "good.txt").write_text("a line of it\n" * 400)
        outcome = run_backup(ctx, "studio")
        assert outcome.verdict == "failed"
        assert "The dump good has no new snapshot: it has only 5200 bytes" in outcome.reasons[0]
        with ctx.store.read() as connection:
            assert last_good_snapshot(connection, "studio", dump="good").bytes == 13_000
            assert last_good_snapshot(connection, "studio") is None


def test_a_run_that_was_cut_off_between_two_dumps_leaves_the_first_adopted(root, restic_path):
    both = [{"dump": {"name": name, "kind": "command", "argv": COMMANDS["good"]}} for name in ("one", "two")]
    write_plan(root, both)
    with studio(root, restic_path, crash=CrashAt("backup:after-dump")) as ctx, pytest.raises(PowerCut):
        run_backup(ctx, "studio")
    with studio(root, restic_path) as ctx:
        with ctx.store.write(ctx.actor) as tx:  # this process lives on, unlike one whose power was cut
            tx.connection.exec_driver_sql("UPDATE operation SET process = '1:0:0'")
        (settled,) = settle_unknown(ctx, "studio")
        assert "adopted" in settled.sentence
        (entry,) = entries(ctx)
        assert (entry.dump, entry.verdict) == ("one", "unknown")
        assert watch(ctx).standing[0].kind == "backup.never"


def test_a_source_that_disappears_under_restics_hands_makes_the_backup_incomplete(root, restic_path, tmp_path):
    """The manifest is taken and restic started; then the disk is gone. restic 0.18 alone would exit with 0."""
    wrapper = tmp_path / "late-restic"
    wrapper.write_text(f'#!/bin/sh\n[ "$2" = backup ] && rm -r {root}/share\nexec {restic_path} "$@"\n')
    wrapper.chmod(0o755)
    (root / "share").mkdir()
    (root / "share" / "letter.txt").write_text("Dear Maya,\n")
    write_plan(root, [{"paths": ["share"]}])
    with studio(root, wrapper) as ctx:
        outcome = run_backup(ctx, "studio")
        assert outcome.verdict == "incomplete"
        assert str(root / "share") in outcome.reasons[0]
        with ctx.store.read() as connection:
            assert last_good_snapshot(connection, "studio") is None
