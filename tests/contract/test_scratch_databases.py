"""Real databases in isolation: made, loaded, asked, stopped; a bad dump is refused, a missing server is said."""

import gzip
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tocsin.errors import OperationFailed, Temporary
from tocsin.recovery.databases import (
    DumpRefused,
    Engine,
    NoDatabaseServer,
    put_sqlite,
    scratch_database,
    scratch_mariadb,
    scratch_postgres,
    scratch_sqlite,
)
from tocsin.recovery.databases import programs as found_programs
from tocsin.recovery.databases.postgres import ScratchPostgres

POSTGRES_DUMP = """--
-- PostgreSQL database dump
--
CREATE TABLE public.orders (id integer PRIMARY KEY, goods text);
COPY public.orders (id, goods) FROM stdin;
1\ttulips
2\t\\N
\\.
ALTER TABLE public.orders OWNER TO a_shop_that_is_not_here;
--
-- PostgreSQL database dump complete
--
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def archived(database: ScratchPostgres, folder: Path) -> Path:
    """What pg_dump -Fc makes of a scratch database, asked from within its own cell."""
    name = database.cell.inside / "orders.pgdump"
    dump = database._programs["psql"].with_name("pg_dump")
    said = database.cell.run(
        [database.cell.seen(dump), "-Fc", "-f", str(name)],
        timeout=timedelta(minutes=1),
        environment=database.environment,
    )
    assert said.code == 0, said.stderr
    return Path(shutil.copy(database.cell.folder / "orders.pgdump", folder / "orders.pgdump"))


def test_a_postgres_takes_every_form_of_dump_and_nothing_asked_of_it_changes_it(tmp_path: Path) -> None:
    dump = written(tmp_path, "orders.sql", POSTGRES_DUMP)
    with scratch_postgres(tmp_path / "one") as database:
        loaded = database.load(dump)
        assert loaded.bytes == dump.stat().st_size
        assert loaded.warnings == ('role "a_shop_that_is_not_here" does not exist',)
        assert database.row_counts() == {"public.orders": 2}
        assert database.ask("SELECT goods FROM orders ORDER BY id") == (("tulips",), (None,))
        assert database.integrity() == ()
        with pytest.raises(OperationFailed, match="read-only"):
            database.ask("DELETE FROM orders")
        with pytest.raises(OperationFailed, match="multiple commands"):
            database.ask("COMMIT; DELETE FROM orders")
        with pytest.raises(Temporary, match="had not answered after 1 s"):
            database.ask("SELECT pg_sleep(60)", timeout=timedelta(seconds=1))
        archive = archived(database, tmp_path)
    # Stopped in order: started again it still has what was loaded, and takes the other forms beside it.
    with scratch_postgres(tmp_path / "one") as database:
        assert database.row_counts() == {"public.orders": 2}
        for bad, why in {
            "CREATE TABLE orders (id": "syntax error",
            POSTGRES_DUMP[:160]: "breaks off in the middle",
            "": "is empty",
        }.items():
            with pytest.raises(DumpRefused, match=why):
                database.load(written(tmp_path, "bad.sql", bad))
    with scratch_postgres(tmp_path / "two") as database:
        database.load(archive)
        assert database.ask("SELECT count(*) FROM orders") == ((2,),)
        assert database.ask("SHOW listen_addresses") == (("",),)
        packed = tmp_path / "more.sql.gz"
        packed.write_bytes(gzip.compress(b"CREATE TABLE more (a int); INSERT INTO more VALUES (7);"))
        database.load(packed)
        assert database.row_counts() == {"public.more": 1, "public.orders": 2}


def test_a_dump_that_runs_programs_reaches_nothing_of_ours(tmp_path: Path) -> None:
    ours = written(tmp_path, "ours.txt", "a client's name")
    stolen = tmp_path / "stolen"
    sneaky = f"CREATE TABLE t (a text);\n\\! cat {ours} > {stolen}\n\\copy t FROM '{ours}'\n"
    with scratch_postgres(tmp_path / "one") as database:
        if database.cell.uid is None:
            pytest.skip("programs run as ourselves where we are not root, and may read what we may")
        with pytest.raises(DumpRefused):
            database.load(written(tmp_path, "sneaky.sql", sneaky))
        assert database.ask("SELECT count(*) FROM t") == ((0,),)
    assert not stolen.exists()


def test_a_sqlite_file_is_checked_to_its_last_page(tmp_path: Path) -> None:
    file = tmp_path / "bookings.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE bookings (id integer PRIMARY KEY, guest text UNIQUE)")
        connection.executemany(
            "INSERT INTO bookings (guest) VALUES (?)", [(f"guest {n:05}",) for n in range(5000)]
        )
        connection.commit()
    with scratch_sqlite(tmp_path / "sound") as database:
        database.load(file)
        assert database.row_counts() == {"bookings": 5000}
        assert database.integrity() == ()
        with pytest.raises(OperationFailed, match="readonly"):
            database.ask("DELETE FROM bookings")
        with pytest.raises(OperationFailed, match="not authorized"):
            database.ask(f"ATTACH '{file}' AS other")
    content = bytearray(file.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = b"\xff" * 2000
    file.write_bytes(content)
    with scratch_sqlite(tmp_path / "damaged") as database:
        database.load(file)
        assert database.integrity()
        with pytest.raises(DumpRefused, match="damaged"):
            put_sqlite(file, tmp_path / "live.sqlite", tmp_path / "checked")
        with pytest.raises(DumpRefused, match="did not take"):
            database.load(written(tmp_path, "no.sqlite", "SQLite format 3\0 and nothing else"))
    assert not (tmp_path / "live.sqlite").exists()


def test_a_live_sqlite_file_is_put_in_place_and_the_old_one_moved_aside(tmp_path: Path) -> None:
    new, live = tmp_path / "new.sqlite", tmp_path / "live.sqlite"
    for path, value in ((new, "new"), (live, "old")):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE t AS SELECT ? AS a", (value,))
            connection.commit()
    _, aside = put_sqlite(new, live, tmp_path / "checked")
    assert aside is not None
    for path, value in ((live, "new"), (aside, "old")):
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT a FROM t").fetchall() == [(value,)]


@pytest.mark.skipif(shutil.which("mariadbd", path="/usr/sbin:/usr/bin") is None, reason="no MariaDB is installed")
def test_a_mariadb_loads_a_dump_and_is_asked(tmp_path: Path) -> None:
    text = "-- MariaDB dump\nCREATE TABLE t (id int PRIMARY KEY, name text);\nINSERT INTO t VALUES (1,'a\\n<b>'),(2,NULL);\n"
    with scratch_mariadb(tmp_path / "one") as database:
        with pytest.raises(DumpRefused, match="breaks off"):
            database.load(written(tmp_path, "cut.sql", text))
        database.load(written(tmp_path, "whole.sql", f"{text}-- Dump completed on 2026-11-23\n"))
        assert database.row_counts() == {"restored.t": 2}
        assert database.ask("SELECT * FROM t ORDER BY id") == ((1, "a\n<b>"), (2, None))
        assert database.integrity() == ()
        with pytest.raises(OperationFailed, match="READ ONLY"):
            database.ask("DELETE FROM t")
        with pytest.raises(DumpRefused, match="did not take"):
            database.load(written(tmp_path, "wrong.sql", "CREATE TABLE ("))


def test_a_machine_without_a_server_could_not_run_and_did_not_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The test's machine has the servers: what is looked through is emptied, and the answers forgotten.
    for name in ("_PG_FOLDERS", "_MARIADB_FOLDERS"):
        monkeypatch.setattr(found_programs, name, ())
    monkeypatch.setattr(found_programs, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    caches = (found_programs.postgres_programs, found_programs.mariadb_programs)
    for cache in caches:
        cache.cache_clear()
    try:
        for engine in (Engine.POSTGRES, Engine.MARIADB):
            with (
                pytest.raises(NoDatabaseServer, match=r"Could not run.*Nothing was proved"),
                scratch_database(engine, tmp_path / engine),
            ):
                pass
            assert not (tmp_path / engine).exists()
    finally:
        for cache in caches:
            cache.cache_clear()


def test_no_process_of_a_scratch_server_is_left(tmp_path: Path) -> None:
    with scratch_postgres(tmp_path / "one") as database:
        inside = str(database.cell.inside / "data")
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert inside in listed
        mine = database._process.pid
    assert not Path(f"/proc/{mine}").exists()
