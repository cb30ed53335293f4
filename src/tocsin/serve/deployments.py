"""What is served, and when it rings: from the workspace's schedules to Prefect's deployments."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tocsin.model.workspace import Workspace
from tocsin.serve.flows import OwnFlow, entrypoint

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment

WATCH_EVERY = timedelta(minutes=5)
# Without one, the rhythm would begin anew at each start.
ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bell:
    """One deployment: a flow with its parameters, rung by cron, every so often, or only when asked."""

    flow: str
    name: str
    where: str
    parameters: dict[str, object]
    cron: str | None = None
    zone: str = "UTC"
    every: timedelta | None = None


def bells(workspace: Workspace, own: tuple[OwnFlow, ...] = ()) -> tuple[Bell, ...]:
    """Return every bell of a workspace: its backup plans, its drills, the watch, and what rings when asked."""
    here = {"workspace": str(workspace.root)}
    backups = [
        Bell("backup", plan.id, entrypoint("backup"), {"plan": plan.id, **here}, plan.schedule, plan.zone)
        for plan in workspace.backup_plans.values()
    ]
    drills = [
        Bell("drill", drill.id, entrypoint("drill"), {"drill": drill.id, **here}, drill.schedule, drill.zone)
        for drill in workspace.drills.values()
    ]
    return (
        *backups,
        *drills,
        Bell("watch", "every-5-minutes", entrypoint("watch"), {**here}, every=WATCH_EVERY),
        Bell("respond", "wake-up", entrypoint("respond"), {**here}),
        *(Bell(one.name, "workspace", one.entrypoint, {}) for one in own),
    )


def deployment(bell: Bell) -> "RunnerDeployment":
    """Return a bell as Prefect's deployment.

    No limit of Prefect's stands on it: a limit's slot may stay taken after a power cut. What must not run twice
    is leased in our store, and a bell that rings too often is told "not due".
    """
    from prefect.deployments.runner import RunnerDeployment  # noqa: PLC0415 - its settings must stand first
    from prefect.schedules import Cron, Interval  # noqa: PLC0415

    schedule = None
    if bell.cron is not None:
        schedule = Cron(bell.cron, timezone=bell.zone)
    elif bell.every is not None:
        schedule = Interval(bell.every, anchor_date=ANCHOR, timezone="UTC")
    return RunnerDeployment.from_entrypoint(
        bell.where, name=bell.name, schedule=schedule, parameters=bell.parameters, tags=["tocsin"]
    )
