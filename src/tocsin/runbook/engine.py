"""Advance a run: do what is ready, say what waits for whom, and stop.

    start(ctx, playbook, ...)      pin the text, write the ledger
    advance(ctx, run)              sweep what a dead worker left · rounds of steps (see `stepping`) · called runs
    answer / approve / retry / skip / resolve / undo / end    a person's part (see `decisions`)

Nothing waits in memory. `advance` may be called at any time, from any door, by several at once; what one
of them has claimed the others leave alone. A step whose worker died is run again if its kind is idempotent;
otherwise a person is asked whether it happened. A timer is a time in a row: it rings when `advance` is called.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tocsin.context import Context
from tocsin.model.document import Data
from tocsin.runbook.called import parts_of
from tocsin.runbook.checks import library_of, parse_playbook
from tocsin.runbook.kinds import Place, StepKind
from tocsin.runbook.language import Mode, Playbook
from tocsin.runbook.ledger import ENDED_BY_HAND, Outcome, Run, end_run, load_run, this_worker
from tocsin.runbook.library import Load
from tocsin.runbook.pinned import pinned_playbook
from tocsin.runbook.readiness import Look, Outlook
from tocsin.runbook.starting import Prepared, check_inputs, start_in
from tocsin.runbook.stepping import one_round, shown_for_approval, sweep
from tocsin.runbook.timers import next_moment
from tocsin.runbook.wake import Around, Wake
from tocsin.situation import reconcile_duties

__all__ = [
    "Around",
    "Prepared",
    "Progressed",
    "advance",
    "check_inputs",
    "plainly",
    "prepare",
    "shown_for_approval",
    "stand",
    "start",
    "start_in",
]


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

    @property
    def next_moment(self) -> datetime | None:
        """When the run has to be advanced again though nobody did anything: the nearest of its timers."""
        moments = (next_moment(seen.row, self.playbook.step(seen.row.step)) for seen in self.looks)
        return min((found for found in moments if found is not None), default=None)


def prepare(
    ctx: Context,
    text: str,
    name: str,
    *,
    inputs: Mapping[str, Data] | None = None,
    mode: Mode = Mode.LIVE,
    load: Load | None = None,
) -> Prepared:
    """Check a playbook, those it calls and its inputs. Nothing is written.

    `load` finds the playbooks that it calls by name, by default those of the workspace and of the starter.
    Raises ConfigurationError or UsageError.
    """
    playbook = parse_playbook(text, name)
    parts = parts_of(playbook, text, name, load or library_of(ctx.workspace))
    if ctx.workspace.exercise and mode is not Mode.SIMULATE:
        mode = Mode.EXERCISE  # nothing is live in an exercise's room
    return Prepared(playbook, text, check_inputs(ctx.workspace, playbook, inputs or {}), mode, parts)


def start(ctx: Context, prepared: Prepared, *, incident: str | None = None) -> Run:
    """Pin a playbook's text and write its ledger, in a transaction of its own."""
    with ctx.store.write(ctx.actor) as tx:
        return start_in(tx, prepared, incident=incident)


def plainly(_place: Place, _kind: StepKind, act: Callable[[], Outcome]) -> Outcome:
    """Run a step as it is. Prefect's door puts a task around it instead."""
    return act()


def advance(ctx: Context, run_id: str, *, around: Around = plainly, worker: str | None = None) -> Progressed:
    """Do everything that is ready and stop. Safe to call at any time and from several doors at once.

    The runs that this one has called go on too; and when it ends, so does the one that called it.
    """
    found = _advance(ctx, run_id, around, worker)
    upward = found
    while upward.state != "open" and upward.run.parent_run is not None:
        upward = _advance(ctx, upward.run.parent_run, around, worker)
    return found


def stand(ctx: Context, run_id: str) -> Progressed:
    """Say where a run stands, changing nothing."""
    return _look_only(_woken(ctx, run_id, plainly))


def _advance(ctx: Context, run_id: str, around: Around, worker: str | None) -> Progressed:
    wake = _woken(ctx, run_id, around, worker)
    if wake.run.state == "open":
        sweep(wake)
        while True:
            while one_round(wake):
                pass
            if not _move_called_runs(wake):
                break
        if wake.acted and wake.run.incident is not None:
            reconcile_duties(ctx, wake.run.incident)  # a step may have drafted or sent what is owed
    return _stand(wake)


def _woken(ctx: Context, run_id: str, around: Around, worker: str | None = None) -> Wake:
    with ctx.store.read() as connection:
        run = load_run(connection, run_id)
    return Wake(ctx, run, pinned_playbook(run.text, run.playbook), worker or this_worker(), around)


def _move_called_runs(wake: Wake) -> bool:
    """Advance the runs that steps of this one wait for; tell whether one of them has ended."""
    ended = False
    for row in list(wake.standing.rows.values()):
        if wake.standing.look(row.key).outlook is Outlook.RUN and row.state == "waiting":
            called = _advance(wake.ctx, str((row.asked or {})["run"]), wake.around, wake.worker)
            if called.state != "open":
                # It may be looked at again in this very wake-up: something has happened since.
                wake.tried.discard(row.key)
                ended = True
    return ended


def _stand(wake: Wake) -> Progressed:
    """End the run when nothing is left, and say where it stands."""
    progressed = _look_only(wake)
    if progressed.state != "open" or not all(seen.is_over for seen in progressed.looks):
        return progressed
    with wake.ctx.store.write(wake.ctx.actor) as tx:
        if load_run(tx.connection, wake.run.id).state == "open":
            end_run(tx, wake.run.id, _how_it_ended(wake, progressed))
    return _look_only(wake)


def _how_it_ended(wake: Wake, progressed: Progressed) -> str:
    """Say `failed` when a failure was neither handled by steps nor decided on by a person."""
    if any((seen.row.error or "").startswith(ENDED_BY_HAND) for seen in progressed.looks):
        return "abandoned"
    failed = [seen.row for seen in progressed.looks if seen.row.state == "failed"]
    unhandled = [row for row in failed if not wake.standing.is_handled(wake.playbook.step(row.step))]
    return "failed" if unhandled else "done"


def _look_only(wake: Wake) -> Progressed:
    wake.read()
    with wake.ctx.store.read() as connection:
        run = load_run(connection, wake.run.id)
    standing = wake.standing
    looks = tuple(standing.look(key) for key in standing.in_order(standing.rows))
    return Progressed(run, wake.playbook, run.state, tuple(wake.acted), looks)
