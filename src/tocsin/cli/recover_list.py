"""`tocsin recover list`: the recovery plans of the workspace."""

from pathlib import Path

import click

from tocsin.cli.output import common_options, emit, table


@click.command(epilog="Example: tocsin recover list")
@common_options
def command(workspace_folder: Path | None, as_json: bool) -> int:
    """List the recovery plans, what goes before each, and whether their files are well."""
    from tocsin.runbook.recovery_plans import before, check_recovery_plans, recovery_plans
    from tocsin.wiring import load_workspace

    workspace = load_workspace(workspace_folder)
    plans = recovery_plans(workspace)
    well, problems = check_recovery_plans(workspace)
    after = {plan_id: before(file.plan, plans, workspace) for plan_id, file in plans.by_id.items()}
    data = [
        {
            "recovery_plan": plan_id,
            "title": file.plan.title,
            "systems": list(file.plan.systems),
            "after": list(after[plan_id]),
            "well": file.plan in well,
        }
        for plan_id, file in plans.by_id.items()
    ]
    rows = [(plan_id, ", ".join(after[plan_id]) or "-", file.plan.title) for plan_id, file in plans.by_id.items()]
    text = table(("RECOVERY PLAN", "AFTER", "TITLE"), rows) if rows else "The workspace has no recovery plan."
    emit(data, "\n".join([text, *map(str, problems)]), as_json=as_json)
    return 2 if problems else 0
