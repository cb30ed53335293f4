"""Advance a run: do what is ready, say what waits for whom, and stop.

    start(ctx, playbook, ...)      pin the text, write the ledger
    advance(ctx, run)              sweep what a dead worker left · expand · skip · claim · act · settle · repeat
    answer / approve / retry / skip / resolve / end_run    a person's part (see `decisions`)

Nothing waits in memory. `advance` may be called at any time, from any door, by several at once; what one
of them has claimed the others leave alone. A step whose worker died is run again if its kind is idempotent;
otherwise a person is asked whether it happened.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError
from sqlalchemy import Connection, func, select

from tocsin.context import Context
from tocsin.errors import Interrupted, OutcomeUnknown, Temporary, TocsinError, UsageError, did_you_mean
from tocsin.model.document import Data
from tocsin.model.roles import who_may
from tocsin.runbook.checks import parse_playbook
from tocsin.runbook.expressions import ExpressionError, fill
from tocsin.runbook.kinds import Place, StepKind, Waits, WatchingKind
from tocsin.runbook.language import InputType, Mode, Playbook, Step, text_sha256
from tocsin.runbook.ledger import (
    Outcome,
    Run,
    add_rows,
    approvers,
    claim,
    digest,
    end_run,
    is_gone,
    load_row,
    load_rows,
    load_run,
    open_run,
    settle,
    this_worker,
)
from tocsin.runbook.pinned import pinned_playbook
from tocsin.runbook.readiness import Look, Outlook, Row, item_key, item_row, items_of, look, outputs
from tocsin.runbook.registry import KINDS
from tocsin.situation import Situation, reconcile_duties, situation_of
from tocsin.store.database import Transaction
from tocsin.store.tables import run as runs

Around = Callable[[Place, StepKind, Callable[[], Outcome]], Outcome]


@dataclass(frozen=True, slots=True)
class Progressed:
    """What one `advance` did, and where the run stands now."""

    run: Run
    playbook: Playbook
    state: str
    acted: tuple[str, ...]
    looks: tuple[Look, ...]

    @property
    def waiting(self) -> tuple[Look, ...]:
        """What waits for a person."""
        return tuple(seen for seen in self.looks if seen.outlook is Outlook.PERSON)


@dataclass(slots=True)
class _Wake:
    """One wake-up of one run: its tools, and what was already tried in it."""

    ctx: Context
    run: Run
    playbook: Playbook
    worker: str
    around: Around
    acted: list[str] = field(default_factory=list)
    tried: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked playbook with its inputs, ready to be started inside a transaction."""

    playbook: Playbook
    text: str
    inputs: dict[str, Data]
    mode: Mode = Mode.LIVE


def prepare(
    ctx: Context, text: str, name: str, *, inputs: Mapping[str, Data] | None = None, mode: Mode = Mode.LIVE
) -> Prepared:
    """Check a playbook and its inputs. Raises ConfigurationError or UsageError; nothing is written."""
    playbook = parse_playbook(text, name)
    return Prepared(playbook, text, check_inputs(ctx, playbook, inputs or {}), mode)


def start(ctx: Context, prepared: Prepared, *, incident: str | None = None) -> Run:
    """Pin a playbook's text and write its ledger, in a transaction of its own."""
    with ctx.store.write(ctx.actor) as tx:
        return start_in(tx, prepared, incident=incident)


def start_in(tx: Transaction, prepared: Prepared, *, incident: str | None = None) -> Run:
    """Pin a playbook's text and write its ledger, in the caller's transaction."""
    number = 1 + (tx.execute(select(func.count()).select_from(runs)).scalar() or 0)
    new = Run(
        id=f"RUN-{number:04}",
        playbook=prepared.playbook.playbook,
        title=prepared.playbook.title,
        text=prepared.text,
        sha256=text_sha256(prepared.text),
        mode=prepared.mode,
        incident=incident,
        inputs=prepared.inputs,
        state="open",
        started_by=tx.actor.person,
        started_at=tx.now,
    )
    steps = enumerate(prepared.playbook.steps)
    open_run(tx, new, [Row(step.id, step.id, position, "pending") for position, step in steps])
    return new


def check_inputs(ctx: Context, playbook: Playbook, given: Mapping[str, Data]) -> dict[str, Data]:
    """Return a playbook's inputs, complete. Raises UsageError for a missing, unknown or ill-typed one."""
    for name in given:
        if name not in playbook.inputs:
            raise UsageError(
                f"Playbook {playbook.playbook!r} has no input {name!r}.{did_you_mean(name, playbook.inputs)}"
            )
    taken: dict[str, Data] = {}
    for name, wanted in playbook.inputs.items():
        value = given.get(name, wanted.default)
        if value is None and wanted.required:
            raise UsageError(f"Playbook {playbook.playbook!r} needs the input {name!r} ({wanted.type.value}).")
        if value is not None and wanted.type is InputType.SYSTEM and value not in ctx.workspace.systems:
            raise UsageError(
                f"There is no system {value!r} in the workspace.{did_you_mean(str(value), ctx.workspace.systems)}"
            )
        if value is not None and wanted.type is InputType.NUMBER and not isinstance(value, int):
            raise UsageError(f"The input {name!r} must be a whole number, not {value!r}.")
        if value is not None and wanted.type is InputType.YES_NO and value not in ("yes", "no", True, False):
            raise UsageError(f"The input {name!r} must be yes or no, not {value!r}.")
        taken[name] = value
    return taken


def plainly(_place: Place, _kind: StepKind, act: Callable[[], Outcome]) -> Outcome:
    """Run a step as it is. Prefect's door puts a task around it instead."""
    return act()


def advance(ctx: Context, run_id: str, *, around: Around = plainly, worker: str | None = None) -> Progressed:
    """Do everything that is ready and stop. Safe to call at any time and from several doors at once."""
    with ctx.store.read() as connection:
        run = load_run(connection, run_id)
    wake = _Wake(ctx, run, pinned_playbook(run.text, run.playbook), worker or this_worker(), around)
    if run.state != "open":
        return _stand(wake)
    _sweep(wake)
    while _one_round(wake):
        pass
    if wake.acted and run.incident is not None:
        reconcile_duties(ctx, run.incident)  # a step may have drafted or sent what is owed
    return _stand(wake)


def stand(ctx: Context, run_id: str) -> Progressed:
    """Say where a run stands, changing nothing."""
    with ctx.store.read() as connection:
        run = load_run(connection, run_id)
    return _look_only(_Wake(ctx, run, pinned_playbook(run.text, run.playbook), "", plainly))


def shown_for_approval(run: Run, step: Step, parameters: Mapping[str, Data]) -> str:
    """Return the text an approver sees: the step, its kind, what it does and with exactly which values."""
    kind = KINDS[step.uses]
    lines = [
        f"Step: {step.heading} ({step.id}, {step.uses})",
        f"Run: {run.id}, {run.title}",
        f"It will: {_simulated(kind, parameters)}",
        *(f"  {name}: {value}" for name, value in sorted(parameters.items())),
    ]
    return "\n".join(lines) + "\n"


def _one_round(wake: _Wake) -> bool:
    """Do one thing of each ready row; tell whether anything changed."""
    progressed = False
    for seen in _looks(wake):
        row, step = seen.row, wake.playbook.step(seen.row.step)
        if seen.outlook is Outlook.EXPAND:
            progressed |= _expand(wake, row, step)
        elif seen.outlook is Outlook.SKIP:
            progressed |= _settle_plainly(wake, row, Outcome("skipped", error=f"{seen.why} is not so"))
        elif row.key not in wake.tried and (seen.outlook is Outlook.READY or _has_settled(wake, row, step)):
            progressed |= _try(wake, row, step)
    return progressed


def _try(wake: _Wake, row: Row, step: Step) -> bool:
    """Claim one row and run it. False when another door has it, or when it now waits for an approval."""
    wake.tried.add(row.key)
    try:
        parameters = _parameters(wake, row, step)
    except ExpressionError as error:
        return _settle_plainly(wake, row, Outcome("failed", error=str(error)))
    if (
        step.approve is not None
        and wake.run.mode is Mode.LIVE
        and (asked := _missing_approval(wake, row, step, parameters))
    ):
        return row.asked != asked and _settle_plainly(wake, row, Outcome("waiting", asked=asked))
    nonce = claim(wake.ctx.store, wake.ctx.actor, wake.run.id, row, wake.worker)
    if nonce is None:
        return False
    wake.ctx.crash.reach("step:claimed")
    kind = KINDS[step.uses]
    place = Place(wake.run.id, row.key, step, wake.run.incident, row.item)
    outcome = wake.around(place, kind, lambda: _act(wake, kind, place, parameters))
    wake.ctx.crash.reach("step:acted")
    with wake.ctx.store.write(wake.ctx.actor) as tx:
        settled = settle(tx, wake.run.id, row.key, outcome, claim=nonce)
    if settled:
        wake.acted.append(row.key)
    wake.ctx.crash.reach("step:settled")
    return settled


def _act(wake: _Wake, kind: StepKind, place: Place, parameters: Mapping[str, Data]) -> Outcome:
    """Run the kind and turn whatever comes of it into an outcome."""
    if wake.run.mode is Mode.SIMULATE:
        return Outcome("done", output={"simulated": _simulated(kind, parameters)})
    try:
        result = kind.run(wake.ctx, place, kind.parameters.model_validate(parameters))
    except ValidationError as error:
        return Outcome("failed", error=_first_fault(error))
    except Temporary as busy:
        # An idempotent step goes back in the queue for the next wake-up; any other asks a person.
        return Outcome("pending" if kind.idempotent else "failed", error=str(busy))
    except OutcomeUnknown as unknown:
        return Outcome("unknown", error=str(unknown), asked=_did_it_happen(place.step))
    except Interrupted:
        raise
    except TocsinError as error:
        return Outcome("failed", error=str(error))
    except Exception as fault:  # noqa: BLE001 - one faulty step must not stop the others on the worst night
        return Outcome(
            "failed", error=f"Tocsin itself is at fault in this step ({type(fault).__name__}: {fault})."
        )
    if isinstance(result, Waits):
        return Outcome("waiting", asked=result.asked)
    return Outcome("done", output=result.output)


def _parameters(wake: _Wake, row: Row, step: Step) -> dict[str, Data]:
    values = {**_values(wake), "item": row.item}
    try:
        filled: dict[str, Data] = fill(step.with_, values)
    except ExpressionError:
        if wake.run.mode is Mode.SIMULATE:
            return dict(step.with_)
        raise
    return filled


def _values(wake: _Wake) -> dict[str, object]:
    with wake.ctx.store.read() as connection:
        return _values_in(connection, wake)


def _values_in(connection: Connection, wake: _Wake) -> dict[str, object]:
    situation = _situation(connection, wake)
    return {
        **(situation.values() if situation else {}),
        "inputs": wake.run.inputs,
        "steps": outputs(load_rows(connection, wake.run.id)),
        "item": None,
    }


def _situation(connection: Connection, wake: _Wake) -> Situation | None:
    return situation_of(connection, wake.ctx.workspace, wake.run.incident) if wake.run.incident else None


def _looks(wake: _Wake) -> tuple[Look, ...]:
    with wake.ctx.store.read() as connection:
        rows = load_rows(connection, wake.run.id)
        return look(wake.playbook, rows, _values_in(connection, wake))


def _expand(wake: _Wake, group: Row, step: Step) -> bool:
    """Give each item its row; the step itself is done when all of them are."""
    with wake.ctx.store.read() as connection:
        rows = load_rows(connection, wake.run.id)
        try:
            items = items_of(step, _values_in(connection, wake))
        except ExpressionError as error:
            # What it goes over may not be known yet; the group is looked at again at the next change.
            if wake.run.mode is Mode.SIMULATE:
                return _settle_plainly(wake, group, Outcome("done", output={"simulated": str(error)}))
            return False
    mine = {row.key: row for row in rows if row.step == step.id and row.is_item}
    fresh = [item for item in items if item_key(step.id, item) not in mine]
    over = all(row.state in ("done", "skipped") for row in mine.values())
    if not fresh and (group.state == "done" or not over):
        return False
    with wake.ctx.store.write(wake.ctx.actor) as tx:
        # Read again under the write lock: another door may have given them their rows meanwhile.
        there = {row.key for row in load_rows(tx.connection, wake.run.id)}
        rows_to_add = [item_row(group, item) for item in fresh if item_key(step.id, item) not in there]
        add_rows(tx, wake.run.id, rows_to_add)
        for row in rows_to_add:
            tx.record("step.offered", f"run:{wake.run.id}", {"step": row.key})
        if fresh and group.state == "done":
            settle(tx, wake.run.id, group.key, Outcome("pending"))
        elif not fresh:
            settle(tx, wake.run.id, group.key, Outcome("done", output={"count": len(mine)}))
    return True


def _missing_approval(wake: _Wake, row: Row, step: Step, parameters: Mapping[str, Data]) -> dict[str, Data] | None:
    """Return what must still be shown and approved, or None when enough have approved exactly this."""
    wanted = step.approve
    if wanted is None or wake.run.mode is not Mode.LIVE:
        return None
    text = shown_for_approval(wake.run, step, parameters)
    shown = digest({"text": text})
    with wake.ctx.store.read() as connection:
        given = approvers(connection, f"step:{wake.run.id}:{row.key}", shown)
    if len(given) >= wanted.people:
        return None
    return {
        "kind": "approve",
        "question": f"Approve: {step.heading}?",
        "text": text,
        "sha256": shown,
        "by": wanted.by.value,
        "who": who_may(wake.ctx.workspace, wanted.by),
        "people": wanted.people,
        "given": [*sorted(given)],
    }


def _has_settled(wake: _Wake, row: Row, step: Step) -> bool:
    """Tell whether a step that watches something (a notice's approval, say) may go on now."""
    kind, asked = KINDS[step.uses], row.asked or {}
    if row.state != "waiting" or asked.get("kind") == "approve" or not isinstance(kind, WatchingKind):
        return False
    return kind.has_settled(wake.ctx, Place(wake.run.id, row.key, step, wake.run.incident, row.item), asked)


def _sweep(wake: _Wake) -> None:
    """Deal with what a dead worker left running."""
    with wake.ctx.store.read() as connection:
        left = [row for row in load_rows(connection, wake.run.id) if row.state == "running"]
    for row in left:
        if not is_gone(row.claimed_by):
            continue
        step = wake.playbook.step(row.step)
        again = KINDS[step.uses].idempotent or wake.run.mode is Mode.SIMULATE
        outcome = (
            Outcome("pending", error="The worker died; it is safe to run again.")
            if again
            else Outcome("unknown", error="The worker died while it ran.", asked=_did_it_happen(step))
        )
        _settle_plainly(wake, row, outcome)


def _settle_plainly(wake: _Wake, row: Row, outcome: Outcome) -> bool:
    """Write an outcome that nobody claimed, if the row still stands as it was seen."""
    with wake.ctx.store.write(wake.ctx.actor) as tx:
        now = load_row(tx.connection, wake.run.id, row.key)
        if (now.state, now.attempt) != (row.state, row.attempt):
            return False
        return settle(tx, wake.run.id, row.key, outcome)


def _stand(wake: _Wake) -> Progressed:
    """End the run when nothing is left, and say where it stands."""
    progressed = _look_only(wake)
    if wake.run.state == "open" and all(
        seen.outlook in (Outlook.OVER, Outlook.EXPAND) for seen in progressed.looks
    ):
        failed = any(seen.row.state == "failed" for seen in progressed.looks)
        with wake.ctx.store.write(wake.ctx.actor) as tx:
            if load_run(tx.connection, wake.run.id).state == "open":
                end_run(tx, wake.run.id, "failed" if failed else "done")
        return _look_only(wake)
    return progressed


def _look_only(wake: _Wake) -> Progressed:
    with wake.ctx.store.read() as connection:
        run = load_run(connection, wake.run.id)
        looks = look(wake.playbook, load_rows(connection, run.id), _values_in(connection, wake))
    return Progressed(run, wake.playbook, run.state, tuple(wake.acted), looks)


def _simulated(kind: StepKind, parameters: Mapping[str, Data]) -> str:
    try:
        return kind.simulate(kind.parameters.model_validate(parameters))
    except ValidationError:
        return f"{kind.name} (with values that are known only when it really runs)"


def _did_it_happen(step: Step) -> dict[str, Data]:
    return {
        "kind": "unknown",
        "question": f"Did it happen? {step.heading}: Tocsin was stopped while it ran and cannot know. "
        "Look, then say yes or no.",
    }


def _first_fault(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"with: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}."
