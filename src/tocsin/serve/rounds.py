"""The watch's round: ring for deadlines, clear up after the dead, look at the backups, move every open run on.

One thing that goes wrong does not keep the others from being done.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from tocsin.actions import go_action_round
from tocsin.alarms import deliver
from tocsin.backups import Maintained, Watched, maintain_if_due, prove_now, watch
from tocsin.context import Context
from tocsin.drills import watch_drills
from tocsin.errors import Interrupted, Temporary, TocsinError
from tocsin.exercises import watch_exercises
from tocsin.incidents import DeadlineAlarm, raise_due_alarms
from tocsin.incidents.mail_round import NO_MAIL, MailRound, go_mail_round
from tocsin.readiness import keep_week_if_due
from tocsin.recovery import sweep_scratch
from tocsin.recovery.kit import kit_if_due
from tocsin.runbook.engine import Around, Progressed, advance
from tocsin.runbook.ledger import load_runs
from tocsin.store.operations import Operation, sweep
from tocsin.webhooks import tell_webhooks

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Round:
    """What one round saw and did. `faults` says what could not be done."""

    watched: Watched
    unknown: tuple[Operation, ...] = ()
    scratch_removed: tuple[str, ...] = ()
    advanced: tuple[Progressed, ...] = ()
    faults: tuple[str, ...] = ()
    deadline_alarms: tuple[DeadlineAlarm, ...] = ()
    mail: MailRound = NO_MAIL


def go_round(ctx: Context, around: Around) -> Round:
    """Do one round. `around` wraps each step of each run, as in `advance`. Raises Interrupted alone."""
    faults: list[str] = []
    # Deadlines first: looking into repositories may take minutes.
    rung = _contained(faults, lambda: raise_due_alarms(ctx)) or ()
    unknown = _contained(faults, lambda: sweep(ctx.store, ctx.actor)) or ()
    removed = _contained(faults, lambda: sweep_scratch(ctx)) or ()
    _contained(faults, lambda: watch_drills(ctx))
    _contained(faults, lambda: watch_exercises(ctx))
    for repository in ctx.workspace.repositories:
        proved = _contained(faults, partial(prove_now, ctx, repository, ctx.clock.now())) or ()
        faults += [one.sentence for one in proved if not one.is_well and not one.is_put_off]
    watched = _contained(faults, lambda: watch(ctx)) or Watched((), (), (), ())
    _contained(faults, lambda: go_action_round(ctx))
    _contained(faults, lambda: keep_week_if_due(ctx))
    _contained(faults, lambda: deliver(ctx))
    _contained(faults, lambda: tell_webhooks(ctx))
    _contained(faults, lambda: kit_if_due(ctx, ctx.clock.now()))
    mail = _contained(faults, lambda: go_mail_round(ctx)) or NO_MAIL
    open_runs = _contained(faults, lambda: _open_runs(ctx)) or ()
    moved = [_contained(faults, partial(wake, ctx, run_id, around)) for run_id in open_runs]
    advanced = tuple(one for one in moved if one is not None)
    return Round(watched, unknown, removed, advanced, tuple(faults), rung, mail)


def maintain_now(ctx: Context, repository: str) -> tuple[Maintained, ...]:
    """Do what is due of a repository's maintenance. Raises Temporary when any is put off: ring again soon."""
    done = maintain_if_due(ctx, repository, ctx.clock.now())
    if put_off := [one.sentence for one in done if one.is_put_off]:
        raise Temporary(" ".join(put_off))
    return done


def wake(ctx: Context, run_id: str, around: Around) -> Progressed:
    """Advance one run once and sign the journal's head if anything was done."""
    moved = advance(ctx, run_id, around=around)
    if moved.acted:
        ctx.store.sign_head(ctx.actor)
    return moved


def _open_runs(ctx: Context) -> tuple[str, ...]:
    with ctx.store.read() as connection:
        return tuple(run.id for run in load_runs(connection, open_only=True))


def _contained(faults: list[str], act: Callable[[], T]) -> T | None:
    try:
        return act()
    except Interrupted:
        raise
    except TocsinError as error:
        faults.append(str(error))
        return None
