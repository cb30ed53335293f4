"""Steps that ask what was restored: a database by a query, an application by starting it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, StringConstraints

from tocsin.context import Context
from tocsin.errors import OperationFailed, UsageError, did_you_mean
from tocsin.model.document import Data
from tocsin.model.fields import Line, SecretReference
from tocsin.ports import Value
from tocsin.recovery import kept_area
from tocsin.recovery.answering import answers
from tocsin.recovery.databases import Engine, ScratchDatabase, scratch_database
from tocsin.recovery.databases.sqlite import ScratchSqlite
from tocsin.recovery.isolation import Cell, cell
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.language import Mode
from tocsin.runbook.steps.loading import DatabaseName
from tocsin.runbook.steps.programs import Argv
from tocsin.runbook.steps.restoring import milliseconds
from tocsin.runbook.steps.verifying import within

ASKING = timedelta(minutes=5)


class VerifySqlParameters(Parameters):
    """The database by the name `restore.database` gave it, one query, and what the first value must be.

    When it is live, `address` names where the address of the PostgreSQL is found, or `path` is the SQLite file.
    `at_least` and `at_most` are for counts, which are never the same twice.
    """

    database: DatabaseName
    query: Annotated[str, StringConstraints(min_length=1)]
    expect: bool | int | str | None = None
    at_least: int | None = None
    at_most: int | None = None
    address: SecretReference | None = None
    path: Line | None = None


class VerifySql:
    """Ask a restored database one thing, read-only, and prove that the answer is the expected one."""

    name: ClassVar[str] = "verify.sql"
    parameters: ClassVar[type[Parameters]] = VerifySqlParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    is_isolated: ClassVar[bool] = True
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: VerifySqlParameters) -> Done | Waits:
        """Ask it. The answer's first value is what is judged and kept."""
        limit = place.step.timeout or ASKING
        rows = (
            _live(ctx, parameters, limit) if place.mode is Mode.LIVE else _isolated(ctx, place, parameters, limit)
        )
        if not rows or not rows[0]:
            raise OperationFailed("The query found no row, so there is nothing to compare.")
        value = rows[0][0]
        if parameters.expect is not None and str(value) != str(parameters.expect):
            raise OperationFailed(f"The query found {value!r}, not {parameters.expect!r}.")
        within(value, parameters.at_least, parameters.at_most)
        kept: Data = value
        return Done({"passed": True, "value": kept, "rows": len(rows)})

    def simulate(self, parameters: VerifySqlParameters) -> str:
        """Say what would be asked."""
        return f"ask {parameters.database}: {parameters.query}"


def _isolated(
    ctx: Context, place: Place, parameters: VerifySqlParameters, limit: timedelta
) -> tuple[tuple[Value, ...], ...]:
    with _running(kept_area(ctx, place.run), parameters.database) as database:
        return database.ask(parameters.query, timeout=limit)


def _live(ctx: Context, parameters: VerifySqlParameters, limit: timedelta) -> tuple[tuple[Value, ...], ...]:
    if parameters.address is not None:
        return ctx.sql.rows(ctx.secrets.read(parameters.address), parameters.query, limit)
    if parameters.path is not None:
        return ScratchSqlite(ctx.workspace.resolve(parameters.path)).ask(parameters.query, timeout=limit)
    raise UsageError(
        "The step does not say where the live database is: add `address:` with a secret reference, or `path:` for "
        "SQLite. Nothing was asked."
    )


@contextmanager
def _running(area: Path, name: str) -> Iterator[ScratchDatabase]:
    """Start again what `restore.database` has loaded into the run's area."""
    home = area / "databases" / name
    if not home.is_dir():
        known = [path.name for path in (area / "databases").glob("*")]
        raise UsageError(f"No step of this run has restored a database {name!r}.{did_you_mean(name, known)}")
    with scratch_database(_engine_in(home), home) as database:
        yield database


def _engine_in(home: Path) -> Engine:
    if (home / "restored.db").exists():
        return Engine.SQLITE
    # Where the server's user could not reach the area, its files lie elsewhere, and the note says where.
    note = home / ".elsewhere"
    folder = Path(note.read_text()) if note.is_file() else home
    return Engine.POSTGRES if (folder / "data" / "PG_VERSION").exists() else Engine.MARIADB


def _loopback(url: str) -> str:
    if not url.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]")):
        raise ValueError(
            f"{url!r} leads elsewhere: an application in isolation answers at http://127.0.0.1 alone."
        )
    return url


class VerifyApplicationParameters(Parameters):
    """The program that checks, or (`start` and `url`) the application that is started and must answer.

    `folder` is what `restore.files` put out: the program works there. `database` is one that `restore.database`
    loaded: it runs meanwhile, and PGHOST, PGUSER and PGDATABASE (or SQLITE_FILE, or MYSQL_UNIX_PORT) lead to it.
    """

    folder: Line | None = None
    database: DatabaseName | None = None
    argv: Argv | None = None
    start: Argv | None = None
    url: Annotated[Line, AfterValidator(_loopback)] | None = None
    status: int = 200
    contains: str | None = None


class VerifyApplication:
    """Start what was restored and see that it works: in isolation, with no network but its own.

    When it is live this is not the step to use: ask the application itself, by `verify.http` or `verify.command`.
    """

    name: ClassVar[str] = "verify.application"
    parameters: ClassVar[type[Parameters]] = VerifyApplicationParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    is_isolated: ClassVar[bool] = True
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: VerifyApplicationParameters) -> Done | Waits:
        """Run it. It fails with any exit code but 0, or without the answer that is expected."""
        if place.mode is Mode.LIVE:
            return Done({"passed": False, "skipped": "what runs live is asked by verify.http or verify.command"})
        area = kept_area(ctx, place.run)
        began = ctx.clock.monotonic()
        with cell(area) as here:
            if parameters.database is None:
                found = _proved(here, parameters, place, {})
            else:
                with _running(area, parameters.database) as database:
                    found = _proved(here, parameters, place, _found_from(here, parameters.database, database))
        return Done({**found, "took_ms": milliseconds(timedelta(seconds=ctx.clock.monotonic() - began))})

    def simulate(self, parameters: VerifyApplicationParameters) -> str:
        """Say what would be run."""
        words = " ".join(parameters.argv or parameters.start or ("nothing",))
        return f"run {words} in isolation" + (f" and ask it for {parameters.url}" if parameters.url else "")


def _proved(
    here: Cell, parameters: VerifyApplicationParameters, place: Place, environment: dict[str, str]
) -> dict[str, Data]:
    limit = place.step.timeout or ASKING
    if parameters.folder is not None:
        environment |= {"RESTORED": str(_inside(here, parameters.folder))}
    if parameters.start and parameters.url:
        words = _words(here, parameters, parameters.start)
        answer = answers(here, words, parameters.url, timeout=limit, environment=environment)
        if answer.status != parameters.status:
            raise OperationFailed(f"The application answered {answer.status}, not {parameters.status}.")
        said = answer.body
        known: dict[str, Data] = {"status": answer.status}
    elif parameters.argv:
        ended = here.run(_words(here, parameters, parameters.argv), timeout=limit, environment=environment)
        if ended.code != 0:
            how = "was stopped because its time was over" if ended.code is None else f"ended with {ended.code}"
            lines = (ended.stderr.strip() or ended.stdout.strip()).splitlines()
            raise OperationFailed(f"{parameters.argv[0]} {how}. It said last: {(lines or ['nothing'])[-1][:300]}")
        said, known = ended.stdout, {"stdout": ended.stdout[-2000:]}
    else:
        raise UsageError("The step names nothing to run: add `argv:`, or `start:` and `url:`.")
    if parameters.contains is not None and parameters.contains not in said:
        raise OperationFailed(f"What it said does not hold {parameters.contains!r}.")
    return {"passed": True, **known}


def _words(here: Cell, parameters: VerifyApplicationParameters, argv: tuple[str, ...]) -> list[str]:
    """Return the program's words; in them `{restored}` is the folder of restored files as seen from inside."""
    if parameters.folder is None:
        return list(argv)
    inside = str(_inside(here, parameters.folder))
    return [word.replace("{restored}", inside) for word in argv]


def _inside(here: Cell, folder: str) -> Path:
    path = Path(folder)
    if not path.is_relative_to(here.folder) or not path.exists():
        raise UsageError(f"{folder} is not among what this run restored: give `folder` of a `restore.files` step.")
    for parent in (path, *path.parents):
        if parent == here.folder:
            break
        here.own(parent) if parent == path else here.open(parent)
    return here.inside / path.relative_to(here.folder)


def _found_from(here: Cell, name: str, database: ScratchDatabase) -> dict[str, str]:
    """Return how the database is found from the cell that holds the whole area, its own folder included."""
    own = getattr(database, "cell", None)
    seen = str(own.inside) if own is not None else ""
    home = str(here.inside / "databases" / name)
    if own is None:
        here.own(here.folder / "databases" / name)
        return {"SQLITE_FILE": f"{home}/restored.db"}
    return {key: value.replace(seen, home, 1) for key, value in database.environment.items()}
