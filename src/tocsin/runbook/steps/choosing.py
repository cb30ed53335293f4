"""The step that chooses a snapshot, and what every step that restores one has in common: the words for which."""

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field
from sqlalchemy import Connection

from tocsin.backups.last_clean import choose_last_clean
from tocsin.context import Context
from tocsin.errors import UsageError, did_you_mean
from tocsin.model.document import Data
from tocsin.model.fields import Line
from tocsin.recovery import LastClean, LedgerSnapshot, Wanted, Where, choose_wanted, parse_choice
from tocsin.runbook.kinds import Done, Parameters, Place, Waits


def _choice(text: str) -> str:
    try:
        return parse_choice(text).spelled
    except UsageError as fault:
        raise ValueError(str(fault)) from None


Which = Annotated[Line, AfterValidator(_choice)]


class Choosing(Parameters):
    """Which snapshot: `latest`, `last clean`, `before 2026-11-20T17:00Z`, `oldest kept`, `random` or an id.

    `dump` names a database's dump in the backup plan; left out, its files are meant. `without` are repositories
    that count as lost, with commas between them. `system` is what is brought back; the order follows it.
    """

    backup_plan: Line
    dump: Line | None = None
    snapshot: Which = "latest"
    repository: Line | None = None
    without: Annotated[str, Field(max_length=1000)] = ""
    system: Line | None = None

    @property
    def lost(self) -> frozenset[str]:
        """The repositories that count as lost."""
        return frozenset(name.strip() for name in self.without.split(",") if name.strip())

    @property
    def described(self) -> str:
        """What is meant, for a sentence."""
        what = f"{self.dump} of {self.backup_plan}" if self.dump else self.backup_plan
        place = f" in {self.repository}" if self.repository else ""
        lost = f", without {', '.join(sorted(self.lost))}" if self.lost else ""
        return f"{what} ({_spelled(self.snapshot)}{place}{lost})"


def wanted(ctx: Context, parameters: Choosing) -> Wanted:
    """Return what a step wants. Raises UsageError for a plan or repository that is not there."""
    workspace = ctx.workspace
    if parameters.backup_plan not in workspace.backup_plans:
        raise UsageError(
            f"There is no backup plan {parameters.backup_plan!r}."
            f"{did_you_mean(parameters.backup_plan, workspace.backup_plans)}"
        )
    for name in (*parameters.lost, *filter(None, [parameters.repository])):
        if name not in workspace.repositories:
            raise UsageError(f"There is no repository {name!r}.{did_you_mean(name, workspace.repositories)}")
    where = Where(parameters.backup_plan, parameters.dump or "", parameters.repository, parameters.lost)
    return Wanted(where, parse_choice(parameters.snapshot), judged_clean(ctx))


def judged_clean(ctx: Context) -> LastClean:
    """Return the backups' judgement of what is clean, as the choosing of a snapshot asks for it."""

    def last_clean(connection: Connection, where: Where, before: datetime | None) -> str | None:
        plan, now = where.backup_plan, ctx.clock.now()
        found = choose_last_clean(connection, plan, now=now, not_after=before, dump=where.dump)
        return found.entry.id if found.entry else None

    return last_clean


class ChooseSnapshot:
    """Choose the snapshot that later steps restore, from our own ledger and never by what a repository says."""

    name: ClassVar[str] = "restore.choose"
    parameters: ClassVar[type[Parameters]] = Choosing
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    is_isolated: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: Choosing) -> Done | Waits:
        """Choose it; `snapshot` of what it puts out is an id for the steps that restore."""
        snapshot = choose_wanted(ctx, wanted(ctx, parameters))
        age = ctx.clock.now() - snapshot.time
        return Done({**told(snapshot), "age_seconds": int(age.total_seconds())})

    def simulate(self, parameters: Choosing) -> str:
        """Say what would be chosen."""
        return f"choose the snapshot of {parameters.described}"


def told(snapshot: LedgerSnapshot) -> dict[str, Data]:
    """Return what later steps, and a person, may want to know of a snapshot."""
    return {"snapshot": snapshot.id, "repository": snapshot.repository, "time": snapshot.time.isoformat()}


def _spelled(snapshot: str) -> str:
    return f"snapshot {snapshot[:8]}" if parse_choice(snapshot).snapshot_id else snapshot
