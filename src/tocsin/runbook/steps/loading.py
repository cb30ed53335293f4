"""The step that brings a database back: into a server of its own in a drill, into the live one when it is live."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import StringConstraints

from tocsin.context import Context
from tocsin.errors import OperationFailed, UsageError
from tocsin.model.document import Data
from tocsin.model.fields import Line, SecretReference
from tocsin.recovery import choose_wanted, fetch, run_area, scratch
from tocsin.recovery.databases import (
    DumpRefused,
    Engine,
    Loaded,
    load_into_postgres,
    put_sqlite,
    scratch_database,
)
from tocsin.recovery.scratch import refuse_without_room
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.runbook.language import Mode
from tocsin.runbook.steps.choosing import Choosing, Which, told, wanted
from tocsin.runbook.steps.restoring import emptied, milliseconds

DatabaseName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,47}$")]
LONGEST = timedelta(hours=12)
# A loaded database takes more room than its dump: its indexes, its own files.
_ROOM = 3


class RestoreDatabaseParameters(Parameters):
    """Which engine, and the dump: `dump` of a `backup_plan` (see `restore.choose`), or a `file` restored before.

    `name` is what later steps call the database. `into` names where the address of the live PostgreSQL is found,
    an empty one; `to` is the place of a live SQLite file. A drill touches neither.
    """

    engine: Engine
    name: DatabaseName
    file: Line | None = None
    backup_plan: Line | None = None
    dump: Line | None = None
    snapshot: Which = "latest"
    repository: Line | None = None
    without: Annotated[str, StringConstraints(max_length=1000)] = ""
    system: Line | None = None
    into: SecretReference | None = None
    to: Line | None = None


class RestoreDatabase:
    """Load a dump into a real database and let that look at all it holds.

    In a drill a server is started for it, without a network and under a user of its own, and stopped after the
    step; the next step finds it again by its name. When it is live, only an empty database is loaded into.
    """

    name: ClassVar[str] = "restore.database"
    parameters: ClassVar[type[Parameters]] = RestoreDatabaseParameters
    # Half a load is for a person to look at.
    idempotent: ClassVar[bool] = False
    destructive: ClassVar[bool] = False
    is_isolated: ClassVar[bool] = True
    keeps_time: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: RestoreDatabaseParameters) -> Done | Waits:
        """Load it; what it puts out has its tables and rows."""
        if place.mode is Mode.LIVE:
            with scratch(ctx, f"load-{parameters.name}") as area:
                dump, known = _dump(ctx, parameters, area / "dump")
                return Done({**known, **_into_live(ctx, place, parameters, dump, area)})
        with run_area(ctx, place.run) as area:
            dump, known = _dump(ctx, parameters, area / "dumps" / parameters.name)
            refuse_without_room(area, dump.stat().st_size * _ROOM if dump.exists() else 0)
            return Done({**known, **_into_scratch(place, parameters, dump, area)})

    def simulate(self, parameters: RestoreDatabaseParameters) -> str:
        """Say what would be loaded, and into what."""
        live = parameters.to or parameters.into
        goes = f"into {live} when live" if live else "never live"
        what = parameters.file or _choosing(parameters).described
        return f"load {what} as {parameters.name}: {goes}, in a drill into a {parameters.engine.value} of its own"


def _choosing(parameters: RestoreDatabaseParameters) -> Choosing:
    if parameters.backup_plan is None or parameters.dump is None:
        raise UsageError("The step names no dump: add `backup_plan:` and `dump:`, or the `file:` restored before.")
    names = ("backup_plan", "dump", "snapshot", "repository", "without", "system")
    return Choosing(**{name: getattr(parameters, name) for name in names})


def _dump(ctx: Context, parameters: RestoreDatabaseParameters, folder: Path) -> tuple[Path, dict[str, Data]]:
    """Return the dump, restored where it must be, and what is known of the snapshot it comes from."""
    if parameters.file is not None:
        return ctx.workspace.resolve(parameters.file), {}
    asked = wanted(ctx, _choosing(parameters))
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    refuse_without_room(folder.parent, choose_wanted(ctx, asked).bytes)
    found = fetch(ctx, asked, emptied(folder))
    return found.top, {**told(found.snapshot), "passed_over": list(found.passed_over)}


def _into_scratch(place: Place, parameters: RestoreDatabaseParameters, dump: Path, area: Path) -> dict[str, Data]:
    home = area / "databases" / parameters.name
    home.parent.mkdir(mode=0o700, exist_ok=True)
    with scratch_database(parameters.engine, emptied(home)) as database:
        loaded = database.load(dump, timeout=place.step.timeout or LONGEST)
        if faults := database.integrity():
            raise DumpRefused(f"{dump.name} was loaded, and what is in it is damaged: {faults[0].rstrip('.')}.")
        counts = database.row_counts()
        if not counts:
            raise OperationFailed(f"{dump.name} was loaded, and there is not one table in it.")
        started, version = database.started_in, database.version
    return {
        **_told(parameters, loaded),
        "version": version,
        "start_ms": milliseconds(started),
        "tables": len(counts),
        "rows": sum(counts.values()),
        "counts": dict(counts),
    }


def _into_live(
    ctx: Context, place: Place, parameters: RestoreDatabaseParameters, dump: Path, area: Path
) -> dict[str, Data]:
    if parameters.engine is Engine.POSTGRES and parameters.into:
        limit = place.step.timeout or LONGEST
        loaded = load_into_postgres(ctx.secrets.read(parameters.into), dump, area / "client", timeout=limit)
        return _told(parameters, loaded)
    if parameters.engine is Engine.SQLITE and parameters.to:
        loaded, aside = put_sqlite(dump, ctx.workspace.resolve(parameters.to), area / "checked")
        return {**_told(parameters, loaded), "aside": str(aside) if aside else None}
    raise UsageError(
        f"The step does not say which live {parameters.engine.value} to load into: add `into:` with a secret "
        "reference for PostgreSQL, or `to:` with a path for SQLite. A live MariaDB is loaded by a `command` step. "
        "Nothing was done."
    )


def _told(parameters: RestoreDatabaseParameters, loaded: Loaded) -> dict[str, Data]:
    return {
        "database": parameters.name,
        "engine": parameters.engine.value,
        "load_ms": milliseconds(loaded.took),
        "dump_bytes": loaded.bytes,
        "warnings": list(loaded.warnings),
    }
