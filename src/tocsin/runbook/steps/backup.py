"""Steps that protect what is still good: hold snapshots, stop scheduled backups, find the last good copy."""

from typing import ClassVar

from tocsin.backups import LastClean, hold_snapshots, last_good_snapshot, pause_backups, paused, resume_backups
from tocsin.backups.last_clean import choose_last_clean
from tocsin.context import Context
from tocsin.errors import UsageError
from tocsin.model.document import Data
from tocsin.model.fields import TrueFalse
from tocsin.runbook.kinds import Done, Parameters, Place, Waits
from tocsin.situation import first_alert_of


class HoldParameters(Parameters):
    """The systems whose snapshots are kept, and why."""

    systems: tuple[str, ...]
    reason: str


class Hold:
    """Keep every snapshot of these systems from being forgotten or pruned."""

    name: ClassVar[str] = "backup.hold"
    parameters: ClassVar[type[Parameters]] = HoldParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False

    def run(self, ctx: Context, place: Place, parameters: HoldParameters) -> Done | Waits:
        """Hold them; a repository that cannot be reached does not stop the others, nor our own rows."""
        plans = tuple(plan.id for plan in ctx.workspace.plans_for(parameters.systems))
        held = hold_snapshots(ctx, plans, parameters.reason, place.incident)
        return Done({"held": len(held), "backup_plans": [*plans]})

    def simulate(self, parameters: HoldParameters) -> str:
        """Say what would be held."""
        return f"hold every snapshot of {', '.join(parameters.systems)}"


class PauseParameters(Parameters):
    """Why scheduled backups stop."""

    reason: str


class PauseBackups:
    """Stop all scheduled backups until somebody resumes them."""

    name: ClassVar[str] = "backup.pause"
    parameters: ClassVar[type[Parameters]] = PauseParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False

    def run(self, ctx: Context, place: Place, parameters: PauseParameters) -> Done | Waits:
        """Pause them; already paused is as good."""
        pause_backups(ctx, parameters.reason)
        return Done()

    def simulate(self, parameters: PauseParameters) -> str:
        """Say that backups would stop."""
        return "stop all scheduled backups"

    def undo(
        self, ctx: Context, place: Place, parameters: PauseParameters, output: dict[str, Data]
    ) -> Done | Waits:
        """Let them run again; running already is as good."""
        with ctx.store.read() as connection:
            standing = paused(connection)
        if standing is not None:
            resume_backups(ctx, f"{place.key} of run {place.run} was undone")
        return Done()

    def simulate_undo(self, parameters: PauseParameters) -> str:
        """Say that backups would run again."""
        return "let scheduled backups run again"


class LastGoodParameters(Parameters):
    """The systems to bring back."""

    systems: tuple[str, ...]


class LastGoodSnapshot:
    """Find the newest good snapshot of each backup plan that covers these systems, from before the first alert."""

    name: ClassVar[str] = "backup.last_good_snapshot"
    parameters: ClassVar[type[Parameters]] = LastGoodParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    is_isolated: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: LastGoodParameters) -> Done | Waits:
        """Look in our own ledger, never at what a repository calls its latest."""
        plans = ctx.workspace.plans_for(parameters.systems)
        if not plans:
            raise UsageError(
                f"No backup plan covers {', '.join(parameters.systems)}; there is nothing to restore from."
            )
        found: dict[str, Data] = {}
        with ctx.store.read() as connection:
            before = first_alert_of(connection, place.incident)
            for plan in plans:
                for dump in plan.series:
                    entry = last_good_snapshot(connection, plan.id, not_after=before, dump=dump)
                    told: Data = None if entry is None else {"snapshot": entry.id, "time": entry.time.isoformat()}
                    found[f"{plan.id}/{dump}" if dump else plan.id] = told
        return Done({"snapshots": found})

    def simulate(self, parameters: LastGoodParameters) -> str:
        """Say what would be looked for."""
        return f"find the newest good snapshot of {', '.join(parameters.systems)} from before the first alert"


class LastCleanParameters(Parameters):
    """The systems to bring back; with `checked_only`, nothing that no check has looked at since."""

    systems: tuple[str, ...]
    checked_only: TrueFalse = False


class LastCleanSnapshot:
    """Find what to go back to: whole, plausible, from before the first alert, in an undamaged repository."""

    name: ClassVar[str] = "backup.last_clean_snapshot"
    parameters: ClassVar[type[Parameters]] = LastCleanParameters
    idempotent: ClassVar[bool] = True
    destructive: ClassVar[bool] = False
    is_isolated: ClassVar[bool] = True

    def run(self, ctx: Context, place: Place, parameters: LastCleanParameters) -> Done | Waits:
        """Look in our own ledger; where a plan has none that will do, that is what is said of it."""
        plans = ctx.workspace.plans_for(parameters.systems)
        if not plans:
            raise UsageError(
                f"No backup plan covers {', '.join(parameters.systems)}; there is nothing to go back to."
            )
        found: dict[str, Data] = {}
        with ctx.store.read() as connection:
            before = first_alert_of(connection, place.incident)
            for plan in plans:
                for dump in plan.series:
                    clean = choose_last_clean(
                        connection,
                        plan.id,
                        now=ctx.clock.now(),
                        not_after=before,
                        checked_only=parameters.checked_only,
                        dump=dump,
                    )
                    found[f"{plan.id}/{dump}" if dump else plan.id] = _told(clean)
        missing: list[Data] = [name for name, told in found.items() if told is None]
        return Done({"snapshots": found, "missing": missing})

    def simulate(self, parameters: LastCleanParameters) -> str:
        """Say what would be looked for."""
        return f"find the last clean snapshot of {', '.join(parameters.systems)}"


def _told(clean: LastClean) -> Data:
    entry = clean.entry
    if entry is None:
        return None
    return {
        "snapshot": entry.id,
        "repository": entry.repository,
        "time": entry.time.isoformat(),
        "checked_at": clean.checked_at.isoformat() if clean.checked_at else None,
        "why": " ".join(clean.reasons),
    }
