"""Prefect's door to the watch: every five minutes, look at the backups and move every open run on."""

from typing import Any

from prefect import State, flow

from tocsin.serve.operations import carry_out, run_name
from tocsin.serve.rounds import go_round
from tocsin.serve.tasks import step_tasks
from tocsin.serve.telling import told_of_round


@flow(name="watch", flow_run_name=run_name, persist_result=False)
def watch(workspace: str) -> State[Any]:
    """Clear up after dead processes, judge the backups, raise alarms, and advance every open run once."""
    return carry_out("Watch", workspace, lambda ctx: go_round(ctx, step_tasks()), told_of_round, is_one_task=False)
