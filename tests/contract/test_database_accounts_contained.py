"""Roles and accounts taken away for real: PostgreSQL and MariaDB, their sessions, their passwords."""

import os
import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from simulators.house import House
from simulators.mariadb import MariaDbServer, mariadb  # noqa: F401 - a fixture
from simulators.postgres import PostgresServer, postgres  # noqa: F401 - a fixture
from tocsin.adapters.secrets import ReferencedSecrets
from tocsin.adapters.shell import SystemShell
from tocsin.adapters.sql import PostgresSql
from tocsin.containment.passwords import scram_verifier
from tocsin.runbook import decisions
from tocsin.runbook.engine import Progressed, advance, prepare, start

on_postgres = [pytest.mark.postgres, pytest.mark.xdist_group("postgres")]
on_mariadb = pytest.mark.xdist_group("mariadb")
PASSWORD = "the-one-they-have"


@dataclass
class Ground:
    house: House
    environ: dict[str, str]

    @property
    def ctx(self) -> Any:
        secrets = ReferencedSecrets(environ=self.environ, folder=self.house.folder)
        return replace(self.house.ctx, secrets=secrets, sql=PostgresSql(), shell=SystemShell(os.environ))

    def run(self, uses: str, how: str) -> Progressed:
        text = (
            f'playbook: p\ntitle: P\nsteps:\n- {{id: a, uses: {uses}, with: {{database: "env:ADMIN", {how}}}}}\n'
        )
        return advance(self.ctx, start(self.ctx, prepare(self.ctx, text, "p.yaml")).id)

    def undo(self, found: Progressed) -> Progressed:
        decisions.undo(self.ctx, found.run.id, "a", "clean")
        return advance(self.ctx, found.run.id)

    def written_down(self) -> bytes:
        folder = self.house.workspace.state_folder
        return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


# --- PostgreSQL -------------------------------------------------------------------------------------------


@pytest.fixture
def pg(house: House, postgres: PostgresServer) -> Iterator[tuple[Ground, str]]:  # noqa: F811
    url = postgres.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE \"crm ' app\" LOGIN PASSWORD '{PASSWORD}'")
    yield Ground(house, {"ADMIN": url}), url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute('DROP ROLE "crm \' app"')


class TestPostgres:
    pytestmark = on_postgres

    def test_a_role_loses_login_sessions_and_password_and_may_log_in_again_when_that_is_undone(
        self, pg: tuple[Ground, str]
    ) -> None:
        ground, url = pg
        how = 'role: "crm \' app", new_password: {file: secrets/crm}'
        theirs = psycopg.connect(url, user="crm ' app")
        found = ground.run("contain.postgres_role", how)
        output = found.looks[0].row.output or {}
        assert (found.looks[0].row.error, output["could_login"], output["sessions_ended"]) == (None, True, 1)
        with pytest.raises(psycopg.OperationalError):
            theirs.execute("SELECT 1")
        theirs.close()
        with pytest.raises(psycopg.OperationalError, match="is not permitted to log in"):
            psycopg.connect(url, user="crm ' app")
        secret = (ground.house.folder / "secrets/crm").read_text().strip()
        assert (ground.house.folder / "secrets/crm").stat().st_mode & 0o777 == 0o600
        assert secret.encode() not in ground.written_down()
        assert PASSWORD.encode() not in ground.written_down()
        ground.undo(found)
        psycopg.connect(url, user="crm ' app").close()
        self.it_is_the_password_on_file(url, secret)

    def it_is_the_password_on_file(self, url: str, secret: str) -> None:
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'crm '' app'").fetchone()
        assert row is not None
        salt = row[0].split("$")[1].split(":")[1]
        assert scram_verifier(secret, b64decode(salt)) == row[0]

    def test_a_role_that_could_not_log_in_before_cannot_afterwards(self, pg: tuple[Ground, str]) -> None:
        ground, url = pg
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute('ALTER ROLE "crm \' app" NOLOGIN')
        found = ground.run("contain.postgres_role", 'role: "crm \' app"')
        assert (ground.undo(found).looks[-1].row.output or {})["can_login"] is False

    @pytest.mark.parametrize(
        ("role", "sentence"),
        [
            ("tocsin", "tocsin is the role we ask as: locking it would lock us out. Nothing was changed."),
            ("crm; drop", "There is no role 'crm; drop' in this PostgreSQL; nothing was changed."),
        ],
    )
    def test_our_own_role_and_one_that_is_not_there_are_left_alone(
        self, pg: tuple[Ground, str], role: str, sentence: str
    ) -> None:
        assert sentence in str(pg[0].run("contain.postgres_role", f"role: '{role}'").looks[0].row.error)


# --- MariaDB ----------------------------------------------------------------------------------------------


@pytest.fixture
def my(house: House, mariadb: MariaDbServer) -> Iterator[tuple[Ground, MariaDbServer]]:  # noqa: F811
    mariadb.sql(f"CREATE USER shop@localhost IDENTIFIED BY '{PASSWORD}'")
    mariadb.sql(f"CREATE USER shop@'10.0.%' IDENTIFIED BY '{PASSWORD}' ACCOUNT LOCK")
    mariadb.new_user("admin", "our own & @ secret")
    mariadb.sql("GRANT ALL PRIVILEGES ON *.* TO admin@localhost WITH GRANT OPTION")
    address = f"mysql://admin:our%20own%20%26%20%40%20secret@/?socket={mariadb.socket}"
    yield Ground(house, {"ADMIN": address}), mariadb
    mariadb.sql("DROP USER shop@localhost, shop@'10.0.%', admin@localhost")


def client(server: MariaDbServer, password: str, query: str = "SELECT 1") -> subprocess.CompletedProcess[str]:
    argv = ["mariadb", "--no-defaults", f"--socket={server.socket}", "--user=shop", "--execute", query]
    environment = {**os.environ, "MYSQL_PWD": password}
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


class TestMariaDb:
    pytestmark = on_mariadb

    def test_an_account_loses_login_sessions_and_password_and_may_log_in_again_when_that_is_undone(
        self, my: tuple[Ground, MariaDbServer]
    ) -> None:
        ground, server = my
        argv = [
            "mariadb",
            "--no-defaults",
            f"--socket={server.socket}",
            "--user=shop",
            "--execute",
            "SELECT SLEEP(60)",
        ]
        theirs = subprocess.Popen(
            argv, env={**os.environ, "MYSQL_PWD": PASSWORD}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not server.sql("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'shop'"):
            time.sleep(0.05)
        found = ground.run("contain.mysql_account", "account: shop, new_password: {file: secrets/shop}")
        output = found.looks[0].row.output or {}
        assert found.looks[0].row.error is None
        assert (output["was_locked"], output["sessions_ended"]) == ({"10.0.%": True, "localhost": False}, 1)
        assert theirs.wait(10) != 0
        secret = (ground.house.folder / "secrets/shop").read_text().strip()
        assert "this account is locked" in client(server, secret).stderr
        for hidden in (secret, PASSWORD, "our own & @ secret"):
            assert hidden.encode() not in ground.written_down()
        undone = ground.undo(found).looks[-1].row.output or {}
        assert undone["is_locked"] == {"10.0.%": True, "localhost": False}
        assert client(server, secret).returncode == 0
        assert "Access denied" in client(server, PASSWORD).stderr

    def test_one_host_of_an_account_alone_is_locked_and_the_password_stays(
        self, my: tuple[Ground, MariaDbServer]
    ) -> None:
        ground, server = my
        ground.run("contain.mysql_account", "account: shop, at: localhost")
        assert "this account is locked" in client(server, PASSWORD).stderr

    @pytest.mark.parametrize(
        ("account", "sentence"),
        [
            ("admin", "admin is who we ask as: locking it would lock us out. Nothing was changed."),
            ("shopp", "There is no account shopp in this database server; nothing was changed."),
        ],
    )
    def test_our_own_account_and_one_that_is_not_there_are_left_alone(
        self, my: tuple[Ground, MariaDbServer], account: str, sentence: str
    ) -> None:
        assert sentence in str(my[0].run("contain.mysql_account", f"account: {account}").looks[0].row.error)

    @pytest.mark.parametrize(
        ("how", "state", "sentence"),
        [
            ("query: select 41 + 1, expect: 42, at_least: 40", "done", ""),
            ("query: 'select ''x''', expect: x", "done", ""),
            ("query: select true, expect: true", "done", ""),
            ("query: select 3, expect: 4", "failed", "The query found '3', not 4."),
            ("query: select 3, at_most: 2", "failed", "The query found 3, not at most 2."),
            ("query: select 1 from dual where false, expect: x", "failed", "found no row"),
            ("query: drop user shop@localhost, expect: 1", "failed", "READ ONLY"),
            ("query: 'select 1; drop user shop@localhost', expect: 1", "failed", "error in your SQL syntax"),
            ("query: '\\! touch owned', expect: 1", "failed", "error in your SQL syntax"),
            ("query: commit, expect: 1", "failed", "found no row"),
        ],
    )
    def test_a_query_is_compared_and_can_change_nothing(
        self, my: tuple[Ground, MariaDbServer], how: str, state: str, sentence: str
    ) -> None:
        ground, server = my
        row = ground.run("mysql.query", how).looks[0].row
        assert (row.state, sentence in str(row.error)) == (state, True), row.error
        assert server.sql("SELECT count(*) FROM mysql.user WHERE User = 'shop'") == [["2"]]
        assert not Path("owned").exists()
        assert not (ground.house.folder / "owned").exists()

    def test_a_server_out_of_reach_is_tried_again_at_the_next_wake_up(self, house: House) -> None:
        if shutil.which("mariadb") is None:
            pytest.skip("no mariadb client here (Debian: apt-get install mariadb-client)")
        ground = Ground(house, {"ADMIN": "mysql://x:y@/?socket=/nowhere"})
        row = ground.run("mysql.query", "query: select 1, expect: 1").looks[0].row
        assert (row.state, "The database did not answer: ERROR 2002" in str(row.error)) == ("pending", True)

    def test_an_address_that_is_none_is_not_shown(self, house: House) -> None:
        ground = Ground(house, {"ADMIN": f"shop:{PASSWORD}"})
        error = str(ground.run("mysql.query", "query: select 1, expect: 1").looks[0].row.error)
        assert "it is not like mysql://user:password@host" in error
        assert PASSWORD not in error
