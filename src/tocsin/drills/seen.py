"""What a drill sees: the findings, the times, what came back, what was loaded and what answered. Data alone."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from tocsin.drills.asking import Answered
from tocsin.drills.loading import LoadedDatabase
from tocsin.manifest import Comparison
from tocsin.model.ladder import Rung
from tocsin.ports import CheckSummary, RestoreSummary
from tocsin.recovery import DamagedObject

_NOTHING = timedelta(0)


class Code(StrEnum):
    """The kinds of findings, as the journal and the JSON report name them."""

    NO_SNAPSHOT = "no-snapshot"
    WILL_NOT_OPEN = "repository-will-not-open"
    DAMAGED_OBJECT = "damaged-object"
    SNAPSHOT_GONE = "snapshot-gone"
    LEDGER_ALTERED = "ledger-altered"
    RESTORE_FAILED = "restore-failed"
    DAMAGED_FILE = "damaged-file"
    MANIFEST = "manifest"
    MISSING_FILE = "missing-file"
    CHANGED_FILE = "changed-file"
    NOT_COMPARED = "not-compared"
    RTO_MISSED = "rto-missed"
    RPO_MISSED = "rpo-missed"
    OTHERS_GONE = "other-snapshots-gone"
    FOREIGN_SNAPSHOT = "foreign-snapshot"
    MANIFEST_DAMAGED = "manifest-damaged"
    DUMP_REFUSED = "dump-refused"
    DATABASE_DAMAGED = "database-damaged"
    ASSERTION = "assertion"
    CHECK = "check"
    RECORDS_OLD = "records-too-old"
    PLAN_STEP = "plan-step"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing seen. `thing` names the object of the repository, or the restored file."""

    code: Code
    sentence: str
    thing: str = ""
    fails: bool = True


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step of a recovery plan that was drilled whole. `problem` is a sentence when it did not hold."""

    name: str
    uses: str
    took: timedelta
    problem: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it held."""
        return self.problem is None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What kept the drill from proving anything, and the exit code that fits it."""

    sentence: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Targets:
    """How long recovery may take, and how much work may be lost."""

    rto: timedelta
    rpo: timedelta
    integrity: Rung = Rung.L3


@dataclass(frozen=True, slots=True)
class Phases:
    """How long each part of a recovery took. `start` is what servers and applications needed to answer."""

    fetch: timedelta = _NOTHING
    load: timedelta = _NOTHING
    verify: timedelta = _NOTHING
    start: timedelta = _NOTHING

    @property
    def total(self) -> timedelta:
        """What a recovery takes."""
        return self.fetch + self.load + self.verify + self.start


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything a drill saw; what it did not come to is None or empty.

    `broken` holds what was learnt before the restore (no snapshot, will not open, snapshot gone, ledger
    altered) and the notes that fail nothing. `rto` is all phases together, what a recovery takes; `forecast` what
    all of it would take, where only a part was restored. `records_age` is how old the newest record inside the
    data was when the drill began. `opened` is None until tried; `home` is the manifest's folder in the snapshot.
    """

    targets: Targets
    broken: tuple[Finding, ...] = ()
    damaged: tuple[DamagedObject, ...] = ()
    check: CheckSummary | None = None
    restore: RestoreSummary | None = None
    comparison: Comparison | None = None
    manifest_problem: str | None = None
    rpo: timedelta | None = None
    rto: timedelta | None = None
    obstacle: Obstacle | None = None
    opened: bool | None = None
    streamed: Comparison | None = None
    phases: Phases | None = None
    forecast: timedelta | None = None
    records_age: timedelta | None = None
    databases: tuple[LoadedDatabase, ...] = ()
    checks: tuple[Answered, ...] | None = None
    steps: tuple[PlanStep, ...] | None = None
    home: str = ""
