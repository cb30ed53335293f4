"""Prefect's door to good practice: count drills, look at machines out of hours, tell people what is due."""

from typing import Any

from prefect import State, flow

from tocsin.practices import go_practice_round
from tocsin.serve.operations import carry_out, run_name
from tocsin.serve.telling import told_of_practices


@flow(name="practices", flow_run_name=run_name, persist_result=False)
def practices(workspace: str) -> State[Any]:
    """Do what of the practices is for no person to do, and remind those who have something to do."""
    return carry_out("Practices", workspace, go_practice_round, told_of_practices)
