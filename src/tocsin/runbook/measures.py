"""What has been done about an incident, in the plain sentences that its playbooks allow a notice to say."""

from tocsin.context import Context
from tocsin.runbook.language import Playbook
from tocsin.runbook.ledger import load_rows, load_runs
from tocsin.runbook.pinned import pinned_playbook


def measures_taken(ctx: Context, incident: str) -> tuple[str, ...]:
    """Return the `measure` of every step that is done, in the order of the files, each once."""
    said: dict[str, None] = {}
    with ctx.store.read() as connection:
        for run in load_runs(connection, incident=incident):
            playbook: Playbook = pinned_playbook(run.text, run.playbook)
            done = {row.step for row in load_rows(connection, run.id) if row.state == "done" and not row.is_item}
            said.update(dict.fromkeys(step.measure for step in playbook.steps if step.measure and step.id in done))
    return tuple(said)
