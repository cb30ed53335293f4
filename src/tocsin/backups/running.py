"""One backup of one plan into one repository, told as it happens:

1. what an earlier run left unknown is looked at first (`unknown`);
2. the start is journalled; from here on every end is journalled too;
3. each source is looked at: is it there, does it hold anything;
4. the manifest is taken;
5. restic is called, once, with the sources and the manifest's own folder;
6. the sources are walked again: what moved meanwhile is named;
7. a pure verdict (`judging`);
8. the ledger's row and the finish are journalled in one transaction, and the head is signed.

A plan with several repositories is backed up into each, one operation after the other.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tocsin.backups.judging import BackupVerdict, Verdict
from tocsin.backups.ledger import LedgerEntry
from tocsin.backups.plans import TAG, find_plan, host_of, manifest_folder, repositories_of, sources_of
from tocsin.backups.recording import Done, record, record_failure
from tocsin.backups.suspecting import Observed, Suspicion, judge_with_summary, observe
from tocsin.backups.unknown import Settled, settle_unknown
from tocsin.context import Context
from tocsin.durable import write_durably
from tocsin.errors import Interrupted, TocsinError
from tocsin.manifest import Delta, Source, SourceFault, TakenManifest, examine_source, recheck, take_manifest
from tocsin.model.workspace import BackupPlan
from tocsin.ports import BackupSummary, OnProgress
from tocsin.repositories import repository_access
from tocsin.store.operations import Operation, begin

KIND = "backup"


HEAD_COPY = "journal-head.json"


@dataclass(frozen=True, slots=True)
class Copy:
    """What became of one plan in one repository. `entry` is its row in the ledger, None without a snapshot."""

    repository: str
    judged: BackupVerdict
    entry: LedgerEntry | None
    hashed_files: int = 0
    hashed_bytes: int = 0
    settled: tuple[Settled, ...] = ()
    suspicion: Suspicion | None = None


@dataclass(frozen=True, slots=True)
class BackupOutcome:
    """What became of one backup: a copy for each repository. The verdict is the worst of them."""

    plan: str
    copies: tuple[Copy, ...]

    @property
    def verdict(self) -> Verdict:
        """`failed`, `incomplete`, else `ok`."""
        verdicts = {copy.judged.verdict for copy in self.copies}
        return next((worst for worst in (Verdict.FAILED, Verdict.INCOMPLETE) if worst in verdicts), Verdict.OK)

    @property
    def snapshot(self) -> LedgerEntry | None:
        """The first snapshot that was saved."""
        return next((copy.entry for copy in self.copies if copy.entry is not None), None)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason once."""
        return tuple(dict.fromkeys(reason for copy in self.copies for reason in copy.judged.reasons))


def run_backup(
    ctx: Context, plan_id: str, *, repository: str | None = None, on_progress: OnProgress | None = None
) -> BackupOutcome:
    """Back up a plan into `repository`, or into each of its repositories, and record what became of it.

    Where one of several repositories fails, the others are still served; then its error is raised.

    Raises:
        UsageError: there is no such plan, or it does not use that repository.
        ConfigurationError: an exclusion is none, there is no repository yet, or its password is wrong.
        Temporary: this plan is being backed up already, or the repository is locked or out of reach.
        OperationFailed: a full or read-only disk, or restic failed in another way.
        Interrupted: a signal stopped it.
    """
    plan = find_plan(ctx, plan_id)
    sources = sources_of(ctx, plan)
    copies, errors = [], []
    for name in repositories_of(plan, repository):
        try:
            copies.append(_back_up(ctx, plan, sources, name, on_progress))
        except Interrupted:
            raise
        except TocsinError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return BackupOutcome(plan.id, tuple(copies))


def _back_up(
    ctx: Context, plan: BackupPlan, sources: tuple[Source, ...], repository: str, on_progress: OnProgress | None
) -> Copy:
    repository_access(ctx, repository)  # a wrong reference is said before anything is started
    settled = settle_unknown(ctx, plan.id)
    with _operation(ctx, plan, repository) as act:
        act.reach("after-start")
        faults = {path: fault for source in sources for path in source.paths if (fault := examine_source(path))}
        taken, observed = _take(ctx, plan, _usable(sources, faults))
        summary: BackupSummary | None = None
        changed: tuple[str, ...] = ()
        read_at = None
        if taken is not None:
            act.reach("before-restic")
            read_at = ctx.clock.now()
            summary = _call_restic(ctx, plan, act.operation, repository, taken, on_progress)
            act.reach("after-restic")
            changed = recheck(taken)
        if observed is not None:
            observed = judge_with_summary(ctx, observed, summary)
    done = Done(act.operation, plan.id, repository, faults, taken, changed, summary, read_at, observed)
    # Beyond the guard: should this fail, the snapshot stands, and "unknown" is the truth that the next run finds.
    ctx.crash.reach("backup:before-finish")
    judged, entry, suspicion = record(ctx, done)
    return Copy(repository, judged, entry, done.hashed_files, done.hashed_bytes, settled, suspicion)


class _Act:
    """The operation under way, and whether a crash point has cut the power: then nobody is left to tidy up."""

    def __init__(self, ctx: Context, operation: Operation) -> None:
        self.operation = operation
        self.is_cut = False
        self._crash = ctx.crash

    def reach(self, name: str) -> None:
        """Pass a crash point."""
        self.is_cut = True
        self._crash.reach(f"backup:{name}")
        self.is_cut = False


@contextmanager
def _operation(ctx: Context, plan: BackupPlan, repository: str) -> Iterator[_Act]:
    """Journal the start; journal a failure, an interruption or a fault of our own as the end."""
    act = _Act(ctx, begin(ctx.store, ctx.actor, KIND, f"plan:{plan.id}", {"repository": repository}))
    try:
        yield act
    except BaseException as fault:
        # Ctrl-C and Prefect's cancellation are no `Exception`, and an end all the same.
        if not act.is_cut:
            stopped = isinstance(fault, Interrupted) or not isinstance(fault, Exception)
            record_failure(ctx, act.operation, repository, "interrupted" if stopped else "failed", fault)
        raise


def _usable(sources: tuple[Source, ...], faults: dict[Path, SourceFault]) -> tuple[Source, ...]:
    """Return the sources without the paths restic must not be given; an empty folder may be saved."""
    kept = (
        Source(
            tuple(path for path in source.paths if faults.get(path) in {None, SourceFault.EMPTY}), source.exclude
        )
        for source in sources
    )
    return tuple(source for source in kept if source.paths)


def _take(
    ctx: Context, plan: BackupPlan, sources: tuple[Source, ...]
) -> tuple[TakenManifest, Observed] | tuple[None, None]:
    """Take the manifest of what is there. Our own state and the repositories themselves are no content."""
    if not sources:
        return None, None
    locations = (ctx.workspace.repository_location(one) for one in ctx.workspace.repositories.values())
    left_out = [ctx.workspace.state_folder.absolute(), *(Path(place) for place in locations if place[:1] == "/")]
    observed: list[Observed] = []

    def look(delta: Delta) -> None:
        observed.append(observe(ctx, plan, delta))

    taken = take_manifest(manifest_folder(ctx, plan.id), sources, left_out=left_out, on_delta=look)
    _carry_head(ctx, taken.folder)
    return taken, observed[-1]


def _carry_head(ctx: Context, folder: Path) -> None:
    """Send the journal's last signed head along, so that a rewritten journal shows against the repository."""
    if ctx.store.head_file.exists():
        write_durably(folder / HEAD_COPY, ctx.store.head_file.read_bytes())


def _call_restic(
    ctx: Context,
    plan: BackupPlan,
    operation: Operation,
    repository: str,
    taken: TakenManifest,
    on_progress: OnProgress | None,
) -> BackupSummary:
    return ctx.restic.backup(
        repository_access(ctx, repository),
        taken.paths,
        tags=[TAG, f"plan:{plan.id}", f"operation:{operation.id}", *plan.tags],
        host=host_of(ctx.workspace.organisation.name),
        excludes=taken.excludes,
        on_progress=on_progress,
    )
