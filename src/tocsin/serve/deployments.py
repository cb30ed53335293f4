"""What is served, and when it rings: from the workspace's schedules to Prefect's deployments."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tocsin.model.workspace import Workspace
from tocsin.serve.flows import OwnFlow, entrypoint

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment

WATCH_EVERY = timedelta(minutes=5)
PRACTICES_EVERY = timedelta(minutes=15)
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
    claimed_as: str = ""

    @property
    def schedule(self) -> str:
        """The name under which our store keeps what was last acted on."""
        return self.claimed_as or f"{self.flow}:{self.name}"


def bells(workspace: Workspace, own: tuple[OwnFlow, ...] = ()) -> tuple[Bell, ...]:
    """Return every bell of a workspace: plans, drills, maintenance, the watch, and what rings when asked."""
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
        *_maintenance(workspace),
        Bell("watch", "every-5-minutes", entrypoint("watch"), {**here}, every=WATCH_EVERY),
        *_practices(workspace),
        Bell("respond", "wake-up", entrypoint("respond"), {**here}),
        *(Bell(one.name, "workspace", one.entrypoint, {}) for one in own),
    )


def _practices(workspace: Workspace) -> Iterator[Bell]:
    """Yield the practices' bell where any is kept: machines are looked at in a task of its own, out of hours."""
    if workspace.practices:
        here: dict[str, object] = {"workspace": str(workspace.root)}
        yield Bell("practices", "every-15-minutes", entrypoint("practices"), here, every=PRACTICES_EVERY)


def _maintenance(workspace: Workspace) -> Iterator[Bell]:
    """Yield a bell for each check, forget and prune that is for this machine to do."""
    for repository in workspace.repositories.values():
        own = repository.maintenance
        if own is None or own.host not in (None, socket.gethostname()):
            continue
        parameters: dict[str, object] = {"repository": repository.id, "workspace": str(workspace.root)}
        for act, cron in own.schedules.items():
            name, claimed = f"{repository.id}-{act}", f"{act}:{repository.id}"
            yield Bell(
                "maintain", name, entrypoint("maintain"), parameters, cron, own.timezone, claimed_as=claimed
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
