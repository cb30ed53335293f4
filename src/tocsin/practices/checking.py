"""Look at the machines by ourselves, out of hours: which have updates waiting, and since when.

    check_updates(ctx, practice)        now; journalled, whatever comes of it
    check_updates_if_due(ctx, now)      once a night, within the practice's window

A machine that was not reached is unknown. Where every terminal of the inventory was looked at and is up to date,
the check itself settles the practice; otherwise it fills in the worksheet, and a person accounts for the rest.
"""

import json
import shlex
from datetime import datetime, time, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from tocsin.context import Context
from tocsin.errors import Interrupted, TocsinError, UsageError
from tocsin.findings import Found, note
from tocsin.machines import Machine, machine_at
from tocsin.model.fields import spell_duration
from tocsin.model.practice import Hours, PracticeName
from tocsin.practices.checks import Check, last_check
from tocsin.practices.completing import SERVICE, Evidence, record_done
from tocsin.practices.practice import Practice, practices_of
from tocsin.practices.rows import NOT_TERMINALS
from tocsin.practices.updates import (
    END,
    PIP,
    PROGRAM,
    MachineUpdates,
    Update,
    judge_machine,
    unknown,
    verdict_of,
)
from tocsin.store.database import JsonValue
from tocsin.store.operations import begin, finish
from tocsin.store.schedules import claim_due
from tocsin.store.tables import practice_check

OUT_OF_HOURS = Hours(time(22), time(5))
URGENT_WITHIN = timedelta(days=14)
"""Where the catalogue says nothing else."""
LIMIT = timedelta(minutes=5)
KIND = "update-check"
MOST_NAMED = 5
_SHOWN = 200


def check_updates_if_due(ctx: Context, now: datetime) -> Check | None:
    """Look at the machines once a night, in the practice's window; None when it is not the time."""
    practice = practices_of(ctx.workspace).get(PracticeName.SOFTWARE_UPDATES)
    if practice is None or not looked_at(practice):
        return None
    window, zone = practice.choice.window or OUT_OF_HOURS, ctx.workspace.organisation.timezone
    if not window.hold(now.astimezone(ZoneInfo(zone)).time()):
        return None
    nightly = f"{window.start.minute} {window.start.hour} * * *"
    if claim_due(ctx.store, ctx.actor, f"practice-check:{practice.name}", nightly, zone, now) is None:
        return None
    return check_updates(ctx, practice)


def looked_at(practice: Practice) -> tuple[str, ...]:
    """Return the systems that are looked at without anybody's doing."""
    here = (practice.choice.this_machine,) if practice.choice.this_machine else ()
    return tuple(dict.fromkeys((*here, *practice.choice.systems)))


def urgent_within(practice: Practice) -> timedelta:
    """Return how long a security update may wait."""
    return (practice.entry.urgent_within if practice.entry else None) or URGENT_WITHIN


def check_updates(ctx: Context, practice: Practice) -> Check:
    """Look at each machine, judge what it says, keep it; return what was found."""
    systems = looked_at(practice)
    if not systems:
        raise UsageError(
            "No machine is named to be looked at. Add `systems: [ID]` or `this_machine: ID` to "
            f"{practice.name} under `practices:` in tocsin.yaml."
        )
    with ctx.store.read() as connection:
        last = last_check(connection, practice.name)
    before = {one.system: one for one in (last.machines if last else ())}
    operation = begin(ctx.store, ctx.actor, KIND, f"practice:{practice.name}", {"systems": [*systems]})
    now = ctx.clock.now()
    machines = tuple(_looked(ctx, practice, system, now, before.get(system)) for system in systems)
    check = Check(operation.id, now, verdict_of(machines), machines)
    ctx.crash.reach("practices:checked")
    with ctx.store.write(ctx.actor) as tx:
        kept = [one.kept() for one in machines]
        tx.execute(
            insert(practice_check).values(
                id=check.id, practice=practice.name, at=now, verdict=str(check.verdict), result=kept
            )
        )
        for one in machines:
            if late := one.late(now, urgent_within(practice)):
                named = ", ".join(each.name for each in late[:MOST_NAMED]) + (
                    " …" if len(late) > MOST_NAMED else ""
                )
                limit = spell_duration(urgent_within(practice))
                said = f"Security updates of {one.system} wait longer than {limit}: {named}."
                note(tx, Found("practice", check.id, f"practice:{practice.name}", "update-late", said, one.system))
        digest = sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
        states: dict[str, JsonValue] = {one.system: str(one.state) for one in machines}
        finish(tx, operation, str(check.verdict), {"states": states, "sha256": digest})
        if check.verdict is Update.CURRENT and _covers_everything(ctx, systems):
            evidence = Evidence("check", digest)
            record_done(ctx, tx, practice, ("",), evidence, by=_signer(ctx))
    ctx.store.sign_head(ctx.actor)
    return check


def _covers_everything(ctx: Context, systems: tuple[str, ...]) -> bool:
    terminals = {one.id for one in ctx.workspace.systems.values() if one.kind not in NOT_TERMINALS}
    return terminals <= set(systems)


def _signer(ctx: Context) -> str:
    """Return whose check it was: a person's who asked for it, else ours."""
    return ctx.actor.person if ctx.actor.person in ctx.workspace.people else SERVICE


def _looked(
    ctx: Context, practice: Practice, system: str, now: datetime, before: MachineUpdates | None
) -> MachineUpdates:
    pythons = "".join(PIP.format(python=shlex.quote(path)) for path in practice.choice.pip.get(system, ()))
    try:
        here = system == practice.choice.this_machine
        machine = Machine(ctx, limit=LIMIT) if here else machine_at(ctx, system=system).within(LIMIT)
        said = machine.run("sh", "-s", stdin=PROGRAM + pythons + END, rights=False)
    except Interrupted:
        raise
    except TocsinError as fault:
        return _still_waiting(unknown(system, str(fault)[:_SHOWN]), before)
    return _still_waiting(judge_machine(system, said, now, before), before)


def _still_waiting(found: MachineUpdates, before: MachineUpdates | None) -> MachineUpdates:
    """Keep what waited when nobody could look: an unreachable night does not make a late update young again."""
    if found.state is not Update.UNKNOWN or before is None:
        return found
    return MachineUpdates(found.system, found.state, found.why, before.waiting)
