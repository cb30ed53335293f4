"""`postgres.query` on a real server: expected values, bounds, and a transaction that can change nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from simulators.house import House
from simulators.postgres import postgres, postgres_url  # noqa: F401 - fixtures
from tocsin.adapters.secrets import ReferencedSecrets
from tocsin.adapters.sql import PostgresSql
from tocsin.context import Context
from tocsin.runbook.engine import advance, prepare, start

pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("postgres")]


@pytest.fixture
def ctx(tmp_path: Path, postgres_url: str) -> Iterator[Context]:  # noqa: F811
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE people (name text)")
        connection.execute("INSERT INTO people VALUES ('Anneka'), ('Callum'), ('Priya')")
    house = House(tmp_path)
    secrets = ReferencedSecrets(
        environ={"DATABASE": postgres_url, "AWAY": "postgresql://x@/x?host=/nowhere"}, folder=tmp_path
    )
    yield replace(house.ctx, sql=PostgresSql(), secrets=secrets)
    house.close()


def asked(ctx: Context, how: str, database: str = "DATABASE") -> tuple[str, str, object]:
    step = f'- {{id: a, uses: postgres.query, with: {{database: "env:{database}", {how}}}}}\n'
    text = f"playbook: p\ntitle: P\nsteps:\n{step}"
    row = advance(ctx, start(ctx, prepare(ctx, text, "p.yaml")).id).looks[0].row
    return row.state, str(row.error), row.output


def test_an_expected_value_is_found(ctx: Context) -> None:
    state, _, output = asked(ctx, "query: select count(*) from people, expect: 3, at_least: 2, at_most: 4")
    assert (state, output) == ("done", {"passed": True, "value": 3, "rows": 1})


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("query: select count(*) from people, expect: 4", "The query found 3, not 4."),
        ("query: select count(*) from people, at_least: 4", "The query found 3, not at least 4."),
        ("query: select count(*) from people, at_most: 2", "The query found 3, not at most 2."),
        ("query: select name from people, at_most: 2", "which is no number to compare"),
        ("query: select name from people where false, expect: x", "found no row"),
        (
            "query: select nam from people, expect: x",
            'The database refused the query: column "nam" does not exist.',
        ),
        ("query: delete from people returning 1, expect: 1", "cannot execute DELETE in a read-only transaction"),
        ("query: 'commit; delete from people returning 1', expect: 1", "The database refused the query"),
    ],
)
def test_anything_else_fails_the_step_and_changes_nothing(ctx: Context, how: str, sentence: str) -> None:
    state, error, _ = asked(ctx, how)
    assert (state, sentence in error) == ("failed", True)
    assert asked(ctx, "query: select count(*) from people, expect: 3")[0] == "done"


def test_a_database_out_of_reach_is_tried_again_at_the_next_wake_up(ctx: Context) -> None:
    state, error, _ = asked(ctx, "query: select 1, expect: 1", "AWAY")
    assert (state, "The database did not answer" in error) == ("pending", True)
