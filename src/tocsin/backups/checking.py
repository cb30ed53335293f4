"""Check a repository: its structure every time, and its data part by part until all of it has been read.

Which part is next stands in our store: `--read-data-subset=n/t` covers everything in t runs only if somebody
remembers n. Damage raises an alarm, and no snapshot in such a repository is ever the last clean one.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select

from tocsin.alarms import Alarm, clear, raise_alarm
from tocsin.backups.upkeep import Job, known_repository, maintenance_job, past_stale_locks
from tocsin.context import Context
from tocsin.errors import OperationFailed
from tocsin.model.protection import Maintenance, Repository
from tocsin.model.schedule import latest_due
from tocsin.ports import CheckSummary
from tocsin.repositories import repository_access
from tocsin.store.tables import repository_check as checks

DAMAGED = "repository.damaged"
UNSCHEDULED_PARTS = 10
MOST_ERRORS = 100
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check read and found. `part` of `parts`; part 0 is structure alone."""

    repository: str
    ok: bool
    part: int
    parts: int
    errors: tuple[str, ...]


def check_repository(ctx: Context, repository: str, *, read_all: bool = False) -> Checked:
    """Check a repository and the next part of its data (with `read_all`, all of it); keep the verdict.

    Damage raises an alarm, which the next check that passes over the same part clears. Raises UsageError,
    ConfigurationError and Temporary as restic's other calls do.
    """
    known = known_repository(ctx, repository)
    part, parts = (1, 1) if read_all else next_part(ctx, known)
    with maintenance_job(ctx, repository, "check") as job:
        access = repository_access(ctx, repository, for_maintenance=True)
        try:
            found = past_stale_locks(
                ctx, job, access, lambda: ctx.restic.check(access, part=(part, parts) if part else None)
            )
        except OperationFailed as fault:
            found = CheckSummary(ok=False, errors=(str(fault),))
        checked = Checked(repository, found.ok, part, parts, (*found.errors, *found.broken_packs))
        _keep_check(ctx, job, checked)
    return checked


def next_part(ctx: Context, repository: Repository) -> tuple[int, int]:
    """Return which part of the data is read next: the one after the last that passed; a failed one again."""
    parts = parts_of(repository.maintenance, ctx.clock.now())
    query = select(checks.c.part, checks.c.ok).where(
        checks.c.repository == repository.id, checks.c.parts == parts, checks.c.part > 0
    )
    with ctx.store.read() as connection:
        last = connection.execute(query.order_by(checks.c.at.desc()).limit(1)).one_or_none()
    if last is None:
        return 1, parts
    return (last.part % parts + 1 if last.ok else last.part), parts


def parts_of(maintenance: Maintenance | None, now: datetime) -> int:
    """Return into how many parts the data is cut so that all of it is read in time; 10 without a schedule."""
    if maintenance is None or maintenance.check is None:
        return UNSCHEDULED_PARTS
    cron = maintenance.check.schedule
    last = latest_due(cron, maintenance.timezone, now)
    before = latest_due(cron, maintenance.timezone, last - _SECOND) if last else None
    if last is None or before is None:
        return 1
    return max(1, math.floor(maintenance.check.read_all_over / (last - before)))


def _keep_check(ctx: Context, job: Job, checked: Checked) -> None:
    subject = f"repository:{checked.repository}"
    with ctx.store.write(ctx.actor) as tx:
        tx.execute(
            insert(checks).values(
                id=job.operation.id,
                repository=checked.repository,
                at=tx.now,
                ok=checked.ok,
                part=checked.part,
                parts=checked.parts,
                errors=list(checked.errors[:MOST_ERRORS]),
            )
        )
        if checked.ok:
            clear(tx, kind=DAMAGED, subject=subject)
        else:
            text = (
                f"A check of the repository {checked.repository} found damage. Do not prune it; "
                f"see 'tocsin backup check {checked.repository}' and use another copy meanwhile."
            )
            raise_alarm(tx, Alarm(DAMAGED, subject, text))
    job.tell("ok" if checked.ok else "damaged", part=checked.part, parts=checked.parts, errors=len(checked.errors))
