"""A list of people by a query: one SELECT over a database that the workspace names, read-only and as a whole.

The address of the database is a secret by reference; the query stands on the command line or in a file and is
journalled as its hash alone.
"""

from datetime import timedelta
from typing import Final

from tocsin.context import Context
from tocsin.errors import OperationFailed, UsageError, did_you_mean
from tocsin.notices.listed import ListedPeople, read_rows

LONGEST: Final = timedelta(minutes=5)


def read_query(ctx: Context, database: str | None, query: str) -> ListedPeople:
    """Run the query over `channels.bulk databases DATABASE`; its columns are named as those of a file.

    Raises UsageError for a database that the workspace does not name, Temporary or OperationFailed as it answers.
    """
    known = ctx.workspace.channels.bulk.databases
    if database is None and len(known) == 1:
        database = next(iter(known))
    if database is None or database not in known:
        hint = did_you_mean(database or "", known) if known else " Name one under channels: bulk: databases:."
        named = f" {database!r}" if database else ""
        raise UsageError(f"The workspace names no database{named} for lists.{hint} Nothing was loaded.")
    select = query.strip().rstrip(";").strip()
    if not select:
        raise UsageError("The query is empty. Nothing was loaded.")
    # As one value the rows come whole, with their columns' names. The adapter sees that nothing is changed.
    whole = f"SELECT coalesce(json_agg(row_to_json(found)), '[]')::text FROM (\n{select}\n) AS found"  # noqa: S608 - the operator's own query
    rows = ctx.sql.rows(ctx.secrets.read(known[database]), whole, LONGEST)
    if len(rows) != 1 or not isinstance(rows[0][0], str):
        raise OperationFailed("The database answered with something that is no list. Nothing was loaded.")
    return read_rows(rows[0][0])
