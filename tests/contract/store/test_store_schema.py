"""The schema: migrated, it is what the tables say, on both databases; and other people's databases are left alone."""

import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from simulators.postgres import PostgresServer
from simulators.stores import MAYA, Backend, sqlite_backend, write_some
from tocsin.errors import OperationFailed, Temporary, UsageError
from tocsin.store import journal, schema
from tocsin.store.database import Store
from tocsin.store.engine import writing
from tocsin.store.tables import metadata, restrict_indexes


def test_the_migrated_schema_is_what_the_tables_say(store: Store) -> None:
    restrict_indexes()
    with store.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_newest_schema_is_the_one_that_is_looked_for() -> None:
    config = Config()
    config.set_main_option("script_location", "tocsin.store:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == schema.NEWEST


def test_it_opens_again_and_finds_what_was_there(backend: Backend) -> None:
    first = backend.open()
    write_some(first)
    first.close()
    again = backend.open()
    with again.read() as connection:
        assert journal.count(connection) == 7
    again.close()


def test_it_refuses_a_database_of_another_program_and_leaves_it_alone(backend: Backend) -> None:
    opened = backend.open()
    with writing(opened.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UsageError, match="schema '9999', unknown to this Tocsin"):
        backend.open()
    with writing(opened.engine) as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(UsageError, match="belongs to another program: it holds the tables action"):
        backend.open()
    opened.close()


def test_a_new_sqlite_store_is_its_owners_alone(tmp_path: Path) -> None:
    opened = sqlite_backend(tmp_path).open()
    write_some(opened)
    opened.sign_head()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").rglob("*")}
    opened.close()
    assert modes.pop("journal.pub") == 0o644
    assert {mode for name, mode in modes.items() if "." in name} == {0o600}
    assert {mode for name, mode in modes.items() if "." not in name} - {0o600} == {0o700}
    assert {"store.db", "store.db-wal", "store.db-shm", "journal.ed25519", "head.json"} <= modes.keys()


def test_sqlite_writes_ahead_flushes_fully_and_keeps_foreign_keys(tmp_path: Path) -> None:
    opened = sqlite_backend(tmp_path).open()
    with opened.read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    opened.close()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


def test_it_says_that_a_file_is_not_a_database(tmp_path: Path) -> None:
    backend = sqlite_backend(tmp_path)
    backend.state.mkdir()
    (backend.state / "store.db").write_text("Dear diary, " * 100)
    with pytest.raises(UsageError, match=r"store.db is not a database.*Nothing was changed"):
        backend.open()


def test_it_says_that_a_store_is_busy_and_can_be_tried_again(backend: Backend, monkeypatch) -> None:
    monkeypatch.setattr("tocsin.store.engine.WAIT_SECONDS", 0.2)  # nobody wants to wait ten seconds for this
    ours, theirs = backend.open(), backend.open()
    with ours.write(MAYA), pytest.raises(Temporary, match=r"busy.*what was recorded before stands.*Try again"):
        write_some(theirs)
    write_some(theirs)
    ours.close()
    theirs.close()


@pytest.mark.postgres
@pytest.mark.xdist_group("postgres")
def test_a_server_that_goes_away_takes_the_transaction_with_it_and_can_be_tried_again(
    postgres: PostgresServer, migrated_database: str, tmp_path: Path
) -> None:
    opened = Backend(postgres.new_database(template=migrated_database), tmp_path / "state").open()
    write_some(opened)

    def cut_off() -> None:
        with opened.write(MAYA) as tx:
            tx.record("a.b", "c:d", {})
            with opened.engine.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"))
            tx.record("a.b", "c:e", {})

    with pytest.raises(Temporary, match="what was recorded before stands"):
        cut_off()
    write_some(opened, 1)
    with opened.read() as connection:
        assert journal.count(connection) == 8
    opened.close()


def test_it_says_that_the_disk_is_full_and_what_was_recorded_stands(tmp_path: Path) -> None:
    opened = sqlite_backend(tmp_path).open()
    write_some(opened)
    with opened.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # SQLite's own idea of a full disk
    with pytest.raises(OperationFailed, match=r"is full.*recorded before stands"):
        write_some(opened, 500)
    with opened.read() as connection:
        assert journal.count(connection) >= 7
    opened.close()


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/db", "sqlite://", "sqlite:///:memory:"])
def test_it_refuses_urls_that_are_no_store(tmp_path: Path, url: str) -> None:
    backend = Backend(url, tmp_path)
    with pytest.raises(UsageError, match=r"sqlite:///store\.db"):
        backend.open()


def test_it_says_that_a_server_is_out_of_reach_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(Temporary, match=r"'tocsin' on 127.0.0.1 is out of reach") as told:
        Backend("postgresql://maya:hunter2@127.0.0.1:1/tocsin", tmp_path).open()
    assert "hunter2" not in str(told.value)


@pytest.mark.postgres
@pytest.mark.xdist_group("postgres")
def test_it_says_that_a_server_does_not_let_us_in(postgres: PostgresServer, tmp_path: Path) -> None:
    for url in (postgres.url("nowhere"), postgres.url("postgres", user="nobody_here")):
        with pytest.raises(UsageError, match=r"does not let us in.*does not exist"):
            Backend(url, tmp_path).open()
