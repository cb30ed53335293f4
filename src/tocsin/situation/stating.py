"""State a fact, and let everything that hangs on it follow in the same moment."""

from tocsin.context import Context
from tocsin.law.facts import check_patch
from tocsin.model.document import Data
from tocsin.situation.facts import SHARED, FactVersion, add_fact
from tocsin.situation.reconciling import reconcile_in


def state_fact(
    ctx: Context,
    incident_id: str,
    path: str,
    value: Data,
    *,
    evidence: str | None = None,
    controller: str = SHARED,
) -> FactVersion:
    """Add one statement. Raises UsageError for an unknown path or value, naming the nearest; nothing is kept."""
    checked = check_patch(path, value)
    with ctx.store.write(ctx.actor) as tx:
        stated = add_fact(tx, incident_id, path, checked, evidence=evidence, controller=controller)
        reconcile_in(tx, ctx.workspace, incident_id)
    ctx.crash.reach("fact:stated")
    return stated
