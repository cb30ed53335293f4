"""Run a recovery plan: in isolation by default, live when what it would do was approved.

    shown = shown_plan(ctx, wish)           every step in order, with what it would do; its hash is approved
    rehearse(ctx, wish)                     in isolation, to its end, with all it restored removed
    approve(ctx, wish, shown.sha256)        one person's yes to exactly that
    go_live(ctx, wish)                      started once enough people have approved what would be done now

An approval is for one live run: the text counts the live runs before it, and names the snapshots it takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import func, select

from tocsin.context import Context
from tocsin.errors import Refused, TocsinError, UsageError
from tocsin.model.document import Data
from tocsin.model.roles import may_act_as, who_may
from tocsin.recovery import choose_wanted, remove_run_area, sweep_scratch
from tocsin.runbook.acting import simulated
from tocsin.runbook.engine import Around, Progressed, advance, plainly, prepare, start
from tocsin.runbook.expressions import ExpressionError, fill
from tocsin.runbook.kinds import StepKind
from tocsin.runbook.language import Mode, RecoveryPlan, Step, text_sha256
from tocsin.runbook.ledger import Run, approvers, end_run, load_run, record_approval
from tocsin.runbook.pinned import pinned_playbook
from tocsin.runbook.recovery_plans import PlanFile, composed, in_order, loads, recovery_plans
from tocsin.runbook.registry import KINDS
from tocsin.runbook.steps.choosing import Choosing, wanted
from tocsin.store.database import Store
from tocsin.store.tables import run as runs
from tocsin.store.tables import step as steps

SHORTEST_HASH = 8


@dataclass(frozen=True, slots=True)
class PlanWish:
    """Which plan, with which inputs; `alone` leaves out the plans it needs, for those that are up already."""

    plan: str
    inputs: Mapping[str, Data] = field(default_factory=dict)
    alone: bool = False


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """What a plan would do, in words, and the hash by which that is approved."""

    plan: RecoveryPlan
    text: str
    sha256: str
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RehearsedStep:
    """One step of a rehearsal: where it stands, what it put out, how long it took."""

    run: str
    plan: str
    step: str
    title: str
    uses: str
    state: str
    took: timedelta | None
    output: Mapping[str, Data]
    error: str | None


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How a rehearsal ended: `failed` says at which step and why; `waiting` means that a person is asked."""

    run: str
    ok: bool
    waiting: bool
    steps: tuple[RehearsedStep, ...]
    failed: str | None
    progressed: Progressed


def shown_plan(ctx: Context, wish: PlanWish) -> ShownPlan:
    """Return every step that would be taken, in order, changing nothing.

    Raises UsageError or ConfigurationError.
    """
    files = _files(ctx, wish)
    last = files[-1].plan
    lines = [
        f"Recovery plan {last.playbook}: {last.title}",
        f"Live recovery number {_live_runs(ctx, last) + 1} of it.",
    ]
    for file in files:
        lines += ["", f"{file.plan.playbook}: {file.plan.title} ({file.name}, {text_sha256(file.text)[:12]})"]
        inputs = _inputs(file.plan, wish.inputs)
        for step in file.plan.steps:
            lines += _shown_step(ctx, step, inputs)
    text = "\n".join(lines) + "\n"
    return ShownPlan(last, text, text_sha256(text), tuple(file.plan.playbook for file in files))


def _shown_step(ctx: Context, step: Step, inputs: Mapping[str, Data]) -> list[str]:
    kind = KINDS[step.uses]
    try:
        given = fill(step.with_, {"inputs": inputs})
    except ExpressionError:
        given = dict(step.with_)
    after = f" (after {', '.join(step.needs)})" if step.needs else ""
    lines = [f"  {step.id}: {step.heading}{after}", f"      {simulated(kind, given)}"]
    if found := _snapshot_now(ctx, kind, given):
        lines.append(f"      {found}")
    if step.approve is not None:
        lines.append(f"      waits for the approval of: {who_may(ctx.workspace, step.approve.by)}")
    return lines


def _snapshot_now(ctx: Context, kind: StepKind, given: Mapping[str, Data]) -> str | None:
    """Say which snapshot a step would take if it ran now."""
    if kind.name not in ("restore.choose", "restore.files", "restore.database") or not given.get("backup_plan"):
        return None
    try:
        names = {name: given[name] for name in Choosing.model_fields if given.get(name) is not None}
        snapshot = choose_wanted(ctx, wanted(ctx, Choosing.model_validate(names)))
    except (TocsinError, ValueError) as fault:
        return f"NOTHING TO TAKE NOW: {fault}"
    return f"snapshot {snapshot.short_id} of {snapshot.time:%Y-%m-%d %H:%M} UTC from {snapshot.repository}"


def rehearse(ctx: Context, wish: PlanWish, *, around: Around = plainly) -> Rehearsed:
    """Run a plan in isolation to its end and remove what it restored; nothing live is touched.

    A step that fails ends it. One that asks a person leaves it open (`waiting`), with its scratch area, for a day.
    Raises UsageError or ConfigurationError before anything is restored.
    """
    sweep_scratch(ctx)
    run = _start(ctx, wish, Mode.DRILL)
    return resume_rehearsal(ctx, run.id, around=around)


def resume_rehearsal(ctx: Context, run_id: str, *, around: Around = plainly) -> Rehearsed:
    """Go on with a rehearsal that is open, such as after a person's answer."""
    found: Progressed | None = None
    try:
        found = advance(ctx, run_id, around=around)
        if found.state == "open" and not _asks(ctx, run_id):
            _end_as_failed(ctx, run_id)
            found = advance(ctx, run_id)
    finally:
        if found is None or found.state != "open":
            remove_run_area(ctx, run_id)
    ctx.store.sign_head(ctx.actor)
    return _rehearsed(ctx, found)


def _rehearsed(ctx: Context, found: Progressed) -> Rehearsed:
    taken = tuple(_steps_of(ctx, found.run.id))
    failed = next(
        (each for each in taken if each.error and each.uses != "playbook" and each.state != "done"), None
    )
    sentence = f"{failed.title}: {failed.error}" if failed else None
    return Rehearsed(found.run.id, found.state == "done", found.state == "open", taken, sentence, found)


def _steps_of(ctx: Context, run_id: str) -> list[RehearsedStep]:
    """Return the steps of a run, those of each run it called in its place."""
    with ctx.store.read() as connection:
        run = load_run(connection, run_id)
        rows = connection.execute(select(steps).where(steps.c.run == run_id).order_by(steps.c.position)).all()
        called = {
            row.parent_step: row.id for row in connection.execute(select(runs).where(runs.c.parent_run == run_id))
        }
    playbook = pinned_playbook(run.text, run.playbook)
    found = []
    for row in rows:
        if row.key in called:
            found += _steps_of(ctx, called[row.key])
            continue
        took = row.finished_at - row.claimed_at if row.finished_at and row.claimed_at else None
        step = playbook.step(row.step)
        found.append(
            RehearsedStep(
                run_id,
                run.playbook,
                row.key,
                step.heading,
                step.uses,
                row.state,
                took,
                row.output or {},
                row.error,
            )
        )
    return found


def _asks(ctx: Context, run_id: str) -> bool:
    """Tell whether the run, or one it called, waits for a person's answer and has failed at nothing."""
    family = _family(ctx.store, run_id)
    with ctx.store.read() as connection:
        rows = connection.execute(select(steps.c.state, steps.c.asked).where(steps.c.run.in_(family))).all()
    if any(row.state in ("failed", "unknown") for row in rows):
        return False
    return any(row.state == "waiting" and (row.asked or {}).get("kind") != "playbook" for row in rows)


def _end_as_failed(ctx: Context, run_id: str) -> None:
    with ctx.store.write(ctx.actor) as tx:
        for each in reversed(_family(ctx.store, run_id)):
            if load_run(tx.connection, each).state == "open":
                end_run(tx, each, "failed", "A step failed or could not be done; nothing live was touched.")


def _family(store: Store, run_id: str) -> list[str]:
    found = [run_id]
    with store.read() as connection:
        for each in found:
            found += connection.execute(select(runs.c.id).where(runs.c.parent_run == each)).scalars()
    return found


def approve(ctx: Context, wish: PlanWish, shown_sha256: str) -> tuple[str, ...]:
    """Record the acting person's yes to a live run; return who has said yes to exactly this.

    Raises Refused for somebody who may not, UsageError when what would be done now is not what they read.
    """
    shown = shown_plan(ctx, wish)
    wanted_role, person = shown.plan.approve.by, ctx.actor.person
    if not may_act_as(ctx.workspace, person, wanted_role):
        raise Refused(
            f"{person} may not approve this: it is for {who_may(ctx.workspace, wanted_role)}. Nothing was changed."
        )
    if len(shown_sha256) < SHORTEST_HASH or not shown.sha256.startswith(shown_sha256.lower()):
        raise UsageError(
            "What would be done now is not what you approved: another snapshot, another text, a live run "
            f"since. Nothing was changed. Read it again: tocsin recover {wish.plan} --live"
        )
    subject = _subject(wish)
    with ctx.store.write(ctx.actor) as tx:
        if person not in approvers(tx.connection, subject, shown.sha256):
            record_approval(tx, ctx.store.new_id(), subject, shown.sha256, "approved")
        return tuple(sorted(approvers(tx.connection, subject, shown.sha256)))


def go_live(ctx: Context, wish: PlanWish, *, around: Around = plainly) -> Progressed:
    """Start a plan live, once enough people have approved what it would do now, and do what is ready.

    Raises Refused while approvals are missing.
    """
    shown = shown_plan(ctx, wish)
    with ctx.store.read() as connection:
        given = approvers(connection, _subject(wish), shown.sha256)
    missing = shown.plan.approve.people - len(given)
    if missing > 0:
        who = who_may(ctx.workspace, shown.plan.approve.by)
        raise Refused(
            f"{missing} approval{'s are' if missing > 1 else ' is'} missing before {wish.plan} goes live, of: "
            f"{who}. Nothing was done. They read it with 'tocsin recover {wish.plan} --live' and approve it with "
            f"'tocsin recover {wish.plan} --live --approve {shown.sha256[:12]}'."
        )
    run = _start(ctx, wish, Mode.LIVE)
    found = advance(ctx, run.id, around=around)
    ctx.store.sign_head(ctx.actor)
    return found


def _start(ctx: Context, wish: PlanWish, mode: Mode) -> Run:
    files = _files(ctx, wish)
    if len(files) == 1:
        file = files[0]
        inputs = _given(file.plan, wish.inputs)
        return start(ctx, prepare(ctx, file.text, file.name, inputs=inputs, mode=mode, load=loads(files)))
    text = composed(files, wish.inputs, ctx.workspace, recovery_plans(ctx.workspace))
    return start(ctx, prepare(ctx, text, f"{wish.plan} and what it needs", mode=mode, load=loads(files)))


def _files(ctx: Context, wish: PlanWish) -> tuple[PlanFile, ...]:
    plans = recovery_plans(ctx.workspace)
    files = (plans.named(wish.plan),) if wish.alone else in_order(plans, wish.plan, ctx.workspace)
    unknown = [name for name in wish.inputs if not any(name in file.plan.inputs for file in files)]
    if unknown:
        raise UsageError(
            f"The recovery plan {wish.plan!r} takes no input {unknown[0]!r}. A plan that lets its snapshot be "
            "chosen declares `inputs: {snapshot: {type: text, default: latest}}` and uses it in its steps."
        )
    return files


def _inputs(plan: RecoveryPlan, given: Mapping[str, Data]) -> dict[str, Data]:
    return {name: given.get(name, wanted_input.default) for name, wanted_input in plan.inputs.items()}


def _given(plan: RecoveryPlan, given: Mapping[str, Data]) -> dict[str, Data]:
    return {name: value for name, value in given.items() if name in plan.inputs}


def _subject(wish: PlanWish) -> str:
    return f"recovery:{wish.plan}"


def _live_runs(ctx: Context, plan: RecoveryPlan) -> int:
    query = select(func.count()).select_from(runs).where(runs.c.playbook == plan.playbook, runs.c.mode == "live")
    with ctx.store.read() as connection:
        return int(connection.execute(query).scalar() or 0)
