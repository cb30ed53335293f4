"""Prefect's door to a repository's maintenance: rung by the schedules of its check, forget and prune."""

from typing import Any

from prefect import State, flow

from tocsin.serve.operations import carry_out, run_name
from tocsin.serve.rounds import maintain_now
from tocsin.serve.telling import told_of_maintenance


@flow(name="maintain", flow_run_name=run_name, persist_result=False)
def maintain(repository: str, workspace: str) -> State[Any]:
    """Do whatever of a repository's check, forget and prune is due on this machine."""
    return carry_out(
        f"Maintain {repository}", workspace, lambda ctx: maintain_now(ctx, repository), told_of_maintenance
    )
