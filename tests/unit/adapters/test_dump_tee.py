"""The program between a dump and restic: what it lets through, and what it refuses. No restic is needed for that."""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from tocsin.adapters.restic import tee


@pytest.fixture
def run(tmp_path):
    """Run the tee as restic would; its exit code, what restic was given, and the report."""
    report = tmp_path / "report.json"

    def run(*argv, **changed):
        report.unlink(missing_ok=True)
        work = {
            "argv": list(argv),
            "instead": "",
            "environment": {"PATH": os.environ["PATH"]},
            "folder": None,
            "sqlite": None,
            "starts_with": [],
            "smallest_bytes": 0,
            "timeout": 30,
            "hide": [],
            "report": str(report),
            **changed,
        }
        done = subprocess.run(
            [sys.executable, "-I", "-S", tee.__file__],
            env={tee.WORK: json.dumps(work), "PATH": os.environ["PATH"], "RESTIC_PASSWORD": "of the repository"},
            capture_output=True,
            check=False,
        )
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith("report")] == ["report.json"]
        assert report.stat().st_mode & 0o077 == 0
        return done, json.loads(report.read_bytes())

    return run


def test_a_good_dump_goes_through_whole_with_its_digest(run):
    done, told = run("seq", "300000")
    assert done.returncode == 0
    assert told == {"sha256": hashlib.sha256(done.stdout).hexdigest(), "bytes": len(done.stdout)}
    assert done.stdout.endswith(b"300000\n")


@pytest.mark.parametrize(
    ("argv", "changed", "fault"),
    [
        (["true"], {}, "empty"),
        (["echo", "x"], {"smallest_bytes": 3}, "small"),
        (["sh", "-c", "seq 100000; exit 3"], {}, "failed"),
        (["sh", "-c", "echo x; kill -9 $$"], {}, "failed"),
        (["no-such-program"], {}, "missing"),
        (["echo", "not a dump"], {"starts_with": [b"PGDMP".hex()]}, "strange"),
        (["echo", "x"], {"starts_with": [b"PGDMP".hex()]}, "strange"),
        (["sh", "-c", "echo x; exec sleep 60"], {"timeout": 0.3}, "timeout"),
    ],
)
def test_what_is_no_dump_ends_with_an_error_and_its_reason(run, argv, changed, fault):
    done, told = run(*argv, **changed)
    assert (done.returncode, told["fault"]) == (1, fault)


def test_a_dump_that_begins_as_it_must_goes_through(run):
    done, _ = run("echo", "PGDMP and more", starts_with=[b"--".hex(), b"PGDMP".hex()])
    assert (done.returncode, done.stdout) == (0, b"PGDMP and more\n")


def test_the_program_sees_no_secret_of_the_repository_and_its_own_are_masked(run):
    said = 'echo "$RESTIC_PASSWORD$TOCSIN_DUMP"; echo "wrong: $PGPASSWORD" >&2; exit 1'
    done, told = run(
        "sh", "-c", said, environment={"PATH": os.environ["PATH"], "PGPASSWORD": "hunter2"}, hide=["hunter2"]
    )
    assert (done.stdout, done.stderr) == (b"\n", b"")
    assert told["said"] == "It ended with exit code 1. wrong: ***"


def test_where_a_program_is_missing_its_other_name_is_tried(run):
    done, _ = run("no-such-program", "x", instead="echo")
    assert done.stdout == b"x\n"


def test_a_program_that_talks_without_end_fills_no_memory(run):
    _, told = run("sh", "-c", "seq 500000 >&2; exit 1")
    assert len(told["said"]) < tee.SAID_BYTES + 40
    assert told["said"].endswith("500000")


def test_a_sqlite_database_is_copied_with_what_its_log_still_holds(run, tmp_path):
    live = tmp_path / "live.db"
    with closing(sqlite3.connect(live)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE t (a)")
        database.execute("INSERT INTO t VALUES (1)")
        database.commit()
        database.execute("INSERT INTO t VALUES (2)")  # not committed: no part of the dump
        done, told = run(sqlite=str(live), starts_with=[b"SQLite format 3\0".hex()])
    assert done.returncode == 0, told
    (tmp_path / "copy.db").write_bytes(done.stdout)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT a FROM t").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("content", "fault"), [(None, "missing"), (b"", "empty"), (b"no database at all" * 100, "failed")]
)
def test_what_is_no_sqlite_database_is_refused(run, tmp_path, content, fault):
    live = tmp_path / "live.db"
    if content is not None:
        live.write_bytes(content)
    done, told = run(sqlite=str(live))
    assert (done.returncode, told["fault"], done.stdout) == (1, fault, b"")
