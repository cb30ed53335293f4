"""One dump of a plan: from what the workspace says of it to a snapshot of its own.

Nothing of a dump lies on the disk but a SQLite database's copy, which has lost its name before it is read. No
password stands in argv: PostgreSQL's programs get it as PGPASSWORD, MySQL's as MYSQL_PWD, in an environment that
restic hands to our tee alone.
"""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tocsin.backups.freshness import last_good_snapshot
from tocsin.backups.plans import TAG, host_of
from tocsin.context import Context
from tocsin.durable import private_folder
from tocsin.model.dumps import CommandDump, Dump, MysqlDump, PostgresDump, PostgresGlobals, SqliteDump
from tocsin.model.workspace import BackupPlan
from tocsin.ports import DumpCommand, DumpFault, DumpSummary, OnProgress
from tocsin.repositories import repository_access
from tocsin.store.operations import Operation

_WHOLE = 100
# The client's own default is to wait for ever.
_CONNECT_SECONDS = "30"
_MYSQL_FLAGS = (
    "--single-transaction",
    "--quick",
    "--routines",
    "--triggers",
    "--events",
    "--hex-blob",
    "--no-tablespaces",
    "--skip-dump-date",  # else each dump differs in its last line
    "--default-character-set=utf8mb4",
)


@dataclass(frozen=True, slots=True)
class DumpDone:
    """What became of one dump, and when restic was started for it."""

    dump: str
    file_path: str
    summary: DumpSummary
    read_at: datetime

    @property
    def fault(self) -> DumpFault | None:
        """What was wrong with it, None when it was saved."""
        return self.summary.fault


def file_path_of(plan_id: str, dump: Dump) -> str:
    """Return where a dump lies in its snapshot. restic takes no folder there, and groups by this and the host."""
    return f"{plan_id}.{dump.file_name}"


def dump_commands(ctx: Context, plan: BackupPlan) -> dict[str, DumpCommand]:
    """Return how each dump of a plan is made, its secrets read. Raises ConfigurationError or Temporary."""
    return {dump.name: _command(ctx, plan, dump) for dump in plan.dumps}


def missing_for(command: DumpCommand) -> str:
    """Return the program or database of a dump that is not on this machine, '' when it is."""
    if command.sqlite is not None:
        return "" if command.sqlite.is_file() else str(command.sqlite)
    here = shutil.which(command.argv[0]) or (command.instead and shutil.which(command.instead))
    return "" if here else command.argv[0]


def clear_scratch(ctx: Context, plan: BackupPlan) -> None:
    """Remove what a killed run left, and make the folder anew; nobody else backs this plan up now."""
    if plan.dumps:
        shutil.rmtree(_scratch(ctx, plan), ignore_errors=True)
        private_folder(_scratch(ctx, plan))


def save_dump(
    ctx: Context,
    plan: BackupPlan,
    repository: str,
    named: tuple[str, DumpCommand],
    operation: Operation,
    on_progress: OnProgress | None,
) -> DumpDone:
    """Stream one dump into a snapshot. Raises what restic raises; a dump that is none is told, not raised."""
    name, command = named
    read_at = ctx.clock.now()
    summary = ctx.restic.backup_dump(
        repository_access(ctx, repository, limits=plan.limits),
        command,
        tags=[TAG, f"plan:{plan.id}", f"operation:{operation.id}", f"dump:{name}", *plan.tags],
        host=host_of(ctx.workspace.organisation.name),
        on_progress=on_progress,
    )
    return DumpDone(name, f"/{command.file_path}", summary, read_at)


def _scratch(ctx: Context, plan: BackupPlan) -> Path:
    return ctx.workspace.state_folder.absolute() / "dumps" / plan.id


def _command(ctx: Context, plan: BackupPlan, dump: Dump) -> DumpCommand:
    argv, instead, environment = _program(ctx, dump)
    references = [dump.password] if isinstance(dump, (PostgresDump, PostgresGlobals, MysqlDump)) else []
    if isinstance(dump, CommandDump):
        references = list(dump.environment.values())
    return DumpCommand(
        file_path=file_path_of(plan.id, dump),
        scratch=_scratch(ctx, plan),
        argv=argv,
        instead=instead,
        environment=environment,
        folder=ctx.workspace.root,
        sqlite=ctx.workspace.resolve(dump.path) if isinstance(dump, SqliteDump) else None,
        starts_with=dump.STARTS,
        smallest_bytes=_smallest(ctx, plan, dump),
        timeout=dump.timeout,
        hide=tuple(ctx.secrets.read(reference) for reference in references if reference),
    )


def _smallest(ctx: Context, plan: BackupPlan, dump: Dump) -> int:
    with ctx.store.read() as connection:
        last = last_good_snapshot(connection, plan.id, dump=dump.name)
    return last.bytes * dump.smallest // _WHOLE if last else 0


def _program(ctx: Context, dump: Dump) -> tuple[tuple[str, ...], str, dict[str, str]]:
    """Return the program with its arguments, the one to take where it is missing, and its environment."""
    if isinstance(dump, CommandDump):
        told = {name: ctx.secrets.read(reference) for name, reference in dump.environment.items()}
        return dump.argv, "", told
    if isinstance(dump, SqliteDump):
        return (), "", {}
    password = ctx.secrets.read(dump.password) if dump.password else ""
    if isinstance(dump, MysqlDump):
        return (
            (dump.program or "mariadb-dump", *_mysql_server(dump), *_MYSQL_FLAGS, *dump.options, dump.database),
            "" if dump.program else "mysqldump",
            {"MYSQL_PWD": password} if password else {},
        )
    server = {
        "PGHOST": dump.host,
        "PGPORT": str(dump.port) if dump.port else None,
        "PGUSER": dump.user,
        "PGPASSWORD": password,
        "PGDATABASE": dump.database if isinstance(dump, PostgresDump) else None,
        "PGCONNECT_TIMEOUT": _CONNECT_SECONDS,
        "PGAPPNAME": "tocsin",
    }
    environment = {name: value for name, value in server.items() if value}
    if isinstance(dump, PostgresGlobals):
        return (dump.program or "pg_dumpall", "--globals-only", "--no-password", *dump.options), "", environment
    # Uncompressed: restic compresses, and finds in it what the last dump had.
    flags = ("--format=custom", "--compress=0", "--no-password")
    return (dump.program or "pg_dump", *flags, *dump.options), "", environment


def _mysql_server(dump: MysqlDump) -> tuple[str, ...]:
    told: list[str] = []
    if dump.host:
        told.append(f"--socket={dump.host}" if dump.host.startswith("/") else f"--host={dump.host}")
    if dump.port:
        told.append(f"--port={dump.port}")
    if dump.user:
        told.append(f"--user={dump.user}")
    return tuple(told)
