"""Prefect's door to a backup: rung by each plan's schedule, or by hand."""

from typing import Any

from prefect import State, flow

from tocsin.backups import backup_if_due, run_backup
from tocsin.serve.operations import carry_out, run_name
from tocsin.serve.telling import told_of_backup


@flow(name="backup", flow_run_name=run_name, persist_result=False)
def backup(plan: str, workspace: str, by_hand: bool = False) -> State[Any]:  # noqa: FBT001, FBT002 - Prefect's form shows it by name
    """Back up one plan into each of its repositories, if its schedule says so or a person does (`by_hand`)."""
    return carry_out(
        f"Back up {plan}",
        workspace,
        lambda ctx: run_backup(ctx, plan) if by_hand else backup_if_due(ctx, plan, ctx.clock.now()),
        told_of_backup,
    )
