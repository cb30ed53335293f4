"""One backup of one plan into one repository, told as it happens:

1. what an earlier run left unknown is looked at first (`unknown`);
2. the start is journalled; from here on every end is journalled too;
3. each dump is streamed into a snapshot of its own (`dumping`); one that is none leaves no snapshot;
4. each source is looked at: is it there, does it hold anything;
5. the manifest is taken;
6. restic is called, once for all files, with the sources and the manifest's own folder;
7. the sources are walked again: what moved meanwhile is named;
8. a pure verdict (`judging`);
9. the ledger's rows and the finish are journalled in one transaction, and the head is signed.

A plan with several repositories is backed up into each, one operation after the other, its hooks around them all.
One that is filled `from` another is copied to when the hooks are done (`copying`), an older gap with it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tocsin.backups.copying import Copied, copies_of, copy_plan, plan_copies
from tocsin.backups.dumping import DumpDone, clear_scratch, dump_commands, save_dump
from tocsin.backups.hooks import HookRan, hooked
from tocsin.backups.judging import BackupVerdict, Verdict
from tocsin.backups.ledger import LedgerEntry
from tocsin.backups.plans import (
    TAG,
    find_plan,
    host_of,
    manifest_folder,
    omissions_of,
    repositories_of,
    sources_of,
)
from tocsin.backups.recording import Done, Failure, record, record_failure
from tocsin.backups.suspecting import Observed, Suspicion, judge_with_summary, observe
from tocsin.backups.unknown import Settled, settle_unknown
from tocsin.context import Context
from tocsin.durable import write_durably
from tocsin.errors import ConfigurationError, Interrupted, Place, Problem, TocsinError
from tocsin.manifest import Delta, Source, SourceFault, TakenManifest, examine_source, recheck, take_manifest
from tocsin.model.workspace import BackupPlan
from tocsin.ports import BackupSummary, OnProgress
from tocsin.repositories import repository_access
from tocsin.store.operations import Operation, begin

KIND = "backup"


HEAD_COPY = "journal-head.json"
DUMPS_NAME = "dumps.sha256"


@dataclass(frozen=True, slots=True)
class Copy:
    """What became of one plan in one repository.

    `entry` is the ledger's row of its files, None without a snapshot of them; `dumps` are those of its dumps.
    """

    repository: str
    judged: BackupVerdict
    entry: LedgerEntry | None
    hashed_files: int = 0
    hashed_bytes: int = 0
    settled: tuple[Settled, ...] = ()
    suspicion: Suspicion | None = None
    dumps: tuple[LedgerEntry, ...] = ()

    @property
    def entries(self) -> tuple[LedgerEntry, ...]:
        """Every snapshot that was saved."""
        return (*([self.entry] if self.entry else []), *self.dumps)


@dataclass(frozen=True, slots=True)
class BackupOutcome:
    """What became of one backup: a copy for each repository. The verdict is the worst of them.

    `errors` pairs a repository that got no snapshot with the reason; a hook that failed stands under ''. Of those
    that are filled from another, `copied` says what came of it, and `uncopied` where it failed.
    """

    plan: str
    copies: tuple[Copy, ...]
    errors: tuple[tuple[str, TocsinError], ...] = ()
    hooks: tuple[HookRan, ...] = ()
    copied: tuple[Copied, ...] = ()
    uncopied: tuple[tuple[str, TocsinError], ...] = ()

    @property
    def all_errors(self) -> tuple[tuple[str, TocsinError], ...]:
        """What went wrong in saving, then in copying."""
        return (*self.errors, *self.uncopied)

    @property
    def verdict(self) -> Verdict:
        """`failed`, `incomplete`, else `ok`."""
        verdicts = {copy.judged.verdict for copy in self.copies}
        if self.all_errors:
            return Verdict.FAILED
        if not all(one.is_ok for one in self.copied):
            return Verdict.INCOMPLETE
        return next((worst for worst in (Verdict.FAILED, Verdict.INCOMPLETE) if worst in verdicts), Verdict.OK)

    @property
    def snapshot(self) -> LedgerEntry | None:
        """The first snapshot that was saved, of files where there are any."""
        return next((entry for copy in self.copies for entry in copy.entries), None)

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
    outcome = attempt_backup(ctx, plan_id, repository=repository, on_progress=on_progress)
    if outcome.all_errors:
        raise outcome.all_errors[0][1]
    return outcome


def attempt_backup(
    ctx: Context, plan_id: str, *, repository: str | None = None, on_progress: OnProgress | None = None
) -> BackupOutcome:
    """Do what `run_backup` does, and return what went wrong in a repository with what went well in the others.

    Raises UsageError and ConfigurationError for what is wrong with the plan itself, Interrupted, and Temporary
    when the plan's hooks are under way in another run.
    """
    plan = find_plan(ctx, plan_id)
    sources = sources_of(ctx, plan)
    wanted = repositories_of(plan, repository)
    filled = {name: source for name, source in copies_of(ctx.workspace, plan) if name in wanted}
    names = tuple(name for name in wanted if name not in filled)
    if not names:
        return copy_behind(ctx, plan_id, repository=repository, on_progress=on_progress)
    dump_commands(ctx, plan)  # a wrong reference is said before anything is started
    copies: list[Copy] = []
    errors: list[tuple[str, TocsinError]] = []
    with hooked(ctx, plan) as hooks:
        for name in () if hooks.stopped else names:
            try:
                copies.append(_back_up(ctx, plan, sources, name, on_progress))
            except Interrupted:
                raise
            except TocsinError as error:
                errors.append((name, error))
        if not hooks.stopped:
            hooks.outcome = str(BackupOutcome(plan.id, tuple(copies), tuple(errors)).verdict)
    errors += [("", fault) for fault in hooks.faults]
    outcome = BackupOutcome(plan.id, tuple(copies), tuple(errors), tuple(hooks.ran))
    lost = {name for name, _ in errors}
    copying = _copy_each(
        ctx, plan.id, [name for name, source in filled.items() if source not in lost], on_progress
    )
    return replace(outcome, copied=copying.copied, uncopied=copying.uncopied)


def copy_behind(
    ctx: Context, plan_id: str, *, repository: str | None = None, on_progress: OnProgress | None = None
) -> BackupOutcome:
    """Copy what the plan's repositories that are filled from another lack, and back nothing up.

    Where one fails, the others are still served. Raises UsageError when there is none, and Interrupted.
    """
    behind = [name for name, _, waiting in plan_copies(ctx, plan_id, repository=repository) if waiting]
    return _copy_each(ctx, plan_id, behind, on_progress)


def _copy_each(ctx: Context, plan_id: str, names: list[str], on_progress: OnProgress | None) -> BackupOutcome:
    copied: list[Copied] = []
    errors: list[tuple[str, TocsinError]] = []
    for name in names:
        try:
            copied.append(copy_plan(ctx, plan_id, name, on_progress=on_progress))
        except Interrupted:
            raise
        except TocsinError as error:
            errors.append((name, error))
    return BackupOutcome(plan_id, (), copied=tuple(copied), uncopied=tuple(errors))


def _back_up(
    ctx: Context, plan: BackupPlan, sources: tuple[Source, ...], repository: str, on_progress: OnProgress | None
) -> Copy:
    repository_access(ctx, repository)  # a wrong reference is said before anything is started
    settled = settle_unknown(ctx, plan.id)
    with _operation(ctx, plan, repository) as act:
        act.reach("after-start")
        clear_scratch(ctx, plan)
        for named in dump_commands(ctx, plan).items():
            act.dumps.append(save_dump(ctx, plan, repository, named, act.operation, on_progress))
            act.reach("after-dump")
        faults = {path: fault for source in sources for path in source.paths if (fault := examine_source(path))}
        taken, observed = _take(ctx, plan, _usable(sources, faults))
        summary: BackupSummary | None = None
        changed: tuple[str, ...] = ()
        read_at = None
        if taken is not None:
            _carry_dumps(taken.folder, act.dumps)
            act.reach("before-restic")
            read_at = ctx.clock.now()
            summary = _call_restic(ctx, plan, act.operation, repository, taken, on_progress)
            act.reach("after-restic")
            changed = recheck(taken)
        if observed is not None:
            observed = judge_with_summary(ctx, observed, summary)
    done = Done(
        operation=act.operation,
        plan=plan.id,
        repository=repository,
        faults=faults,
        taken=taken,
        changed=changed,
        summary=summary,
        read_at=read_at,
        observed=observed,
        dumps=tuple(act.dumps),
        has_files=bool(plan.paths),
    )
    # Beyond the guard: should this fail, the snapshot stands, and "unknown" is the truth that the next run finds.
    ctx.crash.reach("backup:before-finish")
    kept = record(ctx, done)
    return Copy(
        repository,
        kept.judged,
        kept.entry,
        hashed_files=done.hashed_files,
        hashed_bytes=done.hashed_bytes,
        settled=settled,
        suspicion=kept.suspicion,
        dumps=kept.dumps,
    )


class _Act:
    """The operation under way, the dumps that have ended, and whether a crash point has cut the power.

    If it has, nobody is left to tidy up.
    """

    def __init__(self, ctx: Context, operation: Operation) -> None:
        self.operation = operation
        self.dumps: list[DumpDone] = []
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
            failure = Failure("interrupted" if stopped else "failed", fault, tuple(act.dumps))
            record_failure(ctx, act.operation, plan.id, repository, failure)
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

    omissions = omissions_of(plan)
    taken = take_manifest(
        manifest_folder(ctx, plan.id), sources, left_out=left_out, omissions=omissions, on_delta=look
    )
    _refuse_to_lose_it(plan, taken)
    _carry_head(ctx, taken.folder)
    return taken, observed[-1]


def _refuse_to_lose_it(plan: BackupPlan, taken: TakenManifest) -> None:
    """Refuse a size limit that would keep the manifest itself out of the snapshot: restic spares no path."""
    largest = max(path.stat().st_size for path in taken.folder.iterdir())
    if taken.omissions.larger_than is not None and largest > taken.omissions.larger_than:
        raise ConfigurationError(
            Problem(
                Place(f"backup plan {plan.id}, exclude_larger_than"),
                f"the list of what is backed up has {largest} bytes, and would be left out itself. Allow more.",
            )
        )


def _carry_dumps(folder: Path, dumps: list[DumpDone]) -> None:
    """Send the dumps' digests along with the files, as `sha256sum` writes them."""
    lines = [f"{one.summary.sha256}  {one.file_path[1:]}\n" for one in dumps if one.fault is None]
    if lines:
        write_durably(folder / DUMPS_NAME, "".join(lines).encode())
    else:
        (folder / DUMPS_NAME).unlink(missing_ok=True)


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
        repository_access(ctx, repository, limits=plan.limits),
        taken.paths,
        tags=[TAG, f"plan:{plan.id}", f"operation:{operation.id}", *plan.tags],
        host=host_of(ctx.workspace.organisation.name),
        excludes=taken.excludes,
        omissions=taken.omissions,
        on_progress=on_progress,
    )
