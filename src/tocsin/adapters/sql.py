"""Ask a PostgreSQL one thing, in a transaction that can change nothing unless it is meant to."""

from datetime import timedelta

import psycopg

from tocsin.errors import OperationFailed, Temporary
from tocsin.ports import Value

MOST_ROWS = 1000


class PostgresSql:
    """`ports.Sql`."""

    def rows(self, address: str, query: str, timeout: timedelta) -> tuple[tuple[Value, ...], ...]:
        """Return at most a thousand rows of one query, read-only."""
        return _asked(address, query, timeout, read_only=True)

    def change(self, address: str, statement: str, timeout: timedelta) -> tuple[tuple[Value, ...], ...]:
        """Run one statement and commit it."""
        return _asked(address, statement, timeout, read_only=False)


def _asked(address: str, query: str, timeout: timedelta, *, read_only: bool) -> tuple[tuple[Value, ...], ...]:
    seconds = max(1, int(timeout.total_seconds()))
    try:
        with psycopg.connect(address, connect_timeout=min(seconds, 15), application_name="tocsin") as connection:
            connection.read_only = read_only
            connection.execute(f"SET LOCAL statement_timeout = '{seconds}s'")
            # Prepared: then the server takes one statement alone, and no `commit;` in front ends the guard.
            found = connection.execute(query.encode(), prepare=True)
            rows = found.fetchmany(MOST_ROWS) if found.description else []
            if read_only:
                connection.rollback()
    except psycopg.OperationalError as away:
        raise Temporary(f"The database did not answer: {_first_line(away)}") from away
    except psycopg.Error as wrong:
        raise OperationFailed(f"The database refused the query: {_first_line(wrong)}") from wrong
    return tuple(tuple(_plain(value) for value in row) for row in rows)


def _plain(value: object) -> Value:
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _first_line(error: Exception) -> str:
    # Its later lines may quote rows.
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".") + "."
