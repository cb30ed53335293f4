"""A step that proves something by asking a MariaDB or MySQL."""

from datetime import timedelta
from typing import ClassVar

from tocsin.containment.mysql import server_at
from tocsin.context import Context
from tocsin.errors import OperationFailed
from tocsin.model.document import Data
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.steps.verifying import PostgresParameters, within

LONGEST = timedelta(seconds=60)


class MysqlParameters(PostgresParameters):
    """Where the database's address is found, one query, and the value its first row must begin with.

    The address is like `mysql://user:password@host:3306/database` or `mysql://user:password@/database?socket=/PATH`.
    `at_least` and `at_most` are for counts, which are never the same twice.
    """


class QueryMysql:
    """Ask a MariaDB or MySQL one thing, read-only, and prove that the answer is the expected one.

    The machine needs the client, `mariadb` or `mysql`.
    """

    name: ClassVar[str] = "mysql.query"
    parameters: ClassVar[type[Parameters]] = MysqlParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: MysqlParameters) -> Done | Waits:
        """Ask it. The answer's first value is what is judged and kept."""
        server = server_at(ctx, ctx.secrets.read(parameters.database), place.step.timeout or LONGEST)
        rows = server.ask(parameters.query)
        if not rows or not rows[0]:
            raise OperationFailed("The query found no row, so there is nothing to compare.")
        told = rows[0][0]
        expected = parameters.expect
        spelled = str(int(expected)) if isinstance(expected, bool) else str(expected)
        if expected is not None and told != spelled:
            raise OperationFailed(f"The query found {told!r}, not {expected!r}.")
        value = _value(told)
        within(value, parameters.at_least, parameters.at_most)
        kept: Data = value
        return Done({"passed": True, "value": kept, "rows": len(rows)})

    def simulate(self, parameters: MysqlParameters) -> str:
        """Say what would be asked."""
        return f"ask the database: {parameters.query}"


def _value(told: str) -> int | float | str:
    """Return what the client printed as the number it is, where it is one."""
    for kind in (int, float):
        try:
            return kind(told)
        except ValueError:
            continue
    return told
