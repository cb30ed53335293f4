"""What a PostgreSQL drill costs beside the same commands by hand: at most 1.15 times as much.

Both make a server, start it, load the same pg_dump archive and ask the same questions; ours also runs it apart, under
a user of its own and without a network. Paired and in turns, so that a slow moment hits both; the median is told.

    python tests/benchmarks/postgres_drill.py [ROWS] [PAIRS]
"""

import os
import pwd
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from tocsin.recovery.databases import scratch_postgres
from tocsin.recovery.databases.programs import postgres_programs

ROWS, PAIRS = 1_000_000, 7
QUESTION = "SELECT count(*), max(id), sum(length(note)) FROM orders"
MOST = 1.15
SETTINGS = ("listen_addresses=", "fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_wal_size=4GB")


def by_hand(dump: Path) -> float:
    """initdb, postgres, pg_restore and psql, as somebody who knows them would type them."""
    programs = postgres_programs().found
    nobody = pwd.getpwnam("nobody")
    who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="by-hand-"))
    if who:
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    began = time.monotonic()
    data = folder / "data"
    initdb = [
        programs["initdb"],
        "-D",
        data,
        "-U",
        "tocsin",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "-N",
    ]
    subprocess.run(initdb, check=True, capture_output=True, cwd="/", **who)
    argv = [programs["postgres"], "-D", data, "-c", f"unix_socket_directories={folder}"]
    argv += [word for setting in SETTINGS for word in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(argv, stdout=log, stderr=log, cwd="/", **who)
    here = {**os.environ, "PGHOST": str(folder), "PGUSER": "tocsin"}
    psql = [programs["psql"], "-X", "-At", "-d"]
    while subprocess.run(
        [*psql, "postgres", "-c", "SELECT 1"], env=here, capture_output=True, check=False
    ).returncode:
        time.sleep(0.01)
    subprocess.run(
        [*psql, "postgres", "-c", "CREATE DATABASE restored"], env=here, capture_output=True, check=True
    )
    restore = [programs["pg_restore"], "--no-owner", "--no-privileges", "-d", "restored"]
    with dump.open("rb") as stream:
        subprocess.run(restore, env=here, stdin=stream, check=True)
    for question in (QUESTION, "SELECT count(*) FROM orders"):
        subprocess.run([*psql, "restored", "-c", question], env=here, capture_output=True, check=True)
    server.send_signal(signal.SIGINT)
    server.wait()
    shutil.rmtree(folder)
    return time.monotonic() - began


def by_tocsin(dump: Path) -> float:
    folder = Path(tempfile.mkdtemp(prefix="by-tocsin-"))
    began = time.monotonic()
    with scratch_postgres(folder / "orders") as database:
        database.load(dump)
        database.ask(QUESTION)
        database.row_counts()
    shutil.rmtree(folder)
    return time.monotonic() - began


def make_dump(folder: Path, rows: int) -> Path:
    note = "repeat(md5(n::text), 3)"
    with scratch_postgres(folder / "source") as database:
        made = folder / "orders.sql"
        made.write_text(
            f"CREATE TABLE orders AS SELECT n AS id, {note} AS note FROM generate_series(1, {rows}) n;\n"  # noqa: S608 - our own words
            "ALTER TABLE orders ADD PRIMARY KEY (id);\nCREATE INDEX ON orders (note);\n"
        )
        database.load(made)
        argv = [
            database.cell.seen(postgres_programs()["psql"].with_name("pg_dump")),
            "-Fc",
            "-Z0",
            "-f",
            "orders.dump",
        ]
        here = {**database.environment, "PWD": str(database.cell.inside)}
        said = database.cell.run(argv, timeout=timedelta(minutes=10), environment=here)
        assert said.code == 0, said.stderr
        return Path(shutil.move(database.cell.folder / "orders.dump", folder / "orders.dump"))


def main() -> int:
    rows, pairs = [*map(int, sys.argv[1:]), *(ROWS, PAIRS)[len(sys.argv) - 1 :]]
    folder = Path(tempfile.mkdtemp(prefix="postgres-drill-"))
    try:
        dump = make_dump(folder, rows)
        print(f"{rows} rows, {dump.stat().st_size / 1e6:.0f} MB, {pairs} pairs")  # noqa: T201 - a benchmark is there to be read
        by_hand(dump), by_tocsin(dump)
        taken = [(by_hand(dump), by_tocsin(dump)) for _ in range(pairs)]
    finally:
        shutil.rmtree(folder)
    hand, ours = (statistics.median(column) for column in zip(*taken, strict=True))
    ratio = statistics.median(two / one for one, two in taken)
    print(f"by hand {hand:.2f} s, tocsin {ours:.2f} s, ratio {ratio:.2f} (at most {MOST})")  # noqa: T201 - as above
    return 0 if ratio <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
