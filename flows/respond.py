"""Prefect's door to a playbook's run: one short flow for each wake-up; nothing here waits for a person."""

from typing import Any

from prefect import State, flow

from tocsin.serve.operations import carry_out, run_name
from tocsin.serve.rounds import wake
from tocsin.serve.tasks import step_tasks
from tocsin.serve.telling import told_of_run


@flow(name="respond", flow_run_name=run_name, persist_result=False)
def respond(run: str, workspace: str) -> State[Any]:
    """Do every step of the run that is ready, each as a task of its own, and end."""
    return carry_out(
        f"Advance {run}", workspace, lambda ctx: wake(ctx, run, step_tasks()), told_of_run, is_one_task=False
    )
