"""What a drill has seen so far, and what kept it from seeing more."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tocsin.drills.asking import Answered
from tocsin.drills.loading import LoadedDatabase
from tocsin.drills.seen import Finding, Obstacle, Phases, PlanStep, Seen, Targets
from tocsin.errors import Interrupted, TocsinError
from tocsin.manifest import Comparison
from tocsin.ports import CheckSummary
from tocsin.recovery import DamagedObject, LedgerSnapshot, Restored
from tocsin.store.heads import Head

_NOTHING = timedelta(0)


@dataclass
class Notebook:
    """What a drill has seen so far. The one mutable thing, so that whatever ends the drill, nothing is lost."""

    targets: Targets
    repository: str
    began: datetime
    restic_version: str = ""
    participants: tuple[str, ...] = ()
    snapshot: LedgerSnapshot | None = None
    why_this: str = ""
    newest: datetime | None = None  # when the newest good snapshot was taken, which may be another
    tree: str | None = None
    head: Head | None = None  # the journal's, when the report was written
    opened: bool | None = None
    broken: list[Finding] = field(default_factory=list)
    damaged: tuple[DamagedObject, ...] = ()
    check: CheckSummary | None = None
    check_part: tuple[int, int] = (1, 1)
    check_took: timedelta | None = None
    streamed: Comparison | None = None
    stream_took: timedelta | None = None
    stream_problem: str | None = None
    restored: Restored | None = None
    part: tuple[str, ...] = ()  # the paths restored, where not all were
    databases: tuple[LoadedDatabase, ...] = ()
    checks: tuple[Answered, ...] | None = None
    steps: tuple[PlanStep, ...] | None = None
    plan_phases: Phases | None = None
    plan_systems: tuple[str, ...] = ()
    newest_record: datetime | None = None
    isolation: str = ""
    damaged_by_us: tuple[str, ...] = ()  # by a drill that must fail
    scratch_removed: bool | None = None
    obstacle: Obstacle | None = None
    raised: BaseException | None = None  # to be raised again once everything is journalled

    @property
    def phases(self) -> Phases | None:
        """How long each part of the recovery took, by a plan's own times where one ran; None without a restore."""
        if self.steps is not None:
            return self.plan_phases
        if self.restored is None:
            return None
        checks = self.checks or ()
        verify = sum((each.verify for each in self.databases), self.restored.verify)
        return Phases(
            fetch=sum((each.fetch for each in self.databases), self.restored.fetch),
            load=sum((each.load for each in self.databases), _NOTHING),
            verify=sum((each.took - each.start for each in checks), verify),
            start=sum((each.start for each in checks), sum((each.start for each in self.databases), _NOTHING)),
        )

    @property
    def forecast(self) -> timedelta | None:
        """How long all of it would take at the measured rate; None when all of it was restored, or nothing."""
        phases, restored = self.phases, self.restored
        if not self.part or phases is None or restored is None or restored.comparison is None:
            return None
        share = restored.comparison.hashed_bytes / max(restored.snapshot.bytes, 1)
        if not 0 < share < 1:
            return None
        return (restored.fetch + restored.verify) / share + (phases.total - restored.fetch - restored.verify)

    def seen(self) -> Seen:
        """Return everything seen, for the judge."""
        restored, phases = self.restored, self.phases
        taken = self.newest or (self.snapshot.time if self.snapshot else None)
        record = self.newest_record
        lag = self.snapshot.time - record if record and self.snapshot else None
        rpo = self.began - taken if taken else None
        return Seen(
            targets=self.targets,
            broken=tuple(self.broken),
            damaged=self.damaged,
            check=self.check,
            restore=restored.summary if restored else None,
            comparison=restored.comparison if restored else None,
            manifest_problem=restored.manifest_problem if restored else self.stream_problem,
            rpo=rpo,
            rto=phases.total if phases else None,
            obstacle=self.obstacle,
            opened=self.opened,
            streamed=self.streamed,
            phases=phases,
            forecast=self.forecast,
            records_age=rpo + lag if rpo is not None and lag is not None else None,
            databases=self.databases,
            checks=self.checks,
            steps=self.steps,
            home=str(self.snapshot.manifest_folder) if self.snapshot and self.snapshot.manifest_folder else "",
        )


class EndedEarly(Exception):  # noqa: N818 - no error: the drill has seen enough
    """Nothing further can be seen; the notebook says why."""


@contextmanager
def obstacles(notebook: Notebook) -> Iterator[None]:
    """Note what kept us from seeing more. Such errors prove nothing about the backup."""
    try:
        yield
    except KeyboardInterrupt:
        notebook.raised = Interrupted("Stopped by Ctrl-C. Nothing that was restored is left behind.")
        notebook.obstacle = Obstacle(str(notebook.raised), Interrupted.exit_code)
    except Interrupted as stopped:
        notebook.raised = stopped
        notebook.obstacle = Obstacle(str(stopped), stopped.exit_code)
    except TocsinError as fault:
        notebook.obstacle = Obstacle(str(fault), fault.exit_code)
    except EndedEarly:
        raise
    except Exception as fault:  # noqa: BLE001 - raised again by `run_drill`, after the journal knows
        notebook.raised = fault
        notebook.obstacle = Obstacle(f"Tocsin itself is at fault ({type(fault).__name__}).", 1)
