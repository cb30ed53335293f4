"""Prefect's door to a restore drill: rung by each drill's schedule, or by hand."""

from typing import Any

from prefect import State, flow

from tocsin.drills import drill_if_due, run_drill
from tocsin.serve.operations import carry_out, run_name
from tocsin.serve.telling import told_of_drill


@flow(name="drill", flow_run_name=run_name, persist_result=False)
def drill(drill: str, workspace: str, by_hand: bool = False) -> State[Any]:  # noqa: FBT001, FBT002 - Prefect's form shows it by name
    """Restore for real into isolation and judge it, if its schedule says so or a person does (`by_hand`)."""
    return carry_out(
        f"Drill {drill}",
        workspace,
        lambda ctx: run_drill(ctx, drill) if by_hand else drill_if_due(ctx, drill, ctx.clock.now()),
        told_of_drill,
    )
