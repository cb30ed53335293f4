"""Dumps: are the programs and databases that the backup plans name on this machine, and the secrets readable?"""

from collections.abc import Iterator

from tocsin.backups.dumping import dump_commands, missing_for
from tocsin.context import Context
from tocsin.doctor.finding import Finding, failed, ok
from tocsin.errors import TocsinError

_PACKAGES = {
    "pg_dump": "Install PostgreSQL's client programs (Debian: postgresql-client), no older than the server.",
    "pg_dumpall": "Install PostgreSQL's client programs (Debian: postgresql-client), no older than the server.",
    "mariadb-dump": "Install MariaDB's or MySQL's client programs (Debian: mariadb-client).",
}


def check_dumps(ctx: Context) -> Iterator[Finding]:
    """Look for what each plan's dumps are made with; no database is asked."""
    for plan in ctx.workspace.backup_plans.values():
        if not plan.dumps:
            continue
        about = f"dumps of {plan.id}"
        try:
            commands = dump_commands(ctx, plan)
        except TocsinError as fault:
            yield failed(about, str(fault))
            continue
        missing = {name: what for name, command in commands.items() if (what := missing_for(command))}
        if not missing:
            yield ok(about, ", ".join(commands))
        for name, what in missing.items():
            advice = _PACKAGES.get(what, "Install it, or correct the backup plan.")
            yield failed(f"dump {name} of {plan.id}", f"{what} is not on this machine.", advice)
