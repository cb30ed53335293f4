"""What a backup plan owes the data it holds: minimum rules by the highest label among its datasets. Pure.

Personal and sensitive data need a second repository, one that is off-site, one that only grows (append-only, so
that whoever takes over the server cannot take the past along), and a drill at least every quarter. The most that
may be lost (`rpo`) every plan has anyway.
"""

from collections.abc import Iterator
from datetime import timedelta

from tocsin.errors import Place, Problem
from tocsin.model.fields import longest_gap, spell_duration
from tocsin.model.parts import BackupPlan
from tocsin.model.vocabulary import Label
from tocsin.model.workspace import Workspace

QUARTER = timedelta(days=92)
_COPIES = 2


def label_problems(workspace: Workspace) -> tuple[Problem, ...]:
    """Return a problem for each plan that owes its data more, naming the dataset that asks for it."""
    found = []
    for plan in workspace.backup_plans.values():
        held = [one for one in workspace.datasets.values() if one.backup_plan == plan.id]
        careful = [one for one in held if one.label is not Label.TRANSACTIONAL]
        if careful and (owed := list(_owed(workspace, plan))):
            asking = next((one for one in careful if one.label is Label.SENSITIVE), careful[0])
            said = f"{plan.id} holds {asking.label} data ({asking.id}), so it needs {'; '.join(owed)}."
            found.append(Problem(Place(f"backup plan {plan.id}"), said))
    return tuple(found)


def _owed(workspace: Workspace, plan: BackupPlan) -> Iterator[str]:
    places = [workspace.repositories[name] for name in plan.repositories]
    if len(places) < _COPIES:
        yield "a second repository, for a fire or a thief takes one"
    if not any(place.offsite for place in places):
        yield "an off-site one (offsite: true)"
    if not any(place.append_only for place in places):
        yield "an append-only one (append_only: true), or whoever takes over the server deletes the backups too"
    gaps = [longest_gap(drill.schedule) for drill in workspace.drills.values() if drill.backup_plan == plan.id]
    if not gaps:
        yield "a drill at least every quarter, and has none"
    elif min(gaps) > QUARTER:
        yield f"a drill at least every quarter, where up to {spell_duration(min(gaps))} pass"
