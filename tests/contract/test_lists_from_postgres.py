"""A list of readers by a query on a real PostgreSQL: whole, by the names of its columns, and read-only."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from simulators.chance import CrashAt
from simulators.postgres import postgres, postgres_url  # noqa: F401 - fixtures
from tocsin.adapters.secrets import ReferencedSecrets
from tocsin.adapters.sql import PostgresSql
from tocsin.context import Context
from tocsin.errors import OperationFailed, UsageError
from tocsin.notices.asked import read_query
from unit.notices.agency import Letterbox, at_work, make_workspace

pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("postgres")]
MANY = 2500  # more than the thousand rows that a check may look at


@pytest.fixture
def ctx(tmp_path: Path, postgres_url: str) -> Iterator[Context]:  # noqa: F811
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE customer (full_name text, mail text, born date)")
        connection.execute(
            "INSERT INTO customer SELECT 'Reader ' || n, 'r' || n || '@home.example', '1980-01-01' FROM generate_series(1, %s) n",
            (MANY,),
        )
    workspace = make_workspace(tmp_path, mail_port=25, more='  bulk: {databases: {crm: "env:CRM"}}\n')
    secrets = ReferencedSecrets(environ={"CRM": postgres_url}, folder=tmp_path)
    with at_work(workspace, Letterbox(), CrashAt()) as ctx:
        yield replace(ctx, sql=PostgresSql(), secrets=secrets)


def test_every_row_is_read_whatever_their_number(ctx: Context) -> None:
    people = read_query(
        ctx, None, "SELECT full_name AS name, mail AS email, born FROM customer ORDER BY mail -- all"
    )
    assert len(people.entries) == MANY
    assert people.entries[0].email == "r1000@home.example"
    assert people.said == ("Not read, and not kept: 'born'.",)


def test_a_query_that_changes_something_or_is_wrong_loads_nothing(ctx: Context) -> None:
    for query in (
        "DELETE FROM customer RETURNING full_name AS name",
        "SELECT 1) AS x; DELETE FROM customer; --",
        "SELECT nothing",
    ):
        with pytest.raises(OperationFailed, match="refused the query"):
            read_query(ctx, "crm", query)
    with pytest.raises(UsageError, match="Did you mean 'crm'"):
        read_query(ctx, "crn", "SELECT 1")
