"""The practices' round: count drills, look at machines when it is the hour, tell people. Any bell may ring it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin import alarms
from tocsin.context import Context
from tocsin.model.fields import spell_duration
from tocsin.model.practice import PracticeName
from tocsin.practices.checking import check_updates_if_due, urgent_within
from tocsin.practices.checks import Check, last_check
from tocsin.practices.completing import Recorded
from tocsin.practices.drilled import count_drills
from tocsin.practices.practice import practices_of
from tocsin.practices.reminding import LATE_UPDATES, Told, may_speak, remind
from tocsin.practices.updates import MachineUpdates

WEEKLY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PracticeRound:
    """What one round did. `check` is None where it was not the hour for it."""

    counted: tuple[Recorded, ...] = ()
    check: Check | None = None
    told: tuple[Told, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say what was done, a sentence each; nothing when nothing was."""
        said = [f"{one.practice} is done: proven by a drill." for one in self.counted]
        if self.check:
            said += [f"{one.system}: {one.sentence}." for one in self.check.machines]
        said += [f"{one.person} was told{' (the digest)' if one.is_digest else ''}." for one in self.told]
        return tuple(said)


def go_practice_round(ctx: Context) -> PracticeRound:
    """Do one round; quiet and cheap when nothing is due and where no practice is kept."""
    if not ctx.workspace.practices:
        return PracticeRound()
    now = ctx.clock.now()
    counted = count_drills(ctx)
    check = check_updates_if_due(ctx, now)
    told = remind(ctx)
    if may_speak(ctx.workspace, now):
        _watch_late_updates(ctx, now)
    return PracticeRound(counted, check, told)


def _watch_late_updates(ctx: Context, now: datetime) -> None:
    """Raise an alarm for each machine whose security updates wait too long; clear it once they are in."""
    practice = practices_of(ctx.workspace).get(PracticeName.SOFTWARE_UPDATES)
    if practice is None:
        return
    with ctx.store.read() as connection:
        check = last_check(connection, practice.name)
        standing = alarms.standing(connection, [LATE_UPDATES])
    limit = urgent_within(practice)
    late = {one.system: len(one.late(now, limit)) for one in _machines(check)}
    wrong = [
        alarms.Alarm(
            LATE_UPDATES,
            f"system:{system}",
            f"{system} has waited longer than {spell_duration(limit)} for {count} security updates. "
            "See 'tocsin practice show software-updates'.",
            alarms.Audience(people=tuple(name for name in (practice.owner, practice.deputy) if name), roles=()),
            remind_every=WEEKLY,
        )
        for system, count in late.items()
        if count
    ]
    if wrong or standing:
        with ctx.store.write(ctx.actor) as tx:
            alarms.settle(tx, wrong, [LATE_UPDATES], stays=lambda _kind, _subject: False)


def _machines(check: Check | None) -> tuple[MachineUpdates, ...]:
    return check.machines if check else ()
